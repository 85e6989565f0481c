/** Loads what administrators see, and what is said about moderation, when it is first needed. */
import type { CallController } from '../controller/CallController.ts';

export type ModerationParts = typeof import('./parts.ts');

let parts: ModerationParts | undefined;
let loading: Promise<ModerationParts> | undefined;

/** What has been loaded. */
export function loadedModeration(): ModerationParts | undefined {
  return parts;
}

/** Loads it; another attempt follows one that has failed. */
export function loadModeration(): Promise<ModerationParts> {
  loading ??= import('./parts.ts').then(
    (loaded) => {
      parts = loaded;
      return loaded;
    },
    (error: unknown) => {
      loading = undefined;
      throw error;
    },
  );
  return loading;
}

/** What an administrator of this call has; undefined for others, and until it has been loaded, which this begins. */
export function administration(call: CallController): ModerationParts | undefined {
  if (!call.isAdmin) return undefined;
  if (!parts && !loading) {
    loadModeration().then(
      () => call.emitChanged(),
      () => {},
    );
  }
  return parts;
}
