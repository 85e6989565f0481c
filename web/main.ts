/** Owns the page: which room it is for, and what is shown of it. */
import type { RoomClient } from './client/index.ts';
import { studioPage } from './view/broadcast/studio/studioPage.ts';
import { viewerPage } from './view/broadcast/viewer/viewerPage.ts';
import { callPage } from './view/call/callPage.ts';
import { roomPath } from './view/common/address.ts';
import { pageProblemOf, pageProblemView } from './view/common/pageProblem.ts';
import { type Route, routeOf } from './view/common/route.ts';
import { applyTheme } from './view/common/theme.ts';
import type { CallController } from './view/controller/CallController.ts';
import { isolate } from './view/locales/bidi.ts';
import { language } from './view/locales/index.ts';
import { recentRooms } from './view/start/recentRooms.ts';
import { startView } from './view/start/startPage.ts';
import { preferences } from './view/storage/preferences.ts';

declare global {
  interface Window {
    /** The room client of this page, for whoever drives it. */
    weir: RoomClient | undefined;
  }
}

const app = document.querySelector('#app');
if (!app) throw new Error('the page has no #app');
document.documentElement.lang = language;
applyTheme();

const entry = routeOf(location);
const problem = pageProblemOf(app);
let call: CallController | undefined;

if (problem) {
  app.replaceChildren(pageProblemView(problem));
} else if (!entry) {
  app.replaceChildren(startView((path) => location.assign(path)));
} else {
  // However the address writes the name: what is copied from it, and kept, is the one form that it has.
  history.replaceState(history.state, '', roomPath(entry.kind, entry.room) + location.search + location.hash);
  document.title = `${isolate(entry.room)} · Weir`;
  if (entry.name) preferences.name.set(entry.name);
  pageOf(entry)(app, entry, (current) => {
    call = current;
    window.weir = current.client;
    current.on('phase', (phase) => {
      window.weir = current.client;
      if (phase === 'joined') rememberRoom(entry);
    });
  });
}

function rememberRoom({ kind, room, role }: Route): void {
  recentRooms.add({ kind, room, ...(kind === 'broadcast' && role && role !== 'viewer' && { role }) });
}

function pageOf({ kind, role }: Route) {
  if (kind === 'call') return callPage;
  return role === 'host' || role === 'speaker' ? studioPage : viewerPage;
}

// A page that goes away says so, rather than leaving the others to find out.
addEventListener('pagehide', () => call?.leave());
