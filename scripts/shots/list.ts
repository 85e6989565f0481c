/** The list of screenshots: every state of the page, the steps to it, and its viewports. */
import type { Page } from 'playwright-core';
import { broadcasts } from './broadcasts.ts';
import { converse, openChat } from './chat.ts';
import { diagnosis } from './diagnosis.ts';
import { dragFile, exchangeFiles } from './files.ts';
import { scenes } from './people.ts';
import { players } from './players.ts';
import { type FrameName, frames, type Shot } from './Shot.ts';
import { room, type ShotContext } from './ShotContext.ts';

const everywhere = Object.keys(frames).filter((name): name is FrameName => name !== '4k');
const main: FrameName[] = ['desktop', 'light', 'phone', 'small', 'landscape'];
const both: FrameName[] = ['desktop', 'phone'];
const small: FrameName[] = ['desktop', 'phone', 'landscape'];

const button = (page: Page, control: string) => page.locator(`.control-bar [data-control=${control}]`);
const submit = (page: Page) => page.locator('button[type=submit]').click();
const inCall =
  (scene: keyof typeof scenes, then?: (page: Page, context: ShotContext) => Promise<unknown>): Shot['go'] =>
  async (page, context) => {
    await context.call(page, scenes[scene]);
    await then?.(page, context);
  };
const inLobby =
  (then?: (page: Page) => Promise<unknown>): Shot['go'] =>
  async (page, context) => {
    await context.lobby(page, 'open');
    await then?.(page);
  };
/** Functions that several states share, so that they also share a page. */
const ofFive = inCall('four');
const previewed = inLobby((page) => pictureShown(page));
const pictureShown = (page: Page) => page.locator('.preview.has-video').waitFor();

