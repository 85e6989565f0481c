/** Captures one kind of device: applies the last call of start, stop and choose, one device operation at a time. */
import { DeviceError } from './devices.ts';

export interface DeviceCaptureOptions {
  /** Opens a device, or the default one without an id. @throws {DeviceError} */
  open(deviceId?: string): Promise<MediaStreamTrack>;
  /** Whether any device of this kind is connected. */
  isAnyThere(): Promise<boolean>;
  /** The status or the track has changed. */
  onChanged(): void;
  /** A device has been opened. */
  onOpened(): void;
  /** The device that was selected by `choose` has been opened. */
  onChosen(deviceId: string): void;
  /** The device that was selected by `choose` could not be opened. The one with the label `kept` stays in use. */
  onRefused(error: DeviceError, kept: string): void;
  /** The device in use was disconnected. `replaced` is the label of the device that is used instead, if any. */
  onUnplugged(label: string, replaced: string | undefined): void;
}

/** A second device lost within this time, in milliseconds, is defective: opening it again would never end. */
const DEFECT_INTERVAL = 2000;

export class DeviceCapture {
  readonly #options: DeviceCaptureOptions;
  #started = false;
  /** The id of the selected device; undefined for the default one. */
  #choice: string | undefined;
  /** The selection by `choose` that has not been opened yet. */
  #untried: string | undefined;
  #track: MediaStreamTrack | undefined;
  /** The selection that the track was opened for. */
  #openedFor: string | undefined;
  /** Whether the former device is closed while another one is being opened; its ended track stays until then. */
  #gap = false;
  #error: DeviceError | undefined;
  /** The label of a disconnected device that has not been replaced yet. */
  #lostLabel: string | undefined;
  #lostAt = Number.NEGATIVE_INFINITY;
  #running: Promise<void> | undefined;
  #closed = false;

  /** @param choice the id of the device to use first, if it is available */
  constructor(choice: string | undefined, options: DeviceCaptureOptions) {
    this.#choice = choice;
    this.#options = options;
  }

