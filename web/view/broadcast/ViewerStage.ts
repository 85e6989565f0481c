/** Owns a viewer's time on the stage: in by invitation with the devices that they want, and out with none left on. */
import type { Session } from '../Session.ts';
import type { Show } from './Show.ts';

/** Which devices somebody comes onto the stage with. */
export type StageDevices = Readonly<Record<'camera' | 'microphone', boolean>>;

export class ViewerStage {
  readonly #show: Show;
  readonly #session: Session;
  readonly #onChange: (on: boolean, byOthers: boolean) => void;
  #was = false;
  #leaves = false;

  /** @param onChange we are on the stage, or no more; `byOthers` where we did not ask for it */
  constructor(show: Show, onChange: (on: boolean, byOthers: boolean) => void) {
    this.#show = show;
    this.#session = show.session;
    this.#onChange = onChange;
    this.#session.on('changed', () => this.#look());
  }

  /** Whether we may publish; before we are in, nobody has said so. */
  get on(): boolean {
    return this.#session.client.grants?.canPublish ?? false;
  }

  /** Takes the invitation; what is started is published as soon as that is allowed. */
  async accept({ camera, microphone }: StageDevices): Promise<void> {
    await this.#show.answer(true);
    if (!this.on) return;
    const { media } = this.#session;
    await Promise.all([camera && media.start('camera'), microphone && media.start('microphone')]);
  }

  async leave(): Promise<void> {
    this.#leaves = true;
    await this.#show.stepDown();
    this.#leaves = false;
  }

  #look(): void {
    if (this.#session.phase !== 'in' || this.on === this.#was) return;
    this.#was = this.on;
    if (!this.on) {
      // Their lights go out.
      this.#session.media.stop('camera');
      this.#session.media.stop('microphone');
    }
    this.#onChange(this.on, !this.#leaves);
  }
}
