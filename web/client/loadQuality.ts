/** Loads the judgement of connections when a session begins: the lobby does without it. */

export function loadQuality(): Promise<typeof import('./quality/index.ts')> {
  return import('./quality/index.ts');
}
