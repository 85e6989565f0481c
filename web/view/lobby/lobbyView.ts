/** The lobby: preview, devices, display name, who is in the room, and the errors of a join. */
import { Hourglass } from 'lucide';
import { type LocalMedia, type RoomPolicy, WeirError } from '../../client/index.ts';
import type { PageKind } from '../common/address.ts';
import { settingsButton } from '../common/buttons.ts';
import { diagnoseLink } from '../common/diagnoseLink.ts';
import { parseDisplayName } from '../common/displayName.ts';
import { element, icon, setText } from '../common/dom.ts';
import { errorMessage, reasonMessage } from '../common/errorMessages.ts';
import { isolate } from '../locales/bidi.ts';
import { type MessageKey, translate } from '../locales/index.ts';
import { preferences } from '../storage/preferences.ts';
import { CameraPreview } from './CameraPreview.ts';
import { DeviceProblems } from './DeviceProblems.ts';
import { deviceSelect } from './deviceSelect.ts';
import { JoinButton } from './JoinButton.ts';
import { type RoomAvailability, RoomPoller } from './RoomPoller.ts';

export interface LobbyOptions {
  readonly room: string;
  /** By default a call; the lobby of a broadcast is that of its studio. */
  readonly kind?: PageKind;
  readonly media: LocalMedia;
  /** The error of the previous join. */
  readonly error?: unknown;
  /** The initial value of the token field. */
  readonly token?: string | undefined;
  /** How media travels, where the address of the page says so. */
  readonly policy?: RoomPolicy | undefined;
  /** The user wants to join. The lobby stays on the page until its owner replaces it. */
  onJoin(identity: { name: string; token?: string }): void;
}

export interface Lobby {
  readonly root: HTMLElement;
  /** The join has failed. @param error undefined where the user has given it up */
  showJoinError(error: unknown): void;
  /** The join takes until an administrator lets the user in. @param onCancel the user gives it up */
  showWaiting(waiting: { readonly attended: boolean }, onCancel: () => void): void;
  /** Ends its timers and listeners; leaves the devices on. */
  close(): void;
}

/** Reasons that an HTTP answer of the server disproves. */
const unreachableReasons: ReadonlySet<unknown> = new Set(['unreachable', 'offline', 'badGateway', 'otherServer']);

/** The messages that differ between the kinds of rooms. */
interface KindMessages {
  readonly join: MessageKey;
  readonly joining: MessageKey;
  readonly nobody: MessageKey;
  /** Descriptions of the room, before it is live and while it is. */
  readonly descriptions?: readonly [MessageKey, MessageKey];
}
const messagesByKind: Readonly<Record<PageKind, KindMessages>> = {
  call: { join: 'join', joining: 'joining', nobody: 'nobodyHere' },
  broadcast: {
    join: 'studioEnter',
    joining: 'studioEntering',
    nobody: 'stageEmpty',
    descriptions: ['studioAbout', 'studioAboutLive'],
  },
};

