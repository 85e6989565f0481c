/** What a tile says about a bad connection. */
import type { ConnectionQuality } from '../../client/index.ts';
import { type MessageKey, translate } from '../locales/index.ts';

const messages = {
  localUplink: 'qualityLocalUplink',
  localDownlink: 'qualityLocalDownlink',
  server: 'qualityServer',
  remoteUplink: 'qualityRemoteUplink',
} as const satisfies Record<Exclude<ConnectionQuality, 'good'>, MessageKey>;

/** @param name whose tile it is @returns undefined while all is well */
export function qualityText(quality: ConnectionQuality, name: string): string | undefined {
  return quality === 'good' ? undefined : translate(messages[quality], { name });
}
