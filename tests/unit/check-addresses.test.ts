/** Covers the check of the announced addresses against interfaces, listeners, containers, and what a STUN server sees. */
import type { NetworkInterfaceInfo } from 'node:os';
import { describe, expect, test } from 'vitest';
import { addressFacts, addressFactsWithStun, isContainer } from '../../server/ice/addressFacts.ts';
import { type AddressFacts, type AddressFinding, checkAddresses } from '../../server/ice/checkAddresses.ts';

const address = (value: string): NetworkInterfaceInfo => {
  const internal = value === '127.0.0.1' || value === '::1';
  const common = { address: value, internal, netmask: '', mac: '00:00:00:00:00:00', cidr: null };
  return value.includes(':') ? { ...common, family: 'IPv6', scopeid: 0 } : { ...common, family: 'IPv4' };
};
const lo = [address('127.0.0.1'), address('::1')];
const lan = { lo, eth0: [address('10.0.0.5'), address('fe80::5')] };
const dual = { lo, eth0: [address('203.0.113.5'), address('2001:db8::5')], eth1: [address('10.0.0.5')] };
const docker = { lo, eth0: [address('172.17.0.2')] };

const check = (facts: Partial<AddressFacts>): AddressFinding[] =>
  checkAddresses({
    interfaces: lan,
    listening: ['0.0.0.0', '::'],
    announced: [],
    configured: true,
    container: false,
    ...facts,
  });
const one = (facts: Partial<AddressFacts>): AddressFinding => {
  const [finding, ...others] = check(facts);
  if (!finding || others.length > 0) throw new Error('There is not exactly one finding.');
  return finding;
};

describe('nothing is wrong with', () => {
  test.each<[string, AddressFinding['code'], Partial<AddressFacts>]>([
    ['a public address of this machine', 'ownAddress', { interfaces: dual, announced: ['203.0.113.5'] }],
    ['a public address that this machine does not have', 'behindNat', { announced: ['203.0.113.7'] }],
    ['a private address of this machine that was configured', 'ownAddress', { announced: ['10.0.0.5'] }],
    [
      "the host's address, in a container on a bridge",
      'behindNat',
      { interfaces: docker, container: true, announced: ['192.168.1.5'] },
    ],
    ['the listening address', 'ownAddress', { interfaces: dual, listening: ['10.0.0.5'], announced: ['10.0.0.5'] }],
    ['loopback, where it is configured', 'ownAddress', { listening: ['127.0.0.1'], announced: ['127.0.0.1'] }],
    [
      'an address of the local network, in a container that has one of its own',
      'ownAddress',
      { interfaces: { lo, eth0: [address('192.168.1.9')] }, container: true, announced: ['192.168.1.9'] },
    ],
    [
      "a private address of a cloud, in a container in the host's network",
      'ownAddress',
      {
        interfaces: { lo, eth0: [address('172.31.5.5')], docker0: [address('172.17.0.1')] },
        container: true,
        announced: ['172.31.5.5'],
      },
    ],
  ])('%s', (_what, code, facts) => {
    const finding = one(facts);
    expect([finding.level, finding.code, finding.fix]).toEqual(['ok', code, undefined]);
    expect(finding.message).toContain(finding.target);
  });

  test('a private address beside a public one', () => {
    const found = check({ announced: ['203.0.113.7', '10.0.0.5'], configured: true });
    expect(found.map(({ level }) => level)).toEqual(['ok', 'ok']);
  });
});

