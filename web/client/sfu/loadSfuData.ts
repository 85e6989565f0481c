/** Loads what carries data messages when there is the first one: most calls have none. */

export async function loadSfuData(): Promise<typeof import('./SfuData.ts').SfuData> {
  return (await import('./SfuData.ts')).SfuData;
}