export const shots: readonly Shot[] = [
  { name: 'start', on: ['desktop', 'light', 'phone', 'small', 'landscape', 'ko'], go: start },
  { name: 'start-recent', on: ['desktop', 'light', 'phone', 'small', 'phone-ko'], go: recent },
  { name: 'start-token', on: both, go: (page, context) => start(page, context, 'tokens') },
  {
    name: 'start-invalid',
    go: async (page, context) => {
      await start(page, context);
      await submit(page);
    },
  },
  {
    name: 'lobby',
    on: everywhere,
    go: async (page, context) => {
      const server = await context.server('open');
      await context.participants.show({ server, room, participants: scenes.three });
      await context.lobby(page, 'open');
      await pictureShown(page);
      await page.waitForFunction(() => (document.querySelector('meter')?.value ?? 0) > 0.4);
    },
  },
  {
    name: 'lobby-empty',
    go: async (page, context) => {
      await context.participants.leaveAll();
      await context.lobby(page, 'open', false);
      await pictureShown(page);
    },
  },
  {
    name: 'lobby-nameless',
    on: both,
    go: async (page, context) => {
      await context.lobby(page, 'open', false);
      await submit(page);
    },
  },
  { name: 'lobby-off', on: small, go: inLobby((page) => page.locator('.preview [data-control=camera]').click()) },
  { name: 'lobby-denied', on: [...main, 'ko'], devices: 'denied', go: inLobby() },
  { name: 'lobby-no-devices', on: both, devices: 'none', go: inLobby() },
  { name: 'lobby-token', on: ['desktop', 'phone', 'small'], go: (page, context) => context.lobby(page, 'tokens') },
  {
    name: 'lobby-token-wrong',
    go: async (page, context) => {
      await context.lobby(page, 'tokens');
      await page.locator('#token').fill('not a token');
      await submit(page);
      await page.locator('.error:visible').waitFor();
    },
  },
  {
    name: 'lobby-unreachable',
    on: both,
    go: async (page, context) => {
      await page.route('**/api/rooms/**', (route) => route.abort());
      await context.lobby(page, 'open');
      await page.locator('.error:visible').waitFor();
    },
  },
  {
    name: 'lobby-full',
    on: both,
    go: async (page, context) => {
      await context.participants.show({ server: await context.server('full'), room, participants: scenes.one });
      await context.lobby(page, 'full');
      await submit(page);
      await page.locator('.error:visible').waitFor();
    },
  },
  {
    name: 'lobby-settings',
    on: both,
    go: previewed,
    open: (page) => page.locator('.settings-button').click(),
  },
  { name: 'call-alone', on: [...main, 'ko'], go: inCall('nobody') },
  { name: 'call-2', on: main, go: inCall('one') },
  { name: 'call-3', on: small, go: inCall('two') },
  { name: 'call-5', on: [...everywhere, '4k'], go: ofFive },
  { name: 'more', on: [...main, 'ko', 'phone-ko'], go: ofFive, open: (page) => button(page, 'more').click() },
  {
    name: 'devices',
    on: ['desktop', 'light', 'ko'],
    go: ofFive,
    open: (page) => page.locator('.split-button .chevron').first().click(),
  },
  { name: 'stats', on: [...everywhere], go: inCall('four', openStats) },
  { name: 'encoder', on: [...main, 'ko', 'phone-ko'], go: inCall('four', openEncoder) },
  {
    name: 'encoder-page',
    on: ['desktop', 'light', 'phone-ko'],
    go: inCall('four', async (page) => {
      await openEncoder(page);
      await page.locator('.encoder-page pre').scrollIntoViewIfNeeded();
    }),
  },
  { name: 'react', on: small, go: ofFive, open: (page) => button(page, 'react').click() },
  { name: 'tooltip', go: ofFive, open: (page) => button(page, 'microphone').hover() },
  { name: 'hover', go: ofFive, open: (page) => page.locator('.grid .tile').first().hover() },
  {
    name: 'focus',
    go: ofFive,
    open: async (page) => {
      await button(page, 'leave').focus();
      await page.keyboard.press('Shift+Tab');
    },
  },
  {
    name: 'speaker',
    on: main,
    go: inCall('four', (page) => speakerLayout(page)),
  },
  { name: 'call-5-muted', on: both, go: inCall('four', (page) => switchOff(page)) },
  {
    name: 'people',
    on: main,
    go: async (page, context) => {
      await context.call(page, scenes.four, { admin: true });
      await openPeople(page);
    },
  },
  {
    name: 'toasts',
    on: small,
    go: inCall('four', async (_page, context) => {
      await context.participants.run(() => window.pageParticipants.raise('Jonas Weber'));
      await context.participants.run(() => window.pageParticipants.leave('Tomás Oliveira'));
      context.participants.invalidate();
    }),
  },
  {
    name: 'reactions',
    on: both,
    go: ofFive,
    open: async (page) => {
      await button(page, 'react').click();
      await page.locator('.reactions button').nth(1).click();
      await page.waitForTimeout(400);
      await button(page, 'react').click();
      await page.locator('.reactions button').nth(4).click();
      await page.waitForTimeout(600);
    },
  },
  {
    name: 'error-toast',
    on: main,
    go: inCall('four', async (page) => {
      await button(page, 'camera').click();
      await page.evaluate(() => {
        navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotAllowedError'));
      });
      await button(page, 'camera').click();
      await page.locator('.toast.error').waitFor();
    }),
  },
  {
    name: 'slow',
    on: both,
    go: inCall('slow', async (page, context) => {
      await context.participants.run(() => window.pageParticipants.freeze('Priya Raman'));
      await page.locator('.tile.frozen').waitFor();
      context.participants.invalidate();
    }),
  },
  { name: 'share', on: [...main, 'ko'], go: inCall('share') },
  { name: 'share-two', on: small, go: inCall('shares') },
  {
    name: 'share-own',
    on: ['desktop'],
    go: inCall('four', async (page) => {
      await button(page, 'screen').click();
      await page.locator('.control-bar [data-control=screen][aria-pressed=true]').waitFor();
    }),
  },
  { name: 'call-12', on: main, go: inCall('eleven') },
  { name: 'call-25', on: main, go: inCall('twentyFour') },
  {
    name: 'call-25-paged',
    on: ['phone'],
    go: inCall('twentyFour', async (page) => {
      await page.getByRole('button', { name: 'Next page' }).click();
      await page.getByRole('button', { name: 'Previous page' }).click();
      // Long enough for a picture without new frames to be reported as frozen.
      await page.waitForTimeout(2500);
    }),
  },
  { name: 'chat', on: everywhere, go: inCall('four', (page, context) => converse(page, context)) },
  {
    name: 'chat-unread',
    on: both,
    go: inCall('four', async (page, context) => {
      for (const text of ['Can everybody see the plan?', 'I will share it again.', 'Now?']) {
        await context.participants.run((line) => window.pageParticipants.write('Mina Park', line), text);
      }
      await page.locator('.control-bar [data-control=chat][data-count="3"]').waitFor();
      context.participants.invalidate();
    }),
  },
  {
    name: 'chat-private',
    on: both,
    go: inCall('four', async (page, context) => {
      await converse(page, context);
      await page.locator('.chat select').selectOption({ label: 'Priya Raman' });
      await page.locator('.chat textarea').fill('Shall we tell them\nafter the call?');
    }),
  },
  { name: 'chat-empty', on: [...both, 'ko'], go: inCall('four', (page) => openChat(page)) },
  { name: 'files', on: everywhere, go: inCall('four', (page, context) => exchangeFiles(page, context)) },
  { name: 'files-drop', on: [...main, 'ko'], go: inCall('four', (page) => dragFile(page)) },
  { name: 'people-25', on: both, go: inCall('twentyFour', openPeople) },
  { name: 'speaker-25', on: small, go: inCall('twentyFour', speakerLayout) },
  {
    name: 'sound',
    on: both,
    devices: 'denied',
    go: async (page, context) => {
      const server = await context.server('open');
      await context.participants.show({ server, room, participants: scenes.three });
      // As in a browser without a prior user gesture.
      await page.addInitScript(() => {
        HTMLAudioElement.prototype.play = () => Promise.reject(new DOMException('', 'NotAllowedError'));
      });
      await page.goto(`${server.url}/r/${encodeURIComponent(room)}?join=1&name=Alex`);
      await page.locator('.tile.playing').nth(2).waitFor();
      await page.locator('.audio-unlock').waitFor();
    },
  },
  { name: 'ended', on: main, go: inCall('one', (page) => leave(page)) },
  {
    name: 'ended-removed',
    on: both,
    go: inCall('one', async (page, context) => {
      await context.participants.run(() => window.pageParticipants.remove('Mina Park', 'Alex Kim'));
      await page.locator('.card.message').waitFor();
    }),
  },
  {
    name: 'ended-replaced',
    on: [...both, 'ko'],
    go: inCall('one', async (page, context) => {
      await context.replace();
      await page.locator('.card.message').waitFor();
    }),
  },
  {
    name: 'away',
    on: [...both, 'ko'],
    go: inCall('four', async (page, context) => {
      const inside = await (await context.server('tokens')).app.rooms.find(room);
      const { peerId } = inside?.visiblePeers()[1] ?? { peerId: '' };
      inside?.notifyAll('peerAway', { peerId, away: true });
      await page.locator('.connection-notice:visible').waitFor();
    }),
  },
  {
    name: 'draining',
    on: both,
    go: inCall('four', async (page, context) => {
      (await (await context.server('tokens')).app.rooms.find(room))?.notifyAll('draining', { seconds: 30 });
      await page.locator('.toasts > *').first().waitFor();
    }),
  },
  {
    name: 'reconnecting',
    on: small,
    go: inCall('four', async (page, context) => {
      await context.stop('tokens');
      await context.participants.leaveAll();
      await page.locator('.status:visible').waitFor();
    }),
  },
  ...diagnosis,
  ...broadcasts,
  ...players,
];

