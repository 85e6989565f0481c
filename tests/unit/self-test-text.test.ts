/** Tests of a self-test's report as text: one line when all is well, otherwise what is wrong first, with what to do. */
import { expect, test } from 'vitest';
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
