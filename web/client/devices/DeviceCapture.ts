/** Captures one kind of device as its owner wants it: on or off, and from which device. What was wanted last is what it comes to. */
import { DeviceError } from './devices.ts';

export interface DeviceCaptureOptions {
  /** Opens a device, the default one where none is named. @throws {DeviceError} */
  open(deviceId?: string): Promise<MediaStreamTrack>;
  /** Looks whether there is any device of this kind. */
  isAnyThere(): Promise<boolean>;
  /** What is captured, or what is wanted, is different. */
  onChanged(): void;
  /** A device has been opened. */
  onOpened(): void;
  /** The device that its owner chose has been opened. */
  onChosen(deviceId: string): void;
  /** The device that its owner chose could not be opened; the one that is named runs on. */
  onRefused(error: DeviceError, kept: string): void;
  /** The device in use went away; `replaced` says by which, if by any. */
  onUnplugged(label: string, replaced: string | undefined): void;
}

/** Who loses one device so soon after another (milliseconds) has a broken one, which would be opened for ever. */
const BROKEN = 2000;

export class DeviceCapture {
  readonly #options: DeviceCaptureOptions;
  #wanted = false;
  /** The device that it is to come from; undefined for the default one. */
  #choice: string | undefined;
  /** The choice that its owner made and that has not been opened yet. */
  #untried: string | undefined;
  #track: MediaStreamTrack | undefined;
  /** The choice that the track was opened for. */
  #openedFor: string | undefined;
  /** The former device was closed so that another one can be opened: its track stays until then. */
  #gap = false;
  #error: DeviceError | undefined;
  /** The name of a device that went away and that nothing has replaced yet. */
  #lostLabel: string | undefined;
  #lostAt = Number.NEGATIVE_INFINITY;
  #running: Promise<void> | undefined;
  #closed = false;

  /** @param choice the device to begin with, where it is still there */
  constructor(choice: string | undefined, options: DeviceCaptureOptions) {
    this.#choice = choice;
    this.#options = options;
  }

  get status(): 'off' | 'starting' | 'on' | 'failed' {
    if (this.#wanted) return this.#track && !this.#gap ? 'on' : 'starting';
    return this.#error ? 'failed' : 'off';
  }

  get track(): MediaStreamTrack | undefined {
    return this.#track;
  }

  /** Why it does not run although its owner wanted it to. */
  get error(): DeviceError | undefined {
    return this.#error;
  }

  /** The id of the device that it comes from, or is to come from. */
  get deviceId(): string | undefined {
    return this.#track?.getSettings().deviceId ?? this.#choice;
  }

  /** Resolves when it runs or has failed, which is in its state, not thrown. */
  async start(): Promise<void> {
    if (this.#closed) return;
    if (!this.#wanted) {
      this.#wanted = true;
      this.#error = undefined;
      this.#options.onChanged();
    }
    await this.#run();
  }

  /** Nothing is captured from now on; a device that is still being opened is closed as soon as it is open. */
  stop(): void {
    this.#wanted = false;
    this.#error = undefined;
    this.#lostLabel = undefined;
    this.#drop();
    this.#options.onChanged();
  }

  /** Takes another device: at once if one runs or has failed, else when it is started. Resolves when that is settled. */
  async choose(deviceId: string): Promise<void> {
    this.#choice = deviceId;
    this.#untried = deviceId;
    if (this.#wanted) await this.#run();
    else if (this.#error) await this.start();
  }

  /** Stops it for good. */
  close(): void {
    this.#closed = true;
    this.stop();
  }

  #run(): Promise<void> {
    this.#running ??= this.#reconcile();
    return this.#running;
  }

  async #reconcile(): Promise<void> {
    // Never done in the turn in which it begins: `#running` is set by then.
    await undefined;
    try {
      while (this.#wanted && (!this.#track || this.#gap || this.#choice !== this.#openedFor)) {
        if (!this.#track || this.#gap) await this.#open();
        else await this.#switch(this.#track);
      }
    } finally {
      // In the same turn as the last comparison: a wish that comes later begins anew.
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
      // The default one took the place of a device that is gone.
      this.#adopt(track, this.#choice === undefined ? undefined : choice);
    } catch (error) {
      // Nobody waits for this one any more.
      if (!this.#wanted || this.#choice !== choice) return;
      const known = deviceError(error);
      if (this.#lostLabel !== undefined && known.problem === 'missing') this.#unplugged();
      else this.#fail(known);
    }
  }

  /** The chosen device, or the default one where that is gone. */
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

  /** Opens the chosen device beside the one that runs; where the system gives one at a time only, in its place. */
  async #switch(former: MediaStreamTrack): Promise<void> {
    const choice = this.#choice;
    // A track that has been stopped need not know it any more.
    const formerId = former.getSettings().deviceId ?? this.#openedFor;
    const isCurrent = () => this.#wanted && this.#choice === choice && this.#track === former;
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
        // The former one comes back.
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

  /** Takes a track that has just been opened, unless its owner wants none by now, or another one than that in place of one that runs. */
  #adopt(track: MediaStreamTrack, openedFor: string | undefined): void {
    const runs = this.#track !== undefined && !this.#gap;
    if (!this.#wanted || (runs && this.#choice !== openedFor)) {
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
    if (this.#untried !== undefined && this.#untried === this.#choice) this.#options.onChosen(this.#untried);
    this.#untried = undefined;
    // A device that has come back by itself, as after sleep: nobody needs to do anything.
    if (lost !== undefined && lost !== track.label) this.#options.onUnplugged(lost, track.label);
  }

  /** A track that ends by itself has lost its device: another one takes over, or the source is off. */
  #lost(track: MediaStreamTrack): void {
    if (this.#track !== track) return;
    this.#drop();
    if (this.#choice === this.#openedFor) this.#choice = undefined;
    const now = performance.now();
    if (now - this.#lostAt < BROKEN) {
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
    if (label === undefined || !this.#wanted) return;
    this.stop();
    this.#options.onUnplugged(label, undefined);
  }

  #fail(error: DeviceError): void {
    this.#wanted = false;
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
