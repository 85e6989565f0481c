/** Covers IP addresses: private and public ones, this machine's, those that are announced, and their ICE candidates. */
import type { NetworkInterfaceInfo } from 'node:os';
import { pino } from 'pino';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { isPrivateAddress } from '../../server/common/ipAddress.ts';
import { ownAddresses, unstableAddresses } from '../../server/common/ownAddresses.ts';
import { AnnouncedAddresses, type AnnouncedAddressesOptions } from '../../server/ice/AnnouncedAddresses.ts';
import { iceCandidates } from '../../server/media/iceCandidates.ts';
import { fakeOwnTimers } from '../support/fakeOwnTimers.ts';

test.each([
  ['10.0.0.1', true],
  ['172.15.255.255', false],
  ['172.16.0.1', true],
  ['172.31.255.255', true],
  ['172.32.0.1', false],
  ['192.168.1.1', true],
  ['192.169.1.1', false],
  ['100.63.255.255', false],
  ['100.64.0.1', true],
  ['100.127.0.1', true],
  ['100.128.0.1', false],
  ['169.254.1.1', true],
  ['127.0.0.1', true],
  ['8.8.8.8', false],
  ['203.0.113.1', false],
  ['::1', true],
  ['fe80::1', true],
  ['fec0::1', true],
  ['fd00::2', true],
  ['fc00::2', true],
  ['fbff::1', false],
  ['2001:db8::1', false],
  ['2a02:2e0::1', false],
])('%s: private is %s', (address, expected) => {
  expect(isPrivateAddress(address)).toBe(expected);
});

describe("this machine's addresses", () => {
  const address = (value: string, internal = false): NetworkInterfaceInfo => {
    const common = { address: value, internal, netmask: '', mac: '00:00:00:00:00:00', cidr: null };
    return value.includes(':') ? { ...common, family: 'IPv6', scopeid: 0 } : { ...common, family: 'IPv4' };
  };

  test('are listed public ones first, without loopback, link-local and unique local ones, and bridges', () => {
    const interfaces = {
      lo: [address('127.0.0.1', true), address('::1', true)],
      eth0: [address('192.168.1.5'), address('fe80::1'), address('fd00::5'), address('2001:db8::5')],
      eth1: [address('169.254.7.7'), address('203.0.113.5')],
      br0: [address('192.168.2.1')],
      docker0: [address('172.17.0.1')],
      'br-0123456789ab': [address('172.18.0.1'), address('2001:db8:1::1')],
      gone: undefined,
    };
    expect(ownAddresses(interfaces)).toEqual(['2001:db8::5', '203.0.113.5', '192.168.1.5', '192.168.2.1']);
    expect(ownAddresses({})).toEqual([]);
  });

  test('do not include IPv6 addresses that will not last', () => {
    // Permanent, temporary, tentative, deprecated; `00` and `80` are what stable ones have.
    const table = `20010db8000000000000000000000001 02 40 00 80     eth0
20010db8000000000000000000000002 02 40 00 01     eth0
20010db800000000000000000000000a 02 40 00 40     eth0
20010db8000000000000000000000b00 02 40 00 20     eth0
20010db8000000000000000000000005 02 40 00 00     eth0
00000000000000000000000000000001 01 80 10 80       lo
`;
    expect([...unstableAddresses(table)]).toEqual(['2001:db8::2', '2001:db8::a', '2001:db8::b00']);
    const eth0 = ['2001:db8::1', '2001:db8::2', '2001:db8::5'].map((value) => address(value));
    expect(ownAddresses({ eth0 }, unstableAddresses(table))).toEqual(['2001:db8::1', '2001:db8::5']);
    expect([...unstableAddresses('')]).toEqual([]);
  });
});

