/** Tests that requests without the required grants get a typed error and have no effect. */
import { describe, expect, test } from 'vitest';
import {
  bringOnStage,
  camera,
  consumedSources,
  eventNames,
  invite,
  microphone,
  useBroadcast,
} from '../support/broadcast.ts';
import type { Message } from '../support/client.ts';
import { type Joined, useServer } from '../support/weir.ts';

/** The peers that a request may name. */
interface Cast {
  readonly host: Joined;
  readonly speaker: Joined;
  /** Has raised a hand. */
  readonly asking: Joined;
  /** Has been invited. */
  readonly invited: Joined;
  /** Has done nothing. */
  readonly viewer: Joined;
}
type Forgery = [what: string, code: string, method: string, data: (cast: Cast) => unknown];

const id = ({ reply }: Joined) => reply.peerId;
const send = ({ reply }: Joined) => reply.transports.send?.transportId;
const dtlsParameters = { fingerprints: [{ algorithm: 'sha-256', value: 'AB:CD' }] };

/** Requests for administrators only. */
const administration: Forgery[] = [
  ['go live', 'forbidden', 'setBroadcast', () => ({ live: true })],
  ['end it', 'forbidden', 'setBroadcast', () => ({ live: false })],
  ['change how it is played', 'forbidden', 'setBroadcast', () => ({ profile: 'smooth' })],
  ['invite one who asks', 'forbidden', 'invite', ({ asking }) => ({ peerId: id(asking) })],
  ['invite one who does not', 'forbidden', 'invite', ({ viewer }) => ({ peerId: id(viewer) })],
  ['invite nobody', 'forbidden', 'invite', () => ({ peerId: 'nobody' })],
  ['let a viewer publish', 'forbidden', 'setGrants', (c) => ({ peerId: id(c.viewer), grants: { canPublish: true } })],
  ['silence a speaker', 'forbidden', 'setGrants', (c) => ({ peerId: id(c.speaker), grants: { canPublish: false } })],
  ['blind a viewer', 'forbidden', 'setGrants', (c) => ({ peerId: id(c.asking), grants: { canSubscribe: false } })],
  ['become host', 'forbidden', 'setGrants', (c) => ({ peerId: id(c.viewer), grants: { roomAdmin: true } })],
  ['depose the host', 'forbidden', 'setGrants', (c) => ({ peerId: id(c.host), grants: { roomAdmin: false } })],
  ['change nothing of nobody', 'forbidden', 'setGrants', () => ({ peerId: 'nobody', grants: {} })],
  ['remove the host', 'forbidden', 'kick', ({ host }) => ({ peerId: id(host) })],
  ['remove a viewer', 'forbidden', 'kick', ({ invited }) => ({ peerId: id(invited) })],
  ['remove nobody', 'forbidden', 'kick', () => ({ peerId: 'nobody' })],
  ['read what the host may do', 'forbidden', 'getGrants', ({ host }) => ({ peerId: id(host) })],
  ['mute the host', 'forbidden', 'muteSource', ({ host }) => ({ peerId: id(host), source: 'camera' })],
  ['mute nobody', 'forbidden', 'muteSource', () => ({ peerId: 'nobody', source: 'microphone' })],
  ['mute everybody', 'forbidden', 'muteAll', () => ({})],
  ["stop the host's camera", 'forbidden', 'stopSource', ({ host }) => ({ peerId: id(host), source: 'camera' })],
  ['stop what nobody publishes', 'forbidden', 'stopSource', () => ({ peerId: 'nobody', source: 'screen' })],
  ['end the room', 'forbidden', 'endRoom', () => ({})],
  ['lock the room', 'forbidden', 'updateRoom', () => ({ locked: true })],
  ['open a waiting room', 'forbidden', 'updateRoom', () => ({ waitingRoom: true })],
  ['let everybody in', 'forbidden', 'admit', () => ({})],
  ['let nobody in', 'forbidden', 'deny', () => ({})],
  ['let somebody in who does not wait', 'forbidden', 'admit', () => ({ id: 'nobody' })],
];
/** Requests for those on the stage, or about other peers. */
const publishing: Forgery[] = [
  ['publish a camera', 'forbidden', 'produce', () => camera],
  ['publish a microphone', 'forbidden', 'produce', () => ({ ...microphone, paused: true })],
  ['get a transport to send with', 'forbidden', 'openTransport', () => ({ direction: 'send' })],
  ["connect the host's", 'notFound', 'connectTransport', (c) => ({ transportId: send(c.host), dtlsParameters })],
  ["end the host's camera", 'notFound', 'closeProducer', () => ({ source: 'camera' })],
  ["mute the host's camera", 'notFound', 'pauseProducer', () => ({ source: 'camera' })],
  ['step down', 'conflict', 'stepDown', () => ({})],
];
const answering: Forgery[] = [
  ['accept what was not offered', 'notFound', 'answerInvite', () => ({ accept: true })],
  ['decline what was not offered', 'notFound', 'answerInvite', () => ({ accept: false })],
];

