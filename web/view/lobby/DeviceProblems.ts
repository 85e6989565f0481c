/** What is wrong with the devices, as the lobby shows it: not opened, refused or silent; and the button that tries again. */
import type { LocalMedia } from '../../client/index.ts';
import { element, setText } from '../common/dom.ts';
import { deviceErrors, deviceErrorsMessage, deviceRefusedMessage } from '../common/errorMessages.ts';
import { translate } from '../locales/index.ts';

export class DeviceProblems {
  readonly message = element('p', { className: 'error', role: 'alert', hidden: true });
  readonly tryAgain = element('button', { type: 'button', hidden: true }, translate('tryAgain'));
  readonly #media: LocalMedia;
  readonly #isSilent: () => boolean;
  readonly #offs: readonly (() => void)[];
  /** Why the device that was chosen last is not used. */
  #refused: string | undefined;

  /** @param isSilent whether to report a silent microphone */
  constructor(media: LocalMedia, isSilent: () => boolean) {
    this.#media = media;
    this.#isSilent = isSilent;
    this.#offs = [
      media.on('changed', () => this.render()),
      media.on('refused', ({ source, error, kept }) => {
        this.#refused = deviceRefusedMessage(source, error, kept);
        this.render();
      }),
      media.on('chosen', () => {
        this.#refused = undefined;
        this.render();
      }),
    ];
    this.tryAgain.addEventListener('click', () => {
      for (const source of ['camera', 'microphone'] as const) if (media.state(source).error) void media.start(source);
    });
  }

  render(): void {
    const errors = deviceErrors(this.#media);
    const failed = deviceErrorsMessage(errors);
    const silent = this.#isSilent() ? translate('microphoneSilent') : undefined;
    const text = failed ? `${failed} ${translate('joinWithout')}` : (this.#refused ?? silent);
    this.message.hidden = text === undefined;
    setText(this.message, text ?? '');
    this.tryAgain.hidden = Object.keys(errors).length === 0 || !isSecureContext;
  }

  close(): void {
    for (const off of this.#offs) off();
  }
}
