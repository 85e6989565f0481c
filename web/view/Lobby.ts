/** Owns the lobby: how do I look and sound, who am I, who is inside; and everything that can go wrong before a call. */
import { Mic, MicOff, Settings, Video, VideoOff } from 'lucide';
import type { LocalMedia, LocalSource, RoomKind } from '../client/index.ts';
import { isolated } from './bidi.ts';
import { element, hueOf, icon, initials } from './dom.ts';
import { fullness, SILENCE } from './loudness.ts';
import { menu } from './Menu.ts';
import { appearanceChoices } from './MoreMenu.ts';
import { remembered } from './memory.ts';
import { typedName } from './ownName.ts';
import { deviceErrors, devicesWords, problemWords } from './problems.ts';
import { RoomWatch } from './RoomWatch.ts';
import { say, type WordKey } from './words/index.ts';

export interface LobbyOptions {
  readonly room: string;
  /** A call unless told: a broadcast is entered by its studio. */
  readonly kind?: RoomKind;
  readonly media: LocalMedia;
  /** Why the last attempt failed. */
  readonly problem?: unknown;
  /** What is in the field for it already. */
  readonly token?: string | undefined;
  /** Resolves when we are in; a refusal brings the lobby back. */
  onJoin(wish: { name: string; token?: string }): void;
}

const METER_INTERVAL = 100;

/** What differs from one kind of room to the other. */
interface KindWords {
  readonly join: WordKey;
  readonly joining: WordKey;
  readonly nobody: WordKey;
  /** What the room is, and while it is on air. */
  readonly about?: readonly [WordKey, WordKey];
}
const kindWords: Readonly<Record<RoomKind, KindWords>> = {
  call: { join: 'join', joining: 'joining', nobody: 'nobodyInside' },
  broadcast: {
    join: 'studioEnter',
    joining: 'studioEntering',
    nobody: 'studioNobody',
    about: ['studioAbout', 'studioAboutLive'],
  },
};

/** The lobby's elements; `close()` ends what it watches, and leaves the devices to the call. */
export function lobbyView({ room, kind = 'call', media, problem, token: given = '', onJoin }: LobbyOptions): {
  root: HTMLElement;
  close(): void;
} {
  const words = kindWords[kind];
  const name = element('input', {
    id: 'name',
    name: 'name',
    required: true,
    autocomplete: 'name',
    value: remembered.name.get(),
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
    element('label', { htmlFor: 'token' }, say('token')),
    token,
    element('p', { className: 'quiet' }, say('tokenHint')),
  );
  const inside = element('p', { className: 'quiet inside', role: 'status' });
  const about = element('p', { className: 'quiet' }, words.about && say(words.about[0]));
  const problemText = element('p', { className: 'problem', role: 'alert', hidden: true });
  const deviceText = element('p', { className: 'problem', role: 'alert', hidden: true });
  const tryAgain = element('button', { type: 'button', hidden: true }, say('tryAgain'));
  const join = element('button', { type: 'submit', className: 'primary wide' }, say(words.join));
  const preview = previewOf(media, name);
  const selects = (['camera', 'microphone'] as const).map((source) => deviceSelect(media, source));
  const settings = element(
    'button',
    { type: 'button', className: 'round small settings', ariaLabel: say('more'), title: say('more') },
    icon(Settings, 18),
  );

  const form = element(
    'form',
    { className: 'fields', noValidate: true },
    element('h1', {}, room),
    words.about && about,
    inside,
    problemText,
    element('div', { className: 'field' }, element('label', { htmlFor: 'name' }, say('yourName')), name),
    tokenField,
    ...selects.map((select) => select.root),
    deviceText,
    tryAgain,
    join,
  );
  const root = element(
    'div',
    { className: 'centre' },
    element(
      'div',
      { className: 'card lobby' },
      preview.root,
      form,
      settings,
      menu(settings, say('more'), appearanceChoices),
    ),
  );

  const showProblem = (text: string | undefined) => {
    problemText.hidden = text === undefined;
    problemText.textContent = text ?? '';
  };
  if (problem !== undefined) showProblem(problemWords(problem));
  const watch = new RoomWatch(room, kind, (state) => {
    tokenField.hidden = state.kind !== 'token';
    token.required = state.kind === 'token';
    inside.hidden = state.kind === 'token';
    if (words.about) about.textContent = say(words.about[state.kind === 'open' && state.live ? 1 : 0]);
    inside.textContent = state.kind === 'open' ? insideWords(state.names, words.nobody) : '';
    if (state.kind === 'unreachable') showProblem(say('unavailable'));
    else if (problemText.textContent === say('unavailable')) showProblem(undefined);
  });
  const renderDevices = () => {
    const errors = deviceErrors(media);
    const failed = devicesWords(errors);
    const told = failed ? `${failed} ${say('joinWithout')}` : preview.silent ? say('microphoneSilent') : undefined;
    deviceText.hidden = told === undefined;
    if (deviceText.textContent !== (told ?? '')) deviceText.textContent = told ?? '';
    tryAgain.hidden = Object.keys(errors).length === 0 || !isSecureContext;
  };
  preview.onSilence = renderDevices;
  const off = media.on('changed', renderDevices);
  tryAgain.addEventListener('click', () => {
    for (const source of ['camera', 'microphone'] as const) if (media.state(source).error) void media.start(source);
  });
  renderDevices();

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const typed = typedName(name.value);
    const refuse = (input: HTMLInputElement, why: string) => {
      input.setAttribute('aria-invalid', 'true');
      showProblem(why);
      input.focus();
    };
    if ('problem' in typed) {
      refuse(name, typed.problem);
      return;
    }
    name.removeAttribute('aria-invalid');
    if (!tokenField.hidden && token.value.trim() === '') {
      refuse(token, say('tokenHint'));
      return;
    }
    remembered.name.set(typed.name);
    join.disabled = true;
    join.textContent = say(words.joining);
    onJoin({ name: typed.name, ...(token.value.trim() && { token: token.value.trim() }) });
  });
  const close = () => {
    watch.close();
    off();
    for (const part of [preview, ...selects]) part.close();
  };
  return { root, close };
}

