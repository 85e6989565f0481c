/** The dialog that says how to publish with OBS, GStreamer and ffmpeg, and how to watch without these pages. */
import { Copy, X } from 'lucide';
import { smallIconButton } from '../common/buttons.ts';
import { type Child, element, icon, setText } from '../common/dom.ts';
import { translateEncoder } from '../locales/encoder.ts';
import { translate } from '../locales/index.ts';
import { type EncoderRoom, encoderTexts } from './encoderTexts.ts';
import { playerPage } from './playerPage.ts';
import './encoder.css';

/**
 * Opens the dialog in `root`, which it is removed with.
 * @param onClosed it has been closed by the user
 */
export function encoderDialog(root: Element, room: EncoderRoom, onClosed: () => void): void {
  const texts = encoderTexts(room);
  const page = element('div', { className: 'encoder-page' });
  const status = element('p', { className: 'secondary encoder-status', role: 'status' });
  /** A text with the button that copies it. @param name what it is */
  const copied = (name: string, text: string | undefined): Child => {
    if (text === undefined) return undefined;
    const button = element(
      'button',
      { type: 'button', ariaLabel: translateEncoder('copyName', { name }) },
      icon(Copy, 16),
      translateEncoder('copy'),
    );
    button.addEventListener('click', () => {
      copy(text).then(
        () => setText(status, translateEncoder('copied', { name })),
        () => setText(status, translateEncoder('notCopied')),
      );
    });
    return element(
      'div',
      { className: 'encoder-text' },
      element('pre', { tabIndex: 0, role: 'group', ariaLabel: name }, text),
      button,
    );
  };
  const section = (title: string, ...children: Child[]) =>
    element('section', {}, element('h3', {}, title), ...children);
  const paragraph = (text: string) => element('p', { className: 'secondary' }, text);

  const heading = element('h2', { id: 'encoder-title' }, translate('encoder'));
  const close = smallIconButton(translate('close'), X);
  const { asksForToken, kind } = room;
  const dialog = element(
    'dialog',
    { className: 'encoder-dialog', attributes: { 'aria-labelledby': heading.id } },
    element('header', {}, heading, close),
    element('p', {}, translateEncoder(kind === 'broadcast' ? 'aboutBroadcast' : 'aboutCall')),
    section(
      translateEncoder('address'),
      copied(translateEncoder('address'), texts.whip),
      paragraph(translateEncoder('obs')),
    ),
    section(
      translateEncoder('token'),
      paragraph(translateEncoder(asksForToken ? 'tokenNeeded' : 'tokenNotNeeded')),
      copied(translateEncoder('tokenCommand'), texts.encoderToken),
    ),
    section('GStreamer', paragraph(translateEncoder('gstreamer')), copied('GStreamer', texts.gstreamer)),
    section('ffmpeg', paragraph(translateEncoder('ffmpeg')), copied('ffmpeg', texts.ffmpeg)),
    section(
      translateEncoder('watchLink'),
      paragraph(translateEncoder(asksForToken ? 'watchTokenNeeded' : 'watchAbout')),
      copied(translateEncoder('watchLink'), texts.watch),
      copied(translateEncoder('viewerTokenCommand'), texts.viewerToken),
    ),
    section(translateEncoder('page'), paragraph(translateEncoder('pageAbout')), page),
    status,
  );
  close.addEventListener('click', () => dialog.close());
  dialog.addEventListener('close', () => {
    dialog.remove();
    onClosed();
  });
  root.append(dialog);
  dialog.showModal();
  playerPage(texts)
    .catch(() => undefined)
    .then((text) => page.replaceChildren(copied(translateEncoder('page'), text) || translate('unreachable')));
}

/** @throws {Error} where the browser does not permit it, as on pages without HTTPS */
async function copy(text: string): Promise<void> {
  if (!('clipboard' in navigator)) throw new Error('There is no clipboard.');
  await navigator.clipboard.writeText(text);
}
