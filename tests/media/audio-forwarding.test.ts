/** Tests of audio forwarding in real rooms: with many microphones, everyone receives a fixed number of audio slots. */
import { setImmediate } from 'node:timers/promises';
import { pino } from 'pino';
import { describe, expect, onTestFinished, vi } from 'vitest';
import type { Member } from '../../scripts/support/endpoint/Member.ts';
import { Moderation } from '../../server/auth/Moderation.ts';
import { RoomRouters } from '../../server/media/RoomRouters.ts';
import { Room } from '../../server/room/Room.ts';
import { type OpenCrowd, spread, test, untilReceiving, voice } from '../support/headlessMembers.ts';
import { anyChat } from '../support/load.ts';
import { PlainMember, PlainSubscriber } from '../support/PlainMember.ts';

const HEARD = 2;
const environment = { WEIR_MAX_AUDIBLE_SPEAKERS: String(HEARD) };

/** Packets received in each slot. */
function inSlots(member: Member): number[] {
  const packets: number[] = [];
  for (const { info, distinct } of member.media.receivers.values()) {
    if (info.slot !== undefined) packets[info.slot] = distinct;
  }
  return packets;
}

/** The audio consumers of a member: `slot`, or the peer's id. */
function voicesOf(member: Member): string[] {
  const infos = [...member.media.receivers.values()].map(({ info }) => info);
  return infos.map(({ slot, peerId }) => (slot === undefined ? (peerId ?? '') : `slot ${slot}`)).sort();
}

/** A room with slots in which nobody speaks. */
async function sixSilent(open: OpenCrowd, settings: Record<string, string>): Promise<Member[]> {
  const { enter } = await open(settings);
  const members: Member[] = [];
  for (let index = 0; index < 6; index += 1) {
    const member = await enter(`member-${index}`, { tracks: { microphone: voice } });
    member.setSpeaking(false);
    members.push(member);
  }
  return members;
}

const SLOTS = Array.from({ length: HEARD + 1 }, (_, slot) => `slot ${slot}`);

describe.concurrent.each([
  ['one worker', environment],
  ['two workers', { ...environment, ...spread }],
] as const)('across %s', (_, settings) => {
  test('up to one microphone more than the limit everyone receives each; beyond it, everyone receives slots, and as many as before', async ({
    open,
  }) => {
    const { enter } = await open(settings);
    const members: Member[] = [];
    const come = async () => {
      const member = await enter(`member-${members.length}`, { tracks: { microphone: voice } });
      member.setSpeaking(false);
      members.push(member);
      return member;
    };
    for (let index = 0; index <= HEARD; index += 1) await come();
    const [first, second] = members;
    if (!first || !second) throw new Error('nobody came');
    await untilReceiving(first, second.peerId, 'microphone');
    expect(voicesOf(first)).toEqual(
      members
        .slice(1)
        .map(({ peerId }) => peerId)
        .sort(),
    );
    for (let index = 0; index < 5; index += 1) await come();
    for (const member of members) await vi.waitUntil(() => voicesOf(member).join() === SLOTS.join(), { timeout: 5000 });
  });

  test('a speaker is heard by all others, named to them, and never sent back to itself', async ({ open }) => {
    // Those who joined before the slots began speak in the next test.
    const [talker, ...others] = (await sixSilent(open, settings)).reverse();
    if (!talker) throw new Error('nobody came');
    talker.setSpeaking(true);
    for (const other of others) {
      await vi.waitUntil(() => other.slots.includes(talker.peerId), { timeout: 5000, interval: 10 });
      const slot = other.slots.indexOf(talker.peerId);
      expect(slot).toBeLessThan(HEARD);
      const before = inSlots(other)[slot] ?? 0;
      await vi.waitUntil(() => (inSlots(other)[slot] ?? 0) > before + 20, { timeout: 5000, interval: 10 });
    }
    // While the others received its speech, the speaker's own slot stood still for it.
    const slot = talker.slots.indexOf(talker.peerId);
    const own = inSlots(talker)[slot];
    const [other] = others;
    if (!other) throw new Error('nobody else came');
    const before = inSlots(other)[slot] ?? 0;
    await vi.waitUntil(() => (inSlots(other)[slot] ?? 0) > before + 50, { timeout: 5000, interval: 10 });
    expect(inSlots(talker)[slot]).toBe(own);
  });

  test('of three who speak at once each receives the other two, and a listener receives two', async ({ open }) => {
    const members = await sixSilent(open, settings);
    const talkers = members.slice(0, 3);
    for (const talker of talkers) talker.setSpeaking(true);
    const silent = members[5];
    if (!silent) throw new Error('too few');
    await vi.waitUntil(() => talkers.every(({ peerId }) => silent.slots.includes(peerId)), { timeout: 5000 });
    const grows = async (member: Member) => {
      const before = inSlots(member);
      await vi.waitUntil(() => inSlots(member).some((packets, slot) => packets > (before[slot] ?? 0) + 25), {
        timeout: 5000,
        interval: 5,
      });
      return inSlots(member).filter((packets, slot) => packets > (before[slot] ?? 0) + 5).length;
    };
    expect(await Promise.all([...talkers, silent].map(grows))).toEqual([2, 2, 2, 2]);
  });
});