export function lobbyView({
  room,
  kind = 'call',
  media,
  error,
  token: initialToken = '',
  policy,
  onJoin,
}: LobbyOptions): Lobby {
  const messages = messagesByKind[kind];
  const name = element('input', {
    id: 'name',
    name: 'name',
    required: true,
    autocomplete: 'name',
    value: preferences.name.get(),
  });
  const token = element('input', {
    id: 'token',
    name: 'token',
    type: 'password',
    autocomplete: 'off',
    value: initialToken,
  });
  const tokenField = element(
    'div',
    { className: 'field', hidden: true },
    element('label', { htmlFor: 'token' }, translate('token')),
    token,
    element('p', { className: 'secondary' }, translate('tokenHint')),
  );
  const occupants = element('p', { className: 'secondary occupants', role: 'status' });
  const description = element(
    'p',
    { className: 'secondary' },
    messages.descriptions && translate(messages.descriptions[0]),
  );
  const directNotice = element('p', { className: 'secondary', hidden: true }, translate('directNotice'));
  const showPolicy = (used: RoomPolicy | undefined) => {
    directNotice.hidden = used === undefined || used === 'sfu';
  };
  showPolicy(policy);
  const errorText = element('p', { className: 'error', role: 'alert', hidden: true });
  const preview = new CameraPreview({
    media,
    name: () => name.value,
    onSilenceChanged: () => deviceProblems.render(),
  });
  const deviceProblems = new DeviceProblems(media, () => preview.silent);
  const selects = (['camera', 'microphone'] as const).map((source) => deviceSelect(media, source));
  const join = new JoinButton(messages);
  const waitingText = element('p', { className: 'secondary' });
  const stopWaiting = element('button', { type: 'button', className: 'full-width' }, translate('stopWaiting'));
  const waitingNotice = element('div', { className: 'waiting-notice', role: 'status' });
  stopWaiting.hidden = true;
  const form = element(
    'form',
    { className: 'fields', noValidate: true },
    element('h1', {}, room),
    messages.descriptions && description,
    occupants,
    errorText,
    element('div', { className: 'field' }, element('label', { htmlFor: 'name' }, translate('yourName')), name),
    tokenField,
    ...selects.map((select) => select.root),
    deviceProblems.message,
    deviceProblems.tryAgain,
    join.button,
    join.progress,
    waitingNotice,
    stopWaiting,
    directNotice,
    diagnoseLink(),
  );
  const root = element(
    'div',
    { className: 'centered' },
    element('div', { className: 'card lobby' }, preview.root, form, ...settingsButton()),
  );
  name.addEventListener('input', () => preview.render());
  deviceProblems.render();

  const showError = (text: string | undefined) => {
    errorText.hidden = text === undefined;
    setText(errorText, text ?? '');
  };
  /** The error of the last join: shown until the next one, or until the server disproves it. */
  let joinError = error;
  let unreachable: string | undefined;
  const renderError = () => showError(joinError === undefined ? unreachable : errorMessage(joinError));
  renderError();
  const showAvailability = (availability: RoomAvailability) => {
    const isReachable = availability.kind !== 'failed';
    if (isReachable) {
      token.required = availability.kind === 'token';
      tokenField.hidden = !token.required && !isUnauthorized(joinError);
      if (joinError instanceof WeirError && unreachableReasons.has(joinError.reason)) joinError = undefined;
    }
    occupants.hidden = availability.kind === 'token';
    occupants.textContent = availability.kind === 'open' ? occupantsText(availability, messages.nobody) : '';
    if (availability.kind === 'open' && policy !== 'sfu') showPolicy(availability.policy ?? policy);
    const isLive = availability.kind === 'open' && availability.live;
    if (messages.descriptions) description.textContent = translate(messages.descriptions[isLive ? 1 : 0]);
    unreachable = isReachable ? undefined : reasonMessage(availability.reason);
    renderError();
  };
  const poller = new RoomPoller(room, kind, showAvailability);

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (join.joining) return;
    // Screen readers read an alert again only after it was empty.
    joinError = undefined;
    showError(undefined);
    for (const input of [name, token]) input.removeAttribute('aria-invalid');
    const rejectInput = (input: HTMLInputElement, message: string) => {
      input.setAttribute('aria-invalid', 'true');
      showError(message);
      input.focus();
    };
    const parsed = parseDisplayName(name.value);
    if ('problem' in parsed) {
      rejectInput(name, parsed.problem);
      return;
    }
    const typedToken = token.value.trim();
    if (token.required && typedToken === '') {
      rejectInput(token, translate('tokenHint'));
      return;
    }
    preferences.name.set(parsed.name);
    join.start();
    onJoin({ name: parsed.name, ...(typedToken && { token: typedToken }) });
  });
  let cancelWaiting = () => {};
  stopWaiting.addEventListener('click', () => cancelWaiting());
  const hideWaiting = () => {
    const hadFocus = stopWaiting.contains(document.activeElement);
    waitingNotice.replaceChildren();
    stopWaiting.hidden = true;
    join.button.hidden = false;
    if (hadFocus) join.button.focus();
  };
  const showWaiting: Lobby['showWaiting'] = ({ attended }, onCancel) => {
    cancelWaiting = onCancel;
    const hadFocus = join.button.contains(document.activeElement);
    setText(waitingText, translate(attended ? 'waitingAttended' : 'waitingUnattended'));
    if (stopWaiting.hidden) {
      waitingNotice.replaceChildren(icon(Hourglass, 28), element('h2', {}, translate('waiting')), waitingText);
    }
    join.wait();
    join.button.hidden = true;
    stopWaiting.hidden = false;
    if (hadFocus) stopWaiting.focus();
  };
  const showJoinError = (failure: unknown) =>
    join.fail(() => {
      hideWaiting();
      joinError = failure;
      renderError();
      if (!isUnauthorized(failure)) return;
      tokenField.hidden = false;
      token.focus();
    });
  const close = () => {
    for (const part of [join, poller, deviceProblems, preview, ...selects]) part.close();
  };
  return { root, showJoinError, showWaiting, close };
}

function isUnauthorized(error: unknown): boolean {
  return error instanceof WeirError && error.code === 'unauthorized';
}

/** Names up to three participants, or two and the number of the others; or says how the room is closed to others. */
function occupantsText(
  { names, locked, waitingRoom }: Extract<RoomAvailability, { kind: 'open' }>,
  nobody: MessageKey,
): string {
  // The server does not tell who is inside.
  if (locked) return translate('lobbyLocked');
  if (waitingRoom) return translate('lobbyWaiting');
  const [first, ...others] = names;
  if (first === undefined) return translate(nobody);
  if (others.length === 0) return translate('oneHere', { names: first });
  const list = new Intl.ListFormat(document.documentElement.lang, { type: 'conjunction' });
  if (names.length <= 3) return translate('fewHere', { names: list.format(names.map(isolate)) });
  return translate('manyHere', { names: names.slice(0, 2).map(isolate).join(', '), count: names.length - 2 });
}
