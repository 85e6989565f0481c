/** Tests of coturn's generated configuration, and of the settings that it is made from. */
import { describe, expect, test } from 'vitest';
import { TestAuthority } from '../../scripts/support/servers/TestAuthority.ts';
import { readTurnserver } from '../../server/config/readTurnserver.ts';
import { type TurnserverOptions, turnserverConf, USER_QUOTA } from '../../server/ice/turnserverConf.ts';

const secret = 'a secret of more than 32 characters, "with" # signs = in it';
const options: TurnserverOptions = {
  secret,
  realm: 'turn.example.com',
  port: 3478,
  relayPorts: [49_152, 65_535],
  sfuAddresses: ['203.0.113.7', '2001:db8::7'],
  stateDirectory: '/run/turn',
};
const settingsOf = (text: string) => text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

describe('the configuration of coturn', () => {
  test('denies all addresses of both families, and allows those of the SFU only', () => {
    const peers = settingsOf(turnserverConf(options)).filter((line) => /peer/.test(line));
    expect(peers).toEqual([
      'denied-peer-ip=0.0.0.0-255.255.255.255',
      'denied-peer-ip=::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
      'allowed-peer-ip=203.0.113.7',
      'allowed-peer-ip=2001:db8::7',
      'no-multicast-peers',
    ]);
  });

  test('allows loopback where the SFU is there', () => {
    for (const sfu of ['127.0.0.1', '::1']) {
      expect(settingsOf(turnserverConf({ ...options, sfuAddresses: [sfu] }))).toContain('allow-loopback-peers');
    }
  });

  test.each([
    'use-auth-secret',
    `static-auth-secret=${secret}`,
    'no-tcp-relay',
    'no-cli',
    'no-dtls',
    'no-tls',
    'no-tlsv1',
    'no-tlsv1_1',
    'no-rfc5780',
    'no-stun-backward-compatibility',
    'no-software-attribute',
    'fingerprint',
    'stale-nonce=600',
    `user-quota=${USER_QUOTA}`,
    'max-bps=2500000',
    'userdb=/run/turn/turndb',
  ])('has %s', (line) => {
    expect(settingsOf(turnserverConf(options))).toContain(line);
  });

  test('every setting has its reason before it', () => {
    const paragraphs = turnserverConf(options).trim().split('\n\n');
    expect(paragraphs.length).toBeGreaterThan(10);
    for (const paragraph of paragraphs) expect(paragraph).toMatch(/^# [A-Zc]/);
  });

  test('has TLS on its port where there is a certificate', () => {
    const tls = { port: 443, cert: '/etc/ssl/turn.pem', key: '/etc/ssl/turn.key' };
    const settings = settingsOf(turnserverConf({ ...options, tls }));
    expect(settings).toEqual(
      expect.arrayContaining(['tls-listening-port=443', 'cert=/etc/ssl/turn.pem', 'pkey=/etc/ssl/turn.key']),
    );
    expect(settings).not.toContain('no-tls');
  });

  test.each([
    // coturn takes these for "no limit".
    ['all of IPv4', { sfuAddresses: ['0.0.0.0'] }],
    ['all of IPv6', { sfuAddresses: ['::'] }],
    ['all of IPv6, at length', { sfuAddresses: ['0:0:0:0:0:0:0:0'] }],
    ['all of IPv6, with a dotted end', { sfuAddresses: ['::0.0.0.0'] }],
    ['a range', { sfuAddresses: ['10.0.0.0-10.255.255.255'] }],
    ['a network', { sfuAddresses: ['10.0.0.0/8'] }],
    ['a zone', { sfuAddresses: ['fe80::1%eth0'] }],
    ['a name', { sfuAddresses: ['sfu.example.com'] }],
    ['no address', { sfuAddresses: [] }],
    ['a second line in the secret', { secret: `${secret}\nno-auth` }],
    ['a second line in the realm', { realm: 'turn.example.com\nno-auth' }],
    ['a secret longer than coturn reads', { secret: 'x'.repeat(1000) }],
    ['a second line in an address', { listeningAddresses: ['203.0.113.1\nno-auth'] }],
  ])('refuses %s', (_name, wrong) => {
    expect(() => turnserverConf({ ...options, ...wrong })).toThrow(RangeError);
  });
});

describe('the settings of npm run turn', () => {
  const environment = { WEIR_TURN_SECRET: secret };

  test('come from the URLs that browsers are told', () => {
    using authority = new TestAuthority();
    const { cert, key } = authority.issue('turn.example.com');
    const urls = [
      'turn:turn.example.com:3479',
      'turn:turn.example.com:3479?transport=tcp',
      'turns:turn.example.com:443',
    ];
    const settings = {
      ...environment,
      WEIR_TURN_URLS: urls.join(),
      WEIR_TURN_TLS_CERT: cert,
      WEIR_TURN_TLS_KEY: key,
      WEIR_TURN_HOST: '192.0.2.1,2001:db8::1',
      WEIR_TURN_RELAY_PORTS: '50000-50999',
    };
    expect(readTurnserver(settings)).toMatchObject({
      urls,
      certificateName: 'turn.example.com',
      options: {
        secret,
        realm: 'turn.example.com',
        port: 3479,
        tls: { port: 443, cert, key },
        listeningAddresses: ['192.0.2.1', '2001:db8::1'],
        relayPorts: [50_000, 50_999],
      },
    });
    // Without URLs there is TLS where there is a certificate; Weir's own is enough.
    const { urls: none, options: found } = readTurnserver({ ...environment, WEIR_TLS_CERT: cert, WEIR_TLS_KEY: key });
    expect(none).toBeUndefined();
    expect(found).toMatchObject({ port: 3478, tls: { port: 443, cert, key } });
  });

  test.each([
    [{}, /^WEIR_TURN_SECRET is missing: .*openssl rand/],
    [{ WEIR_TURN_SECRET: 'short' }, /^WEIR_TURN_SECRET=\(hidden\) is invalid/],
    [
      { ...environment, WEIR_TURN_URLS: 'turns:turn.example.com' },
      /^WEIR_TURN_URLS has a turns: URL, which needs a cert/,
    ],
    [{ ...environment, WEIR_TURN_URLS: 'turn:a.example,turn:a.example:80' }, /several ports for turn: \(3478, 80\)/],
    [{ ...environment, WEIR_TURN_TLS_CERT: 'x.pem' }, /^WEIR_TURN_TLS_CERT and WEIR_TURN_TLS_KEY belong together/],
    [
      { ...environment, WEIR_TURN_TLS_CERT: 'x.pem', WEIR_TURN_TLS_KEY: 'x' },
      /^WEIR_TURN_TLS_CERT="x.pem" cannot be read/,
    ],
    [{ ...environment, WEIR_TURN_RELAY_PORTS: '1-2' }, /^WEIR_TURN_RELAY_PORTS="1-2" is invalid/],
  ])('%j: refused in words', (wrong, sentence) => {
    expect(() => readTurnserver(wrong)).toThrow(sentence);
  });
});
