/** Tests of who receives a broadcast and when: viewers while it is live, the stage always. */
import { describe, expect, vi } from 'vitest';
import type { Member, MemberOptions } from '../../scripts/support/endpoint/Member.ts';
import { steady } from '../../scripts/support/media/material.ts';
import { steadyVideo } from '../../scripts/support/media/steady.ts';
import {
  type OpenCrowd,
  received,
  spread,
  test,
  untilReceiving,
  untilStable,
  voice,
} from '../support/headlessMembers.ts';
import { pipeConsumers } from '../support/routers.ts';

const tracks = { camera: [steadyVideo(steady)], microphone: voice };
const sources = ['camera', 'microphone'] as const;
const nothing = { streams: 0, packets: 0 };

async function stage(open: OpenCrowd, environment: Record<string, string> = {}) {
  const { app, enter } = await open(environment);
  const come = (name: string, role: MemberOptions['role'], options: Partial<MemberOptions> = {}) =>
    enter(name, { kind: 'broadcast', ...(role && { role }), ...options });
  const room = async () => {
    const found = await app.rooms.find('crowd', 'broadcast');
    if (!found) throw new Error('There is no such broadcast.');
    return found;
  };
  return { app, room, come, host: await come('host', 'host', { tracks }) };
}

/** Camera packets that a member has sent. */
const sent = ({ media }: Member) => media.tracks.get('camera')?.[0]?.packets ?? 0;

/** Packets that a member has received from one on the stage. */
const all = (member: Member, { peerId }: Member) =>
  sources.reduce((sum, source) => sum + received(member, peerId, source), 0);

/** Every packet has arrived, without gaps between the first and the last. */
function complete(member: Member): void {
  for (const { distinct, expected } of member.media.all) expect(distinct).toBe(expected);
}

describe.concurrent.each([
  ['one worker', {}, 1],
  ['two workers', spread, 2],
] as const)('on %s', (_, environment, workers) => {
  test('viewers receive nothing before, every packet while it is live, and nothing after its end', async ({ open }) => {
    const { room, come, host } = await stage(open, environment);
    const early: Member[] = [];
    for (const name of ['a', 'b', 'c', 'd']) early.push(await come(name, 'viewer'));
    const speaker = await come('speaker', 'speaker');
    expect((await room()).routers.routers.length).toBe(workers);
    // The speaker receives the stage off air, while viewers receive nothing.
    const prepared = () => Promise.all(sources.map((source) => untilReceiving(speaker, host.peerId, source, 50)));
    await prepared();
    for (const { media } of early) expect({ streams: media.all.length, packets: media.unasked }).toEqual(nothing);
    await host.setLive(true);
    const viewers = [...early, await come('late', 'viewer')];
    await Promise.all(viewers.flatMap((one) => sources.map((source) => untilReceiving(one, host.peerId, source, 100))));
    await host.setLive(false);
    await vi.waitUntil(() => viewers.every(({ media }) => media.receivers.size === 0), { timeout: 5000, interval: 10 });
    const counts = () => viewers.map((viewer) => all(viewer, host));
    // On a busy machine packets wait in the sockets of the viewers.
    await untilStable(() => counts().reduce((sum, count) => sum + count, 0), 500);
    const ended = counts();
    await prepared();
    expect(counts()).toEqual(ended);
    for (const one of [...viewers, speaker]) {
      expect(one.media.all.length).toBe(2);
      complete(one);
    }
    await host.setLive(true);
    await Promise.all(viewers.map((one) => untilReceiving(one, host.peerId, 'camera')));
    for (const { media } of viewers) expect(media.receivers.size).toBe(2);
  });

  test('nothing is piped to another worker before somebody receives it there', async ({ open }) => {
    const { app, come, host } = await stage(open, environment);
    const viewers = [await come('a', 'viewer'), await come('b', 'viewer')];
    await untilStable(() => sent(host), 300);
    expect(pipeConsumers(app)).toEqual([]);
    await host.setLive(true);
    await Promise.all(viewers.map((one) => untilReceiving(one, host.peerId)));
    expect(pipeConsumers(app).length).toBe((workers - 1) * sources.length);
    await host.setLive(false);
    // Without viewers the camera is not sent.
    await untilStable(() => sent(host), 300);
    await vi.waitUntil(() => pipeConsumers(app).length === 0, { timeout: 5000, interval: 10 });
  });
});
