/** Loads the tests of a connection on demand: calls do without them. */

/** For example `const { testMediaPath } = await loadDiagnosis()`. */
export function loadDiagnosis(): Promise<typeof import('./diagnosis/index.ts')> {
  return import('./diagnosis/index.ts');
}
