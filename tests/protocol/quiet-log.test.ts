/** Tests that normal use of a server logs nothing at level warn or above. */
import { afterEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { opus, vp8 } from '../../scripts/support/media/clientParameters.ts';
import { randomFrom } from '../../scripts/support/random.ts';
import { WeirProcess } from '../../scripts/support/servers/WeirProcess.ts';
import { TestClient } from '../support/client.ts';

const started: WeirProcess[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((weir) => weir.end()));
});

const LogLine = z.looseObject({ level: z.number(), msg: z.string() });
const WARN = 40;
const STEPS = 200;

/** The log lines of the process, parsed; the start-up text is left out. */
function logOf({ stdout }: WeirProcess): z.infer<typeof LogLine>[] {
  const lines = stdout.split('\n').filter((line) => line.startsWith('{'));
  return lines.map((line) => LogLine.parse(JSON.parse(line)));
}

/** A camera of three layers, selected by track settings. */
const camera = {
  ...vp8(),
  encodings: [0, 1, 2].map((layer) => ({ ssrc: 5000 + layer, rtx: { ssrc: 6000 + layer } })),
};
const sources = {
  microphone: { source: 'microphone', rtpParameters: opus() },
  camera: { source: 'camera', rtpParameters: camera },
} as const;

/** Sends a request without waiting for the reply, so that requests race with the end of their objects. */
function tell(client: TestClient, method: string, data: unknown): void {
  client.requestRaw(method, data).catch(() => {});
}

/** Receives as a browser does: resumes announced consumers, as long as the connection is open. */
async function receive(client: TestClient): Promise<void> {
  while (client.open) {
    const { consumers } = await client.event('newConsumers');
    tell(client, 'resumeConsumers', { consumerIds: consumers.map(({ consumerId }) => consumerId) });
  }
}

describe('participants who join, mute, change track settings and leave', () => {
  test.each([
    ['on one worker', { WEIR_WORKERS: '1' }],
    ['across two workers', { WEIR_WORKERS: '2', WEIR_SPILLOVER_UTILIZATION: '0' }],
  ])('%s log no line of level warn or above', async (_, workers) => {
    const seed = Date.now() % 100_000;
    console.info(`seed ${seed}`);
    const random = randomFrom(seed);
    const weir = new WeirProcess({
      ...workers,
      WEIR_LOG_LEVEL: 'debug',
      WEIR_MAX_AUDIBLE_SPEAKERS: '2',
      WEIR_MAX_CONNECTIONS_PER_IP: '1000',
      WEIR_MESSAGES_PER_SECOND: '10000',
      WEIR_MESSAGE_BURST: '10000',
      WEIR_RESUME_SECONDS: '0',
    });
    started.push(weir);
    const url = await weir.running();
    let entered = 0;
    const inside: { readonly client: TestClient; readonly peerId: string }[] = [];

    const enter = async () => {
      const client = await TestClient.connect(url);
      const { peerId, consumers } = await client.join({ room: `room-${random.int(2)}` });
      entered += 1;
      inside.push({ client, peerId });
      tell(client, 'resumeConsumers', { consumerIds: consumers.map(({ consumerId }) => consumerId) });
      receive(client).catch(() => {});
      tell(client, 'produce', sources.microphone);
      tell(client, 'produce', sources.camera);
    };
    const look = (client: TestClient) => {
      const side = random.pick([0, 160, 640, 1280]);
      const tracks = inside.map(({ peerId }) => ({ peerId, source: 'camera', width: side, height: side }));
      tell(client, 'updateTrackSettings', { tracks });
    };
    const step = async () => {
      const index = random.int(inside.length || 1);
      const someone = inside[index]?.client;
      const source = random.pick<keyof typeof sources>(['camera', 'microphone']);
      const action = random.int(12);
      if (inside.length < 12 || !someone || action < 3) await enter();
      else if (action < 5) tell(someone, random.pick(['pauseProducer', 'resumeProducer']), { source });
      else if (action < 7) look(someone);
      else if (action < 8) tell(someone, 'closeProducer', { source });
      else if (action < 9) tell(someone, 'produce', sources[source]);
      else {
        inside.splice(index, 1);
        if (random.int(2)) someone.cut();
        else tell(someone, 'leave', {});
      }
    };
    for (let done = 0; done < STEPS; done += 1) await step();
    for (const { client } of inside) client.cut();
    const count = (msg: string) => logOf(weir).filter((line) => line.msg === msg).length;
    // The log arrives through a pipe: it is complete once all peers have left and all rooms are closed.
    await expect.poll(() => count('peer joined'), { timeout: 10_000 }).toBe(entered);
    await expect.poll(() => count('peer left'), { timeout: 10_000 }).toBe(entered);
    await expect.poll(() => count('room opened') - count('room closed'), { timeout: 5000 }).toBe(0);
    expect(entered).toBeGreaterThan(30);
    expect(logOf(weir).filter(({ level }) => level >= WARN)).toEqual([]);
  });
});
