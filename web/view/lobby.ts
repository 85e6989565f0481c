/** Owns what is shown before a call: the choice of a room, and the lobby of one. */
import { element } from './dom.ts';
import { lastName } from './memory.ts';

/** The start page: name a room and go there. */
export function startView(onRoom: (room: string) => void): HTMLElement {
  const input = element('input', {
    id: 'room',
    name: 'room',
    required: true,
    maxLength: 100,
    autocomplete: 'off',
    pattern: '[^\\/]+',
    title: 'A name without slashes',
  });
  const form = element(
    'form',
    { className: 'card' },
    element('h1', {}, 'Weir'),
    element('p', {}, 'Name a room. Whoever opens the same address is in the same call.'),
    element('label', { htmlFor: 'room' }, 'Room'),
    input,
    element('button', { type: 'submit', className: 'primary' }, 'Open room'),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const room = input.value.trim();
    if (room) onRoom(room);
  });
  return form;
}

export interface LobbyOptions {
  readonly room: string;
  readonly name: string;
  /** Why the last attempt failed, in words. */
  readonly problem: { message: string; needsToken: boolean } | undefined;
  onJoin(wish: { name: string; token?: string }): void;
}

/** The lobby: who am I, then in. */
export function lobbyView({ room, name, problem, onJoin }: LobbyOptions): HTMLElement {
  const nameInput = element('input', {
    id: 'name',
    name: 'name',
    required: true,
    maxLength: 256,
    value: name,
    autocomplete: 'name',
  });
  const tokenInput = element('input', { id: 'token', name: 'token', type: 'password', autocomplete: 'off' });
  const form = element(
    'form',
    { className: 'card' },
    element('h1', {}, room),
    problem && element('p', { className: 'problem', role: 'alert' }, problem.message),
    element('label', { htmlFor: 'name' }, 'Your name'),
    nameInput,
    problem?.needsToken && element('label', { htmlFor: 'token' }, 'Token'),
    problem?.needsToken && tokenInput,
    element('button', { type: 'submit', className: 'primary' }, 'Join'),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const chosen = nameInput.value.trim();
    if (!chosen) return;
    lastName.set(chosen);
    const token = tokenInput.value.trim();
    onJoin({ name: chosen, ...(token && { token }) });
  });
  return form;
}