describe('a finding, in words, is made of', () => {
  test.each<[string, AddressFinding['level'], AddressFinding['code'], string, string, Partial<AddressFacts>]>([
    [
      'a private address that Weir found by itself',
      'warning',
      'privateAddress',
      '10.0.0.5 is reachable from its own network only.',
      'Behind NAT, set WEIR_ANNOUNCED_ADDRESS to the public address.',
      { announced: ['10.0.0.5'], configured: false },
    ],
    [
      'loopback that Weir found by itself',
      'warning',
      'privateAddress',
      '127.0.0.1 is reachable from this machine only.',
      'set WEIR_ANNOUNCED_ADDRESS',
      { interfaces: { lo }, announced: ['127.0.0.1'], configured: false },
    ],
    [
      'a private address of a machine with a public one',
      'warning',
      'privateAddress',
      'although this machine has the public address 203.0.113.5, 2001:db8::5.',
      'Add 203.0.113.5,2001:db8::5 to WEIR_ANNOUNCED_ADDRESS',
      { interfaces: dual, announced: ['10.0.0.5'] },
    ],
    [
      'the address of a container on a bridge',
      'error',
      'bridgeAddress',
      '172.17.0.2 is the address of a container on a bridge: only its own host reaches it.',
      "Set WEIR_ANNOUNCED_ADDRESS to the host's address",
      { interfaces: docker, container: true, announced: ['172.17.0.2'], configured: false },
    ],
    [
      "the address of Docker's bridge",
      'error',
      'bridgeAddress',
      '172.17.0.1 is the address of docker0, a bridge for containers',
      'WEIR_ANNOUNCED_ADDRESS',
      { interfaces: { ...lan, docker0: [address('172.17.0.1')] }, announced: ['172.17.0.1'] },
    ],
    [
      'a private address that this machine does not have',
      'warning',
      'foreignAddress',
      '192.168.9.9 is a private address, and not one of this machine, which has 10.0.0.5.',
      'Correct WEIR_ANNOUNCED_ADDRESS',
      { announced: ['192.168.9.9'] },
    ],
    [
      'a public address of another machine',
      'warning',
      'foreignAddress',
      '203.0.113.99 is not an address of this machine, which has the public address 203.0.113.5.',
      'Correct WEIR_ANNOUNCED_ADDRESS',
      { interfaces: dual, announced: ['203.0.113.99'] },
    ],
    [
      'an IPv6 address that this machine does not have',
      'warning',
      'foreignAddress',
      '2001:db8::9 is not an address of this machine, which has no global IPv6 address (it has 10.0.0.5).',
      'Correct WEIR_ANNOUNCED_ADDRESS',
      { announced: ['2001:db8::9'] },
    ],
    [
      'an address of another interface than the listening one',
      'error',
      'wrongInterface',
      'WEIR_RTC_HOST=10.0.0.5 does not receive what is sent to 203.0.113.5, which is on eth0.',
      'Add 203.0.113.5 to WEIR_RTC_HOST, or set it to 0.0.0.0',
      { interfaces: dual, listening: ['10.0.0.5'], announced: ['203.0.113.5'] },
    ],
    [
      'a public address while Weir listens on loopback only',
      'error',
      'wrongInterface',
      'WEIR_RTC_HOST=127.0.0.1 does not receive what is sent to 203.0.113.7.',
      'Add 0.0.0.0 to WEIR_RTC_HOST',
      { listening: ['127.0.0.1'], announced: ['203.0.113.7'] },
    ],
    [
      'a host name that does not resolve',
      'warning',
      'unresolved',
      'The host name sfu.example cannot be resolved at present',
      'Correct WEIR_ANNOUNCED_ADDRESS or the DNS record',
      { unresolved: ['sfu.example'] },
    ],
  ])('%s', (_what, level, code, message, fix, facts) => {
    const finding = one(facts);
    expect([finding.level, finding.code]).toEqual([level, code]);
    expect(finding.message).toContain(message);
    expect(finding.fix).toContain(fix);
  });

  test('a public address behind a private listening address is none', () => {
    expect(one({ listening: ['10.0.0.5'], announced: ['203.0.113.7'] }).code).toBe('behindNat');
  });
});

describe('a STUN server', () => {
  const facts = { announced: ['203.0.113.7'] };
  const stun = (mapped: string, more: Partial<AddressFacts> = {}) =>
    check({ ...facts, ...more, stun: { server: 'stun.example:3478', mapped } })[1];

  test('that sees an announced address agrees', () => {
    expect(stun('203.0.113.7')).toMatchObject({ code: 'stunAgrees', level: 'ok', target: 'stun.example:3478' });
  });

  test('that sees another one differs', () => {
    expect(stun('198.51.100.1')).toMatchObject({
      code: 'stunDiffers',
      level: 'warning',
      message: 'The STUN server stun.example:3478 sees this machine at 198.51.100.1, but 203.0.113.7 is announced.',
      fix: expect.stringContaining('Set WEIR_ANNOUNCED_ADDRESS to 198.51.100.1'),
    });
    expect(stun('2001:db8::9', { listening: ['0.0.0.0'] })?.fix).toContain('add :: to WEIR_RTC_HOST');
  });

  test('that does not answer is a finding with its own words', async () => {
    const announced = { addresses: ['203.0.113.7'], unresolved: [] };
    const options = { announced, configured: true, listening: ['0.0.0.0'] };
    const server = { host: '127.0.0.1', port: 9 };
    const found = checkAddresses(await addressFactsWithStun(options, server, AbortSignal.timeout(5000)));
    expect(found.at(-1)).toMatchObject({
      code: 'stunFailed',
      target: '127.0.0.1:9',
      message: 'The STUN server 127.0.0.1:9 refuses: nothing listens there.',
    });
  });
});

test('facts are those of this machine', () => {
  const announced = { addresses: ['127.0.0.1'], unresolved: ['sfu.example'] };
  const facts = addressFacts({ announced, configured: true, listening: ['127.0.0.1'] });
  expect(checkAddresses(facts).map(({ code }) => code)).toEqual(['ownAddress', 'unresolved']);
});

describe('a container is recognised by', () => {
  const none = () => false;
  test.each([
    ['the file of Docker', (path: string) => path === '/.dockerenv', '0::/\n', true],
    ['the file of Podman', (path: string) => path === '/run/.containerenv', '0::/\n', true],
    ['its cgroup in Docker', none, '12:memory:/docker/0123456789abcdef\n', true],
    ['its cgroup in Kubernetes', none, '0::/kubepods/burstable/pod1\n', true],
    ['neither: no container', none, '0::/init.scope\n', false],
  ])('%s', (_what, exists, cgroup, expected) => {
    expect(isContainer(exists, () => cgroup)).toBe(expected);
  });

  test('nothing where the system does not say', () => {
    const unreadable = () => {
      throw new Error('ENOENT');
    };
    expect(isContainer(none, unreadable)).toBe(false);
  });
});
