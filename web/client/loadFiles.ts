/** Loads file transfers with the first file: calls do without them. */

export function loadFiles(): Promise<typeof import('./files/index.ts')> {
  return import('./files/index.ts');
}
