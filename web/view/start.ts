/** Owns the start page: name a room and go there. */
import { element } from './dom.ts';
import { say } from './words/index.ts';

export function startView(onRoom: (room: string) => void): HTMLElement {
  const input = element('input', {
    id: 'room',
    name: 'room',
    required: true,
    maxLength: 100,
    autocomplete: 'off',
    autofocus: true,
  });
  const form = element(
    'form',
    { className: 'card start', noValidate: true },
    element('h1', {}, 'Weir'),
    element('p', {}, say('tagline')),
    element('div', { className: 'field' }, element('label', { htmlFor: 'room' }, say('roomLabel')), input),
    element('p', { className: 'problem', role: 'alert', hidden: true }),
    element('button', { type: 'submit', className: 'primary wide' }, say('openRoom')),
    element('p', { className: 'quiet' }, say('roomHint')),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const room = input.value.trim();
    const problem = form.querySelector<HTMLElement>('.problem');
    if (room && !room.includes('/') && !/^\.{1,2}$/.test(room)) {
      onRoom(room);
      return;
    }
    if (problem) {
      problem.textContent = say(room ? 'roomInvalid' : 'roomMissing');
      problem.hidden = false;
    }
    input.setAttribute('aria-invalid', 'true');
    input.focus();
  });
  return element('div', { className: 'centre' }, form);
}
