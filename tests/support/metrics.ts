/** What `/metrics` says, as numbers. */

/** All samples by name with labels, as they are written: `weir_workers`, `weir_transports{transport="webrtc",protocol="udp"}`. */
export type Samples = ReadonlyMap<string, number>;

/** Reads the metrics of a server. @param url of `/metrics` */
export async function readMetrics(url: string): Promise<Samples> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return parseMetrics(await response.text());
}

export function parseMetrics(text: string): Samples {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

/** The sum of all samples of that name whose labels contain all of these texts, such as `kind="audio"`. */
export function sumOf(samples: Samples, name: string, ...labels: string[]): number {
  const matches = ([key]: [string, number]) =>
    key.split('{')[0] === name && labels.every((label) => key.includes(label));
  return [...samples].filter(matches).reduce((sum, [, value]) => sum + value, 0);
}
