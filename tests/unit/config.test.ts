/** Covers the configuration: the values that each variable accepts, and the errors for others. */
import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../server/config/ConfigError.ts';
import { readConfig } from '../../server/config/readConfig.ts';
import { variables } from '../../server/config/variables.ts';

const secret = 'x'.repeat(32);

function refusal(environment: Record<string, string>): string {
  try {
    readConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error('It was accepted.');
}

/** Invalid values of every variable. */
const wrong: Readonly<Record<keyof typeof variables, readonly string[]>> = {
  WEIR_HOST: ['not a host', 'http://localhost', 'x'.repeat(254)],
  WEIR_BASE_PATH: [
    'meet',
    '//',
    '/a//b',
    '/../x',
    '/a b',
    '/meet?',
    'https://x/meet',
    '/r',
    '/api/weir',
    '/WS',
    '/signalling',
    '/%6deet',
  ],
  WEIR_PORT: ['-1', '65536', '3000.5', 'http', 'NaN', 'Infinity'],
  WEIR_TLS_CERT: [],
  WEIR_TLS_KEY: [],
  WEIR_RTC_HOST: ['not a host', 'udp://0.0.0.0', 'localhost', '0.0.0.0,eth0', 'fe80::1%eth0'],
  WEIR_RTC_PORT: ['-1', '65001', '1.5', 'any'],
  WEIR_TURN_URLS: [
    ',',
    'turn.example.com:3478',
    'turn://turn.example.com',
    'stun:turn.example.com',
    'turn:',
    'turn:turn.example.com:0',
    'turn:turn.example.com:65536',
    'turn:turn.example.com?transport=sctp',
    'turns:turn.example.com:443?transport=udp',
    'turn:user@turn.example.com',
    'turn:2001:db8::1',
    'turn:[turn]',
    'turn:[1::2::3]:3478',
    'turn:a.example,x',
    Array.from({ length: 9 }, (_, index) => `turn:turn${index}.example`).join(','),
  ],
  WEIR_TURN_SECRET: ['x', 'x'.repeat(31)],
  WEIR_TURN_HOST: ['turn.example.com', '0.0.0.0/0', 'fe80::1%eth0', ','],
  WEIR_TURN_RELAY_PORTS: ['50000', '80-90', '60000-50000', '50000-70000', 'all'],
  WEIR_TURN_TLS_CERT: [],
  WEIR_TURN_TLS_KEY: [],
  WEIR_TURN_SECONDS: ['0', '86401', 'a minute'],
  WEIR_ANNOUNCED_ADDRESS: [
    'not an address',
    '203.0.113.1;203.0.113.2',
    'https://example.com',
    '203.0.113.256',
    '203.0.113',
    '[2001:db8::1]',
    'example.com:44400',
    'a..example.com',
    'x'.repeat(64),
  ],
  WEIR_RTP_PORTS: ['45000', '80-90', '60000-50000', 'all'],
  WEIR_RTMP_PORT: ['-1', '65536', 'on', 'OFF'],
  WEIR_FFMPEG: [],
  WEIR_RTP_EGRESS_NETWORKS: ['10.0.0.0/33', 'example.com', '10.0.0.1-10.0.0.9', '::/129'],
  WEIR_RTP_IDLE_SECONDS: ['0', '3601', 'never'],
  WEIR_STUN_PORT: ['-1', '65536', 'on', 'OFF'],
  WEIR_STUN_SERVER: [
    'stun:stun.example.com',
    '2001:db8::1',
    '[stun.example.com]:3478',
    'a:0',
    'a:65536',
    '203.0.113.256',
  ],
  WEIR_METRICS_PORT: ['-1', '65536', 'on', 'OFF'],
  WEIR_METRICS_HOST: ['not a host', 'http://localhost'],
  WEIR_METRICS_TOKEN: ['x', 'x'.repeat(31), `${'x'.repeat(16)} ${'x'.repeat(16)}`],
  WEIR_WORKERS: ['0', '-2', '257', '1.5', 'all'],
  WEIR_API_KEY: ['x'.repeat(257)],
  WEIR_API_KEYS: ['one:short', 'one', ','],
  WEIR_API_SECRET: ['x', 'x'.repeat(31)],
  WEIR_ALLOW_ANONYMOUS: ['yes', 'TRUE', '2'],
  WEIR_DIAGNOSE: ['yes', 'TRUE', '2'],
  WEIR_HTTP_SIGNALLING: ['yes', 'TRUE', '2'],
  WEIR_SELF_TEST: ['no', 'FALSE', '-1'],
  WEIR_WEBHOOK_URLS: [
    'example.com/hook',
    'ftp://example.com/hook',
    'https://user:pass@example.com/hook',
    'https://example.com/hook#part',
    'https://',
    'https://a.example/,x',
    Array.from({ length: 9 }, (_, index) => `https://hook${index}.example`).join(','),
  ],
  WEIR_WEBHOOK_KEY: ['x'.repeat(257)],
  WEIR_WEBHOOK_EVENTS: ['everything', 'room_started,room_began'],
  WEIR_WEBHOOK_TIMEOUT_SECONDS: ['0', '61', 'soon'],
  WEIR_WEBHOOK_MAX_AGE_SECONDS: ['0', '2592001', 'a day'],
  WEIR_WEBHOOK_QUEUE_EVENTS: ['0', '1000001', '1.5'],
  WEIR_WEBHOOK_QUEUE_BYTES: ['65535', '1073741825', '1.5'],
  WEIR_DATA_DIR: [],
  WEIR_TOKEN_LEEWAY_SECONDS: ['-1', '601', 'a minute'],
  WEIR_TOKEN_MAX_SECONDS: ['0', '2592001', 'a day'],
  WEIR_ALLOWED_ORIGINS: [
    'example.com',
    'https://example.com/',
    'https://example.com/path',
    'https://EXAMPLE.com',
    '**',
  ],
  WEIR_TRUST_PROXY: ['on', '10.0.0.1'],
  WEIR_LOG_LEVEL: ['loud', 'INFO'],
  WEIR_CAMERA_CODEC: ['vp8', 'H265'],
  WEIR_SCREEN_CODEC: ['vp8', 'H265'],
  WEIR_ROOM_POLICY: ['SFU', 'mesh'],
  WEIR_MAX_AUDIBLE_SPEAKERS: ['0', '21', 'all'],
  WEIR_WORKER_MAX_PPS: ['99', '10000001'],
  WEIR_SPILLOVER_UTILIZATION: ['-1', '3'],
  WEIR_ROOM_ADMISSION_LIMIT: ['-1', '11'],
  WEIR_JOIN_ADMISSION_LIMIT: ['-1', '11'],
  WEIR_MAX_CONCURRENT_JOINS: ['0', '10001'],
  WEIR_JOIN_QUEUE_LENGTH: ['-1', '100001'],
  WEIR_JOIN_QUEUE_TIMEOUT_SECONDS: ['0', '601'],
  WEIR_MAX_PEERS: ['0', '10001', 'many'],
  WEIR_MAX_VIEWERS: ['0', '100001', 'all'],
  WEIR_CHAT_HISTORY: ['-1', '10001', 'all', '1.5'],
  WEIR_CHAT_SLOW_SECONDS: ['-1', '3601', 'a minute'],
  WEIR_CHAT_VIEWERS: ['no', 'TRUE', '2'],
  WEIR_MAX_CONNECTIONS_PER_IP: ['0', '1000001'],
  WEIR_MAX_INCOMING_BITRATE: ['0', '49999', '6M'],
  WEIR_DATA_BITRATE: ['0', '9999', '2M'],
  WEIR_FILE_MAX_BYTES: ['-1', '2G', '1.5'],
  WEIR_FILE_BITRATE: ['0', '99999', '40M'],
  WEIR_MAX_MESSAGE_BYTES: ['4095', '16777217', '64k'],
  WEIR_MAX_SEND_BUFFER_BYTES: ['65535', '1073741825'],
  WEIR_MESSAGES_PER_SECOND: ['0', '100001', 'few'],
  WEIR_MESSAGE_BURST: ['9', '1000001', '10.5'],
  WEIR_JOIN_SECONDS: ['0', '601', 'soon'],
  WEIR_PING_SECONDS: ['0.2', '601'],
  WEIR_DRAIN_SECONDS: ['-1', '86401', 'a while'],
  WEIR_WORKER_RESPONSE_TIMEOUT_SECONDS: ['0', '61', 'never'],
  WEIR_RESUME_SECONDS: ['-1', '601', 'half a minute'],
  WEIR_SIGNALLING_TIMEOUT_SECONDS: ['0.4', '1801'],
};
const each = Object.entries(wrong).flatMap(([name, values]) => values.map((value): [string, string] => [name, value]));

describe('an invalid value', () => {
  test.each(each)('%s=%j is rejected with its name, the value and what is accepted', (name, value) => {
    const message = refusal({ [name]: value });
    const known = Object.entries(variables).find(([variable]) => variable === name)?.[1];
    expect(message).toContain(`${name}=`);
    expect(message).toContain(known?.form);
    expect(message).toContain(/_(SECRET|TOKEN|KEYS|WEBHOOK_URLS)$/.test(name) ? '(hidden)' : JSON.stringify(value));
  });

  test.each(['WEIR_API_SECRET', 'WEIR_TURN_SECRET', 'WEIR_METRICS_TOKEN'])('of %s is not shown', (name) => {
    expect(refusal({ [name]: 'swordfish' })).not.toContain('swordfish');
  });
});

describe('variables that belong together', () => {
  test.each([
    ['WEIR_API_KEY', 'WEIR_API_SECRET', { WEIR_API_KEY: 'key' }],
    ['WEIR_API_SECRET', 'WEIR_API_KEY', { WEIR_API_SECRET: secret }],
    ['WEIR_TURN_URLS', 'WEIR_TURN_SECRET', { WEIR_TURN_URLS: 'turn:turn.example.com' }],
    ['WEIR_TURN_SECRET', 'WEIR_TURN_URLS', { WEIR_TURN_SECRET: secret }],
    ['WEIR_TLS_CERT', 'WEIR_TLS_KEY', { WEIR_TLS_CERT: import.meta.filename }],
    ['WEIR_TLS_KEY', 'WEIR_TLS_CERT', { WEIR_TLS_KEY: import.meta.filename }],
  ])('%s without %s is rejected, and both are named', (one, other, environment) => {
    const message = refusal(environment);
    expect(message).toContain(one);
    expect(message).toContain(other);
  });

  test('an unreadable certificate is rejected with its variable and path', () => {
    const message = refusal({ WEIR_TLS_CERT: '/nowhere/cert.pem', WEIR_TLS_KEY: import.meta.filename });
    expect(message).toContain('WEIR_TLS_CERT="/nowhere/cert.pem"');
  });

  test.each(['0.0.0.0', '203.0.113.7,::', 'fe80::1', '::ffff:203.0.113.7', '224.0.0.1', 'ff02::1', '169.254.1.1'])(
    'the announced address %s, which is not reachable, is rejected',
    (value) => {
      expect(refusal({ WEIR_ANNOUNCED_ADDRESS: value })).toContain('WEIR_ANNOUNCED_ADDRESS takes addresses at which');
    },
  );

  test.each([
    ['0.0.0.0', '203.0.113.7,2001:db8::1', 'has 2001:db8::1, but nothing listens on IPv6: add :: to WEIR_RTC_HOST'],
    ['::', '2001:db8::1,203.0.113.7', 'has 203.0.113.7, but nothing listens on IPv4: add 0.0.0.0 to WEIR_RTC_HOST'],
  ])('listening on %s and announcing %s is rejected, and both variables are named', (host, announced, words) => {
    const message = refusal({ WEIR_RTC_HOST: host, WEIR_ANNOUNCED_ADDRESS: announced });
    expect(message).toContain(`WEIR_ANNOUNCED_ADDRESS ${words}`);
    const both = { WEIR_RTC_HOST: '0.0.0.0,::', WEIR_ANNOUNCED_ADDRESS: announced };
    expect(readConfig(both).config.announcedAddresses).toEqual(announced.split(','));
  });

  test('a listening address beside all addresses of its family is rejected', () => {
    expect(refusal({ WEIR_RTC_HOST: '0.0.0.0,::,10.0.0.5' })).toContain('names 10.0.0.5 twice: 0.0.0.0 is every IPv4');
    expect(refusal({ WEIR_RTC_HOST: '0:0::0,::1' })).toContain('names ::1 twice: 0:0::0 is every IPv6');
    const hosts = (value: string) => readConfig({ WEIR_RTC_HOST: value }).config.rtcHosts;
    expect(hosts('::, 10.0.0.5')).toEqual(['::', '10.0.0.5']);
    expect(hosts('::,::')).toEqual(['::']);
  });

  test('an HTTP port among the media ports is refused, unless their addresses differ', () => {
    const ports = { WEIR_PORT: '44401', WEIR_RTC_PORT: '44400', WEIR_WORKERS: '2' };
    expect(refusal(ports)).toContain('WEIR_PORT=44401 is one of the media ports, 44400 to 44401');
    expect(readConfig({ ...ports, WEIR_WORKERS: '1' }).config.port).toBe(44_401);
    const apart = { WEIR_HOST: '127.0.0.1', WEIR_RTC_HOST: '203.0.113.7' };
    expect(readConfig({ ...ports, ...apart }).config.port).toBe(44_401);
    // One of several, and IPv6 sockets that take no IPv4.
    expect(refusal({ ...ports, ...apart, WEIR_RTC_HOST: '203.0.113.7,127.0.0.1' })).toContain('WEIR_PORT=44401');
    expect(readConfig({ ...ports, WEIR_RTC_HOST: '::' }).config.port).toBe(44_401);
    expect(refusal({ ...ports, WEIR_HOST: '::', WEIR_RTC_HOST: '127.0.0.1' })).toContain('WEIR_PORT=44401');
  });

  test('a STUN port among the media ports is refused', () => {
    const media = { WEIR_RTC_PORT: '44400', WEIR_WORKERS: '2' };
    expect(refusal({ ...media, WEIR_STUN_PORT: '44401' })).toContain('WEIR_STUN_PORT=44401 is one of the media ports');
    expect(readConfig({ ...media, WEIR_STUN_PORT: '44402' }).config.stunPort).toBe(44_402);
    expect(readConfig({ ...media, WEIR_RTC_PORT: '0', WEIR_STUN_PORT: '0' }).config.stunPort).toBe(0);
    expect(readConfig({ WEIR_STUN_PORT: 'off' }).config.stunPort).toBeUndefined();
  });

  test('ports of plain RTP among the media ports are refused', () => {
    const media = { WEIR_RTC_PORT: '45010', WEIR_WORKERS: '2' };
    const message = 'WEIR_RTP_PORTS=45011-45020 contains media ports, 45010 to 45011';
    expect(refusal({ ...media, WEIR_RTP_PORTS: '45011-45020' })).toContain(message);
    expect(readConfig({ ...media, WEIR_RTP_PORTS: '45012-45020' }).config.rtpPorts).toEqual([45_012, 45_020]);
    expect(readConfig({ WEIR_RTC_PORT: '0', WEIR_RTP_PORTS: 'off' }).config.rtpPorts).toBeUndefined();
  });

  test('metrics on the port of the pages need a token', () => {
    const both = { WEIR_PORT: '3000', WEIR_METRICS_PORT: '3000' };
    expect(refusal(both)).toContain('WEIR_METRICS_PORT=3000 is the port of the pages, too (WEIR_PORT)');
    const read = (environment: Record<string, string>) => readConfig(environment).config.metrics;
    expect(read({})).toBeUndefined();
    expect(read({ WEIR_METRICS_HOST: '0.0.0.0' })).toBeUndefined();
    expect(read({ WEIR_METRICS_PORT: '9464' })).toEqual({ port: 9464, host: '127.0.0.1', token: undefined });
    expect(read({ WEIR_METRICS_TOKEN: secret })).toEqual({ port: undefined, host: '127.0.0.1', token: secret });
    expect(read({ WEIR_PORT: '0', WEIR_METRICS_PORT: '0' })?.port).toBe(0);
  });

  test('a heartbeat timeout that is not longer than the interval is refused, and both are named', () => {
    const message = refusal({ WEIR_PING_SECONDS: '5', WEIR_SIGNALLING_TIMEOUT_SECONDS: '5' });
    expect(message).toContain('WEIR_PING_SECONDS');
    expect(message).toContain('WEIR_SIGNALLING_TIMEOUT_SECONDS');
  });
});

describe('production', () => {
  test('is refused without keys, and the error names all three variables', () => {
    const message = refusal({ NODE_ENV: 'production' });
    for (const name of ['WEIR_API_KEY', 'WEIR_API_SECRET', 'WEIR_ALLOW_ANONYMOUS=true'])
      expect(message).toContain(name);
  });

  test('may run without tokens on purpose, or with keys', () => {
    expect(readConfig({ NODE_ENV: 'production', WEIR_ALLOW_ANONYMOUS: 'true' }).config.auth).toBeUndefined();
    const keys = { WEIR_API_KEY: 'key', WEIR_API_SECRET: secret };
    expect(readConfig({ NODE_ENV: 'production', ...keys }).config.auth).toEqual({
      apiKey: 'key',
      apiSecret: secret,
      furtherKeys: [],
    });
  });

  test('accepts several keys, of which the first one signs', () => {
    const other = `${secret}:with a colon`;
    const [one, two, three] = [
      { apiKey: 'one', apiSecret: secret },
      { apiKey: 'two', apiSecret: other },
      { apiKey: 'key', apiSecret: secret },
    ];
    const own = { WEIR_API_KEY: 'key', WEIR_API_SECRET: secret };
    for (const WEIR_API_KEYS of [`one:${secret},two:${other}`, `one: ${secret}\n  two: ${other}\n`]) {
      expect(readConfig({ NODE_ENV: 'production', WEIR_API_KEYS }).config.auth).toEqual({ ...one, furtherKeys: [two] });
      expect(readConfig({ ...own, WEIR_API_KEYS }).config.auth).toEqual({ ...three, furtherKeys: [one, two] });
    }
    expect(refusal({ ...own, WEIR_API_KEYS: `key:${secret}` })).toContain('WEIR_API_KEYS');
  });

  test.each([
    'one',
    ',',
    `:${secret}`,
    'one:short',
    `one:${secret},two`,
    `one:${secret},one:${secret}`,
    Array.from({ length: 17 }, (_, index) => `key${index}:${secret}`).join(','),
  ])('refuses the keys %j, without telling a secret', (WEIR_API_KEYS) => {
    const message = refusal({ WEIR_API_KEYS });
    expect(message).toContain('WEIR_API_KEYS');
    expect(message).not.toContain(secret);
    expect(message).not.toContain('short');
  });

  test('is the only environment that requires keys', () => {
    expect(readConfig({ NODE_ENV: 'development' }).config.auth).toBeUndefined();
  });
});

describe('the configuration', () => {
  test('has the documented defaults', () => {
    expect(readConfig({}).config).toMatchObject({
      host: '0.0.0.0',
      port: 3000,
      rtcPort: 44_400,
      announcedAddresses: [],
      allowedOrigins: [],
      trustProxy: 0,
      maxPeers: { call: 80, broadcast: 2000 },
      maxConnectionsPerIp: 400,
      maxIncomingBitrate: 6_000_000,
      maxMessageBytes: 64 * 1024,
      maxSendBuffer: 1024 * 1024,
      messagesPerSecond: 20,
      messageBurst: 100,
      joinTimeout: 10_000,
      pingInterval: 5_000,
      signallingTimeout: 15_000,
      stunPort: 3478,
      stunServer: undefined,
      tokenLeeway: 60_000,
    });
  });

  test('treats an empty value as not set, for every variable', () => {
    const empty = Object.fromEntries(Object.keys(variables).map((name) => [name, '']));
    expect(readConfig(empty)).toEqual(readConfig({}));
  });

  test('does not read a blank value as the number 0', () => {
    const port = () => readConfig({ WEIR_PORT: ' ' }).config.port;
    // Either not set or refused is correct.
    let outcome: unknown;
    try {
      outcome = port();
    } catch (error) {
      outcome = error instanceof ConfigError ? 3000 : error;
    }
    expect(outcome).toBe(3000);
  });

  test.each([
    ['/', ''],
    ['/meet', '/meet'],
    ['/meet/', '/meet'],
    ['/apps/Video-1.0/', '/apps/Video-1.0'],
  ])('reads %s as the path %j', (written, path) => {
    expect(readConfig({ WEIR_BASE_PATH: written }).config.basePath).toBe(path);
  });

  test.each([
    ['stun.example.com', 'stun.example.com', 3478],
    ['stun.example.com:19302', 'stun.example.com', 19_302],
    ['203.0.113.9:3478', '203.0.113.9', 3478],
    ['[2001:db8::9]:3479', '2001:db8::9', 3479],
    ['[2001:db8::9]', '2001:db8::9', 3478],
  ])('reads the STUN server %s as host %s and port %i', (value, host, port) => {
    expect(readConfig({ WEIR_STUN_SERVER: value }).config.stunServer).toEqual({ host, port });
  });

  test('splits lists at commas, whatever the spaces', () => {
    const { config } = readConfig({
      WEIR_RTC_HOST: '0.0.0.0, ::',
      WEIR_ANNOUNCED_ADDRESS: ' 203.0.113.1 ,weir.example.com,2001:db8::1, localhost',
      WEIR_ALLOWED_ORIGINS: 'https://a.example, http://b.example:8080',
    });
    expect(config.announcedAddresses).toEqual(['203.0.113.1', 'weir.example.com', '2001:db8::1', 'localhost']);
    expect(config.rtcHosts).toEqual(['0.0.0.0', '::']);
    expect(config.allowedOrigins).toEqual(['https://a.example', 'http://b.example:8080']);
  });

  test.each([
    ['true', 1],
    ['1', 1],
    ['2', 2],
    ['false', 0],
    ['0', 0],
  ])('reads %s as %i trusted proxies', (value, expected) => {
    expect(readConfig({ WEIR_TRUST_PROXY: value }).config.trustProxy).toBe(expected);
  });

  test.each([
    ['true', true],
    ['1', true],
    ['false', false],
    ['0', false],
  ])('reads the flag %s as %s', (value, open) => {
    const read = () => readConfig({ NODE_ENV: 'production', WEIR_ALLOW_ANONYMOUS: value }).config.auth;
    if (open) expect(read()).toBeUndefined();
    else expect(read).toThrow('WEIR_ALLOW_ANONYMOUS=true');
  });

  test('reads TURN servers', () => {
    const urls = [
      'turn:turn.example.com',
      'turn:203.0.113.7:3478?transport=udp',
      'turn:[2001:db8::7]:3478?transport=tcp',
      'turns:turn.example.com',
      'turns:turn.example.com:443?transport=tcp',
    ];
    const servers = { WEIR_TURN_URLS: urls.join(', '), WEIR_TURN_SECRET: secret };
    expect(readConfig(servers).config.turn).toEqual({ urls, secret, lifetime: 300_000 });
    expect(readConfig({ ...servers, WEIR_TURN_SECONDS: '5' }).config.turn?.lifetime).toBe(5000);
    expect(readConfig({}).config.turn).toBeUndefined();
  });

  test('warns of unknown variables WEIR_*', () => {
    const environment = { WEIR_PROT: '1', WEIR_TEST_LOG: 'info', OTHER: 'x', WEIR_EMPTY: '' };
    expect(readConfig(environment).warnings).toEqual([expect.stringMatching(/^WEIR_PROT is not a variable/)]);
  });

  test('is frozen', () => {
    expect(Object.isFrozen(readConfig({}).config)).toBe(true);
  });
});

describe('webhooks', () => {
  const keys = { WEIR_API_KEY: 'key', WEIR_API_SECRET: secret };
  const urls = 'https://one.example/hook?token=x, http://10.0.0.7:8080/,https://one.example/hook?token=x';

  test('go to each URL once, private ones included, signed with the API key', () => {
    const { webhooks } = readConfig({ ...keys, WEIR_WEBHOOK_URLS: urls, WEIR_WEBHOOK_KEY: 'key' }).config;
    expect(webhooks?.urls.map(String)).toEqual(['https://one.example/hook?token=x', 'http://10.0.0.7:8080/']);
    expect(webhooks?.key).toEqual({ apiKey: 'key', apiSecret: secret });
    expect(webhooks?.events).toContain('participant_joined');
    expect(webhooks?.events).not.toContain('join_refused');
    expect(readConfig(keys).config.webhooks).toBeUndefined();
  });

  test('can be some of the events', () => {
    const environment = { ...keys, WEIR_WEBHOOK_URLS: urls, WEIR_WEBHOOK_EVENTS: 'room_started, join_refused' };
    expect(readConfig(environment).config.webhooks?.events).toEqual(['room_started', 'join_refused']);
  });

  test('need a key of this server', () => {
    expect(refusal({ WEIR_WEBHOOK_URLS: urls })).toContain('WEIR_WEBHOOK_URLS needs WEIR_API_KEY and WEIR_API_SECRET');
    expect(refusal({ ...keys, WEIR_WEBHOOK_URLS: urls, WEIR_WEBHOOK_KEY: 'other' })).toContain(
      'WEIR_WEBHOOK_KEY is not',
    );
  });
});
