/** The local camera and microphone: available and selected devices, their tracks, and errors of opening them. */
import { Emitter } from '../Emitter.ts';
import { DeviceCapture } from './DeviceCapture.ts';
import { type DeviceError, openCamera, openMicrophone } from './devices.ts';
import { LevelMeter } from './LevelMeter.ts';

export type LocalSource = 'camera' | 'microphone';

/** The state of one source. */
export interface LocalState {
  /** `starting` and `on`: it was started. While a switch to another device is under way, it stays `on`. */
  readonly status: 'off' | 'starting' | 'on' | 'failed';
  readonly track: MediaStreamTrack | undefined;
  /** Of the status `failed`. */
  readonly error: DeviceError | undefined;
}

export interface LocalMediaEvents {
  /** The state or the device of a source has changed. */
  changed: LocalSource;
  /** The list of devices has changed. */
  devicesChanged: undefined;
  /** The device that was selected by `choose` has been opened; an application may store it as a preference. */
  chosen: { source: LocalSource; deviceId: string };
  /** The device that was selected by `choose` could not be opened. The former one, with the label `kept`, stays in use. */
  refused: { source: LocalSource; error: DeviceError; kept: string };
  /** The device in use was disconnected. `replaced` is the label of the device that is used instead, if any. */
  unplugged: { source: LocalSource; label: string; replaced: string | undefined };
}

const kinds = { camera: 'videoinput', microphone: 'audioinput' } as const;
const openers = { camera: openCamera, microphone: openMicrophone } as const;

/**
 * Camera and microphone from the lobby to the end of the call. Of several calls the last one counts, whatever is still being
 * opened, and nothing is captured after `stop`.
 */
export class LocalMedia extends Emitter<LocalMediaEvents> {
  readonly meter = new LevelMeter();
  readonly #captures: Readonly<Record<LocalSource, DeviceCapture>>;
  #devices: MediaDeviceInfo[] = [];
  readonly #onDeviceChange = () => void this.#refreshDevices();

  /** @param chosen the ids of the devices to use first, if they are available */
  constructor(chosen: Partial<Record<LocalSource, string>> = {}) {
    super();
    this.#captures = {
      camera: this.#capture('camera', chosen.camera),
      microphone: this.#capture('microphone', chosen.microphone),
    };
    if (isSecureContext) navigator.mediaDevices.addEventListener('devicechange', this.#onDeviceChange);
  }

  state(source: LocalSource): LocalState {
    const { status, track, error } = this.#captures[source];
    return { status, track, error };
  }

  /** Whether a source was started: it is on or starting. */
  wanted(source: LocalSource): boolean {
    const { status } = this.#captures[source];
    return status === 'on' || status === 'starting';
  }

  /** The devices of one kind, also `audiooutput`. Their labels are empty until a permission was granted. */
  devices(kind: MediaDeviceKind): MediaDeviceInfo[] {
    return this.#devices.filter((device) => device.kind === kind && device.deviceId !== '');
  }

  /** The id of the device that a source uses or will use; undefined for the default device. */
  chosen(source: LocalSource): string | undefined {
    return this.#captures[source].deviceId;
  }

  /** Starts a source; does nothing if it is on. Errors are in its state, not thrown. */
  start(source: LocalSource): Promise<void> {
    return this.#captures[source].start();
  }

  stop(source: LocalSource): void {
    this.#captures[source].stop();
  }

  /** Switches to another device, at once if the source is on. If that cannot be opened, the former one stays (`refused`). */
  choose(source: LocalSource, deviceId: string): Promise<void> {
    return this.#captures[source].choose(deviceId);
  }

  /** Stops both sources; they cannot be started again. */
  close(): void {
    if (isSecureContext) navigator.mediaDevices.removeEventListener('devicechange', this.#onDeviceChange);
    for (const capture of Object.values(this.#captures)) capture.close();
    this.meter.close();
  }

  #capture(source: LocalSource, chosen: string | undefined): DeviceCapture {
    return new DeviceCapture(chosen || undefined, {
      open: openers[source],
      isAnyThere: async () => {
        await this.#refreshDevices();
        // Devices without an id count as well: whether they may be used shows when they are opened.
        return this.#devices.some(({ kind }) => kind === kinds[source]);
      },
      onChanged: () => {
        if (source === 'microphone') this.meter.listenTo(this.#captures.microphone.track);
        this.emit('changed', source);
      },
      onOpened: () => void this.#refreshDevices(),
      onChosen: (deviceId) => this.emit('chosen', { source, deviceId }),
      onRefused: (error, kept) => this.emit('refused', { source, error, kept }),
      onUnplugged: (label, replaced) => this.emit('unplugged', { source, label, replaced }),
    });
  }

  async #refreshDevices(): Promise<void> {
    // If the browser refuses, the former list stays.
    this.#devices = await navigator.mediaDevices.enumerateDevices().catch(() => this.#devices);
    this.emit('devicesChanged', undefined);
  }
}
