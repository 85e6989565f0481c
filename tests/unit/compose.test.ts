/** Tests of the compose files: they use existing variables, and request no more rights than Weir needs. */
import { expect, test } from 'vitest';
import { readConfig } from '../../server/config/readConfig.ts';
import { variables } from '../../server/config/variables.ts';
import { asked, readService } from '../support/compose.ts';

const bridge = ['compose.yml', 'compose.bridge.yml'];
const settings = { WEIR_ANNOUNCED_ADDRESS: '203.0.113.7', WEIR_ALLOW_ANONYMOUS: 'true' };

test.each([[['compose.yml']], [bridge]])('%s: all variables exist in Weir, with valid values', (files) => {
  const { environment } = readService(files, settings);
  expect(Object.keys(environment).filter((name) => !Object.hasOwn(variables, name))).toEqual([]);
  expect(files.flatMap(asked).filter((name) => !Object.hasOwn(environment, name))).toEqual([]);
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
  expect(ports).toEqual([`${config.port}:${config.port}/tcp`, `${range}:${range}/udp`, `${range}:${range}/tcp`]);
  expect(config.host).toBe('0.0.0.0');
  expect(() => readService(bridge)).toThrow(/WEIR_ANNOUNCED_ADDRESS/);
});