  get status(): 'off' | 'starting' | 'on' | 'failed' {
    if (this.#started) return this.#track && !this.#gap ? 'on' : 'starting';
    return this.#error ? 'failed' : 'off';
  }

  get track(): MediaStreamTrack | undefined {
    return this.#track;
  }

  /** Of the status `failed`. */
  get error(): DeviceError | undefined {
    return this.#error;
  }

  /** The id of the device in use, or of the selected one. */
  get deviceId(): string | undefined {
    return this.#track?.getSettings().deviceId ?? this.#choice;
  }

  /** Resolves when it is on or has failed. Errors are in its state, not thrown. */
  async start(): Promise<void> {
    if (this.#closed) return;
    if (!this.#started) {
      this.#started = true;
      this.#error = undefined;
      this.#options.onChanged();
    }
    await this.#run();
  }

  /** Stops capturing; a device that is still being opened is closed as soon as it is open. */
  stop(): void {
    this.#started = false;
    this.#error = undefined;
    this.#lostLabel = undefined;
    this.#drop();
    this.#options.onChanged();
  }

  /** Selects another device: opened at once if one is on or has failed, or else at the next start. Resolves when that is done. */
  async choose(deviceId: string): Promise<void> {
    this.#choice = deviceId;
    this.#untried = deviceId;
    if (this.#started) await this.#run();
    else if (this.#error) await this.start();
  }

  /** Stops it; it cannot be started again. */
  close(): void {
    this.#closed = true;
    this.stop();
  }

  #run(): Promise<void> {
    this.#running ??= this.#reconcile();
    return this.#running;
  }

  async #reconcile(): Promise<void> {
    // `#running` must be set before this can end.
    await undefined;
    try {
      while (this.#started && (!this.#track || this.#gap || this.#choice !== this.#openedFor)) {
        if (!this.#track || this.#gap) await this.#open();
        else await this.#switch(this.#track);
      }
    } finally {
      // In the same turn as the last comparison, so that a later call starts another run.
      this.#running = undefined;
    }
  }

  async #open(): Promise<void> {
    if (this.#lostLabel !== undefined && !(await this.#options.isAnyThere())) {
      this.#unplugged();
      return;
    }
    const choice = this.#choice;
    try {
      const track = await this.#openOrDefault(choice);
      // The default device was opened instead of a missing one.
      this.#adopt(track, this.#choice === undefined ? undefined : choice);
    } catch (error) {
      // It was stopped, or another device was selected meanwhile.
      if (!this.#started || this.#choice !== choice) return;
      const known = deviceError(error);
      if (this.#lostLabel !== undefined && known.problem === 'missing') this.#unplugged();
      else this.#fail(known);
    }
  }

  /** Opens the selected device, or the default one if that is missing. */
  async #openOrDefault(choice: string | undefined): Promise<MediaStreamTrack> {
    try {
      return await this.#options.open(choice);
    } catch (error) {
      if (choice === undefined || deviceError(error).problem !== 'missing' || this.#choice !== choice) throw error;
      const track = await this.#options.open();
      if (this.#choice === choice) this.#choice = undefined;
      return track;
    }
  }

  /** Opens the selected device beside the one in use; on systems that allow only one at a time, after closing that. */
  async #switch(former: MediaStreamTrack): Promise<void> {
    const choice = this.#choice;
    // The settings of a stopped track may be empty.
    const formerId = former.getSettings().deviceId ?? this.#openedFor;
    const isCurrent = () => this.#started && this.#choice === choice && this.#track === former;
    try {
      this.#adopt(await this.#options.open(choice), choice);
    } catch (error) {
      if (!isCurrent()) return;
      const { problem } = deviceError(error);
      if (problem !== 'busy' && problem !== 'failed') {
        this.#openedFor = formerId;
        this.#refuse(error, former.label, formerId);
        return;
      }
      this.#gap = true;
      former.stop();
      this.#options.onChanged();
      try {
        this.#adopt(await this.#options.open(choice), choice);
      } catch (second) {
        // The loop in `#reconcile` opens the former device again.
        if (isCurrent()) this.#refuse(second, former.label, formerId);
      }
    }
  }

  #refuse(error: unknown, kept: string, keptId: string | undefined): void {
    this.#choice = keptId;
    this.#untried = undefined;
    this.#options.onRefused(deviceError(error), kept);
    this.#options.onChanged();
  }

  /** Uses a track that has just been opened, unless it was stopped or, beside a device in use, another one was selected meanwhile. */
  #adopt(track: MediaStreamTrack, openedFor: string | undefined): void {
    const runs = this.#track !== undefined && !this.#gap;
    if (!this.#started || (runs && this.#choice !== openedFor)) {
      track.stop();
      return;
    }
    this.#drop();
    this.#track = track;
    this.#openedFor = openedFor;
    track.addEventListener('ended', () => this.#lost(track));
    const lost = this.#lostLabel;
    this.#lostLabel = undefined;
    this.#options.onChanged();
    this.#options.onOpened();
    // One that was selected while this one was being opened is opened next.
    if (this.#choice === openedFor) {
      const chosen = this.#untried;
      this.#untried = undefined;
      if (chosen !== undefined && chosen === openedFor) this.#options.onChosen(chosen);
    }
    // The same device again, as after standby, is no event for users.
    if (lost !== undefined && lost !== track.label) this.#options.onUnplugged(lost, track.label);
  }

  /** A track that ends by itself has lost its device: opens another one, or ends in `off`. */
  #lost(track: MediaStreamTrack): void {
    if (this.#track !== track) return;
    this.#drop();
    if (this.#choice === this.#openedFor) this.#choice = undefined;
    const now = performance.now();
    if (now - this.#lostAt < DEFECT_INTERVAL) {
      this.#fail(new DeviceError('failed'));
      return;
    }
    this.#lostAt = now;
    this.#lostLabel = track.label;
    this.#options.onChanged();
    void this.#run();
  }

  #unplugged(): void {
    const label = this.#lostLabel;
    if (label === undefined || !this.#started) return;
    this.stop();
    this.#options.onUnplugged(label, undefined);
  }

  #fail(error: DeviceError): void {
    this.#started = false;
    this.#lostLabel = undefined;
    this.#drop();
    this.#error = error;
    this.#options.onChanged();
  }

  #drop(): void {
    const track = this.#track;
    this.#track = undefined;
    this.#gap = false;
    track?.stop();
  }
}

function deviceError(error: unknown): DeviceError {
  return error instanceof DeviceError ? error : new DeviceError('failed', { cause: error });
}
