/**
 * Benchmark of file transfers: throughput against the bare data channel beneath, memory of both browsers, loss, a rejoin in
 * the middle, many at once, and a call beside them.
 */
import { setTimeout } from 'node:timers/promises';
import { addresses, Namespaces } from '../support/network/namespaces.ts';
import { startMeasured } from '../support/servers/measured.ts';
import { raised } from '../support/servers/settings.ts';
import { median } from '../support/statistics/median.ts';
import { until } from '../support/until.ts';
import type { Benchmark, Figure } from './support/Benchmark.ts';
import { FileBrowser } from './support/FileBrowser.ts';
import { MIN_PAIRS, ratioOf, runPairs } from './support/pairs.ts';

const MB = 1_000_000;
/** Bytes. `beside` is more than goes within a window. */
const SIZES = {
  full: { small: MB, medium: 100 * MB, large: 1000 * MB, many: 10 * MB, lossy: 2 * MB, beside: 400 * MB },
  quick: { small: MB, medium: 10 * MB, large: 50 * MB, many: 2 * MB, lossy: MB / 2, beside: 100 * MB },
};
/** How often a file of 100 MB is sent, and one of 1 GB. */
const TIMES_SENT = { medium: 3, large: 1 };
/** Files at once. */
const MANY = 10;
/** Milliseconds: of the bare channel, of one transfer, of a window in which frames are counted, and until it has settled. */
const TIMES = { bare: 1500, transfer: 600_000, window: 5000, settle: 2000 };
/** Milliseconds one way, and percent. */
const LINK = { delay: 10, loss: 5 };
const LINK_SECONDS = 900;
/**
 * Milliseconds after each burst of the bare channel on the lossy link: it fills the server's queue for the receiver, whose
 * channels are then opened again, which is allowed ten times a minute.
 */
const LOSSY_PAUSE = 5000;
const LOSSY_ATTEMPTS = 3;
const CAMERA_HEIGHT = 360;
/** Nothing limits files but the browsers, and the default size is raised for what must not end beside a call. */
const unlimited = { WEIR_FILE_BITRATE: '1000000000', WEIR_FILE_MAX_BYTES: '8000000000', WEIR_RESUME_SECONDS: '30' };

/** A sender and a receiver, and a channel between them that has carried something. */
interface Stage extends AsyncDisposable {
  readonly sender: FileBrowser;
  readonly receiver: FileBrowser;
}

let sent = 0;

export const files: Benchmark = {
  name: 'files',
  title: 'Files between two browsers',
  about: `Chromium sends files to Chromium through the server, each with a profile on disk, 16 KiB a message, every block and the whole checked by SHA-256, the receiver's copy in the origin private file system. The bare channel is the same RTCDataChannel, over the same server, filled with messages of the same size that nobody stores, hashes or acknowledges. Throughput is from the offer to the verified file; files of 100 MB and 1 GB go between two bursts of the bare channel. The link: ${LINK.delay} ms one way, ${LINK.loss} % lost, towards the receiver. Frames: two cameras of ${CAMERA_HEIGHT}p at 30 fps, with a transfer and without.`,
  a: 'files',
  b: 'bare data channel',
  limits: { ...raised, ...unlimited },
  slow: true,
  async run({ quick, report }) {
    const sizes = SIZES[quick ? 'quick' : 'full'];
    const ratios = [];
    const figures: Figure[] = [];
    {
      await using server = await startMeasured(unlimited);
      await using stage = await enter(server.url, {});
      const pairs = await runPairs(
        () => transferRate(stage, sizes.small),
        () => bareRate(stage),
        { pairs: MIN_PAIRS, warmUp: 1, onPair: (pair, of) => report(`1 MB: pair ${pair} of ${of}`) },
      );
      ratios.push(ratioOf(pairs, { name: 'Throughput, 1 MB', unit: 'MB/s', better: 'higher' }));
      figures.push(...(await rates(stage, sizes.medium, TIMES_SENT.medium, report)));
      report('many at once');
      figures.push({
        name: `Throughput, ${MANY} files at once`,
        value: await manyRate(stage, sizes.many),
        unit: 'MB/s',
      });
      report('a rejoin in the middle');
      figures.push(...(await rejoin(stage, sizes.medium)));
      figures.push(...(await withMemory(stage, sizes.large, report)));
    }
    {
      report('a lossy link');
      await using namespaces = await Namespaces.create(LINK, LINK_SECONDS);
      const settings = { ...unlimited, WEIR_HOST: addresses.b, WEIR_RTC_HOST: addresses.b };
      await using server = await startMeasured(settings, { namespaces, side: 'b' });
      await using stage = await enter(server.url, { sender: namespaces.names.b, receiver: namespaces.names.a });
      const pairs = await runPairs(
        () => transferRate(stage, sizes.lossy),
        () => lossyBareRate(stage),
        { pairs: MIN_PAIRS, warmUp: 1, onPair: (pair, of) => report(`${LINK.loss} % lost: pair ${pair} of ${of}`) },
      );
      ratios.push(
        ratioOf(pairs, {
          name: `Throughput, ${LINK.loss} % lost, ${nameOf(sizes.lossy)}`,
          unit: 'MB/s',
          better: 'higher',
        }),
      );
    }
    report('a call');
    await using server = await startMeasured({ ...unlimited, WEIR_FILE_BITRATE: '40000000' });
    await using stage = await enter(server.url, { cameraHeight: CAMERA_HEIGHT });
    const pairs = await runPairs(
      () => framesBeside(stage, sizes.beside),
      () => framesBeside(stage, undefined),
      { pairs: MIN_PAIRS, onPair: (pair, of) => report(`frames: pair ${pair} of ${of}`) },
    );
    const goal = { ratio: 0.9, why: 'a call does not suffer from a transfer' };
    const named = { name: 'Frames decoded, with a transfer (A) and without (B)', unit: 'a second', goal } as const;
    const frames = pairs.map(({ a, b, first }) => ({ a: a.frames, b: b.frames, first }));
    ratios.push(ratioOf(frames, { ...named, better: 'higher' }));
    figures.push({
      name: 'Throughput beside a call, default limits',
      value: median(pairs.map(({ a }) => a.rate)),
      unit: 'MB/s',
    });
    return { srtp: 'SRTP_AEAD_AES_128_GCM', ratios, figures };
  },
};

