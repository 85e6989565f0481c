/**
 * Benchmark of a call whose speakers alternate: the layers that four pages send, against those that their tiles show.
 */
import { setTimeout } from 'node:timers/promises';
import { layerForSize } from '../../server/media/layers.ts';
import { launchChromium } from '../support/browsers/chromium.ts';
import { childrenOf, cpuMicroseconds, treeOf } from '../support/process/cpu.ts';
import { type Measured, startMeasured } from '../support/servers/measured.ts';
import { raised } from '../support/servers/settings.ts';
import { median } from '../support/statistics/median.ts';
import type { Benchmark, Figure } from './support/Benchmark.ts';
import { CallPage, type ShownTile } from './support/CallPage.ts';
import { bytesBetween, type Camera, extraBetween, lastExtra, publishedAt, type Span } from './support/layerSamples.ts';
import { type Pair, type Ratio, ratioOf } from './support/pairs.ts';
import { startCheckout } from './support/servers.ts';
import { comparedCheckout } from './support/settings.ts';

/** With four people in a call, each tile is half as wide. */
const VIEWPORT = { width: 1280, height: 800 };
/** Of Chromium's fake camera. */
const CAMERA = { width: 1280, height: 720 };
const NAMES = ['Ada', 'Grace', 'Alan'] as const;
const LATE = 'Edsger';
/** Milliseconds. */
const TIMES = { turn: 2000, talk: 20_000, window: 2000, published: 2000, timeout: 60_000, poll: 100, settle: 12_000 };
/** Number of rounds, and of CPU windows in each. */
const DEPTH = { full: { rounds: 3, windows: 5 }, quick: { rounds: 2, windows: 5 } };

/** The result of one call. */
interface Round {
  /**
   * Layers above those that any tile shows: of the late participant's camera after it is published, and of all cameras
   * when that participant comes, and in the end.
   */
  readonly extra: { readonly published: number; readonly met: number; readonly talking: number };
  /** Cameras that still send an extra layer at the end of the call. */
  readonly publishers: number;
  /** Milliseconds from the late join until only displayed layers are sent, and until all others are visible. */
  readonly until: { readonly onlyShown: number; readonly seen: number };
  readonly windows: readonly Window[];
}

/** Rates while people talk, a second. */
interface Window {
  /** Milliseconds of CPU of all processes of the browser. */
  readonly cpu: number;
  /** kbit/s of video of all four, and the part of it in layers up to the displayed one. */
  readonly sent: number;
  readonly shown: number;
}

/** Milliseconds since 1970, except `seen`. */
interface Measurements {
  readonly late: number;
  readonly seen: number;
  readonly measured: readonly (Span & { readonly cpu: number })[];
}

type Side = 'a' | 'b';

export const speakers: Benchmark = {
  name: 'speakers',
  title: 'Layers that are sent while speakers alternate',
  about: `Four pages of Weir in Chromium, on this machine, in one call: fake cameras of 1280x720 in three layers, two by two tiles in a window of 1280x800, and one microphone after the other is unmuted, every ${TIMES.turn / 1000} s. The fourth joins when the others see each other. What each page encodes (from its RTP statistics) is compared with the layer that the others' tiles need. A layer is extra when it is above that one. With WEIR_BENCH_AGAINST, alternating with the server and pages of another checkout.`,
  a: 'video that is sent; this version',
  b: 'of it, layers that are shown; the compared version',
  limits: raised,
  slow: true,
  async run({ quick, report }) {
    const { rounds, windows } = DEPTH[quick ? 'quick' : 'full'];
    const folder = comparedCheckout();
    await using servers = new AsyncDisposableStack();
    const here = servers.use(await startMeasured());
    const there = folder === undefined ? undefined : servers.use(await startCheckout(folder));
    const found: Record<Side, Round[]> = { a: [], b: [] };
    for (let round = 0; round < rounds; round += 1) {
      const order: Side[] = round % 2 === 0 ? ['b', 'a'] : ['a', 'b'];
      for (const side of order) {
        const server = side === 'a' ? here : there;
        if (!server) continue;
        const who = side === 'a' ? 'this version' : 'the compared version';
        const title = `round ${round + 1} of ${rounds}, ${who}`;
        report(title);
        found[side].push(await call(server, `speakers-${round}`, windows));
      }
    }
    return {
      srtp: 'SRTP_AEAD_AES_128_GCM',
      ratios: ratiosOf(found),
      figures: [...figuresOf(found.a, ''), ...(there ? figuresOf(found.b, ', compared version') : [])],
    };
  },
};

