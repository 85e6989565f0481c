/** The start page: begins a call or a broadcast in a new room, and leads into the rooms that there are. */
import { type IconNode, Radio, RefreshCw, Settings, Video, X } from 'lucide';
import type { RoomKind } from '../../client/index.ts';
import { appearanceChoices } from '../call/moreMenu.ts';
import { roomApiPath, roomPath } from '../common/address.ts';
import { parseDisplayName } from '../common/displayName.ts';
import { element, icon } from '../common/dom.ts';
import { menu } from '../common/menu.ts';
import { type MessageKey, translate } from '../locales/index.ts';
import { preferences } from '../storage/preferences.ts';
import { destinationOf } from './destination.ts';
import { type RecentRoom, recentRooms } from './recentRooms.ts';
import { suggestRoom } from './suggestRoom.ts';

/** Leads to a path of this server. */
type Navigate = (path: string) => void;

export function startView(go: Navigate): HTMLElement {
  const settings = element(
    'button',
    {
      type: 'button',
      className: 'icon-button small settings-button',
      ariaLabel: translate('more'),
      title: translate('more'),
    },
    icon(Settings, 18),
  );
  return element(
    'div',
    { className: 'centered' },
    element(
      'div',
      { className: 'card start' },
      element('h1', {}, 'Weir'),
      element('p', { className: 'tagline' }, translate('tagline')),
      newRoomView(go),
      joinView(go),
      recentView(),
      settings,
      menu(settings, translate('more'), appearanceChoices),
    ),
  );
}

/** A call or a broadcast in a room that nobody has used before. */
function newRoomView(go: Navigate): HTMLElement {
  let room = suggestRoom();
  const name = element('input', {
    id: 'name',
    name: 'name',
    autocomplete: 'name',
    placeholder: translate('nameOptional'),
    value: preferences.name.get(),
  });
  name.addEventListener('input', () => {
    const typed = parseDisplayName(name.value);
    preferences.name.set('name' in typed ? typed.name : '');
  });
  // Whoever has no name yet gives one in the lobby. A studio is looked at before it is on air.
  const call = startAction('startCall', 'startCallText', Video, () =>
    go(`${roomPath('call', room)}${preferences.name.get() ? '?join=1' : ''}`),
  );
  call.classList.add('primary');
  const broadcast = startAction('startBroadcast', 'startBroadcastText', Radio, () =>
    go(`${roomPath('broadcast', room)}?role=host`),
  );
  const suggested = element('bdi', {}, room);
  const another = element(
    'button',
    {
      type: 'button',
      className: 'icon-button small',
      ariaLabel: translate('anotherName'),
      title: translate('anotherName'),
    },
    icon(RefreshCw, 16),
  );
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
  const invited = element(
    'div',
    { className: 'start-invited', role: 'status', hidden: true },
    element('p', {}, translate('invitationOnly')),
    element('p', { className: 'secondary' }, translate('invitationOnlyHint')),
  );
  void needsToken(room).then((needed) => {
    actions.hidden = needed;
    invited.hidden = !needed;
  });
  return element('section', { ariaLabel: translate('newRoomTitle') }, actions, invited);
}

function startAction(title: MessageKey, text: MessageKey, node: IconNode, act: () => void): HTMLButtonElement {
  const button = element(
    'button',
    { type: 'button', className: 'start-action' },
    icon(node, 26),
    element('span', { className: 'title' }, translate(title)),
    element('span', { className: 'description' }, translate(text)),
  );
  button.addEventListener('click', act);
  return button;
}

/** Whether this server lets nobody in without a token. */
async function needsToken(room: string): Promise<boolean> {
  try {
    const response = await fetch(roomApiPath('call', room));
    // A body that nobody reads keeps the request open.
    await response.text();
    return response.status === 401;
  } catch {
    // The lobby says what is wrong with the server.
    return false;
  }
}

/** A room that somebody else has named. */
function joinView(go: Navigate): HTMLElement {
  const room = element('input', { id: 'room', name: 'room', autocomplete: 'off', spellcheck: false });
  const problem = element('p', { className: 'error', role: 'alert', id: 'room-problem', hidden: true });
  const kinds = (['call', 'broadcast'] as const).map((kind) => {
    const choice = element('input', { type: 'radio', name: 'kind', value: kind, checked: kind === 'call' });
    return {
      kind,
      choice,
      row: element('label', {}, choice, translate(kind === 'call' ? 'kindCall' : 'kindBroadcast')),
    };
  });
  const chosen = (): RoomKind => kinds.find(({ choice }) => choice.checked)?.kind ?? 'call';
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
    problem,
    element('button', { type: 'submit', className: 'full-width' }, translate('openRoom')),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const destination = destinationOf(room.value, chosen(), location.host);
    const refused = 'problem' in destination;
    problem.hidden = !refused;
    problem.textContent = refused ? translate(destination.problem, destination.blanks) : '';
    room.setAttribute('aria-invalid', String(refused));
    if (refused) {
      room.setAttribute('aria-describedby', problem.id);
      room.focus();
    } else go(destination.path);
  });
  return form;
}

/** The rooms that somebody was in before; nothing where there are none. */
function recentView(): HTMLElement {
  const list = element('ul', {});
  const clear = element('button', { type: 'button', className: 'text' }, translate('clearRecent'));
  const heading = element('h2', { tabIndex: -1 }, translate('recentTitle'));
  const root = element('section', { className: 'start-recent' }, element('header', {}, heading, clear), list);
  const render = () => {
    const rooms = recentRooms.get();
    root.hidden = rooms.length === 0;
    list.replaceChildren(...rooms.map(row));
  };
  const row = (recent: RecentRoom) => {
    const { kind, room, role } = recent;
    const words = translate('removeRecentRoom', { room });
    const forget = element(
      'button',
      { type: 'button', className: 'icon-button small', ariaLabel: words, title: words },
      icon(X, 16),
    );
    forget.addEventListener('click', () => {
      recentRooms.remove(recent);
      render();
      heading.focus();
    });
    const what = translate(role ? 'recentStudio' : kind === 'call' ? 'kindCall' : 'kindBroadcast');
    const href = `${roomPath(kind, room)}${role ? `?role=${role}` : ''}`;
    return element(
      'li',
      {},
      element(
        'a',
        { href },
        icon(kind === 'call' ? Video : Radio, 18),
        element('bdi', { className: 'label' }, room),
        element('span', { className: 'secondary' }, what),
      ),
      forget,
    );
  };
  clear.addEventListener('click', () => {
    recentRooms.clear();
    render();
    document.querySelector<HTMLElement>('#room')?.focus();
  });
  render();
  return root;
}
