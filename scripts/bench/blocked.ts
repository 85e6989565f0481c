/** Benchmark of signalling where WebSocket is blocked: the time until a client is in a room, and that of 25 joins at once. */
import type { SignallingKind } from '../../web/client/Signalling.ts';
import { SignalSession } from '../../web/client/signalling/SignalSession.ts';
import { capabilities } from '../support/media/clientParameters.ts';
import { ObstructingProxy, type Obstruction } from '../support/network/ObstructingProxy.ts';
import { startMeasured } from '../support/servers/measured.ts';
import { raised } from '../support/servers/settings.ts';
import { distributionOf } from '../support/statistics/distribution.ts';
import type { Benchmark, Figure } from './support/Benchmark.ts';
import { type Ratio, ratioOf, runPairs } from './support/pairs.ts';

interface Case {
  readonly name: string;
  readonly obstruction: Partial<Obstruction>;
  /** The kind of connection that is expected. */
  readonly kind: SignallingKind;
  /** The longest acceptable time, in milliseconds. */
  readonly most: number;
}

const cases: readonly Case[] = [
  { name: 'WebSocket refused', obstruction: { webSockets: 'refused' }, kind: 'sse', most: 1500 },
  { name: 'WebSocket never answered', obstruction: { webSockets: 'silent' }, kind: 'sse', most: 1500 },
  {
    name: 'WebSocket refused, streams held back',
    obstruction: { webSockets: 'refused', responses: 'blocks' },
    kind: 'polling',
    most: 3000,
  },
  {
    name: 'WebSocket never answered, streams held back',
    obstruction: { webSockets: 'silent', responses: 'whole' },
    kind: 'polling',
    most: 3000,
  },
];
const kinds: readonly SignallingKind[] = ['webSocket', 'sse', 'polling'];
/** How many join at once, and how often. */
const BURST = { size: 25, full: 10, quick: 3 } as const;

export const blocked: Benchmark = {
  name: 'blocked',
  title: 'Signalling where WebSocket is blocked',
  about: `The SDK's signalling in Node joins a room through a proxy on the same machine: from the beginning of the connection to the reply to join, without media. The proxy refuses WebSockets or never answers them, and passes streams on as they come, in full blocks of 4 KiB, or not before their end. Then ${BURST.size} join one room at once over each kind of connection, without the proxy.`,
  a: 'behind the proxy',
  b: 'WebSocket',
  limits: raised,
  slow: true,
  async run({ quick, report }) {
    await using weir = await startMeasured();
    await using proxy = await ObstructingProxy.start(weir.url);
    const ratios: Ratio[] = [];
    const figures: Figure[] = [];
    for (const { name, obstruction, kind, most } of cases) {
      report(name);
      const times: number[] = [];
      const behind = async () => {
        proxy.obstruct(obstruction);
        const time = await timeJoin(proxy.url, kind);
        times.push(time);
        return time;
      };
      const free = () => {
        proxy.obstruct({});
        return timeJoin(proxy.url, 'webSocket');
      };
      const pairs = await runPairs(behind, free, { warmUp: 1 });
      ratios.push(ratioOf(pairs, { name, unit: 'ms', better: 'lower' }));
      const { p50, max } = distributionOf(times);
      figures.push({ name: `In the room, p50, ${name}`, value: p50, unit: 'ms' });
      figures.push({ name: `In the room, last, ${name}`, value: max, unit: 'ms', goal: { most } });
    }
    for (const kind of kinds) {
      report(`${BURST.size} joins over ${kind}`);
      const times: number[] = [];
      for (let round = 0; round < (quick ? BURST.quick : BURST.full); round += 1) {
        times.push(await timeBurst(weir.url, kind));
      }
      figures.push({ name: `${BURST.size} joins at once, p50, ${kind}`, value: distributionOf(times).p50, unit: 'ms' });
    }
    return { srtp: '', ratios, figures };
  },
};

/** @throws {Error} if another kind of connection was used */
async function timeJoin(url: string, kind: SignallingKind): Promise<number> {
  const opened: string[] = [];
  const startedAt = performance.now();
  const { signalling } = await SignalSession.open({
    url,
    listeners: {},
    log: (type, value) => type === 'open' && opened.push(value ?? ''),
    onClose: () => {},
  });
  await join(signalling, 'alone');
  const time = performance.now() - startedAt;
  signalling.leave();
  if (opened.at(-1) !== kind) throw new Error(`It joined over ${opened.at(-1)}, not over ${kind}.`);
  return time;
}

async function timeBurst(url: string, kind: SignallingKind): Promise<number> {
  const startedAt = performance.now();
  const sessions = await Promise.all(
    Array.from({ length: BURST.size }, async () => {
      const { signalling } = await SignalSession.open({ url, kinds: [kind], listeners: {}, onClose: () => {} });
      await join(signalling, 'burst');
      return signalling;
    }),
  );
  const time = performance.now() - startedAt;
  for (const session of sessions) session.leave();
  return time;
}

async function join(signalling: SignalSession, room: string): Promise<void> {
  await signalling.join({ room, rtpCapabilities: capabilities, transports: { send: true, recv: true } });
}
