/** The route point of the page: chooses what to show by the address. */
import type { RoomClient } from './client/index.ts';
import { viewerPage } from './view/broadcast/viewer/viewerPage.ts';
import { callPage } from './view/call/callPage.ts';
import { isDiagnosePath, roomPath } from './view/common/address.ts';
import { pageProblemOf, pageProblemView } from './view/common/pageProblem.ts';
import { type Route, type RoutePage, routeOf } from './view/common/route.ts';
import { applyTheme } from './view/common/theme.ts';
import type { CallController } from './view/controller/CallController.ts';
import { isolate } from './view/locales/bidi.ts';
import { language } from './view/locales/index.ts';
import { recentRooms } from './view/start/recentRooms.ts';
import { startView } from './view/start/startPage.ts';
import { preferences } from './view/storage/preferences.ts';

declare global {
  interface Window {
    /** The room client of this page, for tests and scripts. */
    weir: RoomClient | undefined;
  }
}

const app = document.querySelector('#app');
if (!app) throw new Error('the page has no #app');
document.documentElement.lang = language;
applyTheme();

const route = routeOf(location);
const problem = pageProblemOf(app);
let call: CallController | undefined;

if (problem) {
  app.replaceChildren(pageProblemView(problem));
} else if (isDiagnosePath(location.pathname)) {
  void import('./view/diagnose/diagnosePage.ts').then(({ diagnosePage }) => diagnosePage(app));
} else if (!route) {
  app.replaceChildren(startView((path) => location.assign(path)));
} else {
  // The address bar shows the canonical room name, so that every copied link has the same form.
  history.replaceState(history.state, '', roomPath(route.kind, route.room) + location.search + location.hash);
  document.title = `${isolate(route.room)} · Weir`;
  if (route.name) preferences.name.set(route.name);
  void showRoom(app, route);
}

async function showRoom(root: Element, current: Route): Promise<void> {
  const page = pageOf(current);
  // A page that is there already is shown at once.
  const show = page instanceof Promise ? await page : page;
  show(root, current, (controller) => {
    call = controller;
    window.weir = controller.client;
    controller.on('phase', (phase) => {
      window.weir = controller.client;
      if (phase === 'joined') rememberRoom(current);
    });
  });
}

function rememberRoom({ kind, room, role }: Route): void {
  recentRooms.add({ kind, room, ...(kind === 'broadcast' && role && role !== 'viewer' && { role }) });
}

/** The studio is the largest page and the one with the fewest visitors, so that it is loaded when it is needed. */
function pageOf({ kind, role }: Route): RoutePage | Promise<RoutePage> {
  if (kind === 'call') return callPage;
  if (role !== 'host' && role !== 'speaker') return viewerPage;
  return import('./view/broadcast/studio/studioPage.ts').then(({ studioPage }) => studioPage);
}

// Leaves at once, so that the others do not have to wait for the timeout.
addEventListener('pagehide', () => call?.leave());
