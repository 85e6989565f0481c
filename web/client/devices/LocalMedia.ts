/** This person's camera and microphone: which are there, which are chosen, whether they run, what goes wrong. */

import { Emitter } from '../Emitter.ts';
import { DeviceCapture } from './DeviceCapture.ts';
import { type DeviceError, openCamera, openMicrophone } from './devices.ts';
import { LevelMeter } from './LevelMeter.ts';

export type LocalSource = 'camera' | 'microphone';

/** One of the devices, as the source sees it. */
export interface LocalState {
  /** `starting` and `on` are what its owner wants on; while another device is being opened, the former one stays `on`. */
  readonly status: 'off' | 'starting' | 'on' | 'failed';
  readonly track: MediaStreamTrack | undefined;
  /** Why it failed. */
  readonly error: DeviceError | undefined;
}

export interface LocalMediaEvents {
  /** A source started, stopped, failed, or now comes from another device. */
  changed: LocalSource;
  /** Devices were plugged in or out. */
  devicesChanged: undefined;
  /** The device that was chosen has been opened: it is worth remembering. */
  chosen: { source: LocalSource; deviceId: string };
  /** The device that was chosen could not be opened: the one of that label runs on. */
  refused: { source: LocalSource; error: DeviceError; kept: string };
  /** The device in use went away; `replaced` says by which, if by any. */
  unplugged: { source: LocalSource; label: string; replaced: string | undefined };
}

const kinds = { camera: 'videoinput', microphone: 'audioinput' } as const;
const openers = { camera: openCamera, microphone: openMicrophone } as const;

/**
 * Camera and microphone from the lobby to the end of the call. Of several wishes the last one wins, whatever is still
 * being opened, and nothing is captured that its owner has switched off.
 */
export class LocalMedia extends Emitter<LocalMediaEvents> {
  readonly meter = new LevelMeter();
  readonly #captures: Readonly<Record<LocalSource, DeviceCapture>>;
  #devices: MediaDeviceInfo[] = [];
  readonly #onDeviceChange = () => void this.#refreshDevices();

  /** @param chosen ids of the devices to begin with, where they are still there */
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

  /** Whether its owner wants it on: it runs, or is about to. */
  wanted(source: LocalSource): boolean {
    const { status } = this.#captures[source];
    return status === 'on' || status === 'starting';
  }

  /** Devices of a kind, speakers among them; their labels are empty until a permission was given. */
  devices(kind: MediaDeviceKind): MediaDeviceInfo[] {
    return this.#devices.filter((device) => device.kind === kind && device.deviceId !== '');
  }

  /** The id of the device that a source comes from, or is to come from. */
  chosen(source: LocalSource): string | undefined {
    return this.#captures[source].deviceId;
  }

  /** Starts a source; nothing happens when it runs already. A failure is in its state, not thrown. */
  start(source: LocalSource): Promise<void> {
    return this.#captures[source].start();
  }

  stop(source: LocalSource): void {
    this.#captures[source].stop();
  }

  /** Takes another device, at once if the source runs; one that cannot be opened leaves the former one (`refused`). */
  choose(source: LocalSource, deviceId: string): Promise<void> {
    return this.#captures[source].choose(deviceId);
  }

  /** Stops both for good. */
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
        // Devices without an id count: they are there, and whether we may still have them is told by trying.
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
    // A browser that does not tell leaves what was known.
    this.#devices = await navigator.mediaDevices.enumerateDevices().catch(() => this.#devices);
    this.emit('devicesChanged', undefined);
  }
}