describe('in a broadcast', () => {
  const { weir, enter, room } = useBroadcast({}, 100);

  /** What everyone may see, receive or do, as the server knows it. */
  async function state(cast: Cast) {
    const found = await weir.app.rooms.find('show', 'broadcast');
    const everyone = Object.values(cast).map((one: Joined) => found?.participant(id(one))?.grants);
    const { liveSeconds: _, ...rest } = await room();
    return structuredClone({ ...rest, everyone });
  }

  async function assemble(): Promise<Cast> {
    const host = await enter('host', { name: 'Ada' });
    await host.client.request('produce', camera);
    const speaker = await enter('speaker');
    const [asking, invited, viewer] = [await enter(), await enter(), await enter()];
    await asking.client.request('setHand', { raised: true });
    await invite(host, invited);
    const cast = { host, speaker, asking, invited, viewer };
    await quiet(cast);
    return cast;
  }

  /** Waits until delayed events have been sent and received. */
  async function quiet({ host, ...others }: Cast): Promise<void> {
    await host.client.request('setBroadcast', {});
    await Promise.all([host, ...Object.values(others)].map(({ client }) => client.request('ping', {})));
  }

  const answersTo = (messages: readonly Message[], asked: number | undefined) =>
    messages.filter((one) => one.id === asked && one.method === undefined);

  describe.each([
    ['a viewer', 'viewer', [...administration, ...publishing, ...answering]],
    ['a viewer whose hand is up', 'asking', [...administration, ...publishing, ...answering]],
    ['a viewer who is invited', 'invited', [...administration, ...publishing]],
    ['a speaker', 'speaker', [...administration, ...answering]],
  ] as const)('%s', (_, who, forgeries) => {
    test.each(forgeries)('may not %s: %s', async (_what, code, method, data) => {
      const cast = await assemble();
      const before = await state(cast);
      const ears = Object.values(cast).map(({ client }: Joined) => ({ client, heard: eventNames(client).length }));
      const { client } = cast[who];
      const answer = await client.requestRaw(method, data(cast));
      expect(answer).toEqual({
        id: answer.id,
        error: { code, message: expect.any(String), requestId: expect.any(String) },
      });
      await quiet(cast);
      expect(answersTo(client.messages, answer.id).length).toBe(1);
      for (const { client: one, heard: count } of ears) {
        expect(eventNames(one).slice(count)).toEqual(['broadcastChanged']);
        expect(one.open).toBe(true);
      }
      expect(await state(cast)).toEqual(before);
      expect(consumedSources(cast.speaker)).toEqual(['camera']);
      // The invitation is still valid.
      await cast.invited.client.request('answerInvite', { accept: true });
    });
  });

  test('a participant invited onto the stage is not a host', async () => {
    const host = await enter('host');
    const viewer = await enter();
    await bringOnStage(host, viewer);
    for (const [, code, method, data] of administration) {
      const cast = { host, speaker: viewer, asking: viewer, invited: viewer, viewer };
      expect(await viewer.client.requestRaw(method, data(cast))).toMatchObject({ error: { code } });
    }
  });
});

describe('in a call', () => {
  const weir = useServer();

  test.each([
    ['setBroadcast', { live: true }],
    ['setBroadcast', {}],
    ['invite', { peerId: 'nobody' }],
    ['answerInvite', { accept: true }],
    ['stepDown', {}],
  ])('%s of %j is notFound, even for an administrator', async (method, data) => {
    const admin = await weir.join({ room: 'room', role: 'host' });
    const bob = await weir.join({ room: 'room' });
    await bob.client.request('setHand', { raised: true });
    const before = eventNames(bob.client);
    expect(await admin.client.requestRaw(method, data)).toMatchObject({ error: { code: 'notFound' } });
    const room = await weir.app.rooms.find('room');
    expect(room?.visiblePeers().length).toBe(2);
    await bob.client.request('ping', {});
    expect(eventNames(bob.client)).toEqual(before);
  });
});
