/** Screenshots of broadcasts: the studio and the viewer's page. */
import type { Page } from 'playwright-core';
import { converse } from './chat.ts';
import { installPainter } from './figures.ts';
import { dragFile, exchangeFiles } from './files.ts';
import { scenes, viewerName } from './people.ts';
import type { FrameName, Shot } from './Shot.ts';
import type { ShotContext } from './ShotContext.ts';

const room = 'Launch day';
/** Broadcast state of a stream that has run for a while. */
const longBroadcast = { viewers: 248, liveSeconds: 1503, profile: 'lowLatency' } as const;

const all: FrameName[] = ['desktop', 'light', 'ko', 'phone', 'phone-light', 'phone-ko', 'small', 'landscape', '4k'];
const main: FrameName[] = ['desktop', 'light', 'phone', 'phone-light'];
const both: FrameName[] = ['desktop', 'phone'];
const small: FrameName[] = ['desktop', 'light', 'phone', 'landscape'];

type Then = (page: Page, context: ShotContext) => Promise<unknown>;

/** Joins the stage with these others, on a server without an earlier broadcast. */
async function stage(context: ShotContext, scene: keyof typeof scenes): Promise<string> {
  await context.participants.leaveAll();
  await context.stop('broadcast');
  const server = await context.server('broadcast');
  await context.participants.show({ server, room, kind: 'broadcast', participants: scenes[scene] });
  return `${server.url}/b/${encodeURIComponent(room)}`;
}

const inStudio =
  (scene: keyof typeof scenes, then?: Then): Shot['go'] =>
  async (page, context) => {
    const url = await stage(context, scene);
    await page.addInitScript(installPainter);
    await page.goto(`${url}?${new URLSearchParams({ role: 'host', name: viewerName })}`);
    await page.evaluate(paintScreen);
    await page.locator('.preview.has-video').waitFor();
    await page.locator('button[type=submit]').click();
    await page.locator('.studio-preview-frame .tile.local.playing').waitFor();
    await then?.(page, context);
  };

const onAir = (scene: keyof typeof scenes, then?: Then): Shot['go'] =>
  inStudio(scene, async (page, context) => {
    await page.locator('.studio-live-button').click();
    await page.locator('.on-air-badge.live').waitFor();
    await then?.(page, context);
    await fakeLongBroadcast(page, context);
  });

const watch =
  (scene: keyof typeof scenes, then?: Then): Shot['go'] =>
  async (page, context) => {
    const url = await stage(context, scene);
    await page.goto(`${url}?${new URLSearchParams({ name: viewerName })}`);
    await then?.(page, context);
  };

const watchLive = (scene: keyof typeof scenes, then?: Then): Shot['go'] =>
  watch(scene, async (page, context) => {
    await context.participants.run(() => window.pageParticipants.setLive('Mina Park', true));
    await page.locator('.main-picture .tile.playing').first().waitFor();
    await page.locator('button.playback-stats:visible').waitFor();
    await then?.(page, context);
    await fakeLongBroadcast(page, context);
  });

const unmuted = (scene: keyof typeof scenes): Shot['go'] => watchLive(scene, (page) => page.locator('.unmute').click());

const invited = (scene: keyof typeof scenes): Shot['go'] =>
  watchLive(scene, async (page, context) => {
    await page.locator('.unmute').click();
    await page.locator('.control-bar [data-control=hand]').click();
    await context.participants.run(() => window.pageParticipants.invite('Mina Park'));
    await page.locator('dialog.viewer-dialog').waitFor();
  });

const onStage = (scene: keyof typeof scenes, then?: Then): Shot['go'] => {
  const go = invited(scene);
  return async (page, context) => {
    await go(page, context);
    await page.locator('dialog.viewer-dialog button[type=submit]').click();
    await page.locator('.strip .tile.local.playing').waitFor();
    await then?.(page, context);
    await fakeLongBroadcast(page, context);
  };
};

