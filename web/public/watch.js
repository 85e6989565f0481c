/** The page `/watch/<room>`: shows in words what the player of whep.js does, and its controls. */
import { words } from './watch-words.js';
import { playWhep } from './whep.js';

/** For so long nothing has arrived when the page says so, in milliseconds. */
const STILL_AFTER = 3000;
/** A loss that is made good sooner is not worth a word, in milliseconds. */
const SILENT_LOSS = 1000;
/** Full screen: how long the controls stay after the last movement, in milliseconds. */
const CONTROLS_STAY = 3000;

const stored = (/** @type {string} */ name) => {
  try {
    return localStorage.getItem(`weir.${name}`) ?? '';
  } catch {
    return '';
  }
};

/** @template {Element} T @param {string} selector @param {new () => T} type */
function find(selector, type) {
  const found = document.querySelector(selector);
  if (!(found instanceof type)) throw new Error(`The page has no ${selector}.`);
  return found;
}

const video = find('video', HTMLVideoElement);
const form = find('form', HTMLFormElement);
const tokenField = find('input', HTMLInputElement);
const again = find('.again', HTMLButtonElement);
const turnOnSound = find('.turn-on-sound', HTMLButtonElement);
const sound = find('.sound', HTMLButtonElement);
const fullScreen = find('.full-screen', HTMLButtonElement);
const { body, documentElement: root } = document;

const tags = [stored('language'), ...navigator.languages].map((tag) => tag.slice(0, 2));
root.lang = tags.find((tag) => tag === 'en' || tag === 'ko') ?? 'en';
const t = root.lang === 'ko' ? words.ko : words.en;
const theme = stored('theme');
if (theme === 'light' || theme === 'dark') root.dataset.theme = theme;

const [, base = '', encoded = ''] = /^(.*)\/watch\/+([^/]+)\/*$/i.exec(location.pathname) ?? [];
const room = decodeURIComponent(encoded);
const endpoint = `${location.origin}${base}/whep/${encoded}${location.search}`;
const token = new URLSearchParams(location.hash.slice(1)).get('token')?.trim();

/** @type {RTCPeerConnection | undefined} */
let connection;
let wasConnected = false;
/** Whether the browser has refused sound until a click. */
let isSilenced = false;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let lossTimer;

/** @param {import('./watch-words.js').ShownState} state @param {string} [detail] in place of its text */
function show(state, detail) {
  clearTimeout(lossTimer);
  lossTimer = undefined;
  if (body.dataset.state === state) return;
  body.dataset.state = state;
  const [title = '', text = ''] = t.states[state];
  find('h2', HTMLHeadingElement).textContent = state === 'playing' ? '' : title;
  find('.message p', HTMLParagraphElement).textContent = detail || text;
  find('.news', HTMLParagraphElement).textContent = `${title} ${detail || text}`.trim();
  form.hidden = state !== 'token' && state !== 'tokenRefused';
  again.hidden = state !== 'refused';
  if (!form.hidden) tokenField.focus();
  renderSound();
}

/** @param {import('./whep.js').PlayerState} state */
function onState({ name, status, detail, ...state }) {
  connection = state.connection;
  if (name === 'connected') {
    wasConnected = true;
    received = { frames: 0, packets: 0, frameAt: performance.now(), packetAt: performance.now() };
    return;
  }
  // A video that plays turns black when its tracks end; a paused one keeps its picture.
  video.pause();
  if (status === 401) show(token ? 'tokenRefused' : 'token');
  else if (name === 'refused') show('refused', detail);
  else if (name === 'notLive') show(wasConnected ? 'over' : 'notLive');
  else if (name !== 'lost') show(name);
  else if (!wasConnected) show(navigator.onLine ? 'unreachable' : 'offline');
  else lossTimer ??= setTimeout(() => show(navigator.onLine ? 'lost' : 'offline'), SILENT_LOSS);
}

let received = { frames: 0, packets: 0, frameAt: 0, packetAt: 0 };

/** Looks at what arrives: a picture, sound alone, or nothing. */
async function look() {
  if (!connection || document.hidden) return;
  let [frames, packets] = [0, 0];
  for (const report of (await connection.getStats()).values()) {
    if (report.type !== 'inbound-rtp') continue;
    frames += report.framesDecoded ?? 0;
    packets += report.packetsReceived ?? 0;
  }
  if (!connection) return;
  const now = performance.now();
  const { frameAt, packetAt } = received;
  received = {
    frames,
    packets,
    frameAt: frames > received.frames ? now : frameAt,
    packetAt: packets > received.packets ? now : packetAt,
  };
  if (received.frames > 0 && now - received.frameAt < STILL_AFTER) show('playing');
  else if (now - received.packetAt > STILL_AFTER) show('still');
  else if (now - received.frameAt > STILL_AFTER) show('audioOnly');
}

