/**
 * An operator's walk: rooms and people by LiveKit's own server SDK, calls in browsers, and what webhooks and metrics say of
 * both.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { TrackSource } from '@livekit/protocol';
import { AccessToken, RoomServiceClient, type WebhookEvent, WebhookReceiver } from 'livekit-server-sdk';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Captures } from '../../scripts/support/browsers/captures.ts';
import { startServer, type TestServer } from '../../scripts/support/servers/startServer.ts';
import { api } from '../support/api.ts';
import { hasChromium } from '../support/equipment.ts';
import { readMetrics, sumOf } from '../support/metrics.ts';
import { eventually, expectToSee, Person, roomUrl } from '../support/people.ts';
import { receivedOf, tileOf } from '../support/tiles.ts';
import { apiKey, apiSecret, withTokens } from '../support/weir.ts';

describe.skipIf(!hasChromium)('an operator', () => {
  const captures = new Captures();
  const everyone: Person[] = [];
  const received: WebhookEvent[] = [];
  const refused: unknown[] = [];
  let hooks: Server;
  let server: TestServer;

  beforeAll(async () => {
    const receiver = new WebhookReceiver(apiKey, apiSecret);
    hooks = createServer(async (request, response) => {
      try {
        const body = Buffer.concat(await request.toArray()).toString();
        received.push(await receiver.receive(body, request.headers.authorization));
      } catch (error) {
        refused.push(error);
      }
      response.end();
    }).listen(0, '127.0.0.1');
    await once(hooks, 'listening');
    const address = hooks.address();
    if (address === null || typeof address === 'string') throw new Error('The receiver does not listen.');
    const environment = { WEIR_WEBHOOK_URLS: `http://127.0.0.1:${address.port}/`, WEIR_METRICS_PORT: '0' };
    server = await startServer({ ...withTokens, ...environment });
    everyone.push(
      ...(await Promise.all([
        Person.start('Ada', { colour: 'red', tone: 500 }, captures),
        Person.start('Bob', { colour: 'green', tone: 800 }, captures),
      ])),
    );
  });
  afterAll(async () => {
    await Promise.all(everyone.map((person) => person[Symbol.asyncDispose]()));
    await server?.close();
    hooks.close();
    captures[Symbol.dispose]();
  });

  async function enter(person: Person, room: string): Promise<Page> {
    const page = await person.page();
    await page.goto(`${roomUrl(server.url, room, person.name)}#token=${await tokenOf(person.name, room)}`);
    return page;
  }

  const names = (room: string) =>
    received
      .filter((event) => event.room?.name === room)
      .map(({ event, participant }) => [event, participant?.identity]);

  test('creates a room, lets people in, mutes, locks, removes and closes, and is told of all of it', async ({
    task,
  }) => {
    // A second attempt is another room.
    const room = `walk-${task.result?.retryCount ?? 0}`;
    const rooms = new RoomServiceClient(server.url, apiKey, apiSecret);
    const before = await metrics();
    const { sid } = await rooms.createRoom({ name: room, metadata: 'demo' });
    const [ada, bob] = everyone;
    if (!ada || !bob) throw new Error('Nobody is there.');
    const [atAda, atBob] = await Promise.all([enter(ada, room), enter(bob, room)]);
    await Promise.all([expectToSee(atAda, [bob]), expectToSee(atBob, [ada])]);
    const reports = async () => sumOf(await metrics(), 'weir_client_joins_total');
    await eventually(reports).toBe(sumOf(before, 'weir_client_joins_total') + 2);

    // Mute: the voice stops, and the one who was muted is told.
    const { tracks } = await rooms.getParticipant(room, 'Ada');
    const microphone = tracks.find(({ source }) => source === TrackSource.MICROPHONE);
    await rooms.mutePublishedTrack(room, 'Ada', microphone?.sid ?? '', true);
    await eventually(async () => (await tileOf(atBob, 'Ada'))?.muted).toBe(true);
    const adaId = (await tileOf(atBob, 'Ada'))?.peerId ?? '';
    const voice = async () => (await receivedOf(atBob, adaId, 'microphone'))?.packets;
    let last = await voice();
    await eventually(async () => {
      const [earlier, now] = [last, await voice()];
      last = now;
      return now === earlier;
    }).toBe(true);

    // Lock: nobody else gets in.
    const grants = { room, roomAdmin: true };
    expect(await api(server.url, `PATCH /rooms/${room}`, { grants, body: { locked: true } })).toMatchObject({
      status: 200,
    });
    const late = await ada.page();
    await late.goto(`${roomUrl(server.url, room, 'Cy')}#token=${await tokenOf('Cy', room)}`);
    await late.getByText('The room is locked').first().waitFor();

    // Remove and close.
    await rooms.removeParticipant(room, 'Bob');
    await atBob.getByText('You were removed from the call').first().waitFor();
    await expectToSee(atAda, []);
    await rooms.deleteRoom(room);
    await atAda.getByText('The call was ended for everyone').first().waitFor();
    expect(await rooms.listRooms([room])).toEqual([]);

    await expect.poll(() => names(room).at(-1)).toEqual(['room_finished', undefined]);
    const seen = names(room);
    expect(seen[0]).toEqual(['room_started', undefined]);
    const count = (event: string, identity: string) =>
      seen.filter((one) => one[0] === event && one[1] === identity).length;
    for (const identity of ['Ada', 'Bob']) {
      expect([identity, count('participant_joined', identity), count('participant_left', identity)]).toEqual([
        identity,
        1,
        1,
      ]);
      expect([identity, count('track_published', identity), count('track_unpublished', identity)]).toEqual([
        identity,
        2,
        2,
      ]);
    }
    expect(received.filter((event) => event.room?.name === room).every((event) => event.room?.sid === sid)).toBe(true);
    expect(refused).toEqual([]);

    const after = await metrics();
    const moved = (name: string, ...labels: string[]) => sumOf(after, name, ...labels) - sumOf(before, name, ...labels);
    expect({
      opened: moved('weir_rooms_opened_total'),
      closed: moved('weir_rooms_closed_total'),
      joins: moved('weir_participant_joins_total'),
      left: moved('weir_participant_departures_total'),
      tracks: moved('weir_tracks_published_total'),
      refused: moved('weir_join_refusals_total', 'forbidden'),
    }).toEqual({ opened: 1, closed: 1, joins: 2, left: 2, tracks: 4, refused: 1 });
    expect(sumOf(after, 'weir_rooms')).toBe(sumOf(before, 'weir_rooms'));
  });

  const metrics = () => readMetrics(`http://127.0.0.1:${server.app.metricsPort?.port}/metrics`);
});

async function tokenOf(identity: string, room: string): Promise<string> {
  const token = new AccessToken(apiKey, apiSecret, { identity, name: identity });
  token.addGrant({ roomJoin: true, room });
  return token.toJwt();
}