test.concurrent('a speaker who leaves or is muted frees the slot; with few microphones everyone is forwarded individually again', async ({
  open,
}) => {
  const { enter } = await open(environment, { hysteresis: 1000 });
  const members: Member[] = [];
  for (let index = 0; index < 4; index += 1) {
    const member = await enter(`member-${index}`, { tracks: { microphone: voice } });
    member.setSpeaking(index === 1);
    members.push(member);
  }
  const [first, second, third, fourth] = members;
  if (!first || !second || !third || !fourth) throw new Error('too few');
  await vi.waitUntil(() => voicesOf(first).join() === SLOTS.join(), { timeout: 5000 });
  await vi.waitUntil(() => first.slots.includes(second.peerId), { timeout: 5000 });
  await second.setPaused('microphone', true);
  await vi.waitUntil(() => !first.slots.includes(second.peerId), { timeout: 5000 });
  for (const one of [second, third, fourth]) one.leave();
  const back = await enter('back', { tracks: { microphone: voice } });
  // Slots end some time after there are few microphones.
  await vi.waitUntil(() => voicesOf(first).join() === back.peerId, { timeout: 10_000, interval: 50 });
  // Their holders are notified at intervals.
  await vi.waitUntil(() => first.slots.length === 0, { timeout: 5000 });
  await untilReceiving(first, back.peerId, 'microphone');
});

test('a join while slots end does not wait for members that still receive slots', async ({ open }) => {
  const { app } = await open(environment);
  const room = new Room({
    name: 'ending',
    kind: 'call',
    routers: await RoomRouters.open(app.pool),
    moderation: new Moderation({ lifetime: 60_000, leeway: 0 }),
    chat: anyChat,
    maxAudibleSpeakers: HEARD,
    delays: { hysteresis: 20 },
    log: pino({ level: 'silent' }),
  });
  onTestFinished(() => room.close('roomClosed'));
  const members: PlainMember[] = [];
  for (let index = 0; index < 4; index += 1) {
    const member = await PlainMember.join(room, `member-${index}`);
    await member.publish(1000 + index);
    members.push(member);
  }
  await vi.waitUntil(() => room.slots.length === HEARD + 1, { timeout: 5000, interval: 5 });
  // The slots have ended when its slot consumers are made; it gives them up once it receives the microphones.
  const ended = () => vi.waitUntil(() => room.slots.length === 0, { timeout: 5000, interval: 5 });
  const take = vi
    .spyOn(PlainSubscriber.prototype, 'subscribeSlots')
    .mockImplementation(async () => void (await ended()));
  onTestFinished(() => take.mockRestore());
  const leave = vi.spyOn(PlainSubscriber.prototype, 'unsubscribeSlots').mockReturnValue(new Promise(() => {}));
  onTestFinished(() => leave.mockRestore());
  const joining = PlainMember.join(room, 'late');
  for (const member of members.slice(2)) member.close('left');
  const began = performance.now();
  const late = await joining;
  expect(performance.now() - began).toBeLessThan(5000);
  await vi.waitUntil(() => late.consumers.length === 2, { timeout: 5000, interval: 5 });
});

test('released slots have no holders, although a client still receives them', async ({ open }) => {
  const { app } = await open(environment);
  const room = new Room({
    name: 'former',
    kind: 'call',
    routers: await RoomRouters.open(app.pool),
    moderation: new Moderation({ lifetime: 60_000, leeway: 0 }),
    chat: anyChat,
    maxAudibleSpeakers: HEARD,
    delays: { hysteresis: 20 },
    log: pino({ level: 'silent' }),
  });
  onTestFinished(() => room.close('roomClosed'));
  const members: PlainMember[] = [];
  for (let index = 0; index < 4; index += 1) {
    const member = await PlainMember.join(room, `member-${index}`);
    await member.publish(1000 + index);
    members.push(member);
  }
  const [ann, bob, ...others] = members;
  if (!ann || !bob) throw new Error('too few');
  await vi.waitUntil(() => room.slots.length === HEARD + 1, { timeout: 5000, interval: 5 });
  await ann.send(50);
  await vi.waitUntil(() => room.slots.includes(ann.id), { timeout: 5000, interval: 5 });
  // A client that never confirms the microphones keeps its slots.
  vi.spyOn(bob.subscriber, 'unsubscribeSlots').mockReturnValue(new Promise(() => {}));
  for (const other of others) other.close('left');
  await vi.waitUntil(() => room.slots.length === 0, { timeout: 5000, interval: 5 });
  const microphone = await vi.waitUntil(() => bob.consumers.find(({ producerId }) => producerId === ann.producer?.id), {
    timeout: 5000,
    interval: 5,
  });
  await ann.producer?.pause();
  await vi.waitUntil(() => microphone.producerPaused, { timeout: 5000, interval: 5 });
  // All notifications of the pause arrive before the reply to this request, and are handled one turn later.
  await app.pool.workers[0]?.createRouter().then((router) => router.close());
  await setImmediate();
  expect(room.slots).toEqual([]);
});