/** Plays with sound where the browser lets it, and else without. */
async function start() {
  try {
    await video.play();
  } catch (error) {
    if (!(error instanceof DOMException) || error.name !== 'NotAllowedError') return;
    isSilenced = true;
    if (video.muted) return;
    video.muted = true;
    await start();
  } finally {
    renderSound();
  }
}

function toggleSound() {
  video.muted = isSilenced ? false : !video.muted;
  isSilenced = false;
  if (video.paused && connection) void start();
}

/** @param {HTMLButtonElement} button @param {string} label @param {string} key @param {boolean} pressed */
function renderToggle(button, label, key, pressed) {
  button.ariaLabel = label;
  button.ariaPressed = String(pressed);
  button.dataset.tooltip = `${label} (${key})`;
}

function renderSound() {
  renderToggle(sound, video.muted ? t.unmute : t.mute, 'M', !video.muted);
  turnOnSound.hidden = !isSilenced || !/playing|audioOnly/.test(body.dataset.state ?? '');
}

function renderFullScreen() {
  const isFull = document.fullscreenElement !== null;
  renderToggle(fullScreen, isFull ? t.exitFullScreen : t.fullScreen, 'F', isFull);
}

function toggleFullScreen() {
  if (document.fullscreenElement) void document.exitFullscreen();
  else void root.requestFullscreen().catch(() => {});
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let stillness;
function showControls() {
  clearTimeout(stillness);
  body.classList.remove('controls-hidden');
  stillness = setTimeout(
    () => body.classList.toggle('controls-hidden', document.fullscreenElement !== null),
    CONTROLS_STAY,
  );
}

document.title = `${room} · Weir`;
find('h1', HTMLHeadingElement).textContent = room;
find('.badge', HTMLSpanElement).textContent = t.states.playing[0] ?? '';
find('h2', HTMLHeadingElement).textContent = t.states.connecting[0] ?? '';
find('.turn-on-sound span', HTMLSpanElement).textContent = t.turnOnSound;
find('label', HTMLLabelElement).textContent = t.token;
find('form button', HTMLButtonElement).textContent = t.watch;
find('footer', HTMLElement).ariaLabel = t.controls;
again.textContent = t.tryAgain;
video.ariaLabel = t.picture.replace('{room}', room);
fullScreen.hidden = !document.fullscreenEnabled;
renderSound();
renderFullScreen();

video.addEventListener('loadstart', () => void start());
video.addEventListener('volumechange', renderSound);
video.addEventListener('resize', () => {
  if (video.videoWidth === 0) return;
  video.style.setProperty('--aspect', String(video.videoWidth / video.videoHeight));
  // The first frame: sooner than the next look.
  if (connection) show('playing');
});
turnOnSound.addEventListener('click', toggleSound);
sound.addEventListener('click', toggleSound);
fullScreen.addEventListener('click', toggleFullScreen);
document.addEventListener('fullscreenchange', renderFullScreen);
again.addEventListener('click', () => location.reload());
form.addEventListener('submit', (event) => {
  event.preventDefault();
  location.hash = String(new URLSearchParams({ token: tokenField.value.trim() }));
  location.reload();
});
for (const event of ['pointermove', 'pointerdown', 'keydown', 'fullscreenchange'])
  addEventListener(event, showControls);
addEventListener('keydown', ({ key, target, altKey, ctrlKey, metaKey }) => {
  if (altKey || ctrlKey || metaKey || target instanceof HTMLInputElement) return;
  if (key.toLowerCase() === 'm') toggleSound();
  if (key.toLowerCase() === 'f' && document.fullscreenEnabled) toggleFullScreen();
});
// The player has left with the page.
addEventListener('pageshow', ({ persisted }) => persisted && location.reload());
addEventListener('offline', () => body.dataset.state !== 'playing' && show('offline'));

if ('RTCPeerConnection' in window) {
  setInterval(() => void look(), 1000);
  void playWhep(video, endpoint, { ...(token && { token }), onState });
} else show('unsupported');