export const broadcasts: readonly Shot[] = [
  {
    name: 'studio-lobby',
    on: main,
    go: async (page, context) => {
      const url = await stage(context, 'watching');
      await page.goto(`${url}?${new URLSearchParams({ role: 'host', name: viewerName })}`);
      await page.locator('.preview.has-video').waitFor();
    },
  },
  { name: 'studio-off', on: both, go: inStudio('watching') },
  { name: 'studio-camera', on: both, go: onAir('nobody') },
  { name: 'studio-both', on: main, go: onAir('guest', (page) => scene(page, 'both')) },
  { name: 'studio-screen', go: onAir('nobody', (page) => scene(page, 'screen')) },
  { name: 'studio-guest', on: all, go: onAir('guest') },
  { name: 'studio-chat', on: all, go: onAir('guest', (page, context) => converse(page, context, 'guest')) },
  { name: 'studio-files', on: all, go: onAir('stage', (page, context) => exchangeFiles(page, context)) },
  { name: 'studio-files-drop', on: [...main, 'ko'], go: inStudio('stage', (page) => dragFile(page)) },
  {
    name: 'studio-encoder',
    on: main,
    go: onAir('guest', async (page) => {
      await page.locator('.control-bar [data-control=more]').click();
      await page.locator('.menu:popover-open .menu-item', { hasText: 'OBS' }).click();
      await page.locator('.encoder-dialog').waitFor();
    }),
  },
  { name: 'studio-end', on: both, go: onAir('guest', (page) => page.locator('.studio-live-button').click()) },
  {
    name: 'studio-ended',
    on: main,
    go: onAir('guest', async (page, context) => {
      await fakeLongBroadcast(page, context);
      await page.locator('.studio-live-button').click();
      await page.locator('dialog .danger').click();
      await page.locator('.studio-summary').waitFor();
    }),
  },
  { name: 'watch-before', on: main, go: watch('host', (page) => page.locator('.player-overlay h1').waitFor()) },
  { name: 'watch-muted', on: small, go: watchLive('host') },
  { name: 'watch-two', on: all, go: unmuted('stage') },
  { name: 'watch-both', on: main, go: unmuted('sharing') },
  { name: 'watch-chat', on: all, go: watchLive('stage', (page, context) => converse(page, context, 'stage')) },
  {
    name: 'watch-held',
    on: both,
    go: watchLive('host', async (page, context) => {
      await context.participants.run(() => window.pageParticipants.leave('Mina Park'));
      await page.locator('.player-overlay[data-state=interrupted]').waitFor();
    }),
  },
  {
    name: 'watch-ended',
    on: both,
    go: watchLive('host', async (page, context) => {
      await context.participants.run(() => window.pageParticipants.setLive('Mina Park', false));
      await page.locator('.player-overlay[data-state=ended]').waitFor();
    }),
  },
  { name: 'watch-drop', on: both, go: watchLive('stage', (page) => dragFile(page)) },
  { name: 'watch-invited', on: main, go: invited('host') },
  { name: 'watch-stage', on: small, go: onStage('host') },
  { name: 'watch-files', on: all, go: onStage('stage', (page, context) => exchangeFiles(page, context)) },
];

/** Fakes a long-running broadcast with a large audience. Notifications of hands and guests have expired by then. */
async function fakeLongBroadcast(page: Page, context: ShotContext): Promise<void> {
  await quiet(page);
  const inside = await (await context.server('broadcast')).app.rooms.find(room, 'broadcast');
  const { state = 'before' } = inside?.broadcast?.info ?? {};
  if (state === 'before') return;
  inside?.notifyAll('broadcastChanged', { ...longBroadcast, state });
  if (state === 'live') await page.locator('.studio-viewers, .viewer-count').getByText('248').waitFor();
}

async function quiet(page: Page): Promise<void> {
  await page.waitForFunction(() => !document.querySelector('.toasts > *'));
}

async function scene(page: Page, name: string): Promise<void> {
  await page.locator(`.segmented-control [data-scene=${name}]`).click();
  await page.locator(`.studio-preview-frame[data-scene=${name}] .tile.screen.playing`).waitFor();
}

/** Runs in the page: replaces the captured screen by a document, to avoid a picture in itself. */
function paintScreen(): void {
  const canvas = Object.assign(document.createElement('canvas'), { width: 1280, height: 720 });
  const paint = () => window.painter.document(canvas, 'plan', performance.now() / 1000);
  paint();
  setInterval(paint, 200);
  navigator.mediaDevices.getDisplayMedia = () => Promise.resolve(canvas.captureStream());
}
