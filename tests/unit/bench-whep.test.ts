/** Tests of the benchmark of WHEP: order of its rounds, Janus's configuration and replies, plain RTP, pauses. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  PictureLossIndication,
  RtcpPacketConverter,
  RtcpPayloadSpecificFeedback,
  RtcpSrPacket,
  RtpPacket,
} from 'werift';
import { configurationOf, whyNoJanus } from '../../scripts/bench/support/Janus.ts';
import { readJanusReply } from '../../scripts/bench/support/janusReply.ts';
import { PlainSender } from '../../scripts/bench/support/PlainSender.ts';
import { longestPause } from '../../scripts/bench/support/pauses.ts';
import { roundsOf } from '../../scripts/bench/support/rounds.ts';
import { steadyVideo } from '../../scripts/support/media/steady.ts';
import { randomFrom } from '../../scripts/support/random.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('rounds', () => {
  const rounds = (count: number, seed = 1) =>
    roundsOf(['a', 'b', 'c'], count, randomFrom(seed)).map((order) => order.join(''));
  const all = ['abc', 'acb', 'bac', 'bca', 'cab', 'cba'];

  test('have every order once before any comes again', () => {
    expect(rounds(6).toSorted()).toEqual(all);
    expect(rounds(18).slice(12).toSorted()).toEqual(all);
  });

  test('are as many as are wanted', () => {
    expect(rounds(8)).toHaveLength(8);
    expect(new Set(rounds(4)).size).toBe(4);
  });

  test('come in the same sequence for the same seed only', () => {
    expect(rounds(12, 2)).toEqual(rounds(12, 2));
    expect(rounds(12, 2)).not.toEqual(rounds(12, 3));
  });
});

describe('a reply of Janus', () => {
  test('has the id of what was created', () => {
    const reply = { janus: 'success', transaction: '1', data: { id: 7_123_456_789_012_345 } };
    expect(readJanusReply(reply)).toEqual({ id: 7_123_456_789_012_345 });
  });

  test('has the offer of the plugin, and not another description', () => {
    const event = { janus: 'event', sender: 1, plugindata: { plugin: 'janus.plugin.streaming', data: {} } };
    expect(readJanusReply({ ...event, jsep: { type: 'offer', sdp: 'v=0' } })).toEqual({ offer: 'v=0' });
    expect(readJanusReply({ ...event, jsep: { type: 'answer', sdp: 'v=0' } })).toEqual({});
  });

  test('may have neither', () => {
    expect(readJanusReply({ janus: 'ack', session_id: 1 })).toEqual({});
    expect(readJanusReply({ janus: 'keepalive' })).toEqual({});
  });

  test('tells why the request is refused, by Janus or by the plugin', () => {
    const error = { code: 458, reason: 'No such session 1' };
    expect(() => readJanusReply({ janus: 'error', error })).toThrow('No such session 1');
    const data = { streaming: 'event', error_code: 455, error: 'No such mountpoint/stream 2' };
    const refused = { janus: 'event', plugindata: { plugin: 'janus.plugin.streaming', data } };
    expect(() => readJanusReply(refused)).toThrow('No such mountpoint');
  });

  test('is no other JSON', () => {
    for (const other of [undefined, null, 'ack', [], {}, { janus: 1 }]) {
      expect(() => readJanusReply(other)).toThrow('no message of Janus');
    }
  });

  test('is read by a function that can be serialised into a page', () => {
    const inPage: unknown = new Function(`return (${readJanusReply})({ janus: 'success', data: { id: 5 } })`)();
    expect(inPage).toEqual({ id: 5 });
  });
});

test('Janus keeps the latest key frame, requests others, and is at the address only', () => {
  const files = configurationOf('10.0.0.1');
  const streaming = files['janus.plugin.streaming.jcfg'];
  for (const line of ['videobufferkf = true', 'videortcpport = 5005', 'videopt = 96', 'audiopt = 111']) {
    expect(streaming).toContain(`  ${line}\n`);
  }
  expect(files['janus.transport.http.jcfg']).toContain('ip = "10.0.0.1"');
  expect(files['janus.jcfg']).toContain('ice_enforce_list = "10.0.0.1"');
  expect(files['janus.jcfg']).not.toContain('libjanus_streaming.so');
});

test('where Janus is missing, the package that has it is named', () => {
  vi.stubEnv('PATH', '/nowhere');
  expect(whyNoJanus()).toBe('janus is missing (the package janus has it)');
});

describe('plain RTP', () => {
  const LONG = { timeout: 5000 };
  async function bound() {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return socket;
  }

  test('is sent in real time, with a key frame when one is requested', async () => {
    const [rtp, rtcp] = [await bound(), await bound()];
    const stream = steadyVideo({ packetsPerFrame: 1, payloadBytes: 100, framesPerSecond: 30, keyEvery: 600 });
    const ports = { rtp: rtp.address().port, rtcp: rtcp.address().port };
    const packets: RtpPacket[] = [];
    rtp.on('message', (packet) => packets.push(RtpPacket.deSerialize(packet)));
    const sender = await PlainSender.start('127.0.0.1', [{ stream, ports }]);
    try {
      // A report says where the sender takes RTCP.
      const [report, from] = await once(rtcp, 'message');
      const [sr] = RtcpPacketConverter.deSerialize(report);
      expect(sr).toBeInstanceOf(RtcpSrPacket);
      const before = packets.length;
      const feedback = new PictureLossIndication({ senderSsrc: 1, mediaSsrc: packets[0]?.header.ssrc ?? 0 });
      rtcp.send(new RtcpPayloadSpecificFeedback({ feedback }).serialize(), from.port, '127.0.0.1');
      await expect.poll(() => packets.slice(before).some(({ payload }) => isKey(payload)), LONG).toBe(true);
      expect(sender.keyFrameRequests).toBe(1);
      const numbers = packets.map(({ header }) => header.sequenceNumber);
      expect(numbers).toEqual(numbers.map((_, index) => ((numbers[0] ?? 0) + index) & 0xffff));
    } finally {
      sender[Symbol.dispose]();
      rtp.close();
      rtcp.close();
    }
  });

  /** Behind the payload descriptor of 6 bytes, the first bit of the frame is 0 (RFC 7741, section 4.3). */
  const isKey = (payload: Buffer) => (payload.readUInt8(6) & 1) === 0;
});

test('the longest pause is that between two consecutive frames', () => {
  expect(longestPause([10, 43, 76, 300, 333])).toBe(224);
  expect(() => longestPause([10])).toThrow('no pause');
});
