/** Owns the page: which room it is for, and the way from the lobby into the call and out of it. */
import { LocalMedia, type RoomClient } from './client/index.ts';
import { callView } from './view/Call.ts';
import { endedView } from './view/ended.ts';
import { lobbyView } from './view/Lobby.ts';
import { remembered } from './view/memory.ts';
import { Session } from './view/Session.ts';
import { startView } from './view/start.ts';
import { showTheme } from './view/theme.ts';
import { language } from './view/words/index.ts';

declare global {
  interface Window {
    /** The room client of this page, for whoever drives it. */
    weir: RoomClient | undefined;
  }
}

const app = document.querySelector('#app');
if (!app) throw new Error('the page has no #app');
document.documentElement.lang = language;
showTheme();

const room = roomOf(location.pathname);
const query = new URLSearchParams(location.search);
let session: Session | undefined;

if (room === undefined) {
  app.replaceChildren(startView((name) => location.assign(`/r/${encodeURIComponent(name)}`)));
} else {
  document.title = `${room} · Weir`;
  const name = query.get('name')?.trim();
  if (name) remembered.name.set(name);
  if (query.get('join') === '1') enterAfresh({ name: name || remembered.name.get() || 'Guest' });
  else showLobby(openMedia());
}

/** Room names travel in the path, percent-encoded; what cannot be decoded names no room. */
function roomOf(path: string): string | undefined {
  const encoded = /^\/r\/([^/]+)\/?$/.exec(path)?.[1];
  if (encoded === undefined) return undefined;
  try {
    return decodeURIComponent(encoded).trim() || undefined;
  } catch {
    return undefined;
  }
}

/** Devices that were chosen the last time; none runs yet. */
function newMedia(): LocalMedia {
  return new LocalMedia({ camera: remembered.camera.get(), microphone: remembered.microphone.get() });
}

/** Starts camera and microphone, where they were on the last time. */
function start(media: LocalMedia): LocalMedia {
  if (!remembered.cameraOff.get()) void media.start('camera');
  if (!remembered.microphoneOff.get()) void media.start('microphone');
  return media;
}

function openMedia(): LocalMedia {
  return start(newMedia());
}

/** Enters without a lobby: the way to the server is begun before the devices, which take the browser much longer. */
function enterAfresh(wish: { name: string; token?: string }): void {
  const media = newMedia();
  enter(wish, media);
  start(media);
}

function showLobby(media: LocalMedia, problem?: unknown): void {
  if (room === undefined) return;
  const lobby = lobbyView({
    room,
    media,
    problem,
    onJoin: (wish) => {
      lobby.close();
      enter(wish, media);
    },
  });
  app?.replaceChildren(lobby.root);
}

function enter(wish: { name: string; token?: string }, media: LocalMedia): void {
  if (room === undefined) return;
  const current = new Session({ room, ...wish }, media);
  session = current;
  // Begun before the page is laid out; it ends later than that in any case.
  const joining = current.join();
  window.weir = current.client;
  current.on('phase', () => {
    window.weir = current.client;
  });
  const call = callView(current, (reason) => {
    media.close();
    app?.replaceChildren(endedView(reason, () => enterAfresh(wish)));
  });
  app?.replaceChildren(call.root);
  joining.catch((error: unknown) => {
    call.close();
    showLobby(openMedia(), error);
  });
}

// A page that goes away says so, rather than leaving the others to find out.
addEventListener('pagehide', () => session?.leave());
