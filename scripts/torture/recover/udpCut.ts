/** Trial: UDP is cut in the middle of a call, in Chromium and Firefox; media goes on over ICE-TCP or a TURN server. */
import { setTimeout } from 'node:timers/promises';
import type { SdkVisitor } from '../../support/browsers/SdkVisitor.ts';
import { type BrowserName, NetworkCall, networks, whyNoNetworkCall } from '../../support/servers/NetworkCall.ts';
import { until } from '../../support/until.ts';
import { type Figure, type Trial, timeFigures } from '../support/Trial.ts';

/** Milliseconds. */
const TIMEOUT = 40_000;
/** Length of the call before the cut: estimates of bandwidth are stable by then. */
const SETTLED = 2500;
/** Frames in flight at the cut have been shown after this time: later ones are new. */
const DRAINED = 500;
const browsers: readonly BrowserName[] = ['Chromium', 'Firefox'];

/** What is left after the cut, and the local candidates over which media has to go on. */
export const ways = [
  { name: 'ICE-TCP', left: networks.iceTcp, goesOn: ({ protocol }: Local) => protocol === 'tcp' },
  { name: 'TURN over TCP', left: networks.relayTcp, goesOn: ({ relayProtocol }: Local) => relayProtocol === 'tcp' },
  { name: 'TURN over TLS', left: networks.relayTls, goesOn: ({ relayProtocol }: Local) => relayProtocol === 'tls' },
];
type Local = Awaited<ReturnType<SdkVisitor['pairs']>>[number]['local'];
type Way = (typeof ways)[number];

interface Outcome {
  /** Milliseconds from the cut until media flows again in both directions. */
  readonly back: number;
  readonly sameSession: boolean;
  readonly rightWay: boolean;
}

export const udpCut: Trial = {
  name: 'udp-cut',
  title: 'UDP that is cut during a call, with ICE-TCP or TURN left',
  about:
    "Chromium and Firefox, behind one gateway, are in a call with somebody who is beside the server. The gateway begins to drop UDP, and leaves TCP to the media port, or TCP to a TURN server, or TCP to port 443 alone (TURN over TLS). Times are from then until new frames are decoded and new packets of the browser's camera arrive. Each time is a new call.",
  times: 20,
  whyNotHere: () => whyNoNetworkCall(),
  async run({ times, report }) {
    await using call = await NetworkCall.start({ delay: 5 }, 3000);
    const figures: Figure[] = [];
    let lost = 0;
    let wrong = 0;
    for (const way of ways) {
      const outcomes = new Map<BrowserName, Outcome[]>(browsers.map((name) => [name, []]));
      for (let turn = 0; turn < times; turn += 1) {
        const both = await cutOnce(call, way);
        for (const [name, outcome] of both) outcomes.get(name)?.push(outcome);
        const shown = [...both].map(([name, { back }]) => `${name} ${Math.round(back)} ms`);
        report(`${way.name}: ${turn + 1} of ${times}: ${shown.join(', ')}`);
      }
      for (const [name, all] of outcomes) {
        const back = all.map((one) => one.back);
        figures.push(...timeFigures(`${way.name}, ${name}, media again`, back, { most: 5000 }));
        lost += all.filter(({ sameSession }) => !sameSession).length;
        wrong += all.filter(({ rightWay }) => !rightWay).length;
      }
    }
    return [
      ...figures,
      { name: 'Sessions that were lost', value: lost, unit: '', most: 0 },
      { name: 'Calls that did not go on over what was left', value: wrong, unit: '', most: 0 },
    ];
  },
};

/** A new call in both browsers, and a cut. */
export async function cutOnce(call: NetworkCall, way: Way): Promise<Map<BrowserName, Outcome>> {
  await call.network.setAccess({ kind: 'open' });
  const visitors = await Promise.all(browsers.map(async (name) => ({ name, visitor: await call.enter(name) })));
  try {
    await Promise.all(visitors.map(({ visitor }) => flowsAgain(call, visitor)));
    await setTimeout(SETTLED);
    await call.network.setAccess(way.left);
    const cut = performance.now();
    await setTimeout(DRAINED);
    const outcomes = visitors.map(async ({ name, visitor }) => {
      await flowsAgain(call, visitor);
      const back = performance.now() - cut;
      const locals = (await visitor.pairs()).map(({ local }) => local);
      const rightWay = locals.length === 2 && locals.every(way.goesOn);
      return [name, { back, rightWay, sameSession: await visitor.isSameSession() }] as const;
    });
    return new Map(await Promise.all(outcomes));
  } finally {
    await Promise.all(visitors.map(({ visitor }) => visitor.leave()));
  }
}

/** Waits until new frames are decoded, and new packets of the camera arrive at the partner. */
async function flowsAgain(call: NetworkCall, visitor: SdkVisitor): Promise<void> {
  const grows = async (what: string, count: () => Promise<number>) => {
    const before = await count();
    await until(what, TIMEOUT, async () => (await count()) > before + 2);
  };
  await Promise.all([
    grows('new frames', () => visitor.framesDecoded()),
    grows('new packets', () => call.packetsAtPartner(visitor)),
  ]);
}
