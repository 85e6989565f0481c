/** A viewer's membership of the stage: joining by invitation with the chosen devices, and leaving with all devices off. */
import type { CallController } from '../../controller/CallController.ts';
import type { BroadcastController } from '../BroadcastController.ts';

/** The devices to switch on when joining the stage. */
export type StageDevices = Readonly<Record<'camera' | 'microphone', boolean>>;

export class StageMembership {
  readonly #broadcast: BroadcastController;
  readonly #call: CallController;
  readonly #onChanged: (onStage: boolean, byOthers: boolean) => void;
  #wasOnStage = false;
  #devices: StageDevices | undefined;
  #leaving = false;

  /** @param onChanged `onStage` has changed; `byOthers` where a host, not this user, ended it */
  constructor(broadcast: BroadcastController, onChanged: (onStage: boolean, byOthers: boolean) => void) {
    this.#broadcast = broadcast;
    this.#call = broadcast.call;
    this.#onChanged = onChanged;
    this.#call.on('changed', () => this.#update());
  }

  /** Whether the grants permit publishing; false before the join. */
  get onStage(): boolean {
    return this.#call.client.grants?.canPublish ?? false;
  }

  /** Accepts an invitation; the devices start once the grants permit publishing. */
  async accept(devices: StageDevices): Promise<void> {
    this.#devices = devices;
    await this.#broadcast.answerInvitation(true);
    // It was not valid any more. After a lost connection a rejoin may still bring us onto the stage.
    if (this.#call.phase === 'joined') this.#devices = undefined;
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
      // Off the stage no device stays on.
      if (!this.onStage) media.stop(source);
      // Unmutes too, in case the microphone was muted the last time.
      else if (this.#devices?.[source]) void this.#start(source);
    }
    this.#devices = undefined;
    this.#onChanged(this.onStage, !this.#leaving);
  }

  #start(source: 'camera' | 'microphone'): Promise<void> {
    return source === 'camera' ? this.#call.sources.setCamera(true) : this.#call.sources.setMicrophone(true);
  }
}
