/** A call of two in Chromium across an emulated link, with faults on one side of it, and what the pages say about them. */
import { setInterval, setTimeout } from 'node:timers/promises';
import type { Namespaces } from '../network/namespaces.ts';
import type { Measured } from '../servers/measured.ts';
import { TwoNetworks } from '../servers/TwoNetworks.ts';
import { launchChromium } from './chromium.ts';
import { seeEachOther, Visitor } from './Visitor.ts';

/** Where the fault is: on the link of the far person, Bob, in one direction, or in the media worker. */
export type FaultPlace = 'uplink' | 'downlink' | 'server';

export interface Fault {
  readonly name: string;
  readonly place: FaultPlace;
  /** Begins it. @returns ends it */
  begin(call: QualityCall): Promise<() => Promise<void>>;
}

/** What a page says: of each tile that is marked, `self` or the name, and whose connection it is, as `data-quality` has it. */
export type Marks = Readonly<Record<string, string>>;

/** What is right, by page. On pages that a fault of the server reaches, one marked tile is enough. */
const expected: Readonly<Record<Exclude<FaultPlace, 'server'>, { readonly ada: Marks; readonly bob: Marks }>> = {
  uplink: { ada: { Bob: 'remoteUplink' }, bob: { self: 'localUplink' } },
  downlink: { ada: {}, bob: { Ada: 'localDownlink' } },
};
const HEALTHY = { loss: 0, rate: 0 };
const TIMEOUT = 40_000;
/** In bit/s: from this estimate of the far person's uplink on, nothing of an earlier fault is left in it. */
const RECOVERED = 1_000_000;
/** Poll interval of the pages, in milliseconds. */
const POLL = 250;
/** The worker is stopped and continued in turns, in milliseconds: it gets a fifth of a core. */
const STARVED = { stopped: 400, running: 100 };

/** Loss in percent, a rate in kbit/s. */
export const faults: readonly Fault[] = [
  linkFault('uplink, 15 % loss', 'uplink', { loss: 15 }),
  linkFault('downlink, 15 % loss', 'downlink', { loss: 15 }),
  {
    name: 'server, a fifth of a core',
    place: 'server',
    async begin({ server }) {
      const ended = new AbortController();
      const running = starve(server.worker, ended.signal);
      return () => {
        ended.abort();
        return running;
      };
    },
  },
  // Last, since bandwidth estimates take the longest to recover.
  linkFault('uplink, 250 kbit/s', 'uplink', { rate: 250 }),
  linkFault('downlink, 250 kbit/s', 'downlink', { rate: 250 }),
];

/** One fault, as the pages told it. */
export interface Told {
  /** Milliseconds until both pages said what is right; undefined if they did not within the time. */
  readonly after: number | undefined;
  /** Whatever was said that is wrong: a tile that is well, or another cause. */
  readonly wrong: readonly string[];
  /** What the pages said last. */
  readonly last: { readonly ada: Marks; readonly bob: Marks };
}

export class QualityCall implements AsyncDisposable {
  readonly server: Measured;
  readonly namespaces: Namespaces;
  readonly #ada: Visitor;
  readonly #bob: Visitor;
  readonly #resources: AsyncDisposableStack;

  private constructor(parts: {
    server: Measured;
    namespaces: Namespaces;
    ada: Visitor;
    bob: Visitor;
    resources: AsyncDisposableStack;
  }) {
    this.server = parts.server;
    this.namespaces = parts.namespaces;
    this.#ada = parts.ada;
    this.#bob = parts.bob;
    this.#resources = parts.resources;
  }

  /** @param seconds how long it lasts at most */
  static async begin(seconds: number): Promise<QualityCall> {
    await using opening = new AsyncDisposableStack();
    const { server, namespaces, url, near, far } = opening.use(
      await TwoNetworks.open({
        link: { delay: 10 },
        lifetime: seconds,
        settings: { WEIR_WORKERS: '1' },
        launch: (secure, within) => launchChromium({ within, secure, devices: 'fps=15' }),
      }),
    );
    const ada = await Visitor.enter(near, url, 'quality', 'Ada');
    const bob = await Visitor.enter(far, url, 'quality', 'Bob');
    await seeEachOther(ada, bob, TIMEOUT);
    return new QualityCall({ server, namespaces, ada, bob, resources: opening.move() });
  }

