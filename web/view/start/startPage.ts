/** The start page: starts a call or a broadcast in a new room, and opens existing rooms. */
import { type IconNode, Radio, RefreshCw, Video, X } from 'lucide';
import { type PageKind, roomApiPath, roomPath } from '../common/address.ts';
import { settingsButton, smallIconButton } from '../common/buttons.ts';
import { diagnoseLink } from '../common/diagnoseLink.ts';
import { parseDisplayName } from '../common/displayName.ts';
import { element, icon } from '../common/dom.ts';
import { type MessageKey, translate } from '../locales/index.ts';
import { preferences } from '../storage/preferences.ts';
import { destinationOf } from './destination.ts';
import { type RecentRoom, recentRooms } from './recentRooms.ts';
import { suggestRoom } from './suggestRoom.ts';

/** Navigates to a path of this server. */
type Navigate = (path: string) => void;

export function startView(navigate: Navigate): HTMLElement {
  return element(
    'div',
    { className: 'centered' },
    element(
      'div',
      { className: 'card start' },
      element('h1', {}, 'Weir'),
      element('p', { className: 'tagline' }, translate('tagline')),
      newRoomView(navigate),
      joinView(navigate),
      recentView(),
      diagnoseLink(),
      ...settingsButton(),
    ),
  );
}

/** Starts a call or a broadcast in a room with a new, random name. */
function newRoomView(navigate: Navigate): HTMLElement {
  let room = suggestRoom();
  const name = element('input', {
    id: 'name',
    name: 'name',
    autocomplete: 'name',
    placeholder: translate('nameOptional'),
    value: preferences.name.get(),
  });
  name.addEventListener('input', () => {
    const parsed = parseDisplayName(name.value);
    preferences.name.set('name' in parsed ? parsed.name : '');
  });
  // Without a name the lobby asks for one. A studio always opens with its lobby, before it goes live.
  const call = startAction('startCall', 'startCallText', Video, () =>
    navigate(`${roomPath('call', room)}${preferences.name.get() ? '?join=1' : ''}`),
  );
  call.classList.add('primary');
  const broadcast = startAction('startBroadcast', 'startBroadcastText', Radio, () =>
    navigate(`${roomPath('broadcast', room)}?role=host`),
  );
  const suggested = element('bdi', {}, room);
  const another = smallIconButton(translate('anotherName'), RefreshCw, { size: 16 });
  another.addEventListener('click', () => {
    room = suggestRoom();
    suggested.textContent = room;
  });
  const actions = element(
    'div',
    { className: 'start-new' },
    element('div', { className: 'field' }, element('label', { htmlFor: 'name' }, translate('yourName')), name),
    element('div', { className: 'start-actions' }, call, broadcast),
    element(
      'p',
      { className: 'secondary start-name', role: 'status' },
      element('span', {}, translate('newRoom'), ' ', suggested),
      another,
    ),
  );
  const invitationNotice = element(
    'div',
    { className: 'start-invited', role: 'status', hidden: true },
    element('p', {}, translate('invitationOnly')),
    element('p', { className: 'secondary' }, translate('invitationOnlyHint')),
  );
  void requiresToken(room).then((required) => {
    actions.hidden = required;
    invitationNotice.hidden = !required;
  });
  return element('section', { ariaLabel: translate('newRoomTitle') }, actions, invitationNotice);
}

function startAction(title: MessageKey, text: MessageKey, node: IconNode, onClick: () => void): HTMLButtonElement {
  const button = element(
    'button',
    { type: 'button', className: 'start-action' },
    icon(node, 26),
    element('span', { className: 'title' }, translate(title)),
    element('span', { className: 'description' }, translate(text)),
  );
  button.addEventListener('click', onClick);
  return button;
}

/** Whether this server requires a token. */
async function requiresToken(room: string): Promise<boolean> {
  try {
    const response = await fetch(roomApiPath('call', room));
    // An unread body would keep the request open.
    await response.text();
    return response.status === 401;
  } catch {
    // The lobby shows what is wrong with the server.
    return false;
  }
}

/** Opens a room by its name or its link. */
function joinView(navigate: Navigate): HTMLElement {
  const room = element('input', { id: 'room', name: 'room', autocomplete: 'off', spellcheck: false });
  const error = element('p', { className: 'error', role: 'alert', id: 'room-error', hidden: true });
  const kinds = (['call', 'broadcast'] as const).map((kind) => {
    const input = element('input', { type: 'radio', name: 'kind', value: kind, checked: kind === 'call' });
    return {
      kind,
      input,
      row: element('label', {}, input, translate(kind === 'call' ? 'kindCall' : 'kindBroadcast')),
    };
  });
  const selectedKind = (): PageKind => kinds.find(({ input }) => input.checked)?.kind ?? 'call';
  const form = element(
    'form',
    { className: 'start-join', noValidate: true },
    element('h2', {}, translate('joinTitle')),
    element('div', { className: 'field' }, element('label', { htmlFor: 'room' }, translate('roomLabel')), room),
    element(
      'div',
      { className: 'start-kind', role: 'radiogroup', ariaLabel: translate('kindLabel') },
      ...kinds.map(({ row }) => row),
    ),
    error,
    element('button', { type: 'submit', className: 'full-width' }, translate('openRoom')),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const destination = destinationOf(room.value, selectedKind(), location.host);
    const isInvalid = 'problem' in destination;
    error.hidden = !isInvalid;
    error.textContent = isInvalid ? translate(destination.problem, destination.values) : '';
    room.setAttribute('aria-invalid', String(isInvalid));
    if (isInvalid) {
      room.setAttribute('aria-describedby', error.id);
      room.focus();
    } else navigate(destination.path);
  });
  return form;
}

/** The rooms that were joined on this device; hidden where there are none. */
function recentView(): HTMLElement {
  const list = element('ul', {});
  const clear = element('button', { type: 'button', className: 'text' }, translate('clearRecent'));
  const heading = element('h2', { tabIndex: -1 }, translate('recentTitle'));
  const root = element('section', { className: 'start-recent' }, element('header', {}, heading, clear), list);
  const focusRoom = () => document.querySelector<HTMLElement>('#room')?.focus();
  const render = () => {
    const rooms = recentRooms.get();
    root.hidden = rooms.length === 0;
    list.replaceChildren(...rooms.map(row));
  };
  const row = (recent: RecentRoom) => {
    const { kind, room, role } = recent;
    const label = translate('removeRoom', { room });
    const remove = smallIconButton(label, X, { size: 16 });
    remove.addEventListener('click', () => {
      recentRooms.remove(recent);
      render();
      if (root.hidden) focusRoom();
      else heading.focus();
    });
    const kindText = translate(role ? 'recentStudio' : kind === 'call' ? 'kindCall' : 'kindBroadcast');
    const href = `${roomPath(kind, room)}${role ? `?role=${role}` : ''}`;
    return element(
      'li',
      {},
      element(
        'a',
        { href },
        icon(kind === 'call' ? Video : Radio, 18),
        element('bdi', { className: 'label' }, room),
        element('span', { className: 'secondary' }, kindText),
      ),
      remove,
    );
  };
  clear.addEventListener('click', () => {
    recentRooms.clear();
    render();
    focusRoom();
  });
  render();
  return root;
}
