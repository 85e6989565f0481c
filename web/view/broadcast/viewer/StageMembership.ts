/** Owns a viewer's time on the stage: in by invitation with the devices that they want, and out with none left on. */
import type { CallController } from '../../controller/CallController.ts';
import type { BroadcastController } from '../BroadcastController.ts';

/** Which devices somebody comes onto the stage with. */
export type StageDevices = Readonly<Record<'camera' | 'microphone', boolean>>;

export class StageMembership {
  readonly #broadcast: BroadcastController;
  readonly #call: CallController;
  readonly #onChange: (on: boolean, byOthers: boolean) => void;
  #wasOnStage = false;
  #devices: StageDevices | undefined;
  #leaving = false;

  /** @param onChange we are on the stage, or no more; `byOthers` where we did not ask for it */
  constructor(broadcast: BroadcastController, onChange: (on: boolean, byOthers: boolean) => void) {
    this.#broadcast = broadcast;
    this.#call = broadcast.call;
    this.#onChange = onChange;
    this.#call.on('changed', () => this.#update());
  }

  /** Whether we may publish; before we are in, nobody has said so. */
  get onStage(): boolean {
    return this.#call.client.grants?.canPublish ?? false;
  }

  /** Takes the invitation; the devices start once we are on the stage. */
  async accept(devices: StageDevices): Promise<void> {
    this.#devices = devices;
    await this.#broadcast.answerInvitation(true);
  }

  async leave(): Promise<void> {
    this.#leaving = true;
    await this.#broadcast.stepDown();
    this.#leaving = false;
  }

  #update(): void {
    if (this.#call.phase !== 'joined' || this.onStage === this.#wasOnStage) return;
    this.#wasOnStage = this.onStage;
    const { media } = this.#call;
    for (const source of ['camera', 'microphone'] as const) {
      // Whoever leaves it wants their lights to go out.
      if (!this.onStage) media.stop(source);
      // Who comes with a microphone is heard, though they were muted when they were here before.
      else if (this.#devices?.[source]) void this.#start(source);
    }
    this.#devices = undefined;
    this.#onChange(this.onStage, !this.#leaving);
  }

  #start(source: 'camera' | 'microphone'): Promise<void> {
    return source === 'camera' ? this.#call.setCamera(true) : this.#call.setMicrophone(true);
  }
}