async function enter(
  url: string,
  { sender: from, receiver: to, cameraHeight }: { sender?: string; receiver?: string; cameraHeight?: number },
): Promise<Stage> {
  await using opening = new AsyncDisposableStack();
  const options = { url, room: 'files', ...(cameraHeight !== undefined && { cameraHeight }) };
  const sender = opening.use(await FileBrowser.open({ ...options, name: 'sender' }, from));
  const receiver = opening.use(await FileBrowser.open({ ...options, name: 'receiver', accepts: true }, to));
  await until('the receiver', TIMES.settle, async () => (await sender.visitor.peers()).length > 0);
  // Opens the data channel.
  await transferRate({ sender, receiver }, MB);
  const owned = opening.move();
  return { sender, receiver, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Sends one file. @returns MB/s from the offer to the verified copy @throws {Error} if the copy differs */
async function transferRate({ sender, receiver }: Pick<Stage, 'sender' | 'receiver'>, size: number): Promise<number> {
  const name = `${++sent}.bin`;
  await sender.visitor.prepare(name, size);
  const began = performance.now();
  await sender.visitor.sendPrepared(name);
  await receiver.visitor.completed(name, TIMES.transfer);
  const seconds = (performance.now() - began) / 1000;
  await compare({ sender, receiver }, name);
  return size / MB / seconds;
}

/** Compares the hashes of a file and its copy, and removes both. */
async function compare({ sender, receiver }: Pick<Stage, 'sender' | 'receiver'>, name: string): Promise<void> {
  const [wanted, got] = await Promise.all([sender.visitor.sentHash(name), receiver.visitor.receivedHash(name)]);
  if (wanted !== got) throw new Error(`${name} arrived as another file.`);
  await Promise.all([sender.visitor.forget(name), receiver.visitor.forget(name)]);
}

/** MB/s of the bare channel. */
async function bareRate({ sender, receiver }: Stage): Promise<number> {
  const before = await receiver.visitor.receivedBare();
  await sender.visitor.sendBare(TIMES.bare);
  await setTimeout(500);
  const after = await receiver.visitor.receivedBare();
  return (after.bytes - before.bytes) / MB / ((after.at - after.firstAt) / 1000);
}

/** MB/s of the bare channel on a lossy link. Nothing arrives of a burst in which the channels are opened again: it is repeated. */
async function lossyBareRate(stage: Stage): Promise<number> {
  for (let attempt = 1; ; attempt += 1) {
    const rate = await bareRate(stage);
    await setTimeout(LOSSY_PAUSE);
    if (rate > 0 || attempt === LOSSY_ATTEMPTS) return rate;
  }
}

/**
 * Sends files of one size, each between two bursts of the bare channel: medians of their throughput, in MB/s and in percent of
 * that of the channel.
 */
async function rates(stage: Stage, size: number, times: number, report: (what: string) => void): Promise<Figure[]> {
  const sent: number[] = [];
  const shares: number[] = [];
  let before = await bareRate(stage);
  for (let turn = 1; turn <= times; turn += 1) {
    report(`${nameOf(size)}: ${turn} of ${times}`);
    const rate = await transferRate(stage, size);
    const after = await bareRate(stage);
    sent.push(rate);
    shares.push((rate / ((before + after) / 2)) * 100);
    before = after;
  }
  return [
    { name: `Throughput, ${nameOf(size)}`, value: median(sent), unit: 'MB/s' },
    { name: `Throughput, ${nameOf(size)}, of that of the bare channel`, value: median(shares), unit: '%' },
  ];
}

/** MB/s of several files together. */
async function manyRate({ sender, receiver }: Stage, size: number): Promise<number> {
  const names = Array.from({ length: MANY }, () => `${++sent}.bin`);
  await Promise.all(names.map((name) => sender.visitor.prepare(name, size)));
  const began = performance.now();
  await Promise.all(names.map((name) => sender.visitor.sendPrepared(name)));
  await Promise.all(names.map((name) => receiver.visitor.completed(name, TIMES.transfer)));
  const seconds = (performance.now() - began) / 1000;
  for (const name of names) await compare({ sender, receiver }, name);
  return (MANY * size) / MB / seconds;
}

/** The sender's session ends in the middle of a file, and another one goes on. */
async function rejoin({ sender, receiver }: Stage, size: number): Promise<Figure[]> {
  const name = `${++sent}.bin`;
  await sender.visitor.prepare(name, size);
  await sender.visitor.sendPrepared(name);
  const half = ({ transferred }: { transferred: number }) => transferred > size / 2;
  await receiver.visitor.transfer(name, TIMES.transfer, half);
  await sender.visitor.rejoin();
  const began = performance.now();
  const { transferred: kept } = await receiver.visitor.transfer(
    name,
    TIMES.transfer,
    ({ state }) => state !== 'waiting',
  );
  await receiver.visitor.transfer(name, TIMES.transfer, ({ transferred }) => transferred > kept);
  const pause = performance.now() - began;
  await receiver.visitor.completed(name, TIMES.transfer);
  await compare({ sender, receiver }, name);
  return [
    { name: 'Rejoin at half: of it kept', value: (kept / size) * 100, unit: '%' },
    { name: 'Rejoin at half: until more has arrived', value: pause, unit: 'ms' },
  ];
}

/** Throughput, and the memory of both browsers meanwhile. */
async function withMemory(stage: Stage, size: number, report: (what: string) => void): Promise<Figure[]> {
  const { sender, receiver } = stage;
  let throughput: Figure[] = [];
  let ofReceiver = { before: 0, peak: 0, after: 0 };
  const ofSender = await sender.measureMemory(async () => {
    ofReceiver = await receiver.measureMemory(async () => {
      throughput = await rates(stage, size, TIMES_SENT.large, report);
    });
  });
  const name = nameOf(size);
  const memory = (who: string, { before, peak, after }: typeof ofSender): Figure[] => [
    { name: `${name}: memory of the ${who}'s browser before`, value: before / MB, unit: 'MB' },
    { name: `${name}: the most that it grew, ${who}`, value: (peak - before) / MB, unit: 'MB', goal: { most: 200 } },
    { name: `${name}: by how much it had grown afterwards, ${who}`, value: (after - before) / MB, unit: 'MB' },
  ];
  return [...throughput, ...memory('sender', ofSender), ...memory('receiver', ofReceiver)];
}

function nameOf(size: number): string {
  return size >= 1000 * MB ? `${size / MB / 1000} GB` : `${size / MB} MB`;
}

/** Frames a second that both sides decode in one window, and MB/s of a transfer beside them, if there is one. */
async function framesBeside(
  { sender, receiver }: Stage,
  size: number | undefined,
): Promise<{ frames: number; rate: number }> {
  const name = `${++sent}.bin`;
  if (size !== undefined) {
    await sender.visitor.prepare(name, size);
    await sender.visitor.sendPrepared(name);
    await receiver.visitor.transfer(name, TIMES.transfer, ({ transferred }) => transferred > 0);
  }
  await setTimeout(TIMES.settle);
  const read = async () => {
    const counts = await Promise.all([sender.visitor.framesDecoded(), receiver.visitor.framesDecoded()]);
    const transferred = (await receiver.visitor.transfers()).find((one) => one.name === name)?.transferred ?? 0;
    return { at: performance.now(), frames: counts[0] + counts[1], transferred };
  };
  const before = await read();
  await setTimeout(TIMES.window);
  const after = await read();
  const seconds = (after.at - before.at) / 1000;
  if (size !== undefined) {
    await receiver.visitor.cancelled(name);
    await Promise.all([sender.visitor.forget(name), receiver.visitor.forget(name)]);
  }
  return {
    frames: (after.frames - before.frames) / seconds,
    rate: (after.transferred - before.transferred) / MB / seconds,
  };
}
