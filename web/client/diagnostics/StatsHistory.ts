/** The samples of `getStats` of one peer connection, a series for each statistic, with limits to length and number. */

export type StatsValue = string | number | boolean;

/** The samples of one object of the report, such as one `inbound-rtp`. All series end with its latest sample. */
export interface StatsSeries {
  readonly type: string;
  readonly series: ReadonlyMap<string, readonly StatsValue[]>;
}

/** How many samples of an object are kept. */
const MAX_SAMPLES = 360;
/** How many samples more may come before the oldest are removed, since each removal copies the series. */
const SPARE_SAMPLES = 90;
/** How many objects are kept: those that were in a report most recently. */
const MAX_OBJECTS = 600;

export class StatsHistory {
  /** By id; the one that was seen last is at the end. */
  readonly #objects = new Map<string, { readonly type: string; readonly series: Map<string, Series> }>();

  /** Adds a sample of each object in a report. */
  add(report: Pick<RTCStatsReport, 'forEach'>): void {
    report.forEach((row: Readonly<Record<string, unknown>>) => {
      const { id, type } = row;
      if (typeof id === 'string' && typeof type === 'string') this.#addRow(id, type, row);
    });
    for (const id of this.#objects.keys()) {
      if (this.#objects.size <= MAX_OBJECTS) return;
      this.#objects.delete(id);
    }
  }

  get objects(): ReadonlyMap<string, StatsSeries> {
    return new Map(
      [...this.#objects].map(([id, { type, series }]) => [
        id,
        { type, series: new Map([...series].map(([name, one]) => [name, one.values])) },
      ]),
    );
  }

  #addRow(id: string, type: string, row: Readonly<Record<string, unknown>>): void {
    const object = this.#objects.get(id) ?? { type, series: new Map<string, Series>() };
    this.#objects.delete(id);
    this.#objects.set(id, object);
    for (const name in row) {
      const value = row[name];
      if (name === 'id' || (typeof value !== 'number' && typeof value !== 'string' && typeof value !== 'boolean'))
        continue;
      const series = object.series.get(name) ?? new Series();
      object.series.set(name, series);
      series.add(value);
    }
  }
}

/** The latest values of one statistic. Most never change, and take no more memory than one value. */
class Series {
  #constant: StatsValue | undefined;
  #count = 0;
  #values: StatsValue[] | undefined;

  add(value: StatsValue): void {
    if (this.#count === 0) this.#constant = value;
    if (!this.#values && value !== this.#constant) this.#values = this.values;
    this.#values?.push(value);
    this.#count += 1;
    if (this.#count <= MAX_SAMPLES + SPARE_SAMPLES) return;
    this.#count = MAX_SAMPLES;
    this.#values = this.#values?.slice(-MAX_SAMPLES);
  }

  get values(): StatsValue[] {
    return this.#values ?? new Array<StatsValue>(this.#count).fill(this.#constant ?? '');
  }
}
