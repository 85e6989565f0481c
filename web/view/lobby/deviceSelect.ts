/** The choice of a camera or a microphone, shown where there is more than one. */
import type { LocalMedia, LocalSource } from '../../client/index.ts';
import { element } from '../common/dom.ts';
import { translate } from '../locales/index.ts';

/** Creates the field; `close()` removes its listeners. */
export function deviceSelect(media: LocalMedia, source: LocalSource): { root: HTMLElement; close(): void } {
  const select = element('select', { id: source, name: source });
  const root = element(
    'div',
    { className: 'field', hidden: true },
    element('label', { htmlFor: source }, translate(source)),
    select,
  );
  const render = () => {
    const devices = media.devices(source === 'camera' ? 'videoinput' : 'audioinput');
    root.hidden = devices.length < 2;
    const selected = media.chosen(source);
    select.replaceChildren(
      ...devices.map(({ deviceId, label }) =>
        element('option', { value: deviceId, selected: deviceId === selected }, label || translate('defaultDevice')),
      ),
    );
  };
  select.addEventListener('change', () => {
    void media.choose(source, select.value);
  });
  const offs = [media.on('devicesChanged', render), media.on('changed', render)];
  render();
  const close = () => {
    for (const off of offs) off();
  };
  return { root, close };
}
