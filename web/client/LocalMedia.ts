/** Owns this person's camera and microphone: which are there, which are chosen, whether they run, what goes wrong. */
import { DeviceError, openCamera, openMicrophone } from './devices.ts';
import { Emitter } from './Emitter.ts';
import { LevelMeter } from './LevelMeter.ts';

export type LocalSource = 'camera' | 'microphone';

/** One of the devices, as the source sees it. */
export interface LocalState {
  readonly status: 'off' | 'starting' | 'on' | 'failed';
  readonly track: MediaStreamTrack | undefined;
  readonly error: DeviceError | undefined;
}

export interface LocalMediaEvents {
  /** A source started, stopped, failed, or now comes from another device. */
  changed: LocalSource;
  /** Devices were plugged in or out. */
  devicesChanged: undefined;
  /** The device in use went away; `replaced` says by which, if by any. */
  unplugged: { source: LocalSource; label: string; replaced: string | undefined };
}

const kinds = { camera: 'videoinput', microphone: 'audioinput' } as const;

/** Who loses one device so soon after another (milliseconds) has a broken one, which would be opened for ever. */
const BROKEN = 2000;

const off: LocalState = { status: 'off', track: undefined, error: undefined };

/**
 * Camera and microphone from the lobby to the end of the call. Opening one twice, or closing it while it opens, leaves no
 * track running that nobody knows of.
 */
export class LocalMedia extends Emitter<LocalMediaEvents> {
  readonly meter = new LevelMeter();
  readonly #states: Record<LocalSource, LocalState> = { camera: off, microphone: off };
  readonly #chosen: Record<LocalSource, string | undefined>;
  /** Counts attempts: one that finishes late, after another began, is dropped. */
  readonly #attempts: Record<LocalSource, number> = { camera: 0, microphone: 0 };
  readonly #lostAt: Record<LocalSource, number> = { camera: -Infinity, microphone: -Infinity };
  #devices: MediaDeviceInfo[] = [];
  readonly #onDeviceChange = () => void this.#refreshDevices();

  /** @param chosen ids of the devices to begin with, where they are still there */
  constructor(chosen: Partial<Record<LocalSource, string>> = {}) {
    super();
    this.#chosen = { camera: chosen.camera || undefined, microphone: chosen.microphone || undefined };
    if (isSecureContext) navigator.mediaDevices.addEventListener('devicechange', this.#onDeviceChange);
  }

  state(source: LocalSource): LocalState {
    return this.#states[source];
  }

  /** Devices of a kind, speakers among them; their labels are empty until a permission was given. */
  devices(kind: MediaDeviceKind): MediaDeviceInfo[] {
    return this.#devices.filter((device) => device.kind === kind && device.deviceId !== '');
  }

  /** The id of the device that a source comes from, or is to come from. */
  chosen(source: LocalSource): string | undefined {
    return this.#states[source].track?.getSettings().deviceId ?? this.#chosen[source];
  }

  /** Starts a source; nothing happens when it runs already. A failure is in its state, not thrown. */
  async start(source: LocalSource): Promise<void> {
    const { status } = this.#states[source];
    if (status === 'on' || status === 'starting') return;
    await this.#open(source);
  }

  stop(source: LocalSource): void {
    this.#attempts[source] += 1;
    const { track } = this.#states[source];
    this.#set(source, off);
    track?.stop();
  }

  /** Takes another device, at once if the source runs. */
  async choose(source: LocalSource, deviceId: string): Promise<void> {
    this.#chosen[source] = deviceId;
    if (this.#states[source].status === 'off') return;
    await this.#open(source);
  }

  close(): void {
    if (isSecureContext) navigator.mediaDevices.removeEventListener('devicechange', this.#onDeviceChange);
    this.stop('camera');
    this.stop('microphone');
    this.meter.close();
  }

  async #open(source: LocalSource): Promise<void> {
    const attempt = ++this.#attempts[source];
    const before = this.#states[source].track;
    this.#set(source, { status: 'starting', track: before, error: undefined });
    const isCurrent = () => this.#attempts[source] === attempt;
    try {
      const track = await this.#acquire(source);
      if (!isCurrent()) {
        track.stop();
        return;
      }
      track.addEventListener('ended', () => this.#lost(source, track));
      this.#set(source, { status: 'on', track, error: undefined });
      before?.stop();
      await this.#refreshDevices();
    } catch (error) {
      if (!isCurrent()) return;
      before?.stop();
      const known = error instanceof DeviceError ? error : new DeviceError('failed', { cause: error });
      this.#set(source, { status: 'failed', track: undefined, error: known });
    }
  }

  /** The chosen device, or the default one where that is gone. */
  async #acquire(source: LocalSource): Promise<MediaStreamTrack> {
    const open = source === 'camera' ? openCamera : openMicrophone;
    const chosen = this.#chosen[source];
    if (chosen === undefined) return open();
    try {
      return await open(chosen);
    } catch (error) {
      if (!(error instanceof DeviceError) || error.problem !== 'missing') throw error;
      this.#chosen[source] = undefined;
      return open();
    }
  }

  /** A track that ends by itself has lost its device: another one takes over, or the source is off. */
  async #lost(source: LocalSource, track: MediaStreamTrack): Promise<void> {
    if (this.#states[source].track !== track) return;
    this.#chosen[source] = undefined;
    const now = performance.now();
    if (now - this.#lostAt[source] < BROKEN) {
      this.#set(source, { status: 'failed', track: undefined, error: new DeviceError('failed') });
      return;
    }
    this.#lostAt[source] = now;
    this.#set(source, off);
    await this.#refreshDevices();
    // Devices without an id count: they are there, and whether we may still have them is told by trying.
    if (this.#devices.some(({ kind }) => kind === kinds[source])) await this.#open(source);
    const { track: next, error } = this.#states[source];
    // Forbidden, broken or held by another program: nothing was unplugged then, and the state says what to do.
    if (error && error.problem !== 'missing') return;
    if (!next) this.stop(source);
    // It has come back by itself, as after sleep: nobody needs to do anything.
    if (next?.label === track.label) return;
    this.emit('unplugged', { source, label: track.label, replaced: next?.label });
  }

  #set(source: LocalSource, state: LocalState): void {
    this.#states[source] = state;
    if (source === 'microphone') this.meter.listenTo(state.track);
    this.emit('changed', source);
  }

  async #refreshDevices(): Promise<void> {
    this.#devices = await navigator.mediaDevices.enumerateDevices();
    this.emit('devicesChanged', undefined);
  }
}
