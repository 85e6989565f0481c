/** Trial: the receiver of webhooks fails and is killed, and so is Weir; it must have every event, in order. */
import { setTimeout } from 'node:timers/promises';
import { WebhookExchange, webhookKeys } from '../../support/servers/WebhookExchange.ts';
import { WebhookReceiverProcess } from '../../support/servers/WebhookReceiverProcess.ts';
import { until } from '../../support/until.ts';
import { startWeir } from '../support/startWeir.ts';
import type { Figure, Trial } from '../support/Trial.ts';

/** Of each run. */
const EVENTS = 10_000;
const ROOMS = 20;
/** How often Weir is killed. */
const KILLS = 2;
/** The share of requests that the receiver fails. */
const FAILING = 0.3;
/** How long the receiver runs between two kills, and how long it is down then, in milliseconds. */
const RECEIVER = { up: 8000, down: 3000 };
/** How long it may take until everything is delivered, in milliseconds. */
const DELIVERY_TIMEOUT = 300_000;

export const webhooks: Trial = {
  name: 'webhooks',
  title: 'Webhooks to a receiver that fails',
  about: `In ${ROOMS} rooms people come, have their grants changed and are removed, until Weir has confirmed ${EVENTS} such events to its clients. The receiver, which checks each webhook with the package \`livekit-server-sdk\`, fails ${FAILING * 100} % of the requests: a third of these without an answer, a third before and a third after it has stored the webhook. Every ${RECEIVER.up / 1000} s it is killed, and started again ${RECEIVER.down / 1000} s later. Weir is killed ${KILLS} times (\`kill -9\`) in the middle, and started again. Then the receiver must have each event that was confirmed, those of a room in order, and repeated ones with the same id and body.`,
  times: 1,
  async run({ times, report }) {
    const sums = new Map<string, number>();
    const add = (name: string, value: number) => sums.set(name, (sums.get(name) ?? 0) + value);
    for (let turn = 0; turn < times; turn += 1) {
      await using receiver = await WebhookReceiverProcess.prepare({ ...webhookKeys, failing: FAILING });
      await receiver.start();
      using killing = killRepeatedly(receiver);
      const exchange = new WebhookExchange();
      const seconds = await sendAll(exchange, receiver, (what) => report(`run ${turn + 1} of ${times}: ${what}`));
      const findings = exchange.compare(receiver.received);
      for (const [name, value] of Object.entries(findings)) add(name, value);
      add('confirmed', exchange.confirmed);
      add('receiverKills', killing.count);
      add('seconds', seconds);
    }
    const figure = (name: string, key: string, unit: string, bounds: Partial<Figure> = {}): Figure => ({
      ...{ name, value: sums.get(key) ?? 0, unit },
      ...bounds,
    });
    return [
      figure('events that Weir confirmed to its clients', 'confirmed', '', { least: EVENTS * times }),
      figure('different events at the receiver', 'delivered', ''),
      figure('confirmed events that it lacks', 'missing', '', { most: 0 }),
      figure('events after a later one of their room', 'outOfOrder', '', { most: 0 }),
      figure('repeated events', 'duplicates', ''),
      figure('repeated events with another body', 'changed', '', { most: 0 }),
      figure('webhooks that livekit-server-sdk refuses', 'wrong', '', { most: 0 }),
      figure('kills of the receiver', 'receiverKills', ''),
      { name: 'kills of Weir', value: KILLS * times, unit: '' },
      figure('from the last event until all were delivered', 'seconds', 's'),
    ];
  },
};

/** @returns seconds from when the last event happened until all were delivered */
async function sendAll(
  exchange: WebhookExchange,
  receiver: WebhookReceiverProcess,
  report: (what: string) => void,
): Promise<number> {
  const settings = {
    WEIR_API_KEY: webhookKeys.apiKey,
    WEIR_API_SECRET: webhookKeys.apiSecret,
    WEIR_WEBHOOK_URLS: receiver.url,
    WEIR_DATA_DIR: receiver.directory,
    WEIR_MESSAGE_BURST: '10000',
    WEIR_LOG_LEVEL: 'error',
  };
  for (let life = 0; life <= KILLS; life += 1) {
    await using weir = await startWeir(settings);
    const gone = new AbortController();
    const all = (EVENTS * (life + 1)) / (KILLS + 1);
    const runs = Array.from({ length: ROOMS }, (_, index) =>
      exchange.run(weir.url, `room ${life}-${index}`, life < KILLS ? Number.POSITIVE_INFINITY : EVENTS, gone.signal),
    );
    if (life < KILLS) {
      await until('the events of this life', DELIVERY_TIMEOUT, () => {
        report(`${exchange.confirmed} events, Weir is killed at ${Math.round(all)}`);
        return exchange.confirmed >= all;
      });
      process.kill(weir.server, 'SIGKILL');
      gone.abort();
      await Promise.all(runs);
      continue;
    }
    await Promise.all(runs);
    const began = performance.now();
    report('all have happened; waiting until all are delivered');
    await until('everything being delivered', DELIVERY_TIMEOUT, () => exchange.isComplete(receiver.received), 500);
    return (performance.now() - began) / 1000;
  }
  throw new Error('Weir has had no life without a kill.');
}

/** Kills the receiver and starts it again, over and over, until it is disposed of. */
function killRepeatedly(receiver: WebhookReceiverProcess): Disposable & { readonly count: number } {
  const aborter = new AbortController();
  const { signal } = aborter;
  let count = 0;
  const loop = async () => {
    while (!signal.aborted) {
      await setTimeout(RECEIVER.up, undefined, { signal });
      await receiver.kill();
      count += 1;
      await setTimeout(RECEIVER.down, undefined, { signal });
      await receiver.start();
    }
  };
  void loop().catch(() => {});
  return {
    get count() {
      return count;
    },
    [Symbol.dispose]: () => aborter.abort(),
  };
}
