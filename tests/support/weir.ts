/** Shared server of the tests of one file, its tokens, and its clients, which are closed after each test. */
import { afterAll, afterEach, beforeAll, vi } from 'vitest';
import { startServer, type TestServer } from '../../scripts/support/servers/startServer.ts';
import type { App } from '../../server/app.ts';
import type { VideoGrant } from '../../server/auth/claims.ts';
import { signToken } from '../../server/auth/tokens.ts';
import type { Config } from '../../server/config/Config.ts';
import type { Room } from '../../server/room/Room.ts';
import type { WeirError } from '../../shared/errors.ts';
import type { JoinReply } from '../../shared/protocol.ts';
import { type ConnectOptions, type JoinOptions, TestClient } from './client.ts';

export const apiKey = 'test-key';
export const apiSecret = 'a secret of tests, of at least 32 characters';
/** Settings of a server with tokens. */
export const withTokens = { WEIR_API_KEY: apiKey, WEIR_API_SECRET: apiSecret };

export interface Joined {
  readonly client: TestClient;
  readonly reply: JoinReply;
}

/** A token for `room`; the grants are added to "may join". */
export function token(
  room: string,
  identity: string,
  grants: VideoGrant = {},
  lifetime = 60,
  metadata?: string,
): Promise<string> {
  return signToken({ apiKey, apiSecret, identity, metadata, video: { room, roomJoin: true, ...grants }, lifetime });
}

/**
 * One server for all tests of a file. After each test its clients are closed and its rooms have ended: by themselves, but
 * for those of a server on which sessions outlive their connection, which are closed rather than waited for.
 */
export function useServer(environment: Record<string, string> = {}, delays?: Config['delays']) {
  let server: TestServer | undefined;
  const clients = new Set<TestClient>();
  const rooms = new Set<Room>();
  const running = (): TestServer => {
    if (!server) throw new Error('The server runs in tests only.');
    return server;
  };
  beforeAll(async () => {
    server = await startServer(environment, delays);
    server.app.rooms.onRoomOpened((room) => {
      rooms.add(room);
      room.onEnd(() => rooms.delete(room));
    });
  });
  afterEach(async () => {
    for (const client of clients) client[Symbol.dispose]();
    await Promise.all([...clients].map(({ closed }) => closed));
    clients.clear();
    if (Number(environment.WEIR_RESUME_SECONDS ?? 0) > 0) for (const room of rooms) room.close('roomClosed');
    await vi.waitUntil(() => running().app.rooms.size === 0, { timeout: 5000, interval: 5 });
  });
  afterAll(() => server?.close());

  const connect = async (options?: ConnectOptions): Promise<TestClient> => {
    const client = await TestClient.connect(running().url, options);
    clients.add(client);
    return client;
  };
  return {
    get app(): App {
      return running().app;
    },
    get url(): string {
      return running().url;
    },
    connect,
    token,
    /** Connects and joins. */
    async join(options?: JoinOptions, connection?: ConnectOptions): Promise<Joined> {
      const client = await connect(connection);
      return { client, reply: await client.join(options) };
    },
    /** Connects and joins with a token of these grants. */
    async enter(
      room: string,
      identity: string,
      grants?: VideoGrant,
      options: JoinOptions = {},
      connection?: ConnectOptions,
    ): Promise<Joined> {
      const client = await connect(connection);
      return { client, reply: await client.join({ ...options, room, token: await token(room, identity, grants) }) };
    },
  };
}

/** The error with that code, for `expect(...).rejects`. */
export const failure = (code: WeirError['code']) => ({ name: 'WeirError', code });
