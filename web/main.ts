/** The route point of the page: chooses what to show by the address. */
import type { RoomClient } from './client/index.ts';
import { isDiagnosePath, roomPath } from './view/common/address.ts';
import { pageProblemOf, pageProblemView } from './view/common/pageProblem.ts';
import { type Route, type RoutePage, routeOf } from './view/common/route.ts';
import { applyTheme } from './view/common/theme.ts';
import type { CallController } from './view/controller/CallController.ts';
import { isolate } from './view/locales/bidi.ts';
import { language, loadMessages } from './view/locales/index.ts';
import { recentRooms } from './view/start/recentRooms.ts';
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
void show(app);

/** Shows what the address says. The document has preloaded what is imported here: see preloadLinks in vite.config.ts. */
async function show(root: Element): Promise<void> {
  const messages = loadMessages();
  if (problem) {
    await messages;
    root.replaceChildren(pageProblemView(problem));
  } else if (isDiagnosePath(location.pathname)) {
    const [{ diagnosePage }] = await Promise.all([import('./view/diagnose/diagnosePage.ts'), messages]);
    diagnosePage(root);
  } else if (!route) {
    const [{ startView }] = await Promise.all([import('./view/start/startPage.ts'), messages]);
    root.replaceChildren(startView((path) => location.assign(path)));
  } else {
    // The address bar shows the canonical room name, so that every copied link has the same form.
    history.replaceState(history.state, '', roomPath(route.kind, route.room) + location.search + location.hash);
    document.title = `${isolate(route.room)} · Weir`;
    if (route.name) preferences.name.set(route.name);
    const [page] = await Promise.all([pageOf(route), messages]);
    showRoom(page, root, route);
  }
}

function showRoom(page: RoutePage, root: Element, current: Route): void {
  page(root, current, (controller) => {
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

async function pageOf({ kind, role }: Route): Promise<RoutePage> {
  if (kind === 'call') return (await import('./view/call/callPage.ts')).callPage;
  if (role !== 'host' && role !== 'speaker') return (await import('./view/broadcast/viewer/viewerPage.ts')).viewerPage;
  return (await import('./view/broadcast/studio/studioPage.ts')).studioPage;
}

// Leaves at once, so that the others do not have to wait for the timeout.
addEventListener('pagehide', () => call?.leave());