async function start(page: Page, context: ShotContext, kind: 'open' | 'tokens' = 'open'): Promise<void> {
  const { url } = await context.server(kind);
  await page.goto(url, { waitUntil: 'networkidle' });
}

/** The start page of a returning visitor. */
async function recent(page: Page, context: ShotContext): Promise<void> {
  await start(page, context);
  await page.evaluate(() => {
    const rooms = [
      { kind: 'call', room: 'monday coffee' },
      { kind: 'broadcast', room: 'town hall', role: 'host' },
      { kind: 'broadcast', room: 'a talk whose name is longer than a line of a telephone' },
    ];
    localStorage.setItem('weir.rooms', JSON.stringify(rooms));
    localStorage.setItem('weir.name', 'Ada');
  });
  await page.reload({ waitUntil: 'networkidle' });
}

async function leave(page: Page): Promise<void> {
  await button(page, 'leave').click();
  await page.locator('.card.message').waitFor();
}

async function switchOff(page: Page): Promise<void> {
  await button(page, 'microphone').click();
  await button(page, 'camera').click();
  await button(page, 'hand').click();
}

async function speakerLayout(page: Page): Promise<void> {
  await button(page, 'more').click();
  await page.locator('[role=menuitemradio]').nth(1).click();
  await page.locator('.with-focus').waitFor();
}

async function openStats(page: Page): Promise<void> {
  await button(page, 'more').click();
  await page.locator('.menu:popover-open .menu-item', { hasText: /statistics|통계/ }).click();
  await page.locator('.stats-track').nth(5).waitFor();
  // The first rates.
  await page.locator('.stats-track dd', { hasText: 'bit/s' }).nth(2).waitFor();
}

async function openEncoder(page: Page): Promise<void> {
  await button(page, 'more').click();
  await page.locator('.menu:popover-open .menu-item', { hasText: 'OBS' }).click();
  await page.locator('.encoder-dialog').waitFor();
}

/** On a phone the list of participants is behind "more". */
async function openPeople(page: Page): Promise<void> {
  if (await button(page, 'participants').isVisible()) await button(page, 'people').click();
  else {
    await button(page, 'more').click();
    await page.locator('.menu:popover-open .menu-item').first().click();
  }
  await page.locator('.participants').waitFor();
}