describe('announced addresses', () => {
  const warn = vi.fn();
  fakeOwnTimers();
  beforeEach(() => void warn.mockClear());

  const log = Object.assign(pino({ level: 'silent' }), { warn });
  const start = async (options: Partial<AnnouncedAddressesOptions>) => {
    const announced = await AnnouncedAddresses.start({ configured: [], listening: ['0.0.0.0', '::'], log, ...options });
    onTestFinished(() => announced.close());
    return announced;
  };
  /** A resolver with these names; an unknown one fails as the system's does. */
  const resolver = (names: Record<string, string[]>) => async (name: string) => {
    const found = names[name];
    if (found === undefined) throw Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' });
    return found;
  };

  test('are the configured ones, in their order, with names replaced by their addresses', async () => {
    const resolve = resolver({ 'sfu.example': ['203.0.113.7', '2001:db8::7', '10.0.0.5', '::ffff:203.0.113.7'] });
    const { addresses } = await start({ configured: ['10.0.0.5', 'sfu.example', '198.51.100.1'], resolve });
    expect(addresses).toEqual(['10.0.0.5', '203.0.113.7', '2001:db8::7', '198.51.100.1']);
  });

  test('are of families only that have a listener', async () => {
    const resolve = resolver({ 'sfu.example': ['2001:db8::7', '203.0.113.7'] });
    const configured = ['sfu.example'];
    expect((await start({ configured, resolve, listening: ['0.0.0.0'] })).addresses).toEqual(['203.0.113.7']);
    expect((await start({ configured, resolve, listening: ['::1'] })).addresses).toEqual(['2001:db8::7']);
  });

  test("are this machine's where none is configured: all of a wildcard's family, else the listening one", async () => {
    const own = () => ['2001:db8::5', '203.0.113.5', '10.0.0.5'];
    const announced = async (...listening: string[]) => (await start({ listening, own })).addresses;
    expect(await announced('0.0.0.0', '::')).toEqual(['2001:db8::5', '203.0.113.5', '10.0.0.5']);
    expect(await announced('0.0.0.0')).toEqual(['203.0.113.5', '10.0.0.5']);
    expect(await announced('::')).toEqual(['2001:db8::5']);
    expect(await announced('10.0.0.5')).toEqual(['10.0.0.5']);
    expect(await announced('0.0.0.0', 'fd00::1')).toEqual(['203.0.113.5', '10.0.0.5', 'fd00::1']);
    expect((await start({ own: () => [] })).addresses).toEqual(['127.0.0.1']);
  });

  test('follow dynamic DNS and the addresses of the machine, every minute', async () => {
    const names = { 'sfu.example': ['203.0.113.7'] };
    const named = await start({ configured: ['sfu.example'], resolve: resolver(names) });
    let machine = ['10.0.0.5'];
    const own = await start({ own: () => machine });
    names['sfu.example'] = ['203.0.113.8'];
    machine = ['10.0.0.6'];
    await vi.advanceTimersByTimeAsync(59_000);
    expect([named.addresses, own.addresses]).toEqual([['203.0.113.7'], ['10.0.0.5']]);
    await vi.advanceTimersByTimeAsync(2000);
    expect([named.addresses, own.addresses]).toEqual([['203.0.113.8'], ['10.0.0.6']]);
  });

  test('of a name that does not resolve are left out with a warning, and announced as soon as it resolves', async () => {
    const names: Record<string, string[]> = {};
    const configured = ['203.0.113.1', 'sfu.example'];
    const announced = await start({ configured, resolve: resolver(names) });
    expect([announced.addresses, announced.unresolved]).toEqual([['203.0.113.1'], ['sfu.example']]);
    await vi.advanceTimersByTimeAsync(120_000);
    expect(warn.mock.calls).toEqual([[expect.stringContaining('sfu.example cannot be resolved (ENOTFOUND)')]]);
    names['sfu.example'] = ['203.0.113.7'];
    await vi.advanceTimersByTimeAsync(60_000);
    expect([announced.addresses, announced.unresolved]).toEqual([['203.0.113.1', '203.0.113.7'], []]);
  });

  test('of a name that does not resolve any more stay announced', async () => {
    const names: Record<string, string[]> = { 'sfu.example': ['203.0.113.7'] };
    const announced = await start({ configured: ['sfu.example'], resolve: resolver(names) });
    delete names['sfu.example'];
    await vi.advanceTimersByTimeAsync(60_000);
    expect(announced.addresses).toEqual(['203.0.113.7']);
    expect(warn.mock.calls).toEqual([[expect.stringContaining('its former addresses stay announced')]]);
  });

  test('do not wait longer than ten seconds for a name', async () => {
    const resolve = () => new Promise<string[]>(() => {});
    const starting = start({ configured: ['203.0.113.1', 'sfu.example'], resolve });
    await vi.advanceTimersByTimeAsync(10_000);
    expect((await starting).addresses).toEqual(['203.0.113.1']);
  });

  test.each([
    ['names that do not resolve', { configured: ['one.example', 'two.example'] }, 'one.example,two.example cannot be'],
    [
      'a name of the other family',
      { configured: ['v6.example'], listening: ['0.0.0.0'] },
      'v6.example has no IPv4 address, and WEIR_RTC_HOST=0.0.0.0 listens on IPv4 only',
    ],
    ['IPv6 on a machine without it', { listening: ['::'], own: () => ['10.0.0.5'] }, 'has no global IPv6 address'],
  ])('of which there is none, with %s, end the start with a sentence', async (_what, options, words) => {
    const resolve = resolver({ 'v6.example': ['2001:db8::7'] });
    await expect(start({ resolve, ...options })).rejects.toMatchObject({
      name: 'AnnouncedAddressError',
      message: expect.stringContaining(words),
    });
  });

  test('change no more once closed, also while a name is being resolved', async () => {
    const names = { 'sfu.example': ['203.0.113.7'] };
    const announced = await start({ configured: ['sfu.example'], resolve: resolver(names) });
    names['sfu.example'] = ['203.0.113.8'];
    vi.advanceTimersByTime(60_000);
    announced.close();
    await vi.advanceTimersByTimeAsync(120_000);
    expect(announced.addresses).toEqual(['203.0.113.7']);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('ICE candidates', () => {
  const candidates = iceCandidates(['203.0.113.7', '2001:db8::7', '10.0.0.5'], 44_400);

  test('are one of UDP and one of TCP for each address, on the port', () => {
    expect(candidates.map(({ address, ip, protocol, tcpType }) => [address, ip, protocol, tcpType])).toEqual([
      ['203.0.113.7', '203.0.113.7', 'udp', undefined],
      ['2001:db8::7', '2001:db8::7', 'udp', undefined],
      ['10.0.0.5', '10.0.0.5', 'udp', undefined],
      ['203.0.113.7', '203.0.113.7', 'tcp', 'passive'],
      ['2001:db8::7', '2001:db8::7', 'tcp', 'passive'],
      ['10.0.0.5', '10.0.0.5', 'tcp', 'passive'],
    ]);
    expect(new Set(candidates.map(({ port, type }) => `${port} ${type}`))).toEqual(new Set(['44400 host']));
  });

  test('have unique priorities of 31 bits in that order, so that UDP comes before TCP', () => {
    const priorities = candidates.map(({ priority }) => priority);
    expect(priorities).toEqual([...new Set(priorities)].sort((a, b) => b - a));
    for (const priority of priorities) expect(priority).toSatisfy((value: number) => value > 0 && value < 2 ** 31);
    // RFC 8445, section 5.1.2.1: type preference 126, local preference 65535, component 1.
    expect(priorities[0]).toBe(126 * 2 ** 24 + 65_535 * 2 ** 8 + 255);
  });

  test('have foundations of up to 32 ice-chars, each its own, and the same whatever is announced beside', () => {
    const foundations = candidates.map(({ foundation }) => foundation);
    expect(new Set(foundations).size).toBe(6);
    for (const foundation of foundations) expect(foundation).toMatch(/^[0-9A-Za-z+/]{1,32}$/);
    const alone = iceCandidates(['2001:db8::7'], 44_401).map(({ foundation }) => foundation);
    expect(alone).toEqual([foundations[1], foundations[4]]);
  });
});
