/** Measures the longest delay of the event loop in each second, so that each of several Prometheus servers sees the same. */
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Interval in which the delay is sampled, and of what is reported, in milliseconds. */
const TIMES = { resolution: 10, report: 1000 };

export class EventLoopDelay {
  readonly #histogram = monitorEventLoopDelay({ resolution: TIMES.resolution });
  readonly #timer: NodeJS.Timeout;

  /** @param onMax is called each second with the longest delay, in seconds */
  constructor(onMax: (seconds: number) => void) {
    this.#histogram.enable();
    this.#timer = setInterval(() => {
      // The histogram has the whole time between two of its samples.
      onMax(Math.max(0, this.#histogram.max / 1e6 - TIMES.resolution) / 1000);
      this.#histogram.reset();
    }, TIMES.report);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#histogram.disable();
  }
}
