/** Owns the page: which room it is for, and the way from the lobby into the call. */
import { RoomClient } from './client/index.ts';
import { callView } from './view/call.ts';
import { lobbyView, startView } from './view/lobby.ts';
import { lastName } from './view/memory.ts';

declare global {
  interface Window {
    /** The room client of this page, for whoever drives it. */
    weir: RoomClient | undefined;
  }
}

const app = document.querySelector('#app');
if (!app) throw new Error('the page has no #app');

const room = roomOf(location.pathname);
const query = new URLSearchParams(location.search);

if (room === undefined) {
  app.replaceChildren(startView((name) => location.assign(`/r/${encodeURIComponent(name)}`)));
} else {
  document.title = `${room} · Weir`;
  const name = query.get('name')?.trim() || lastName.get();
  if (query.get('join') === '1') enter({ room, name: name || 'Guest' });
  else showLobby(name);
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

function showLobby(name: string, problem?: { message: string; needsToken: boolean }): void {
  if (room === undefined) return;
  const lobby = lobbyView({ room, name, problem, onJoin: (wish) => enter({ room, ...wish }) });
  app?.replaceChildren(lobby);
}

function enter(wish: { room: string; name: string; token?: string }): void {
  const client = new RoomClient({ url: location.origin });
  window.weir = client;
  const call = callView({
    client,
    wish,
    onRefused: (problem) => showLobby(wish.name, problem),
    onRejoin: () => enter(wish),
  });
  app?.replaceChildren(call);
}

// A page that goes away says so, rather than leaving the others to find out.
addEventListener('pagehide', () => window.weir?.leave());