/** Runs one call in a browser of its own. */
async function call(server: Measured, room: string, windows: number): Promise<Round> {
  const others = new Set(childrenOf(process.pid));
  await using browser = await launchChromium();
  const [pid] = childrenOf(process.pid).filter((child) => !others.has(child));
  if (pid === undefined) throw new Error('The browser has no process.');
  const open = (name: string) => CallPage.open(browser, { url: server.url, room, name, viewport: VIEWPORT });
  const pages = await Promise.all(NAMES.map(open));
  await Promise.all(pages.map((page) => seesOthers(page, NAMES.length - 1)));
  // Longer than a layer is kept after two participants with large tiles demanded it.
  await setTimeout(TIMES.settle);
  const late = await open(LATE);
  const seen = (await seesOthers(late, NAMES.length)) - late.began;
  pages.push(late);
  await Promise.all(pages.map((page) => seesOthers(page, NAMES.length)));
  await using talk = await Talk.begin(pages);
  await setTimeout(TIMES.talk);
  const measured: (Span & { cpu: number })[] = [];
  for (let window = 0; window < windows; window += 1) {
    const processes = treeOf(pid);
    const cpu = () => processes.reduce((sum, one) => sum + cpuMicroseconds(one), 0);
    const [from, before] = [Date.now(), cpu()];
    await setTimeout(TIMES.window);
    measured.push({ from, to: Date.now(), cpu: cpu() - before });
  }
  await talk.end();
  return roundOf(await camerasOf(pages), { late: late.began, seen, measured });
}

/** Waits until a page presents new frames of `count` others. @returns when, in milliseconds since 1970 */
async function seesOthers(page: CallPage, count: number): Promise<number> {
  const end = Date.now() + TIMES.timeout;
  while (Date.now() < end) {
    const tiles = await page.tiles();
    if (tiles.filter(({ frames }) => frames > 0).length >= count) return Date.now();
    await setTimeout(TIMES.poll);
  }
  throw new Error(`${page.name} does not see ${count} others: is something else using the machine?`);
}

/** Lets one participant after another speak while all others are muted. */
class Talk implements AsyncDisposable {
  readonly #pages: readonly CallPage[];
  readonly #stop = new AbortController();
  #turns: Promise<void> = Promise.resolve();

  private constructor(pages: readonly CallPage[]) {
    this.#pages = pages;
  }

  static async begin(pages: readonly CallPage[]): Promise<Talk> {
    await Promise.all(pages.map((page) => page.setSpeaking(false)));
    const talk = new Talk(pages);
    talk.#turns = talk.#take();
    // Its rejection is reported by `end`.
    talk.#turns.catch(() => {});
    return talk;
  }

  /** @throws what stopped the turns */
  async end(): Promise<void> {
    this.#stop.abort();
    await this.#turns;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end().catch(() => {});
  }

  async #take(): Promise<void> {
    const { signal } = this.#stop;
    for (let turn = 0; !signal.aborted; turn += 1) {
      const page = this.#pages[turn % this.#pages.length];
      await page?.setSpeaking(true);
      await setTimeout(TIMES.turn, undefined, { signal }).catch(() => {});
      await page?.setSpeaking(false);
    }
  }
}

async function camerasOf(pages: readonly CallPage[]): Promise<Camera[]> {
  const [tiles, samples] = await Promise.all([
    Promise.all(pages.map((page) => page.tiles())),
    Promise.all(pages.map((page) => page.samples())),
  ]);
  return pages.map(({ name }, index) => {
    const own = samples[index] ?? [];
    const layers = Math.max(...own.map((sample) => sample.layers.length));
    const needed = (tile: ShownTile) => layerForSize(tile, CAMERA, layers);
    return {
      samples: own,
      shown: Math.max(
        -1,
        ...tiles
          .flat()
          .filter((tile) => tile.name === name)
          .map(needed),
      ),
    };
  });
}

