/** Tests of what `/metrics` counts of rooms, participants and tracks: of everybody, whichever way they came. */
import { expect, test } from 'vitest';
import { opus, vp8 } from '../../scripts/support/media/clientParameters.ts';
import { playerOffer } from '../../scripts/support/sdp/clientTexts.ts';
import { readMetrics, type Samples } from '../support/metrics.ts';
import { usePlainRtp } from '../support/plainRtp.ts';
import { failure, token, useServer, withTokens } from '../support/weir.ts';
import { useWhip } from '../support/whip.ts';

const weir = useServer({ ...withTokens, WEIR_METRICS_PORT: '0', WEIR_RESUME_SECONDS: '10' });
const whip = useWhip(weir);
const rtp = usePlainRtp(weir);
const read = () => readMetrics(`http://127.0.0.1:${weir.app.metricsPort?.port}/metrics`);

/** How much a series has grown since `before`. */
const growth = (before: Samples, after: Samples) => (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0);

const participants = (kind: string, role: string, gateway: string) =>
  `weir_participants{kind="${kind}",role="${role}",gateway="${gateway}"}`;

test('rooms and participants are counted by kind, role and gateway, now and in all', async () => {
  const before = await read();
  const ada = await weir.enter('counted', 'ada', { roomAdmin: true });
  await weir.enter('counted', 'bob', { canPublish: false });
  await weir.enter('counted show', 'cleo', { broadcast: true }, { kind: 'broadcast' });
  await whip.offer('counted', { token: await token('counted', 'encoder') });
  const player = await token('counted', 'player', { canPublish: false });
  await whip.offer('counted', { protocol: 'whep', sdp: playerOffer('firefox'), token: player });
  await rtp.open('counted', { video: {} }, { token: await token('counted', 'source') });
  const present = growth(before, await read());
  expect(present(participants('call', 'host', 'none'))).toBe(1);
  expect(present(participants('call', 'viewer', 'none'))).toBe(1);
  expect(present(participants('broadcast', 'speaker', 'none'))).toBe(1);
  expect(present(participants('call', 'speaker', 'whip'))).toBe(1);
  expect(present(participants('call', 'viewer', 'whep'))).toBe(1);
  expect(present(participants('call', 'speaker', 'rtp'))).toBe(1);
  expect(present('weir_rooms{kind="call",policy="sfu"}')).toBe(1);
  expect(present('weir_rooms{kind="broadcast",policy="sfu"}')).toBe(1);
  expect(present('weir_rooms_opened_total{kind="call"}')).toBe(1);

  // Bob becomes a speaker.
  const bob = ada.reply.peers[0] ?? (await ada.client.event('newPeer'));
  await ada.client.request('setGrants', { peerId: bob.peerId, grants: { canPublish: true } });
  const changed = growth(before, await read());
  expect(changed(participants('call', 'viewer', 'none'))).toBe(0);
  expect(changed(participants('call', 'speaker', 'none'))).toBe(1);

  const room = await weir.app.rooms.find('counted');
  room?.close('roomClosed');
  const after = growth(before, await read());
  for (const [role, gateway] of [
    ['host', 'none'],
    ['speaker', 'none'],
    ['speaker', 'whip'],
    ['viewer', 'whep'],
    ['speaker', 'rtp'],
  ] as const) {
    expect(after(participants('call', role, gateway)), `${role} ${gateway}`).toBe(0);
  }
  expect(after('weir_rooms{kind="call",policy="sfu"}')).toBe(0);
  expect(after('weir_rooms{kind="broadcast",policy="sfu"}')).toBe(1);
  expect(after('weir_rooms_closed_total{kind="call",reason="roomClosed"}')).toBe(1);
  expect(after('weir_participant_departures_total{kind="call",reason="roomClosed"}')).toBeGreaterThanOrEqual(3);
  expect(after('weir_participant_joins_total{kind="call",role="speaker",gateway="whip"}')).toBe(1);
});

test('tracks are counted by source and codec, whatever the case of its name', async () => {
  const before = await read();
  const { client } = await weir.enter('tracks', 'ada');
  const camera = vp8();
  const [codec] = camera.codecs;
  if (codec) codec.mimeType = 'video/vP8';
  await client.request('produce', { source: 'camera', rtpParameters: camera });
  await client.request('produce', { source: 'microphone', rtpParameters: opus() });
  const present = growth(before, await read());
  expect(present('weir_tracks{source="camera",codec="VP8",direct="false"}')).toBe(1);
  expect(present('weir_tracks{source="microphone",codec="opus",direct="false"}')).toBe(1);
  await client.request('closeProducer', { source: 'camera' });
  const after = growth(before, await read());
  expect(after('weir_tracks{source="camera",codec="VP8",direct="false"}')).toBe(0);
  expect(after('weir_tracks_published_total{source="camera",codec="VP8",direct="false"}')).toBe(1);
});

test('refused joins are counted by the code of their error, from 0 on', async () => {
  const before = await read();
  expect(before.get('weir_join_refusals_total{code="roomFull"}')).toBe(0);
  const client = await weir.connect();
  await expect(client.join({ room: 'refused', token: 'x.y.z' })).rejects.toMatchObject(failure('unauthorized'));
  expect(growth(before, await read())('weir_join_refusals_total{code="unauthorized"}')).toBe(1);
});

test('lost connections are counted, and those that came back', async () => {
  const before = await read();
  const { client, reply } = await weir.enter('cut', 'ada');
  await client.request('ping', {});
  client.cut();
  await expect.poll(async () => growth(before, await read())('weir_participants_away')).toBe(1);
  const next = await weir.connect();
  await next.request('resume', { key: reply.resumeKey });
  const after = growth(before, await read());
  expect(after('weir_participants_away')).toBe(0);
  expect(after('weir_interruptions_total')).toBe(1);
  expect(after('weir_resumes_total')).toBe(1);
});

test('broadcasts that are live are counted', async () => {
  const before = await read();
  const { client } = await weir.enter('live', 'host', { roomAdmin: true, broadcast: true }, { kind: 'broadcast' });
  await client.request('produce', { source: 'camera', rtpParameters: vp8() });
  await client.request('setBroadcast', { live: true });
  expect(growth(before, await read())('weir_broadcasts_live')).toBe(1);
  await client.request('setBroadcast', { live: false });
  const after = growth(before, await read());
  expect(after('weir_broadcasts_live')).toBe(0);
  expect(after('weir_broadcasts_started_total')).toBe(1);
});

test('no series has the name of a room or a person', async () => {
  await weir.enter('secret-room', 'secret-person', {}, { name: 'secret name' });
  expect([...(await read()).keys()].filter((key) => key.includes('secret'))).toEqual([]);
});
