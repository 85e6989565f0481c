/** Covers addresses: a room of any name works at each of them, also of a name that stands for something else in another one. */
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from 'vitest';
import { playerOffer } from '../../scripts/support/sdp/clientTexts.ts';
import { readConfig } from '../../server/config/readConfig.ts';
import { usePlainRtp } from '../support/plainRtp.ts';
import { useServer } from '../support/weir.ts';
import { useWhip } from '../support/whip.ts';

/** Segments that Weir may come to have. */
const future = ['admin', 'api', 'metrics', 'v1', 'webhooks'];

interface Route {
  readonly path: string;
  readonly methods: readonly string[];
}

/** What the router has: its tree as Fastify prints it, one branch a line. */
function routesOf(tree: string): Route[] {
  const parents: string[] = [];
  return tree.split('\n').flatMap((line) => {
    const [, indent = '', segment = '', methods = ''] = /^([│ ]*)[├└]── (\S+) \(([A-Z, ]+)\)$/.exec(line) ?? [];
    if (segment === '') return [];
    const depth = indent.length / 4;
    parents.splice(depth, Number.POSITIVE_INFINITY, segment);
    return [{ path: parents.join(''), methods: methods.split(', ') }];
  });
}

describe('a room', () => {
  // Each request comes from another network: their number is limited.
  const weir = useServer({ WEIR_TRUST_PROXY: '1', WEIR_RTP_EGRESS_NETWORKS: '127.0.0.0/8' });
  const rtp = usePlainRtp(weir);
  const whip = useWhip(weir);
  const routes = () => routesOf(weir.app.http.printRoutes({ commonPrefix: false }));
  const segments = () => routes().flatMap(({ path }) => path.split('/').filter((segment) => /^[\w.-]+$/.test(segment)));
  let requests = 0;

  /** What a request without a body is answered. */
  async function answer(method: string, path: string) {
    requests += 1;
    const headers = { 'x-forwarded-for': `10.${requests >> 8}.${requests & 255}.1` };
    const response = await fetch(new URL(path, weir.url), { method, headers, redirect: 'manual' });
    const { status, headers: answered } = response;
    // A problem names its request.
    const body = (await response.text()).replace(/"requestId":"\w+"/, '');
    return { status, allow: answered.get('allow'), type: answered.get('content-type'), body };
  }

  test('is answered alike whatever its name is, at every address that has one', async () => {
    const withRoom = routes().filter(({ path }) => path.includes(':room'));
    const known = ['api/broadcasts', 'api/rooms', 'b', 'r', 'rtp', 'rtp/egress', 'watch', 'whep', 'whip'];
    const paths = withRoom.map(({ path }) => path);
    expect(paths).toEqual(expect.arrayContaining(known.map((prefix) => `/${prefix}/:room`)));
    const names = new Set([...segments(), ...future]);
    expect(names).toContain('sessions');
    expect(names).toContain('egress');
    for (const { path, methods } of withRoom) {
      // HEAD is GET without a body.
      for (const method of methods.filter((one) => one !== 'HEAD')) {
        const expected = await answer(method, path.replace(':room', 'lobby'));
        const answers = await Promise.all(
          [...names].map(async (name) => [name, await answer(method, path.replace(':room', name))] as const),
        );
        const others = answers.filter(([, answered]) => !isDeepStrictEqual(answered, expected));
        expect({ method, path, others }).toEqual({ method, path, others: [] });
      }
    }
  });

  test.each(['sessions', 'egress', 'admin', 'whip', 'api'])(
    'of the name %s is published to, and played',
    async (room) => {
      await rtp.open(room, { video: {}, audio: {} });
      expect((await whip.offer(room)).response.status).toBe(201);
      expect((await whip.offer(room, { protocol: 'whep', sdp: playerOffer('firefox') })).response.status).toBe(201);
      const egress = await rtp.post(`/rtp/egress/${room}`, { address: '127.0.0.1', video: { port: 5004 } });
      expect(egress.response.status).toBe(201);
      const { body } = await rtp.request(`/api/rooms/${room}`, 'GET');
      expect(JSON.parse(body).people).toHaveLength(4);
    },
  );

  test('has no address that could be taken for a base path', () => {
    const first = new Set(routes().flatMap(({ path }) => path.split('/')[1]?.match(/^[\w.-]+$/)?.[0] ?? []));
    expect(first.size).toBeGreaterThan(8);
    for (const segment of first) {
      expect(() => readConfig({ WEIR_BASE_PATH: `/${segment}` }), segment).toThrow(/WEIR_BASE_PATH/);
    }
  });
});
