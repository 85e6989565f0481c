/** Covers the fresh tokens that the server sends to joined peers: when, to whom, and which grants they have. */
import { decodeJwt } from 'jose';
import { describe, expect, test } from 'vitest';
import { startServer } from '../../scripts/support/servers/startServer.ts';
import { signToken } from '../../server/auth/tokens.ts';
import { TestClient } from '../support/client.ts';
import { apiKey, apiSecret, failure, token, useServer, withTokens } from '../support/weir.ts';

const settings = { ...withTokens, WEIR_TOKEN_LEEWAY_SECONDS: '0', WEIR_RESUME_SECONDS: '1' };
const weir = useServer(settings);

const join = async (room: string, jwt: string) => {
  const client = await weir.connect();
  return { client, reply: await client.join({ room, token: jwt }) };
};
const fresh = async (client: TestClient) => (await client.event('tokenRefreshed')).token;

describe('a joined peer', () => {
  test('gets a token that admits the same identity after the first one has expired', async () => {
    const video = { room: 'show', roomJoin: true, broadcast: true, canPublishSources: ['microphone'], roomAdmin: true };
    const who = { identity: 'ada', name: 'Ada', metadata: '{"seat":7}' };
    const client = await weir.connect();
    // Long enough to join on a busy machine.
    const first = await signToken({ apiKey, apiSecret, ...who, video, lifetime: 3 });
    const ada = { client, reply: await client.join({ room: 'show', token: first }) };
    const { token: second, seconds } = await ada.client.event('tokenRefreshed');
    expect(seconds).toBe(600);
    await expect
      .poll(() => join('show', first).catch(({ reason }: { reason?: string }) => reason), {
        timeout: 6000,
        interval: 100,
      })
      .toBe('expired');
    const again = await join('show', second);
    const { identity, name, grants, kind } = ada.reply;
    expect(again.reply).toMatchObject({ identity, name, grants, kind });
    const other = await weir.enter('show', 'bob', { broadcast: true, canPublish: false });
    expect(other.reply.peers).toMatchObject([{ identity: 'ada', metadata: '{"seat":7}' }]);
    await expect(join('other', second)).rejects.toMatchObject(failure('unauthorized'));
    // It is marked by the signing server, and lives no longer than the configuration allows.
    const { exp = 0, iat = 0 } = decodeJwt(second);
    expect(exp - iat).toBeLessThanOrEqual(600);
  });

  test('gets another when an administrator changes its grants, which another server honours', async () => {
    const admin = await weir.enter('room', 'admin', { roomAdmin: true });
    const bob = await weir.enter('room', 'bob');
    await fresh(bob.client);
    const { peerId } = bob.reply;
    await admin.client.request('setGrants', { peerId, grants: { canPublishSources: [], roomAdmin: true } });
    const silenced = await fresh(bob.client);
    await using another = await startServer(settings);
    using client = await TestClient.connect(another.url);
    const { grants } = await client.join({ room: 'room', token: silenced });
    expect(grants).toMatchObject({ canPublish: true, canPublishSources: [], roomAdmin: true });
  });

  test('gets another after a resume', async () => {
    const ada = await weir.enter('room', 'ada');
    await fresh(ada.client);
    await ada.client.request('ping', {});
    ada.client.cut();
    await ada.client.closed;
    const again = await weir.connect({ firstId: 1000 });
    await again.request('resume', { key: ada.reply.resumeKey });
    await expect(join('room', await fresh(again))).resolves.toBeDefined();
  });

  test('has no token that admits it after a removal', async () => {
    const admin = await weir.enter('room', 'admin', { roomAdmin: true });
    const mallory = await weir.enter('room', 'mallory');
    const tokens = [await fresh(mallory.client)];
    const { peerId } = mallory.reply;
    await admin.client.request('setGrants', { peerId, grants: { canPublish: false } });
    tokens.push(await fresh(mallory.client));
    await admin.client.request('kick', { peerId });
    await mallory.client.closed;
    for (const jwt of tokens) await expect(join('room', jwt)).rejects.toMatchObject({ reason: 'removed' });
    expect(mallory.client.unreadEvents('tokenRefreshed')).toEqual([]);
    await expect(join('room', await token('room', 'mallory'))).resolves.toBeDefined();
  });
});

describe('with a maximum token lifetime of two seconds', () => {
  const brief = useServer({ ...settings, WEIR_TOKEN_MAX_SECONDS: '2' });

  test('another token is sent each second', async () => {
    const client = await brief.connect();
    await client.join({ room: 'room', token: await token('room', 'ada', {}, 2) });
    const seen = new Set<string>();
    for (let count = 0; count < 4; count += 1) seen.add(await fresh(client));
    expect(seen.size).toBe(4);
    const [last = ''] = [...seen].reverse();
    await expect((await brief.connect()).join({ room: 'room', token: last })).resolves.toBeDefined();
  });
});

describe('on a server without tokens', () => {
  const open = useServer();

  test('no token is sent', async () => {
    const { client } = await open.join();
    await client.request('ping', {});
    await client.request('ping', {});
    expect(client.unreadEvents('tokenRefreshed')).toEqual([]);
  });
});
