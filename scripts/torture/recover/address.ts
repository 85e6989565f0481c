/** Trial: a device moves to another network, its address changes, and the call continues. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { whyNoChromium } from '../../support/browsers/chromium.ts';
import { seeEachOther, Visitor } from '../../support/browsers/Visitor.ts';
import { addresses, whyNoNamespaces } from '../../support/network/namespaces.ts';
import { TwoNetworks } from '../../support/servers/TwoNetworks.ts';
import { until } from '../../support/until.ts';
import { type Trial, timeFigures } from '../support/Trial.ts';

const TIMEOUT = 40_000;
/** Rest between two moves, in milliseconds: ICE restarts are limited to one in five seconds, and to five a minute. */
const REST = { few: 6000, many: 13_000 };
const execute = promisify(execFile);

export const address: Trial = {
  name: 'address',
  title: 'A change of address',
  about:
    'Two people are in a call in Chromium, in two network namespaces, one of them with the server. One loses its IP address and gets another. Times are from then to each of them seeing new frames of the other.',
  times: 20,
  whyNotHere: () => whyNoChromium() ?? whyNoNamespaces(),
  async run({ times, report }) {
    await using networks = await TwoNetworks.open();
    const { namespaces, url } = networks;
    const { a: moving } = namespaces.names;
    const ada = await Visitor.enter(networks.near, url, 'room', 'Ada');
    const bob = await Visitor.enter(networks.far, url, 'room', 'Bob');
    await seeEachOther(ada, bob, TIMEOUT);
    const before = (await bob.room()).peerId;
    const device = await deviceOf(moving);
    const ip = (...args: string[]) => execute('ip', args);
    await ip('-n', namespaces.names.b, 'route', 'add', '10.203.0.0/24', 'dev', await deviceOf(namespaces.names.b));
    const back: number[] = [];
    let current: string = addresses.a;
    let changed = 0;
    for (let turn = 0; turn < times; turn += 1) {
      const next = `10.203.0.${11 + (turn % 200)}`;
      await ip('-n', moving, 'addr', 'del', current, 'peer', addresses.b, 'dev', device);
      await ip('-n', moving, 'addr', 'add', next, 'peer', addresses.b, 'dev', device);
      const moved = performance.now();
      current = next;
      await seeEachOther(ada, bob, TIMEOUT);
      back.push(performance.now() - moved);
      if ((await bob.room()).peerId !== before) changed += 1;
      report(`${turn + 1} of ${times}: frames again after ${Math.round(back.at(-1) ?? 0)} ms`);
      if (turn === times - 1) break;
      const rest = times > 4 ? REST.many : REST.few;
      const rested = performance.now() + rest;
      await until('the allowance', 2 * rest, () => performance.now() > rested);
    }
    return [
      ...timeFigures('Each sees the other again', back, { most: 3000 }),
      { name: 'Sessions that were lost', value: changed, unit: '', most: 0 },
    ];
  },
};

/** The network device of a namespace that is not loopback. */
async function deviceOf(namespace: string): Promise<string> {
  const { stdout } = await execute('ip', ['-n', namespace, '-o', '-4', 'addr', 'show']);
  const device = /^\d+: (?!lo\b)(\S+)/m.exec(stdout)?.[1];
  if (device === undefined) throw new Error(`The namespace has no device: ${stdout}`);
  return device;
}
