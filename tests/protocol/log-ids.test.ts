/** Tests that every log line of a call is found by room, identity, peer, connection or request, whatever the client speaks. */
import { afterEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { opus } from '../../scripts/support/media/clientParameters.ts';
import type { TestServer } from '../../scripts/support/servers/startServer.ts';
import { WeirError } from '../../shared/errors.ts';
import { TestClient } from '../support/client.ts';
import { startLoggedServer } from '../support/logged.ts';
import { token, withTokens } from '../support/weir.ts';

const Line = z.looseObject({
  level: z.number(),
  msg: z.string(),
  room: z.string().optional(),
  identity: z.string().optional(),
  peer: z.string().optional(),
  connection: z.string().optional(),
  request: z.string().optional(),
});
type Line = z.infer<typeof Line>;

const INFO = 30;
const started: TestServer[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.close()));
});

async function start(environment: Record<string, string> = {}) {
  const server = await startLoggedServer({ WEIR_RESUME_SECONDS: '0', ...environment });
  started.push(server);
  const before = server.lines.length;
  const lines = () => server.lines.slice(before).map((line) => Line.parse(JSON.parse(line)));
  return { url: server.url, lines };
}

/** What a request fails with. */
async function failureOf(request: Promise<unknown>): Promise<WeirError> {
  const error = await request.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof WeirError)) throw new Error('The request has not failed.');
  return error;
}

const withField = (lines: readonly Line[], field: keyof Line, value: string | undefined) =>
  lines.filter((line) => line[field] === value);

describe.each(['webSocket', 'sse', 'polling'] as const)('of a call over %s', (kind) => {
  test('every line is found by each id that it is about, and a failed request by the id in its error', async () => {
    const { url, lines } = await start();
    const client = await TestClient.connect(url, { kind });
    const { peerId: peer, identity } = await client.join({ room: 'logged' });
    await client.request('produce', { source: 'microphone', rtpParameters: opus() });
    const twice = client.request('produce', { source: 'microphone', rtpParameters: opus() });
    const { code, requestId } = await failureOf(twice);
    await client.request('leave', {});
    await expect.poll(() => lines().map(({ msg }) => msg)).toContain('room closed');
    await expect.poll(() => lines().map(({ msg }) => msg)).toContain('connection closed');

    const all = lines();
    const [connection] = (requestId ?? '').split('-');
    expect(withField(all, 'room', 'logged')).toEqual(all);
    const ofMember = all.filter(({ msg }) => !msg.startsWith('room '));
    expect(withField(all, 'identity', identity)).toEqual(ofMember);
    expect(withField(all, 'peer', peer)).toEqual(ofMember);
    expect(ofMember.map(({ msg }) => msg)).toEqual(
      expect.arrayContaining(['peer joined', 'request refused', 'connection closed', 'peer left']),
    );
    const ofConnection = withField(all, 'connection', connection);
    expect(ofConnection.map(({ msg }) => msg).sort()).toEqual(['connection closed', 'request refused']);
    expect(withField(all, 'request', requestId)).toMatchObject([{ level: INFO, method: 'produce', code }]);
  });
});

describe('a request that is refused', () => {
  test('before anybody has joined is found by the room, and by its id', async () => {
    const { url, lines } = await start(withTokens);
    using client = await TestClient.connect(url);
    const jwt = await token('other', 'ann');
    const { requestId } = await failureOf(client.join({ room: 'closed-room', token: jwt }));
    expect(requestId).toMatch(/^[\da-f]{12}-\d+$/);
    const found = withField(lines(), 'request', requestId);
    expect(found).toMatchObject([{ room: 'closed-room', method: 'join', code: 'unauthorized', reason: 'otherRoom' }]);
    expect(JSON.stringify(lines())).not.toContain(jwt);
  });

  test('for its rate has an id too; and each has another one', async () => {
    const { url } = await start({ WEIR_MESSAGE_BURST: '10', WEIR_MESSAGES_PER_SECOND: '1' });
    using client = await TestClient.connect(url);
    const all = await Promise.all(
      Array.from({ length: 12 }, () => failureOf(client.request('setHand', { raised: true }))),
    );
    expect(all.map(({ code }) => code)).toContain('rateLimited');
    expect(new Set(all.map(({ requestId }) => requestId)).size).toBe(12);
  });

  test('over HTTP is found by its header, which the body has too', async () => {
    const { url, lines } = await start();
    const headers = { 'content-type': 'application/sdp', 'x-request-id': 'of-the-client' };
    const response = await fetch(`${url}/whip/studio?kind=broadcast`, { method: 'POST', headers, body: 'v=0' });
    const requestId = response.headers.get('x-request-id');
    expect(requestId).toMatch(/^[\da-f]{12}$/);
    expect(await response.json()).toMatchObject({ status: 400, requestId });
    expect(withField(lines(), 'request', requestId ?? '')).toMatchObject([
      { level: INFO, room: 'broadcast/studio', status: 400, method: 'POST', path: '/whip/:room' },
    ]);
    expect(withField(lines(), 'request', requestId ?? '')[0]?.identity).toBeTruthy();
  });
});
