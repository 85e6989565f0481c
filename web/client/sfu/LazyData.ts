/** Data messages through the SFU, whose code is loaded with the first one: most calls have none. */
import type { DataChannelLabel } from '../../../shared/dataFrame.ts';
import { WeirError } from '../../../shared/errors.ts';
import type { OutgoingData } from '../MediaLink.ts';
import type { SfuData, SfuDataOptions } from './SfuData.ts';

export class LazyData {
  readonly #options: SfuDataOptions;
  #loading: Promise<typeof import('./SfuData.ts')> | undefined;
  #data: SfuData | undefined;
  #closed = false;

  constructor(options: SfuDataOptions) {
    this.#options = options;
  }

  /** Undefined before the first message. */
  get loaded(): SfuData | undefined {
    return this.#data;
  }

  /** As `MediaLink.sendData`. @throws {WeirError} also `unavailable` if it cannot be loaded */
  async send(message: OutgoingData): Promise<void> {
    await (await this.#load()).send(message);
  }

  /** As `MediaLink.bufferedAmount`. */
  bufferedAmount(channel: DataChannelLabel): number {
    return this.#data?.bufferedAmount(channel) ?? 0;
  }

  /** Opens the connection, unless there is one. */
  open(): void {
    // What cannot be loaded receives nothing; the server drops it after a while.
    this.#load().then(
      (data) => data.open(),
      () => {},
    );
  }

  close(): void {
    this.#closed = true;
    this.#data?.close();
  }

  async #load(): Promise<SfuData> {
    this.#loading ??= import('./SfuData.ts');
    const { SfuData } = await this.#loading.catch((cause: unknown) => {
      this.#loading = undefined;
      throw new WeirError('unavailable', 'What sends data could not be loaded. Is this device offline?', { cause });
    });
    if (this.#closed) throw new WeirError('closed');
    this.#data ??= new SfuData(this.#options);
    return this.#data;
  }
}
