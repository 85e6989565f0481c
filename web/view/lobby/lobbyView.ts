/** Owns the lobby: how do I look and sound, who am I, who is inside; and everything that can go wrong before a call. */
import { Mic, MicOff, Settings, Video, VideoOff } from 'lucide';
import { type LocalMedia, type LocalSource, type RoomKind, WeirError } from '../../client/index.ts';
import { appearanceChoices } from '../call/moreMenu.ts';
import { parseDisplayName } from '../common/displayName.ts';
import { element, hueOf, icon, initials } from '../common/dom.ts';
import {
  deviceErrors,
  deviceErrorsMessage,
  deviceRefusedMessage,
  errorMessage,
  reasonMessage,
} from '../common/errorMessages.ts';
import { levelToFraction } from '../common/loudness.ts';
import { menu } from '../common/menu.ts';
import { SilenceDetector } from '../common/SilenceDetector.ts';
import { isolate } from '../locales/bidi.ts';
import { type MessageKey, translate } from '../locales/index.ts';
import { preferences } from '../storage/preferences.ts';
import { RoomPoller } from './RoomPoller.ts';

export interface LobbyOptions {
  readonly room: string;
  /** A call unless told: a broadcast is entered by its studio. */
  readonly kind?: RoomKind;
  readonly media: LocalMedia;
  /** Why the last attempt failed. */
  readonly problem?: unknown;
  /** What is in the field for it already. */
  readonly token?: string | undefined;
  /** Join was pressed; the lobby stays until its owner replaces it, and says why when that fails (`failed`). */
  onJoin(wish: { name: string; token?: string }): void;
}

export interface Lobby {
  readonly root: HTMLElement;
  /** Joining did not work. */
  failed(error: unknown): void;
  /** Ends what it watches, and leaves the devices to the call. */
  close(): void;
}

const METER_INTERVAL = 100;
/**
 * A press is seen for so long to have done something, however quickly it fails, and from so long on it is said that it
 * still takes: milliseconds.
 */
const JOINING = { least: 400, long: 2000 };
/** What the server disproves by answering over HTTP. */
const disproved: ReadonlySet<unknown> = new Set(['unreachable', 'offline', 'badGateway', 'otherServer']);

/** What differs from one kind of room to the other. */
interface KindWords {
  readonly join: MessageKey;
  readonly joining: MessageKey;
  readonly nobody: MessageKey;
  /** What the room is, and while it is on air. */
  readonly about?: readonly [MessageKey, MessageKey];
}
const kindWords: Readonly<Record<RoomKind, KindWords>> = {
  call: { join: 'join', joining: 'joining', nobody: 'occupantsNone' },
  broadcast: {
    join: 'studioEnter',
    joining: 'studioEntering',
    nobody: 'stageEmpty',
    about: ['studioDescription', 'studioDescriptionLive'],
  },
};