function insideWords(names: readonly string[], nobody: WordKey): string {
  const [first, ...others] = names;
  if (first === undefined) return say(nobody);
  if (others.length === 0) return say('oneInside', { names: first });
  const shown = new Intl.ListFormat(document.documentElement.lang, { type: 'conjunction' });
  if (names.length <= 3) return say('someInside', { names: shown.format(names.map(isolated)) });
  return say('moreInside', { names: names.slice(0, 2).map(isolated).join(', '), count: names.length - 2 });
}

/** One's own picture with its two switches and the level of the microphone. */
function previewOf(media: LocalMedia, name: HTMLInputElement) {
  const video = element('video', { autoplay: true, playsInline: true, muted: true });
  const letters = element('span', { className: 'initials', ariaHidden: 'true' });
  const words = element('p', { className: 'preview-words' });
  const level = element('meter', { className: 'level', min: 0, max: 1, value: 0, ariaLabel: say('microphoneLevel') });
  const toggles = { camera: toggle('camera', media), microphone: toggle('microphone', media) };
  const root = element(
    'div',
    { className: 'preview' },
    letters,
    video,
    words,
    element('div', { className: 'preview-bar' }, toggles.microphone, level, toggles.camera),
  );
  const preview = { root, silent: false, onSilence: () => {}, close: () => {} };
  const render = () => {
    const { status, track } = media.state('camera');
    if (track !== video.dataset.track && video.dataset.track !== track?.id) {
      video.dataset.track = track?.id ?? '';
      video.srcObject = track ? new MediaStream([track]) : null;
    }
    root.classList.toggle('has-video', status === 'on');
    root.classList.toggle('waiting', status === 'starting');
    words.textContent = cameraWords(media);
    letters.textContent = initials(name.value);
    letters.style.setProperty('--hue', String(hueOf(name.value)));
    showToggle(toggles.camera, 'camera', media);
    showToggle(toggles.microphone, 'microphone', media);
  };
  let quietSince = performance.now();
  const timer = setInterval(() => {
    const heard = media.meter.level;
    level.value = fullness(heard);
    const now = performance.now();
    if (heard > SILENCE.level || media.state('microphone').status !== 'on') quietSince = now;
    const silent = now - quietSince > SILENCE.after;
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
  if (status === 'starting') return say('cameraStarting');
  if (error?.problem === 'denied') return say('deniedCamera');
  return say(error?.problem === 'missing' ? 'missingCamera' : 'cameraOff');
}

function toggle(source: LocalSource, media: LocalMedia): HTMLButtonElement {
  const button = element('button', { type: 'button', className: 'round', data: { control: source } });
  button.addEventListener('click', () => {
    const on = media.state(source).status === 'on' || media.state(source).status === 'starting';
    remembered[source === 'camera' ? 'cameraOff' : 'microphoneOff'].set(on ? '1' : '');
    if (on) media.stop(source);
    else void media.start(source);
  });
  return button;
}

function showToggle(button: HTMLButtonElement, source: LocalSource, media: LocalMedia): void {
  const on = media.state(source).status === 'on';
  const labels = source === 'camera' ? (['stopCamera', 'startCamera'] as const) : (['mute', 'unmute'] as const);
  button.ariaLabel = say(labels[on ? 0 : 1]);
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
    element('label', { htmlFor: source }, say(source)),
    select,
  );
  const render = () => {
    const devices = media.devices(source === 'camera' ? 'videoinput' : 'audioinput');
    field.hidden = devices.length < 2;
    const chosen = media.chosen(source);
    select.replaceChildren(
      ...devices.map(({ deviceId, label }) =>
        element('option', { value: deviceId, selected: deviceId === chosen }, label || say('defaultDevice')),
      ),
    );
  };
  select.addEventListener('change', () => {
    remembered[source].set(select.value);
    void media.choose(source, select.value);
  });
  const offs = [media.on('devicesChanged', render), media.on('changed', render)];
  render();
  const close = () => {
    for (const off of offs) off();
  };
  return { root: field, close };
}
