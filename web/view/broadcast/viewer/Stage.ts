/** Owns a viewer's time on the stage: in by invitation with the devices that they want, and out with none left on. */
import type { CallController } from '../../participation/CallController.ts';
import type { BroadcastController } from '../BroadcastController.ts';

/** Which devices somebody comes onto the stage with. */
export type StageDevices = Readonly<Record<'camera' | 'microphone', boolean>>;

export class ViewerStage {
  readonly #show: BroadcastController;
  readonly #session: CallController;
  readonly #onChange: (on: boolean, byOthers: boolean) => void;
  #was = false;
  #devices: StageDevices | undefined;
  #leaves = false;

  /** @param onChange we are on the stage, or no more; `byOthers` where we did not ask for it */
  constructor(show: BroadcastController, onChange: (on: boolean, byOthers: boolean) => void) {
    this.#show = show;
    this.#session = show.session;
    this.#onChange = onChange;
    this.#session.on('changed', () => this.#look());
  }

  /** Whether we may publish; before we are in, nobody has said so. */
  get on(): boolean {
    return this.#session.client.grants?.canPublish ?? false;
  }

  /** Takes the invitation; the devices start once we are on the stage. */
  async accept(devices: StageDevices): Promise<void> {
    this.#devices = devices;
    await this.#show.answer(true);
  }

  async leave(): Promise<void> {
    this.#leaves = true;
    await this.#show.stepDown();
    this.#leaves = false;
  }

  #look(): void {
    if (this.#session.phase !== 'in' || this.on === this.#was) return;
    this.#was = this.on;
    const { media } = this.#session;
    for (const source of ['camera', 'microphone'] as const) {
      // Whoever leaves it wants their lights to go out.
      if (!this.on) media.stop(source);
      // Who comes with a microphone is heard, though they were muted when they were here before.
      else if (this.#devices?.[source]) void this.#start(source);
    }
    this.#devices = undefined;
    this.#onChange(this.on, !this.#leaves);
  }

  #start(source: 'camera' | 'microphone'): Promise<void> {
    return source === 'camera' ? this.#session.setCamera(true) : this.#session.setMicrophone(true);
  }
}