export function lobbyView({ room, kind = 'call', media, problem, token: given = '', onJoin }: LobbyOptions): Lobby {
  const words = kindWords[kind];
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
    value: given,
  });
  const tokenField = element(
    'div',
    { className: 'field', hidden: true },
    element('label', { htmlFor: 'token' }, translate('token')),
    token,
    element('p', { className: 'secondary' }, translate('tokenHint')),
  );
  const inside = element('p', { className: 'secondary occupants', role: 'status' });
  const about = element('p', { className: 'secondary' }, words.about && translate(words.about[0]));
  const problemText = element('p', { className: 'error', role: 'alert', hidden: true });
  const deviceText = element('p', { className: 'error', role: 'alert', hidden: true });
  const progress = element('p', { className: 'secondary', role: 'status', hidden: true });
  const tryAgain = element('button', { type: 'button', hidden: true }, translate('tryAgain'));
  const join = element('button', { type: 'submit', className: 'primary full-width' }, translate(words.join));
  const preview = previewOf(media, name);
  const selects = (['camera', 'microphone'] as const).map((source) => deviceSelect(media, source));
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

  const form = element(
    'form',
    { className: 'fields', noValidate: true },
    element('h1', {}, room),
    words.about && about,
    inside,
    problemText,
    element('div', { className: 'field' }, element('label', { htmlFor: 'name' }, translate('yourName')), name),
    tokenField,
    ...selects.map((select) => select.root),
    deviceText,
    tryAgain,
    join,
    progress,
  );
  const root = element(
    'div',
    { className: 'centered' },
    element(
      'div',
      { className: 'card lobby' },
      preview.root,
      form,
      settings,
      menu(settings, translate('more'), appearanceChoices),
    ),
  );

  const showProblem = (text: string | undefined) => {
    problemText.hidden = text === undefined;
    if (problemText.textContent !== (text ?? '')) problemText.textContent = text ?? '';
  };
  /** Why joining failed: it stays until Join is pressed again, or the server shows that it is so no longer. */
  let refused: unknown = problem;
  let unreachable: string | undefined;
  const renderProblem = () => showProblem(refused === undefined ? unreachable : errorMessage(refused));
  renderProblem();
  const watch = new RoomPoller(room, kind, (state) => {
    if (state.kind !== 'failed') {
      token.required = state.kind === 'token';
      tokenField.hidden = !token.required && !isUnauthorized(refused);
    }
    inside.hidden = state.kind === 'token';
    if (words.about) about.textContent = translate(words.about[state.kind === 'open' && state.live ? 1 : 0]);
    inside.textContent = state.kind === 'open' ? insideWords(state.names, words.nobody) : '';
    unreachable = state.kind === 'failed' ? reasonMessage(state.reason) : undefined;
    if (state.kind !== 'failed' && refused instanceof WeirError && disproved.has(refused.reason)) refused = undefined;
    renderProblem();
  });
  /** Why the device that was chosen last was not taken. */
  let deviceRefused: string | undefined;
  const renderDevices = () => {
    const errors = deviceErrors(media);
    const failed = deviceErrorsMessage(errors);
    const silent = preview.silent ? translate('microphoneSilent') : undefined;
    const told = failed ? `${failed} ${translate('joinWithout')}` : (deviceRefused ?? silent);
    deviceText.hidden = told === undefined;
    if (deviceText.textContent !== (told ?? '')) deviceText.textContent = told ?? '';
    tryAgain.hidden = Object.keys(errors).length === 0 || !isSecureContext;
  };
  preview.onSilence = renderDevices;
  const offs = [
    media.on('changed', renderDevices),
    media.on('refused', ({ source, error, kept }) => {
      deviceRefused = deviceRefusedMessage(source, error, kept);
      renderDevices();
    }),
    media.on('chosen', () => {
      deviceRefused = undefined;
      renderDevices();
    }),
  ];
  tryAgain.addEventListener('click', () => {
    for (const source of ['camera', 'microphone'] as const) if (media.state(source).error) void media.start(source);
  });
  renderDevices();

  let pressedAt: number | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const showJoining = (joining: boolean) => {
    // A button that is disabled would lose the focus.
    join.ariaBusy = String(joining);
    join.textContent = translate(joining ? words.joining : words.join);
    progress.hidden = true;
    progress.textContent = '';
    clearTimeout(timer);
    if (!joining) return;
    timer = setTimeout(() => {
      progress.textContent = translate('joiningLong');
      progress.hidden = false;
    }, JOINING.long);
  };
  const failed = (error: unknown) => {
    clearTimeout(timer);
    const left = JOINING.least - (performance.now() - (pressedAt ?? 0));
    timer = setTimeout(() => {
      pressedAt = undefined;
      showJoining(false);
      refused = error;
      renderProblem();
      if (!isUnauthorized(error)) return;
      tokenField.hidden = false;
      token.focus();
    }, left);
  };

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (pressedAt !== undefined) return;
    // Said anew, it is read anew: also where it is the same.
    refused = undefined;
    showProblem(undefined);
    for (const input of [name, token]) input.removeAttribute('aria-invalid');
    const typed = parseDisplayName(name.value);
    const refuse = (input: HTMLInputElement, why: string) => {
      input.setAttribute('aria-invalid', 'true');
      showProblem(why);
      input.focus();
    };
    if ('problem' in typed) {
      refuse(name, typed.problem);
      return;
    }
    if (token.required && token.value.trim() === '') {
      refuse(token, translate('tokenHint'));
      return;
    }
    preferences.name.set(typed.name);
    pressedAt = performance.now();
    showJoining(true);
    onJoin({ name: typed.name, ...(token.value.trim() && { token: token.value.trim() }) });
  });
  const close = () => {
    clearTimeout(timer);
    watch.close();
    for (const off of offs) off();
    for (const part of [preview, ...selects]) part.close();
  };
  return { root, failed, close };
}

function isUnauthorized(error: unknown): boolean {
  return error instanceof WeirError && error.code === 'unauthorized';
}