function roundOf(cameras: readonly Camera[], { late, seen, measured }: Measurements): Round {
  const sum = (of: (camera: Camera) => number) => cameras.reduce((all, camera) => all + of(camera), 0);
  const newcomer = cameras.at(-1) ?? { samples: [], shown: -1 };
  const published = publishedAt(newcomer) + TIMES.published;
  const talking = { from: measured[0]?.from ?? 0, to: measured.at(-1)?.to ?? 0 };
  return {
    extra: {
      published: extraBetween(newcomer, { from: published, to: published + TIMES.window }),
      met: sum((camera) => extraBetween(camera, { from: late - TIMES.window, to: late })),
      talking: sum((camera) => extraBetween(camera, talking)),
    },
    publishers: cameras.filter((camera) => extraBetween(camera, talking) > 0).length,
    until: { onlyShown: Math.max(0, ...cameras.map((camera) => lastExtra(camera) - late)), seen },
    windows: measured.map((window) => {
      const seconds = (window.to - window.from) / 1000;
      const kilobits = (of: (camera: Camera) => number) =>
        sum((camera) => bytesBetween(camera, window, of(camera))) / 125 / seconds;
      return {
        cpu: window.cpu / 1000 / seconds,
        sent: kilobits(() => Number.POSITIVE_INFINITY),
        shown: kilobits(({ shown }) => shown),
      };
    }),
  };
}

function ratiosOf({ a, b }: Record<Side, Round[]>): Ratio[] {
  const windowsOf = (rounds: readonly Round[]) => rounds.flatMap(({ windows }) => windows);
  const [now, compared] = [windowsOf(a), windowsOf(b)];
  const sentAndShown = now.map(({ sent, shown }): Pair<number> => ({ a: sent, b: shown, first: 'a' }));
  const sides = (of: (window: Window) => number) =>
    now.flatMap((window, index): Pair<number>[] => {
      const other = compared[index];
      return other ? [{ a: of(window), b: of(other), first: 'b' }] : [];
    });
  const lower = { better: 'lower' } as const;
  return [
    ratioOf(sentAndShown, {
      ...lower,
      name: 'Video that is sent, to what of it is shown',
      unit: 'kbit/s',
      goal: { ratio: 1.05, why: 'what is sent is shown' },
    }),
    ...(compared.length > 0
      ? [
          ratioOf(
            sides(({ sent }) => sent),
            { ...lower, name: 'Video that is sent, to the compared version', unit: 'kbit/s' },
          ),
          ratioOf(
            sides(({ cpu }) => cpu),
            { ...lower, name: "CPU of all the browser's processes, to the compared version", unit: 'ms a second' },
          ),
        ]
      : []),
  ];
}

function figuresOf(rounds: readonly Round[], suffix: string): Figure[] {
  const goals = suffix === '';
  const middle = (of: (round: Round) => number) => median(rounds.map(of));
  const most = (of: (round: Round) => number) => Math.max(...rounds.map(of));
  const figure = (name: string, value: number, unit: string, atMost?: number): Figure => ({
    name: `${name}${suffix}`,
    value,
    unit,
    ...(goals && atMost !== undefined && { goal: { most: atMost } }),
  });
  return [
    figure(
      'Extra layers of the late participant, 2 to 4 s after publishing',
      middle(({ extra }) => extra.published),
      '',
    ),
    figure(
      'Extra layers that a late participant meets',
      middle(({ extra }) => extra.met),
      '',
    ),
    figure(
      'Until only layers that are shown are sent, from the late join',
      middle(({ until }) => until.onlyShown),
      'ms',
    ),
    figure(
      'Until a late participant sees all others',
      middle(({ until }) => until.seen),
      'ms',
    ),
    figure(
      'Extra layers after 20 s of alternating speakers',
      middle(({ extra }) => extra.talking),
      '',
      0,
    ),
    figure(
      'The same in the worst call',
      most(({ extra }) => extra.talking),
      '',
      0,
    ),
    figure(
      'Cameras that send extra layers then, in the worst call',
      most(({ publishers }) => publishers),
      '',
      0,
    ),
    figure(
      "CPU of all the browser's processes",
      median(rounds.flatMap(({ windows }) => windows.map(({ cpu }) => cpu))),
      'ms a second',
    ),
  ];
}
