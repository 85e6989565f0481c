/** Deactivates the layers of what is published that nobody receives (dynacast), as the server requests it. */
import type { Source } from '../../../shared/media.ts';
import { bitrateOf, layersIn, scalabilityMode } from './encodings.ts';
import { TracklessSender, type TrackSender } from './TracklessSender.ts';

/** The used part of RTCRtpSender. */
export type LayerSender = Pick<RTCRtpSender, 'getParameters' | 'setParameters'>;

type Encoding = RTCRtpEncodingParameters & { scalabilityMode?: string };

/** A change that the browser refuses is repeated after `delay` milliseconds, `times` times. */
const RETRY = { delay: 500, times: 3 };
/** How often senders are checked for changes that the browser has undone, in milliseconds. */
const CHECK_INTERVAL = 1000;
/** The limit of a source whose layers are all received. */
const ALL = Number.POSITIVE_INFINITY;

export class SenderLayerControl {
  readonly #limits = new Map<Source, number>();
  readonly #senders = new Map<Source, LimitedSender | TracklessSender>();
  #checking: ReturnType<typeof setInterval> | undefined;

  /**
   * Controls a new sender, with the limit of its source if there is one already.
   * @param encodings those that it was created with, lowest layer first; none for audio, whose only layer is 0
   */
  begin(source: Source, sender: LayerSender, encodings: readonly Encoding[]): void {
    this.#begin(source, new LimitedSender(sender, encodings));
    if (encodings.some(({ active }) => active === false)) this.#checkRegularly();
    // Publishing it has negotiated SDP: see `#check`.
    this.#check();
  }

  /** As `begin`, of audio in a browser that sends it whatever its encoding says. @param track returns what is sent */
  beginTrackless(source: Source, sender: TrackSender, track: () => MediaStreamTrack): void {
    this.#begin(source, new TracklessSender(sender, track));
  }

  /** Changes the encodings of a source. @param encodings as many as the sender was created with */
  reshape(source: Source, encodings: readonly Encoding[]): void {
    this.#senders.get(source)?.reshape(encodings);
  }

  /** The source is off: removes its sender and its limit. */
  end(source: Source): void {
    this.#limits.delete(source);
    this.#senders.get(source)?.close();
    this.#senders.delete(source);
  }

  /** @param maxSpatialLayer the highest layer to send, counted from 0; -1 for none */
  limit(source: Source, maxSpatialLayer: number): void {
    this.#limits.set(source, maxSpatialLayer);
    this.#senders.get(source)?.setLimit(maxSpatialLayer);
    this.#checkRegularly();
  }

  /** Sets the limits of all sources; one without a limit sends all of its layers. */
  sync(current: readonly { source: Source; maxSpatialLayer: number }[]): void {
    const limits = new Map(current.map(({ source, maxSpatialLayer }) => [source, maxSpatialLayer]));
    for (const source of new Set([...this.#limits.keys(), ...limits.keys()])) {
      this.limit(source, limits.get(source) ?? ALL);
    }
  }

  close(): void {
    clearInterval(this.#checking);
    for (const sender of this.#senders.values()) sender.close();
  }

  #begin(source: Source, sender: LimitedSender | TracklessSender): void {
    this.#senders.get(source)?.close();
    this.#senders.set(source, sender);
    sender.setLimit(this.#limits.get(source) ?? ALL);
  }

  #checkRegularly(): void {
    this.#checking ??= setInterval(() => this.#check(), CHECK_INTERVAL);
  }

  /** After each SDP negotiation (another track, an ICE restart) Chromium sends all simulcast layers again. */
  #check(): void {
    for (const sender of this.#senders.values()) sender.check();
  }
}

/** Applies limits to one sender, one change at a time, until the last one is in effect. */
class LimitedSender {
  readonly #sender: LayerSender;
  #full: readonly Encoding[];
  #target = ALL;
  /** The limit in effect; undefined if it is unknown. */
  #applied: number | undefined = ALL;
  /** The number of calls of `reshape`: one during a change makes its result outdated. */
  #reshapes = 0;
  #running = false;
  #closed = false;

  constructor(sender: LayerSender, full: readonly Encoding[]) {
    this.#sender = sender;
    this.#full = full.map((encoding) => ({ ...encoding }));
  }

  setLimit(limit: number): void {
    this.#target = limit;
    if (!this.#running) void this.#run();
  }

  reshape(full: readonly Encoding[]): void {
    this.#full = full.map((encoding) => ({ ...encoding }));
    this.#applied = undefined;
    this.#reshapes += 1;
    if (!this.#running) void this.#run();
  }

  /** Repeats a change that the browser has undone. */
  check(): void {
    if (this.#running || this.#applied !== this.#target) return;
    const { encodings } = this.#sender.getParameters();
    const isUndone = (encoding: Encoding, layer: number) =>
      (encoding.active ?? true) !== limited(encoding, this.#full, layer, this.#target).active;
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
    while (!this.#closed && this.#applied !== this.#target) {
      const limit = this.#target;
      const reshapes = this.#reshapes;
      this.#applied = undefined;
      if (await this.#apply(limit)) {
        this.#applied = reshapes === this.#reshapes ? limit : undefined;
        failures = 0;
      } else if (++failures > RETRY.times) break;
      else await new Promise((resolve) => setTimeout(resolve, RETRY.delay));
    }
    this.#running = false;
  }

  /** @returns whether the browser has applied the limit, as far as it can */
  async #apply(limit: number): Promise<boolean> {
    if (await this.#set((encoding, layer) => limited(encoding, this.#full, layer, limit))) return true;
    // A browser that cannot change the scalability mode of a running sender may still send a smaller picture.
    return this.#set((encoding, layer) => {
      const { scalabilityMode: _, ...rest } = limited(encoding, this.#full, layer, limit);
      return encoding.scalabilityMode === undefined ? rest : { ...rest, scalabilityMode: encoding.scalabilityMode };
    });
  }

  async #set(change: (encoding: Encoding, layer: number) => Encoding): Promise<boolean> {
    try {
      // The browser accepts only the parameters of the last `getParameters`.
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

/** One encoding, changed so that no layer above the limit is sent. */
function limited(encoding: Encoding, full: readonly Encoding[], layer: number, limit: number): Encoding {
  if (full.length > 1) {
    const shape = full[layer];
    return { ...encoding, ...shape, active: layer <= limit && shape?.active !== false };
  }
  const active = limit >= 0;
  const layers = layersIn(full);
  // The other parameters stay, so that the encoder need not be reconfigured.
  if (!active || full.length === 0) return { ...encoding, active };
  if (layers === 1) return { ...encoding, scaleResolutionDownBy: 1, ...full[0], active };
  const kept = Math.min(layers, limit + 1);
  const { scaleResolutionDownBy = 1, maxBitrate, scalabilityMode: mode } = full[0] ?? {};
  return {
    ...encoding,
    active,
    // The remaining layers keep their sizes: without this, the highest of them would have the full size.
    scaleResolutionDownBy: scaleResolutionDownBy * 2 ** (layers - kept),
    ...(mode !== undefined && { scalabilityMode: kept === layers ? mode : scalabilityMode(kept, mode.includes('T1')) }),
    ...(maxBitrate !== undefined && {
      maxBitrate: Math.min(maxBitrate, kept === layers ? maxBitrate : bitrateOf(kept)),
    }),
  };
}
