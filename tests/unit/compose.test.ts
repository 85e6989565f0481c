/** Tests of the compose files: they use existing variables, and request no more rights than Weir needs. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseEnv } from 'node:util';
import { describe, expect, test } from 'vitest';
import { readConfig } from '../../server/config/readConfig.ts';
import { readTurnserver } from '../../server/config/readTurnserver.ts';
import { variables } from '../../server/config/variables.ts';
import { asked, readService, readSideServices, readTurnServices } from '../support/compose.ts';

const bridge = ['compose.yml', 'compose.bridge.yml'];
const settings = { WEIR_ANNOUNCED_ADDRESS: '203.0.113.7', WEIR_ALLOW_ANONYMOUS: 'true' };

test.each([[['compose.yml']], [bridge]])('%s: all variables exist in Weir, with valid values', (files) => {
  const { environment } = readService(files, settings);
  expect(Object.keys(environment).filter((name) => !Object.hasOwn(variables, name))).toEqual([]);
  expect(files.flatMap(asked).filter((name) => !Object.hasOwn(environment, name))).toEqual([
    'WEIR_DOMAIN',
    'TURN_CERTIFICATES',
    'TURN_CERTIFICATES',
    'GRAFANA_PASSWORD',
  ]);
  const { config, warnings } = readConfig({ ...environment, NODE_ENV: 'production' });
  expect(warnings).toEqual([]);
  expect(config.announcedAddresses).toEqual(['203.0.113.7']);
});

test.each([[['compose.yml']], [bridge]])(
  '%s: without capabilities, and with a stop timeout longer than the drain',
  (files) => {
    const service = readService(files, settings);
    const { config } = readConfig(service.environment);
    expect(config.drainTime).toBeGreaterThan(0);
    // Closing takes additional time after the drain.
    expect(service.stop_grace_period * 1000).toBeGreaterThanOrEqual(config.drainTime + 10_000);
    expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges'] });
  },
);

test('production allows anonymous access only where that is set', () => {
  const { environment } = readService(['compose.yml']);
  expect(() => readConfig({ ...environment, NODE_ENV: 'production' })).toThrow(/requires authentication/);
});

test('behind a bridge every port is published under its own number, and the announced address is required', () => {
  const { environment, ports } = readService(bridge, settings);
  const { config } = readConfig(environment);
  const last = config.rtcPort + config.workers - 1;
  const range = `${config.rtcPort}-${last}`;
  const { stunPort } = config;
  expect(ports).toEqual([
    `${config.port}:${config.port}/tcp`,
    `${range}:${range}/udp`,
    `${range}:${range}/tcp`,
    `${stunPort}:${stunPort}/udp`,
  ]);
  expect(config.host).toBe('0.0.0.0');
  expect(() => readService(bridge)).toThrow(/WEIR_ANNOUNCED_ADDRESS/);
});

describe('the TURN server', () => {
  const turn = {
    ...settings,
    WEIR_TURN_SECRET: 'x'.repeat(32),
    WEIR_TURN_URLS: 'turn:turn.example.com:3478?transport=udp,turn:turn.example.com:3478?transport=tcp',
  };

  test('is made from the settings of Weir, whose port it does not take', () => {
    const { configuration } = readTurnServices(turn);
    expect(configuration.environment).toEqual(readService(['compose.yml'], turn).environment);
    const { config, options } = readTurnserver({ ...configuration.environment, NODE_ENV: 'production' });
    expect(config.turn?.urls).toHaveLength(2);
    expect(options).toMatchObject({ secret: turn.WEIR_TURN_SECRET, realm: 'turn.example.com', port: 3478 });
    expect(config.stunPort).not.toBe(options.port);
    const [first, last] = options.relayPorts;
    const media = config.rtcPort + config.workers - 1;
    expect(first > media || last < config.rtcPort).toBe(true);
  });

  test('starts with the configuration that was written for it only, as its owner', () => {
    const { configuration, coturn } = readTurnServices(turn);
    expect(coturn.depends_on).toEqual({ 'turn-configuration': { condition: 'service_completed_successfully' } });
    const [, file = '', , state = ''] = configuration.entrypoint.slice(2);
    expect(coturn.entrypoint.at(-1)).toBe(`test -r ${file} && exec turnserver -c ${file}`);
    const volumeOf = (volumes: string[]) => volumes.find((one) => one.split(':')[1] === dirname(file));
    expect(volumeOf(coturn.volumes)).toBe(`${volumeOf(configuration.volumes)}:ro`);
    expect(coturn.tmpfs[0]?.split(':')[0]).toBe(state);
    const image = readFileSync(new URL('../../docker/Dockerfile', import.meta.url), 'utf8');
    expect(image).toContain(`USER ${coturn.user}`);
    expect(image).toContain(`install -d -o weir -g weir -m 0700 ${dirname(file)}`);
  });

  test('has a version without known holes, and the one right that ports below 1024 need', () => {
    const { configuration, coturn } = readTurnServices(turn);
    const [, major = 0, minor = 0] = (/^coturn\/coturn:(\d+)\.(\d+)\.\d+-r\d+$/.exec(coturn.image) ?? []).map(Number);
    expect(major * 100 + minor).toBeGreaterThanOrEqual(409);
    expect(coturn.cap_add).toEqual(['NET_BIND_SERVICE']);
    expect(configuration).toMatchObject({ cap_add: [], security_opt: ['no-new-privileges'] });
  });
});

describe('what runs beside Weir', () => {
  const here = (path: string) => new URL(`../../docker/${path}`, import.meta.url);

  test('has an exact version, files that exist, and listens on loopback unless it is the proxy', () => {
    const { caddy, prometheus, grafana } = readSideServices();
    for (const { image, volumes } of [caddy, prometheus, grafana]) {
      expect(image).toMatch(/:v?\d+\.\d+\.\d+$/);
      for (const volume of volumes.filter((one) => one.startsWith('.'))) {
        expect(volume).toMatch(/:ro$/);
        expect.soft(existsSync(here(volume.split(':')[0] ?? '')), volume).toBe(true);
      }
    }
    expect(prometheus.command).toContain('--web.listen-address=127.0.0.1:9090');
    expect(grafana.environment).toMatchObject({ GF_SERVER_HTTP_ADDR: '127.0.0.1' });
    expect(grafana.entrypoint?.at(-1)).toMatch(/^test -n "\$\$GF_SECURITY_ADMIN_PASSWORD" && exec/);
    expect(caddy.entrypoint?.at(-1)).toMatch(/^test -n "\$\$WEIR_DOMAIN" && exec caddy run/);
  });

  test('finds the dashboards and the configuration where they are mounted', () => {
    const { prometheus, grafana } = readSideServices();
    const read = (path: string) => readFileSync(here(path), 'utf8');
    const [, dashboards] = /path: (\S+)/.exec(read('grafana/provisioning/dashboards/weir.yml')) ?? [];
    expect(grafana.volumes).toContain(`./grafana/dashboards:${dashboards}:ro`);
    expect(prometheus.command[0]).toBe('--config.file=/etc/prometheus/prometheus.yml');
    expect(read('grafana/provisioning/datasources/prometheus.yml')).toContain('url: http://127.0.0.1:9090');
    expect(read('prometheus/prometheus.yml')).toContain('127.0.0.1:9464');
  });
});

test('.env.example has every variable that the compose files ask for, and nothing else, empty', () => {
  const path = new URL('../../docker/.env.example', import.meta.url);
  const settings = parseEnv(readFileSync(path, 'utf8'));
  expect(Object.keys(settings).sort()).toEqual([...new Set(['COMPOSE_PROFILES', ...bridge.flatMap(asked)])].sort());
  expect(Object.values(settings).filter(Boolean)).toEqual([]);
});

test('all that the image runs is in it, and in what it is built from', () => {
  const root = new URL('../../', import.meta.url);
  const read = (path: string) => readFileSync(new URL(path, root), 'utf8');
  const [, listed = ''] = /const parts = \[([\s\S]*?)\n\];/.exec(read('docker/collect.mjs')) ?? [];
  const parts = [...listed.matchAll(/'([^']+)'/g)].map(([, part = '']) => part);
  const context = read('.dockerignore').match(/(?<=^!).+/gm) ?? [];
  const within = (path: string, places: readonly string[]) =>
    places.some((place) => path === place || path.startsWith(`${place}/`));
  const seen = new Set(parts.filter((part) => part.endsWith('.ts')).concat('server/main.ts'));
  for (const path of seen) {
    expect.soft(within(path, parts), `${path} in the image`).toBe(true);
    expect.soft(within(path, context), `${path} in .dockerignore`).toBe(true);
    for (const [, imported = ''] of read(path).matchAll(/from '(\.[^']+)'/g)) {
      seen.add(fileURLToPath(new URL(imported, new URL(path, root))).slice(fileURLToPath(root).length));
    }
  }
  expect(seen.size).toBeGreaterThan(100);
});
