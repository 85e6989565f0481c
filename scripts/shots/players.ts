/** Pictures of the pages that play by WHEP. */
import type { Page } from 'playwright-core';
import { scenes } from './people.ts';
import type { FrameName, Shot } from './Shot.ts';
import { type Kind, room, type ShotContext } from './ShotContext.ts';

const all: FrameName[] = ['desktop', 'light', 'ko', 'phone', 'phone-light', 'phone-ko', 'small', 'landscape', '4k'];
const main: FrameName[] = ['desktop', 'light', 'phone'];

async function watch(
  page: Page,
  context: ShotContext,
  kind: Kind = 'open',
  name = room,
  path = `watch/${encodeURIComponent(name)}`,
): Promise<void> {
  const server = await context.server(kind);
  if (kind === 'open') await context.participants.show({ server, room, participants: scenes.one });
  await page.goto(`${server.url}/${path}`);
}

/** Waits until the page shows that state. */
const shows = (page: Page, state: string) => page.locator(`body[data-state=${state}]`).waitFor();

export const players: readonly Shot[] = [
  {
    name: 'player',
    on: main,
    go: async (page, context) => {
      await watch(page, context, 'open', room, `player.html?room=${encodeURIComponent(room)}`);
      await page.locator('[role=status]:empty').waitFor({ state: 'attached' });
    },
  },
  {
    name: 'player-not-live',
    on: main,
    go: async (page, context) => {
      await watch(page, context, 'open', 'Launch day', 'player.html?room=Launch%20day');
      await page.getByText('Nothing is live here').waitFor();
    },
  },
  {
    name: 'whep',
    on: all,
    go: async (page, context) => {
      await watch(page, context);
      await shows(page, 'playing');
    },
  },
  {
    name: 'whep-silent',
    on: main,
    go: async (page, context) => {
      // As in a browser without a prior user gesture.
      await page.addInitScript(() => {
        const play = HTMLMediaElement.prototype.play;
        HTMLMediaElement.prototype.play = function () {
          return this.muted ? play.call(this) : Promise.reject(new DOMException('', 'NotAllowedError'));
        };
      });
      await watch(page, context);
      await page.locator('.turn-on-sound').waitFor();
    },
  },
  {
    name: 'whep-not-live',
    on: [...main, 'ko', 'landscape'],
    go: async (page, context) => {
      await watch(page, context, 'open', 'Launch day');
      await shows(page, 'notLive');
    },
  },
  {
    name: 'whep-lost',
    on: main,
    go: async (page, context) => {
      await watch(page, context);
      await shows(page, 'playing');
      await context.stop('open');
      await context.participants.leaveAll();
      await shows(page, 'lost');
    },
  },
  {
    name: 'whep-token',
    on: [...main, 'small', 'ko'],
    go: async (page, context) => {
      await watch(page, context, 'tokens');
      await shows(page, 'token');
    },
  },
];
