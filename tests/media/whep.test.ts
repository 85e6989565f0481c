/** Tests of media by WHEP: one session receives one audio and one video for ever, whoever publishes them. */
import { pino } from 'pino';
import { describe, expect, vi } from 'vitest';
import { steady } from '../../scripts/support/media/material.ts';
import { steadyVideo } from '../../scripts/support/media/steady.ts';
import { grantsOf } from '../../server/auth/grants.ts';
import { RoomAudios } from '../../server/gateways/playback/RoomAudio.ts';
import { WhepViewer } from '../../server/gateways/whep/WhepViewer.ts';
import { type Crowd, spread, test, voice } from '../support/headlessMembers.ts';
import { WhepPlayer } from '../support/WhepPlayer.ts';

const tracks = { camera: [steadyVideo(steady)], microphone: voice };
/** Milliseconds. */
const waiting = { timeout: 15_000, interval: 10 };

async function play({ url }: Crowd, query = '', status?: 201 | 406): Promise<WhepPlayer> {
  return WhepPlayer.play(new URL(`/whep/crowd${query}`, url), status);
}

/** Waits for further packets of that m-line. */
async function untilPlaying(player: WhepPlayer, kind: 'audio' | 'video', packets = 20): Promise<void> {
  const before = player.count(kind);
  await vi.waitUntil(() => player.count(kind) >= before + packets, waiting);
}

async function untilOtherVideo(player: WhepPlayer, ssrc: number | undefined): Promise<void> {
  await vi.waitUntil(() => player.latest('video') !== ssrc, waiting);
  await untilPlaying(player, 'video');
}

describe.concurrent.each([
  ['one worker', {}],
  ['two workers', spread],
] as const)('on %s', (_, environment) => {
  test('a player goes on with the next publisher: another SSRC of the same video m-line, the same one of audio', async ({
    open,
  }) => {
    const crowd = await open(environment);
    const first = await crowd.enter('first', { tracks });
    const player = await play(crowd);
    try {
      await untilPlaying(player, 'audio');
      await untilPlaying(player, 'video');
      const [audio, video] = [player.latest('audio'), player.latest('video')];
      // Meanwhile nobody publishes: the session waits.
      first.leave();
      await crowd.enter('second', { tracks });
      await untilOtherVideo(player, video);
      await untilPlaying(player, 'audio');
      expect([player.latest('audio'), player.packets.audio.size, player.packets.video.size]).toEqual([audio, 1, 2]);
      expect((await fetch(player.location)).status).toBe(204);
      expect(player.unknown).toBe(0);
    } finally {
      player.close();
    }
  });
});

test('a player that gets a counter-offer receives with the numbers of the server', async ({ open }) => {
  const crowd = await open();
  await crowd.enter('publisher', { tracks });
  const player = await play(crowd, '', 406);
  try {
    await untilPlaying(player, 'audio');
    await untilPlaying(player, 'video');
    expect(player.unknown).toBe(0);
  } finally {
    player.close();
  }
});

test('a player follows whoever speaks', async ({ open }) => {
  const crowd = await open();
  const first = await crowd.enter('first', { tracks });
  const second = await crowd.enter('second', { tracks });
  second.setSpeaking(false);
  const player = await play(crowd);
  try {
    await untilPlaying(player, 'audio');
    await untilPlaying(player, 'video');
    const video = player.latest('video');
    first.setSpeaking(false);
    second.setSpeaking(true);
    await untilOtherVideo(player, video);
    expect(player.packets.audio.size).toBe(1);
  } finally {
    player.close();
  }
});

test('a player receives nothing of a broadcast that is not live, and goes on when it is live again', async ({
  open,
}) => {
  const crowd = await open();
  const host = await crowd.enter('host', { kind: 'broadcast', role: 'host', tracks });
  await host.setLive(true);
  const player = await play(crowd, '?kind=broadcast');
  try {
    await untilPlaying(player, 'audio');
    await untilPlaying(player, 'video');
    await host.setLive(false);
    const total = () => player.count('audio') + player.count('video');
    let [last, since] = [total(), performance.now()];
    await vi.waitUntil(() => {
      if (total() !== last) [last, since] = [total(), performance.now()];
      return performance.now() - since > 300;
    }, waiting);
    await host.setLive(true);
    await untilPlaying(player, 'audio');
    await untilPlaying(player, 'video');
    expect([player.packets.audio.size, player.packets.video.size]).toEqual([1, 2]);
  } finally {
    player.close();
  }
});

test('a counter-offer that is not answered in time is void', async ({ open }) => {
  const crowd = await open();
  await crowd.enter('first', { tracks });
  const room = await crowd.app.rooms.find('crowd');
  if (!room) throw new Error('There is no such room.');
  const audios = new RoomAudios(pino({ level: 'silent' }));
  const viewer = new WhepViewer({
    identity: 'late',
    name: 'late',
    metadata: undefined,
    grants: grantsOf('viewer'),
    placement: await room.place(grantsOf('viewer')),
    routers: room.routers,
    audio: audios.acquire(room),
    maxIncomingBitrate: 1_000_000,
    connectTimeout: 100,
  });
  await viewer.open();
  const reason = await new Promise((resolve) => viewer.onEnd(resolve));
  expect(reason).toBe('mediaFailed');
});