function insideWords(names: readonly string[], nobody: MessageKey): string {
  const [first, ...others] = names;
  if (first === undefined) return translate(nobody);
  if (others.length === 0) return translate('occupantsOne', { names: first });
  const shown = new Intl.ListFormat(document.documentElement.lang, { type: 'conjunction' });
  if (names.length <= 3) return translate('occupantsFew', { names: shown.format(names.map(isolate)) });
  return translate('occupantsMany', { names: names.slice(0, 2).map(isolate).join(', '), count: names.length - 2 });
}

/** One's own picture with its two switches and the level of the microphone. */
function previewOf(media: LocalMedia, name: HTMLInputElement) {
  const video = element('video', { autoplay: true, playsInline: true, muted: true });
  const letters = element('span', { className: 'avatar', ariaHidden: 'true' });
  const words = element('p', { className: 'preview-message' });
  const level = element('meter', {
    className: 'level-meter',
    min: 0,
    max: 1,
    value: 0,
    ariaLabel: translate('microphoneLevel'),
  });
  const toggles = { camera: toggle('camera', media), microphone: toggle('microphone', media) };
  const root = element(
    'div',
    { className: 'preview' },
    letters,
    video,
    words,
    element('div', { className: 'preview-controls' }, toggles.microphone, level, toggles.camera),
  );
  const preview = { root, silent: false, onSilence: () => {}, close: () => {} };
  const render = () => {
    const { status, track } = media.state('camera');
    if (track !== video.dataset.track && video.dataset.track !== track?.id) {
      video.dataset.track = track?.id ?? '';
      video.srcObject = track ? new MediaStream([track]) : null;
    }
    root.classList.toggle('has-video', status === 'on');
    root.classList.toggle('loading', status === 'starting');
    words.textContent = cameraWords(media);
    letters.textContent = initials(name.value);
    letters.style.setProperty('--hue', String(hueOf(name.value)));
    showToggle(toggles.camera, 'camera', media);
    showToggle(toggles.microphone, 'microphone', media);
  };
  const silence = new SilenceDetector();
  const timer = setInterval(() => {
    const heard = media.meter.level;
    level.value = levelToFraction(heard ?? 0);
    const silent = silence.add(media.state('microphone').status === 'on' ? heard : undefined);
    if (silent === preview.silent) return;
    preview.silent = silent;
    preview.onSilence();
  }, METER_INTERVAL);
  const off = media.on('changed', render);
  name.addEventListener('input', render);
  render();
  preview.close = () => {
    clearInterval(timer);
    off();
  };
  return preview;
}

function cameraWords(media: LocalMedia): string {
  const { status, error } = media.state('camera');
  if (status === 'on') return '';
  if (status === 'starting') return translate('cameraStarting');
  if (error?.problem === 'denied') return translate('cameraDenied');
  return translate(error?.problem === 'missing' ? 'cameraMissing' : 'cameraOff');
}

function toggle(source: LocalSource, media: LocalMedia): HTMLButtonElement {
  const button = element('button', { type: 'button', className: 'icon-button', data: { control: source } });
  button.addEventListener('click', () => {
    const on = media.wanted(source);
    preferences[source === 'camera' ? 'cameraOff' : 'microphoneOff'].set(on ? '1' : '');
    if (on) media.stop(source);
    else void media.start(source);
  });
  return button;
}

function showToggle(button: HTMLButtonElement, source: LocalSource, media: LocalMedia): void {
  const on = media.wanted(source);
  const labels = source === 'camera' ? (['stopCamera', 'startCamera'] as const) : (['mute', 'unmute'] as const);
  button.ariaLabel = translate(labels[on ? 0 : 1]);
  button.title = button.ariaLabel;
  button.setAttribute('aria-pressed', String(on));
  button.classList.toggle('off', !on);
  const node = source === 'camera' ? (on ? Video : VideoOff) : on ? Mic : MicOff;
  button.replaceChildren(icon(node));
}

/** A choice of device, there as soon as there is more than one. */
function deviceSelect(media: LocalMedia, source: LocalSource): { root: HTMLElement; close(): void } {
  const select = element('select', { id: source, name: source });
  const field = element(
    'div',
    { className: 'field', hidden: true },
    element('label', { htmlFor: source }, translate(source)),
    select,
  );
  const render = () => {
    const devices = media.devices(source === 'camera' ? 'videoinput' : 'audioinput');
    field.hidden = devices.length < 2;
    const chosen = media.chosen(source);
    select.replaceChildren(
      ...devices.map(({ deviceId, label }) =>
        element('option', { value: deviceId, selected: deviceId === chosen }, label || translate('defaultDevice')),
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
  return { root: field, close };
}
