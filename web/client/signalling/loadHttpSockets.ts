/** Loads what carries the signalling where WebSocket is blocked: most pages do without it. */

export function loadHttpSockets(): Promise<typeof import('./http/index.ts')> {
  return import('./http/index.ts');
}