  /** What both pages say now. */
  async marks(): Promise<{ ada: Marks; bob: Marks }> {
    const [ada, bob] = await Promise.all([marksOf(this.#ada), marksOf(this.#bob)]);
    return { ada, bob };
  }

  /** Waits until nothing is said. @returns what is still said after a time; undefined if nothing is */
  async isGood(within: number): Promise<Told['last'] | undefined> {
    const end = performance.now() + within;
    for await (const _ of setInterval(POLL)) {
      const last = await this.marks();
      if (isEmpty(last.ada) && isEmpty(last.bob)) return undefined;
      if (performance.now() > end) return last;
    }
    return undefined;
  }

  /** Waits until the bandwidth estimate of the far person has recovered. @param within milliseconds @returns whether it has */
  async recovers(within: number): Promise<boolean> {
    const end = performance.now() + within;
    for await (const _ of setInterval(POLL)) {
      const available = await this.#bob.page.evaluate(async () => {
        const connections = (await window.weir?.getConnectionStats()) ?? [];
        return connections.find(({ direction }) => direction === 'send')?.pair?.availableOutgoingBitrate ?? 0;
      });
      if (available >= RECOVERED) return true;
      if (performance.now() > end) return false;
    }
    return false;
  }

  /** Lets all be well for a time. @returns what was said in it */
  async stayGood(time: number): Promise<readonly string[]> {
    const said = new Set<string>();
    const end = performance.now() + time;
    for await (const _ of setInterval(POLL)) {
      const { ada, bob } = await this.marks();
      for (const line of [...linesOf('Ada', ada), ...linesOf('Bob', bob)]) said.add(line);
      if (performance.now() > end) break;
    }
    return [...said];
  }

  /**
   * Begins a fault, and ends it when the pages have said what is right, or after a time.
   * @param least how long it lasts even then, in milliseconds, so that something wrong could follow
   */
  async tell(fault: Fault, { least, most }: { readonly least: number; readonly most: number }): Promise<Told> {
    const end = await fault.begin(this);
    const began = performance.now();
    const wrong = new Set<string>();
    let after: number | undefined;
    let last: Told['last'] = { ada: {}, bob: {} };
    try {
      for await (const _ of setInterval(POLL)) {
        last = await this.marks();
        for (const line of wrongIn(fault.place, last)) wrong.add(line);
        const passed = performance.now() - began;
        if (isRight(fault.place, last)) after ??= passed;
        if (passed > (after === undefined ? most : Math.max(least, after))) break;
      }
    } finally {
      await end();
    }
    return { after, wrong: [...wrong], last };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

function linkFault(name: string, place: 'uplink' | 'downlink', link: { loss?: number; rate?: number }): Fault {
  const direction = place === 'uplink' ? 'ab' : 'ba';
  return {
    name,
    place,
    async begin({ namespaces }) {
      await namespaces.set(link, direction);
      return () => namespaces.set(HEALTHY, direction);
    },
  };
}

async function starve(pid: number, ended: AbortSignal): Promise<void> {
  try {
    while (!ended.aborted) {
      process.kill(pid, 'SIGSTOP');
      await setTimeout(STARVED.stopped);
      process.kill(pid, 'SIGCONT');
      await setTimeout(STARVED.running);
    }
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}

function marksOf({ page }: Visitor): Promise<Marks> {
  return page.evaluate(() => {
    const tiles = [...document.querySelectorAll<HTMLElement>('section.tile')];
    const marked = tiles.filter((tile) => tile.querySelector('.quality-mark:not([hidden])'));
    return Object.fromEntries(
      marked.map((tile) => [
        tile.classList.contains('local') ? 'self' : (tile.ariaLabel ?? ''),
        tile.dataset.quality ?? '',
      ]),
    );
  });
}

function isRight(place: FaultPlace, { ada, bob }: Told['last']): boolean {
  if (place === 'server') return [ada, bob].every((marks) => Object.values(marks).includes('server'));
  const right = expected[place];
  return isEqual(ada, right.ada) && isEqual(bob, right.bob);
}

function wrongIn(place: FaultPlace, { ada, bob }: Told['last']): string[] {
  const wrong = (page: 'ada' | 'bob', marks: Marks) =>
    Object.entries(marks).filter(([tile, quality]) =>
      place === 'server' ? quality !== 'server' : expected[place][page][tile] !== quality,
    );
  return [
    ...linesOf('Ada', Object.fromEntries(wrong('ada', ada))),
    ...linesOf('Bob', Object.fromEntries(wrong('bob', bob))),
  ];
}

function linesOf(page: string, marks: Marks): string[] {
  return Object.entries(marks).map(([tile, quality]) => `on ${page}'s page, of ${tile}: ${quality}`);
}

function isEmpty(marks: Marks): boolean {
  return Object.keys(marks).length === 0;
}

function isEqual(one: Marks, other: Marks): boolean {
  return (
    Object.keys(one).length === Object.keys(other).length &&
    Object.entries(other).every(([tile, quality]) => one[tile] === quality)
  );
}
