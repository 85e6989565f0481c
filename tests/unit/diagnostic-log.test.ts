/** Tests of the log of peer connections: what it records, what it keeps, and what it exports. */
import { describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { DiagnosticLog } from '../../web/client/diagnostics/DiagnosticLog.ts';
import { EventLog } from '../../web/client/diagnostics/EventLog.ts';
import { redactAddresses } from '../../web/client/diagnostics/redact.ts';
import { StatsHistory } from '../../web/client/diagnostics/StatsHistory.ts';
import { fakeOwnTimers } from '../support/fakeOwnTimers.ts';

const Dump = z.object({
  UserAgent: z.string().min(1),
  UserAgentData: z.array(z.unknown()),
  getUserMedia: z.array(z.unknown()),
  PeerConnections: z.record(
    z.string(),
    z.strictObject({
      pid: z.number(),
      url: z.string(),
      rtcConfiguration: z.string(),
      constraints: z.literal(''),
      updateLog: z.array(
        z.strictObject({ time: z.string(), timestamp: z.number(), type: z.string().min(1), value: z.string() }),
      ),
      stats: z.record(
        z.string(),
        z.strictObject({
          startTime: z.iso.datetime(),
          endTime: z.iso.datetime(),
          statsType: z.string(),
          values: z.string().transform((text) => z.array(z.unknown()).parse(JSON.parse(text))),
        }),
      ),
    }),
  ),
});

const SDP =
  'v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\nc=IN IP4 203.0.113.7\r\na=ice-ufrag:uF4g\r\na=ice-pwd:passwordOfIce\r\n';

/** What the log uses of a connection. */
class Connection extends EventTarget {
  signalingState = 'stable';
  connectionState = 'new';
  iceConnectionState = 'new';
  iceGatheringState = 'new';
  samples = 0;

  getConfiguration(): RTCConfiguration {
    const iceServers = [{ urls: ['turn:turn.example'], username: '17:ada', credential: 'credentialOfTurn' }];
    return { iceServers, iceTransportPolicy: 'all' };
  }

  async createOffer(): Promise<RTCSessionDescriptionInit> {
    return { type: 'offer', sdp: SDP };
  }

  async setLocalDescription(_description: RTCSessionDescriptionInit): Promise<void> {}

  async setRemoteDescription(_description: RTCSessionDescriptionInit): Promise<void> {
    throw new TypeError('bad SDP');
  }

  async addIceCandidate(_candidate: RTCIceCandidateInit): Promise<void> {}

  setConfiguration(_configuration: RTCConfiguration): void {}

  async getStats(): Promise<RTCStatsReport> {
    this.samples += 1;
    const row = (id: string, values: object) => [id, { id, timestamp: this.samples * 1000, ...values }] as const;
    return new Map([
      row('IT1', { type: 'inbound-rtp', kind: 'video', bytesReceived: this.samples * 1000, nested: {} }),
      row('C1', { type: 'local-candidate', address: '203.0.113.7', port: 5 }),
    ]);
  }

  close(): void {
    this.signalingState = 'closed';
  }
}

function record(log: DiagnosticLog): Connection & RTCPeerConnection {
  const connection: unknown = new Connection();
  if (!isConnection(connection)) throw new Error('not a connection');
  log.addConnection(connection);
  return connection;
}
const isConnection = (value: unknown): value is Connection & RTCPeerConnection => value instanceof Connection;

const parse = (text: string) => Dump.parse(JSON.parse(text));

describe('the log of peer connections', () => {
  fakeOwnTimers({ now: 1_000_000 });

  test('has configuration, calls, results and events of each connection, and leaves the class as it is', async () => {
    const log = new DiagnosticLog();
    const connection = record(log);
    const offer = await connection.createOffer();
    expect(offer).toEqual({ type: 'offer', sdp: SDP });
    await connection.setLocalDescription(offer);
    await expect(connection.setRemoteDescription({ type: 'answer', sdp: 'v=0' })).rejects.toThrow('bad SDP');
    connection.connectionState = 'connected';
    connection.dispatchEvent(new Event('connectionstatechange'));
    const candidate = { sdpMid: '0', sdpMLineIndex: 0, candidate: 'candidate:1 1 udp 1 203.0.113.7 5 typ host' };
    // The fields of a candidate are not its own.
    connection.dispatchEvent(Object.assign(new Event('icecandidate'), { candidate: Object.create(candidate) }));
    await connection.addIceCandidate(candidate);
    connection.close();
    expect(connection.signalingState).toBe('closed');
    const { '0-1': dumped } = parse(await log.export({ addresses: true })).PeerConnections;
    expect(dumped?.rtcConfiguration).toBe('{"iceServers":[{"urls":["turn:turn.example"]}],"iceTransportPolicy":"all"}');
    const sdp = SDP.replace('passwordOfIce', 'removed');
    expect(dumped?.updateLog.map(({ type, value }) => [type, value])).toEqual([
      ['createOffer', ''],
      ['createOfferOnSuccess', `type: offer, sdp: ${sdp}`],
      ['setLocalDescription', `type: offer, sdp: ${sdp}`],
      ['setLocalDescriptionOnSuccess', ''],
      ['setRemoteDescription', 'type: answer, sdp: v=0'],
      ['setRemoteDescriptionOnFailure', 'TypeError: bad SDP'],
      ['connectionstatechange', 'connected'],
      ['icecandidate', 'sdpMid: 0, sdpMLineIndex: 0, candidate: candidate:1 1 udp 1 203.0.113.7 5 typ host'],
      ['addIceCandidate', 'sdpMid: 0, sdpMLineIndex: 0, candidate: candidate:1 1 udp 1 203.0.113.7 5 typ host'],
      ['addIceCandidateOnSuccess', ''],
      ['close', ''],
    ]);
    expect(dumped?.updateLog[0]).toMatchObject({ timestamp: 1_000_000, time: expect.stringContaining('1970') });
    expect(Object.hasOwn(Connection.prototype, 'createOffer') && new Connection().createOffer).toBe(
      Connection.prototype.createOffer,
    );
  });

  test('calls the method that the class has at the time of the call', async () => {
    const connection = record(new DiagnosticLog());
    vi.spyOn(Connection.prototype, 'createOffer').mockRejectedValueOnce(new TypeError('no offer today'));
    await expect(connection.createOffer()).rejects.toThrow('no offer today');
    vi.restoreAllMocks();
    expect(await connection.createOffer()).toMatchObject({ type: 'offer' });
  });

  test('samples the statistics of open connections, with what Chromium derives from them', async () => {
    const log = new DiagnosticLog();
    const connection = record(log);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(connection.samples).toBe(2);
    // The export adds the statistics of its time.
    const stats = parse(await log.export()).PeerConnections['0-1']?.stats ?? {};
    const times = { startTime: '1970-01-01T00:00:01.000Z', endTime: '1970-01-01T00:00:03.000Z' };
    const inbound = { ...times, statsType: 'inbound-rtp' };
    expect(stats).toMatchObject({
      'IT1-timestamp': { ...inbound, values: [1000, 2000, 3000] },
      'IT1-kind': { ...inbound, values: ['video', 'video', 'video'] },
      'IT1-bytesReceived': { ...inbound, values: [1000, 2000, 3000] },
      'IT1-[bytesReceived_in_bits/s]': { ...inbound, values: [0, 8000, 8000] },
      'C1-port': { ...times, statsType: 'local-candidate', values: [5, 5, 5] },
    });
    expect(Object.keys(stats)).not.toContain('IT1-nested');
    connection.close();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(vi.getTimerCount()).toBe(0);
    expect(connection.samples).toBe(3);
  });

  test('keeps the connections of eight sessions at most, and all that are open', async () => {
    const log = new DiagnosticLog();
    const open = record(log);
    for (let count = 0; count < 20; count += 1) record(log).close();
    const names = Object.keys(parse(await log.export()).PeerConnections);
    expect(names).toHaveLength(9);
    expect(names).toEqual(expect.arrayContaining(['signalling', '0-1', '0-21']));
    open.close();
  });

  test('exports no token, key, password, credential, name, room, chat message or address, wherever they occur', async () => {
    const log = new DiagnosticLog();
    const connection = record(log);
    await connection.setLocalDescription({ type: 'offer', sdp: SDP });
    const iceServers = [{ urls: 'turn:turn.example', username: '99:ada', credential: 'freshCredential' }];
    connection.setConfiguration({ iceServers });
    const message = (data: object) => JSON.stringify({ id: 1, data });
    log.addSignalling('open');
    log.addSignalling(
      'send',
      message({ room: 'brisk-heron', name: 'Ada Lovelace', token: 'tokenOfAda', guest: 'guestSecret' }),
    );
    log.addSignalling(
      'receive',
      message({ resumeKey: 'keyToResume', peers: [{ name: 'Bob Babbage', identity: 'bob@x' }] }),
    );
    log.addSignalling(
      'receive',
      message({ iceParameters: { usernameFragment: 'uF4g', password: 'passwordOfServer' } }),
    );
    log.addSignalling(
      'receive',
      message({ iceServers: [{ urls: ['turn:t'], username: '1:ada', credential: 'credential' }] }),
    );
    log.addSignalling(
      'receive',
      message({ iceCandidates: [{ ip: '2001:db8::7', address: '198.51.100.9', port: 40_000 }] }),
    );
    log.addSignalling('send', message({ text: 'what Ada wrote', to: 'peer' }));
    log.addSignalling(
      'receive',
      message({ messages: [{ id: '1', from: { identity: 'bob@x' }, text: 'what Bob answered' }] }),
    );
    log.addSignalling('receive', 'not JSON { tokenOfAda');
    log.addSignalling('close', '1006 keyToResume');
    const secrets = [
      'passwordOfIce',
      'credentialOfTurn',
      'freshCredential',
      '99:ada',
      'brisk-heron',
      'Ada Lovelace',
      'tokenOfAda',
      'guestSecret',
      'keyToResume',
      'Bob Babbage',
      'bob@x',
      'passwordOfServer',
      '1:ada',
      'what Ada wrote',
      'what Bob answered',
    ];
    const addresses = ['203.0.113.7', '2001:db8::7', '198.51.100.9', '127.0.0.1'];
    const [without, withAddresses] = [await log.export(), await log.export({ addresses: true })];
    for (const text of [...secrets, ...addresses]) expect(without).not.toContain(text);
    for (const text of secrets) expect(withAddresses).not.toContain(text);
    for (const text of addresses) expect(withAddresses).toContain(text);
    for (const text of [without, withAddresses]) {
      const { signalling, ...rest } = parse(text).PeerConnections;
      expect(signalling?.updateLog.map(({ type }) => type)).toEqual([
        'open',
        'send',
        'receive',
        'receive',
        'receive',
        'receive',
        'send',
        'receive',
        'receive',
        'close',
      ]);
      expect(signalling?.updateLog[3]?.value).toContain('uF4g');
      expect(Object.keys(rest)).toEqual(['0-1']);
    }
    // The same address has the same name in SDP and statistics.
    const [, name] = /IN IP4 (ipv4-\d+\.invalid)/.exec(without.slice(without.indexOf('c=IN'))) ?? [];
    expect(parse(without).PeerConnections['0-1']?.stats['C1-address']?.values).toEqual([name]);
  });
});

describe('limits of the log', () => {
  test('the oldest events are dropped when all together are too long', () => {
    const log = new EventLog(10_000);
    for (let count = 0; count < 10_000; count += 1) log.add('message', `${count} ${'x'.repeat(count % 300)}`);
    const size = log.events.reduce((sum, { value }) => sum + value.length, 0);
    expect(size).toBeLessThan(10_000);
    expect(log.events.length).toBeGreaterThan(10);
    expect(log.events.at(-1)?.value).toMatch(/^9999 /);
    log.add('long', 'x'.repeat(20_000));
    expect(log.events).toEqual([]);
    log.add('short');
    expect(log.events).toHaveLength(1);
  });

  test('statistics of hours keep an hour, and those of tracks that are gone make way', () => {
    const history = new StatsHistory();
    const row = (id: string, count: number) =>
      [id, { id, type: 'inbound-rtp', timestamp: count, count, constant: 'same' }] as const;
    for (let count = 0; count < 20_000; count += 1)
      history.add(new Map([row('lasting', count), row(`short ${count}`, count)]));
    const { objects } = history;
    expect(objects.size).toBe(600);
    const { series } = objects.get('lasting') ?? {};
    const [counts, constants] = [series?.get('count') ?? [], series?.get('constant') ?? []];
    expect(counts.length).toBeGreaterThanOrEqual(360);
    expect(counts.length).toBeLessThanOrEqual(450);
    expect(constants.length).toBe(counts.length);
    expect(counts).toEqual(counts.map((_, index) => 20_000 - counts.length + index));
    expect(new Set(constants)).toEqual(new Set(['same']));
  });

  test('a statistic that changes late keeps its former values', () => {
    const history = new StatsHistory();
    for (const state of ['new', 'new', 'connected']) {
      history.add(new Map([['T1', { id: 'T1', type: 'transport', state }]]));
    }
    expect(history.objects.get('T1')?.series.get('state')).toEqual(['new', 'new', 'connected']);
  });
});

test.each([
  [
    'c=IN IP4 203.0.113.7\\r\\na=rtcp:9 IN IP6 2001:db8:0:1:2:3:4:5',
    'c=IN IP4 ipv4-2.invalid\\r\\na=rtcp:9 IN IP6 ipv6-1.invalid',
  ],
  ['"fe80::1" "::ffff:10.0.0.1" "::1"', '"ipv6-1.invalid" "ipv6-2.invalid" "ipv6-3.invalid"'],
  ['http://192.168.1.5:3000 [2001:db8::1]:443', 'http://ipv4-2.invalid:3000 [ipv6-1.invalid]:443'],
  ['at 10.0.0.1, then 10.0.0.2. Again 10.0.0.1.', 'at ipv4-1.invalid, then ipv4-2.invalid. Again ipv4-1.invalid.'],
  [
    'turn:203.0.113.9:3478\\n10.0.0.1\\rfe80::1%eth0',
    'turn:ipv4-2.invalid:3478\\nipv4-3.invalid\\ripv6-1.invalid%eth0',
  ],
  ['raddr 0.0.0.0 "::"', 'raddr 0.0.0.0 "::"'],
  ['a=fingerprint:sha-256 6C:B5:73:39:C6:DD:25:AD:01:02', 'a=fingerprint:sha-256 6C:B5:73:39:C6:DD:25:AD:01:02'],
  ['16:11:45 1.2.3 999.1.1.1 a=ssrc:1 cname:x a=rtpmap:96', '16:11:45 1.2.3 999.1.1.1 a=ssrc:1 cname:x a=rtpmap:96'],
])('redactAddresses: %s', (text, expected) => {
  expect(redactAddresses(text)).toBe(expected);
});
