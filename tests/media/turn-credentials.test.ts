/** Tests of Weir's TURN credentials with a real coturn: when they end, what has begun goes on, and a restart of ICE brings new ones. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { startCoturn } from '../../scripts/support/servers/coturn.ts';
import { startServer } from '../../scripts/support/servers/startServer.ts';
import { until } from '../../scripts/support/until.ts';
import { TurnClient } from '../../server/ice/turn/TurnClient.ts';
import { ATTRIBUTE, METHOD } from '../../server/ice/turn/turnMessage.ts';
import type { TurnCredentials } from '../../server/ice/turnCredentials.ts';
import type { IceServer } from '../../shared/media.ts';
import { TestClient } from '../support/client.ts';
import { hasCoturn } from '../support/coturn.ts';

/** How long a credential lives, in seconds. */
const LIFETIME = 2;

function credentialsIn(servers: readonly IceServer[]): TurnCredentials {
  const { username, credential } = servers.at(-1) ?? {};
  if (!username || !credential) throw new Error('There is no credential.');
  return { username, credential };
}

describe.runIf(hasCoturn)('the TURN credentials of Weir at coturn', () => {
  test('an allocation outlives the credential that it was made with; a new one needs that of an ICE restart', async () => {
    await using coturn = await startCoturn({
      listenAddress: '127.0.0.1',
      sfuAddress: '127.0.0.1',
      // A new nonce each second, so that the refresh is authenticated anew, as in a call of more than ten minutes.
      edit: (conf) => conf.replace(/^stale-nonce=.*$/m, 'stale-nonce=1'),
    });
    const { secret, urls } = coturn;
    const settings = { WEIR_TURN_URLS: urls.join(), WEIR_TURN_SECRET: secret, WEIR_TURN_SECONDS: String(LIFETIME) };
    await using server = await startServer(settings);
    using client = await TestClient.connect(server.url);
    const allocate = async (credentials: TurnCredentials) => {
      const turn = { host: '127.0.0.1', port: coturn.port, transport: 'udp' } as const;
      const allocated = await TurnClient.allocate({ server: turn, credentials });
      onTestFinished(() => allocated.close());
      return allocated;
    };
    const joined = credentialsIn((await client.join({ room: 'long' })).iceServers);
    const allocation = await allocate(joined);
    const expiry = Number(joined.username.split(':')[0]);
    await until('the end of the credential', 10_000, () => Date.now() / 1000 > expiry + 1);
    await expect(allocate(joined)).rejects.toMatchObject({ name: 'TurnError', code: 401 });
    const lifetime = Buffer.alloc(4);
    lifetime.writeUInt32BE(600);
    await allocation.request(METHOD.refresh, () => [{ type: ATTRIBUTE.lifetime, value: lifetime }]);
    await allocation.createPermission({ address: '127.0.0.1', port: 9 });

    const restarted = credentialsIn((await client.request('restartIce', {})).iceServers);
    await expect(allocate(restarted)).resolves.toBeInstanceOf(TurnClient);
  });
});
