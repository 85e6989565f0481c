/** Tests of a self-test's report as text: one line when all is well, otherwise what is wrong first, with what to do. */
import { expect, test } from 'vitest';
import type { AddressFacts } from '../../server/ice/checkAddresses.ts';
import { addressRows } from '../../server/ice/selfTest/addressRows.ts';
import { verdict } from '../../server/ice/selfTest/mediaRows.ts';
import { selfTestText } from '../../server/ice/selfTest/selfTestText.ts';
import type { SelfTestRow } from '../../shared/selfTest.ts';

const media = (port: number, protocol: 'udp' | 'tcp', row: Partial<SelfTestRow> = {}): SelfTestRow => ({
  check: 'media',
  target: '192.0.2.1',
  protocol,
  port,
  state: 'reachable',
  message: 'Media passes both ways.',
  roundTripTime: 1,
  ...row,
});
const both = (port: number) => [media(port, 'udp'), media(port, 'tcp')];
const signalling: SelfTestRow = {
  check: 'signalling',
  target: 'http://localhost',
  state: 'reachable',
  message: 'It does.',
};
const text = (rows: SelfTestRow[], colours?: boolean) =>
  selfTestText({ startedAt: '2026-01-01T00:00:00Z', duration: 10, rows }, { colours });

test('all is well: one line', () => {
  expect(text([...both(1), ...both(2), ...both(3), signalling])).toBe(
    'Self-test: all is well. Media passes at 192.0.2.1, ports 1 to 3, UDP and TCP. Also tested: signalling.',
  );
});

test('what failed comes first, ports with the same finding are one row, and every state is a word', () => {
  const failed = {
    state: 'unreachable',
    reason: 'refused',
    message: 'The port is refused.',
    remedy: 'Open it.',
  } as const;
  const rows = [
    media(1, 'udp'),
    signalling,
    { check: 'proxy', target: 'x', state: 'warning', message: 'Look at it.' } as const,
    media(1, 'tcp', failed),
    media(2, 'tcp', failed),
  ];
  expect(text(rows).split('\n')).toEqual([
    'Self-test: 2 of 5 checks failed.',
    '  UNREACHABLE  media 192.0.2.1, TCP ports 1, 2, 1.0 ms',
    '               The port is refused.',
    '               -> Open it.',
    '  look         proxy x',
    '               Look at it.',
    '  reachable    media 192.0.2.1, UDP port 1, 1.0 ms',
    '  reachable    signalling http://localhost',
  ]);
  const coloured = text(rows, true);
  expect(coloured).toContain('\u001b[31mUNREACHABLE');
  expect(coloured).toContain('\u001b[32mreachable');
});

test('where nothing failed, only what should be looked at follows', () => {
  const look = { check: 'address', target: 'x', state: 'warning', message: 'It is private.' } as const;
  expect(text([...both(1), look]).split('\n')).toEqual([
    'Self-test: nothing failed; look at what follows. Media passes at 192.0.2.1, port 1, UDP and TCP. Also tested: address.',
    '  look         address x',
    '               It is private.',
  ]);
});

test('UDP and TCP of the same ports with the same finding are one row', () => {
  const failed = { state: 'unreachable', reason: 'refused', message: 'The port is refused.' } as const;
  const rows = [media(1, 'udp', failed), media(2, 'udp', failed), media(1, 'tcp', failed), media(2, 'tcp', failed)];
  expect(text(rows)).toContain('UNREACHABLE  media 192.0.2.1, UDP and TCP ports 1, 2, 1.0 ms\n');
});

test('lines are not wider than 100 columns, unless a word is', () => {
  const remedy = `Open ${'the port '.repeat(60)}${'x'.repeat(120)}`;
  const lines = text([media(1, 'udp', { state: 'unknown', remedy })]).split('\n');
  expect(lines.length).toBeGreaterThan(6);
  for (const line of lines) expect(line.length <= 100 || line.trim() === 'x'.repeat(120), line).toBe(true);
});

test.each([
  ['own', { failed: 'ice', code: 'ECONNREFUSED' }, 'unreachable', 'refused', /firewall of this machine rejects/],
  ['own', { failed: 'ice', code: 'EHOSTUNREACH' }, 'unreachable', 'refused', /firewall of this machine rejects/],
  ['own', { failed: 'ice', code: 'EPERM' }, 'unreachable', 'refused', /firewall of this machine/],
  ['own', { failed: 'ice' }, 'unreachable', 'noAnswer', /firewall of this machine drops/],
  ['other', { failed: 'ice', code: 'ECONNREFUSED' }, 'unreachable', 'refused', /Forward the port/],
  ['other', { failed: 'ice', code: 'ENETUNREACH' }, 'unreachable', 'noRoute', /this machine has 192\.0\.2\.1/],
  ['other', { failed: 'ice' }, 'unknown', 'hairpin', /from another network/],
  ['other', { failed: 'dtls' }, 'unreachable', 'handshakeFailed', /MTU/],
  ['other', { failed: 'rtp' }, 'unreachable', 'mediaLost', /MTU/],
] as const)('%s address, %o: %s, %s', (whose, result, state, reason, remedy) => {
  const address = whose === 'own' ? '192.0.2.1' : '198.51.100.1';
  const probed = { code: undefined, message: '', error: undefined, ...result };
  expect(verdict(address, probed, new Set(['127.0.0.1', '192.0.2.1']))).toMatchObject({
    state,
    reason,
    remedy: expect.stringMatching(remedy),
  });
});

const network = (name: string, address: string) => ({
  [name]: [
    {
      address,
      netmask: '255.255.255.0',
      family: 'IPv4' as const,
      mac: '00:00:00:00:00:00',
      internal: false,
      cidr: `${address}/24`,
    },
  ],
});
const facts = (change: Partial<AddressFacts>): AddressFacts => ({
  interfaces: network('eth0', '203.0.113.1'),
  listening: ['0.0.0.0'],
  announced: ['203.0.113.1'],
  configured: true,
  container: false,
  ...change,
});

test.each<[string, Partial<AddressFacts>, SelfTestRow['state'], SelfTestRow['reason']]>([
  ['own', {}, 'ok', undefined],
  [
    'private',
    { interfaces: network('eth0', '10.0.0.5'), announced: ['10.0.0.5'], configured: false },
    'warning',
    'privateAddress',
  ],
  ['bridge', { interfaces: network('docker0', '172.17.0.1'), announced: ['172.17.0.1'] }, 'failed', 'bridgeAddress'],
  [
    'bridge, seen in a container',
    { interfaces: network('eth0', '172.17.0.2'), announced: ['172.17.0.2'], container: true },
    'failed',
    'bridgeAddress',
  ],
  ['foreign', { announced: ['198.51.100.9'] }, 'warning', 'foreignAddress'],
  ['wrong interface', { listening: ['10.0.0.5'] }, 'failed', 'wrongInterface'],
  ['unresolved', { announced: [], unresolved: ['turn.invalid'] }, 'warning', 'unresolved'],
  ['seen elsewhere', { announced: [], stun: { server: 's', mapped: '198.51.100.9' } }, 'warning', 'stunDiffers'],
  ['not seen', { announced: [], stun: { server: 's', error: 'It does not answer.' } }, 'warning', 'noAnswer'],
])('the address row of an address that is %s', (_name, change, state, reason) => {
  const [row, ...more] = addressRows(facts(change));
  expect(more).toEqual([]);
  expect(row).toMatchObject({ check: 'address', state });
  expect(row?.reason).toBe(reason);
  expect(row?.remedy !== undefined).toBe(state !== 'ok');
});
