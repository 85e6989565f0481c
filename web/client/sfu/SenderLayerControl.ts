/** Owns that what nobody watches is not sent: the layers of each of our videos, as the server says that they are watched. */
import type { Source } from '../../../shared/media.ts';
import { bitrateOf, layersIn, scalabilityMode } from './encodings.ts';

/** What there is of a sender in all of this. */
export type LayerSender = Pick<RTCRtpSender, 'getParameters' | 'setParameters'>;

type Encoding = RTCRtpEncodingParameters & { scalabilityMode?: string };

/** A browser that refuses a change is asked again after so long, in milliseconds, so many times. */
const RETRY = { after: 500, times: 3 };
/** How often is looked whether senders still do as they were told, in milliseconds. */
const CHECK = 1000;
/** Everything is watched. */
const ALL = Number.POSITIVE_INFINITY;

export class SenderLayerControl {
  readonly #limits = new Map<Source, number>();
  readonly #followers = new Map<Source, Follower>();
  #checking: ReturnType<typeof setInterval> | undefined;

  /**
   * A new sender, which sends everything unless a limit has come already.
   * @param encodings as it was made with, lowest first
   */
  begin(source: Source, sender: LayerSender, encodings: readonly Encoding[]): void {
    this.#followers.get(source)?.close();
    const follower = new Follower(sender, encodings);
    this.#followers.set(source, follower);
    follower.follow(this.#limits.get(source) ?? ALL);
    if (encodings.some(({ active }) => active === false)) this.#checkRegularly();
    // What was just published took an SDP exchange.
    this.#check();
  }

  /** All of a source is encoded in another way from now on. @param encodings as many as it was made with */
  reshape(source: Source, encodings: readonly Encoding[]): void {
    this.#followers.get(source)?.reshape(encodings);
  }

  /** The source is off: whatever was said of it is of no more use. */
  end(source: Source): void {
    this.#limits.delete(source);
    this.#followers.get(source)?.close();
    this.#followers.delete(source);
  }

  /** @param maxSpatialLayer the highest layer that is to be sent, lowest 0; -1 for none */
  limit(source: Source, maxSpatialLayer: number): void {
    this.#limits.set(source, maxSpatialLayer);
    this.#followers.get(source)?.follow(maxSpatialLayer);
    this.#checkRegularly();
  }

  /** These limits are all that there are. */
  sync(watched: readonly { source: Source; maxSpatialLayer: number }[]): void {
    const limits = new Map(watched.map(({ source, maxSpatialLayer }) => [source, maxSpatialLayer]));
    for (const source of new Set([...this.#limits.keys(), ...limits.keys()])) {
      this.limit(source, limits.get(source) ?? ALL);
    }
  }

  close(): void {
    clearInterval(this.#checking);
    for (const follower of this.#followers.values()) follower.close();
  }

  #checkRegularly(): void {
    this.#checking ??= setInterval(() => this.#check(), CHECK);
  }

  /** Each SDP exchange (of another track, of an ICE restart) has Chromium send all layers of simulcast again. */
  #check(): void {
    for (const follower of this.#followers.values()) follower.check();
  }
}

/** One sender, changed one step at a time; what was wanted last is what it comes to. */
class Follower {
  readonly #sender: LayerSender;
  #full: readonly Encoding[];
  #wanted = ALL;
  /** What it sends now; undefined where that is not known. */
  #applied: number | undefined = ALL;
  /** How often it was told to be encoded in another way. */
  #reshapes = 0;
  #running = false;
  #closed = false;

  constructor(sender: LayerSender, full: readonly Encoding[]) {
    this.#sender = sender;
    this.#full = full.map((encoding) => ({ ...encoding }));
  }

  follow(limit: number): void {
    this.#wanted = limit;
    if (!this.#running) void this.#run();
  }

  reshape(full: readonly Encoding[]): void {
    this.#full = full.map((encoding) => ({ ...encoding }));
    this.#applied = undefined;
    this.#reshapes += 1;
    if (!this.#running) void this.#run();
  }

  /** Does again what the browser has undone. */
  check(): void {
    if (this.#running || this.#applied !== this.#wanted) return;
    const { encodings } = this.#sender.getParameters();
    const isUndone = (encoding: Encoding, layer: number) =>
      (encoding.active ?? true) !== limited(encoding, this.#full, layer, this.#wanted).active;
    if (!encodings.some(isUndone)) return;
    this.#applied = undefined;
    void this.#run();
  }

  close(): void {
    this.#closed = true;
  }

  async #run(): Promise<void> {
    this.#running = true;
    let failures = 0;
    while (!this.#closed && this.#applied !== this.#wanted) {
      const limit = this.#wanted;
      const reshapes = this.#reshapes;
      this.#applied = undefined;
      if (await this.#apply(limit)) {
        this.#applied = reshapes === this.#reshapes ? limit : undefined;
        failures = 0;
      } else if (++failures > RETRY.times) break;
      else await new Promise((resolve) => setTimeout(resolve, RETRY.after));
    }
    this.#running = false;
  }

  /** @returns whether the browser did it, as far as it can */
  async #apply(limit: number): Promise<boolean> {
    if (await this.#set((encoding, layer) => limited(encoding, this.#full, layer, limit))) return true;
    // A browser that does not change the mode of a sender that runs may yet send a smaller picture.
    return this.#set((encoding, layer) => {
      const { scalabilityMode: _, ...rest } = limited(encoding, this.#full, layer, limit);
      return encoding.scalabilityMode === undefined ? rest : { ...rest, scalabilityMode: encoding.scalabilityMode };
    });
  }

  async #set(change: (encoding: Encoding, layer: number) => Encoding): Promise<boolean> {
    try {
      // The browser takes only what it gave last, so this is read anew each time.
      const parameters = this.#sender.getParameters();
      if (parameters.encodings.length === 0) return true;
      parameters.encodings = parameters.encodings.map(change);
      await this.#sender.setParameters(parameters);
      return true;
    } catch {
      return false;
    }
  }
}

/** One of the encodings with nothing above the limit. */
function limited(encoding: Encoding, full: readonly Encoding[], layer: number, limit: number): Encoding {
  if (full.length > 1) {
    const shape = full[layer];
    return { ...encoding, ...shape, active: layer <= limit && shape?.active !== false };
  }
  const active = limit >= 0;
  const layers = layersIn(full);
  // What is not sent at all keeps its shape: nothing needs to be made anew then.
  if (!active) return { ...encoding, active };
  if (layers === 1) return { ...encoding, scaleResolutionDownBy: 1, ...full[0], active };
  const kept = Math.min(layers, limit + 1);
  const { scaleResolutionDownBy = 1, maxBitrate, scalabilityMode: mode } = full[0] ?? {};
  return {
    ...encoding,
    active,
    // The layers that are left stay what they were: without this, the highest of them would be the whole picture.
    scaleResolutionDownBy: scaleResolutionDownBy * 2 ** (layers - kept),
    ...(mode !== undefined && { scalabilityMode: kept === layers ? mode : scalabilityMode(kept, mode.includes('T1')) }),
    ...(maxBitrate !== undefined && {
      maxBitrate: Math.min(maxBitrate, kept === layers ? maxBitrate : bitrateOf(kept)),
    }),
  };
}
