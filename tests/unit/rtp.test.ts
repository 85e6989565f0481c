/** Tests of the parts of plain RTP without a network: requests, command lines, SDP, and parameters for mediasoup. */
import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { commandLines, ffmpegArguments, shellLine } from '../../server/gateways/rtp/ffmpegArguments.ts';
import { IngestRequest, requestedStreams } from '../../server/gateways/rtp/ingestRequest.ts';
import { rtpParametersOf, VideoCodec } from '../../server/gateways/rtp/rtpCodecs.ts';
import { rtpSdp } from '../../server/gateways/rtp/rtpSdp.ts';
import { RtpParameters } from '../../shared/media.ts';

const video = { codec: 'VP8', payloadType: 96, ssrc: 1, port: 45_000, rtcpPort: 45_001 } as const;
const audio = { codec: 'Opus', payloadType: 111, ssrc: 2, port: 45_002, rtcpPort: 45_003 } as const;
const key = { cryptoSuite: 'AES_CM_128_HMAC_SHA1_80', keyBase64: Buffer.alloc(30, 7).toString('base64') } as const;

describe('a request', () => {
  test('has usual payload types and different SSRCs that ffmpeg takes, unless it names them', () => {
    const streams = requestedStreams(IngestRequest.parse({ audio: {}, video: {} }));
    expect(streams).toMatchObject([
      { kind: 'video', codec: 'VP8', payloadType: 96 },
      { kind: 'audio', codec: 'Opus', payloadType: 111 },
    ]);
    const [first = 0, second = 0] = streams.map(({ ssrc }) => ssrc);
    expect(second).toBe(first + 1);
    expect(second).toBeLessThan(2 ** 31);
    const own = IngestRequest.parse({ video: { codec: 'H264', payloadType: 100, ssrc: 0xffff_ffff } });
    expect(requestedStreams(own)).toMatchObject([{ codec: 'H264', payloadType: 100, ssrc: 0xffff_ffff }]);
  });

  test('for SRTP gets a key of the length of its suite, unless it has one', () => {
    const lengths = {
      AES_CM_128_HMAC_SHA1_80: 30,
      AES_CM_128_HMAC_SHA1_32: 30,
      AEAD_AES_128_GCM: 28,
      AEAD_AES_256_GCM: 44,
    };
    for (const [cryptoSuite, length] of Object.entries(lengths)) {
      const [stream] = requestedStreams(IngestRequest.parse({ audio: { srtp: { cryptoSuite } } }));
      expect(Buffer.from(stream?.srtp?.keyBase64 ?? '', 'base64')).toHaveLength(length);
    }
    const [own] = requestedStreams(IngestRequest.parse({ audio: { srtp: { keyBase64: key.keyBase64 } } }));
    expect(own?.srtp).toEqual(key);
  });
});

describe('the command line of ffmpeg', () => {
  test.each(VideoCodec)('sends %s without B-frames, a key frame each second, in packets of 1200 bytes', (codec) => {
    const line = ffmpegArguments({ file: 'a.mp4' }, { address: '192.0.2.1', video: { ...video, codec } }).join(' ');
    expect(line).toContain('-re -stream_loop -1 -i a.mp4 -map 0:v:0');
    expect(line).toContain('-force_key_frames expr:gte(t,n_forced)');
    expect(line).toContain('-payload_type 96 -ssrc 1 -f rtp rtp://192.0.2.1:45000?rtcpport=45001&pkt_size=1200');
    if (codec === 'H264') expect(line).toContain('-bf 0');
  });

  test('takes picture and tone of a pattern as two inputs, and one of them alone', () => {
    const pattern = { pattern: { width: 320, height: 180 } };
    const maps = (target: object) =>
      ffmpegArguments(pattern, { address: '::1', ...target }).filter((_, index, all) => all[index - 1] === '-map');
    expect(maps({ video, audio })).toEqual(['0:v:0', '1:a:0']);
    expect(maps({ audio })).toEqual(['0:a:0']);
    expect(maps({ video })).toEqual(['0:v:0']);
    expect(ffmpegArguments(pattern, { address: '::1', audio }).at(-1)).toMatch(/^rtp:\/\/\[::1\]:45002\?/);
  });

  test('encrypts with suites that ffmpeg has; for others there is GStreamer', () => {
    const { ffmpeg } = commandLines({ address: '192.0.2.1', video: { ...video, srtp: key } });
    expect(ffmpeg).toContain(`-srtp_out_suite ${key.cryptoSuite} -srtp_out_params ${key.keyBase64} -f rtp 'srtp://`);
    const gcm = { cryptoSuite: 'AEAD_AES_128_GCM', keyBase64: Buffer.alloc(28, 1).toString('base64') } as const;
    const other = commandLines({ address: '192.0.2.1', video: { ...video, srtp: gcm } });
    expect(other.ffmpeg).toBeUndefined();
    expect(other.gstreamer).toContain(
      `srtpenc key=${'01'.repeat(28)} rtp-cipher=aes-128-gcm rtp-auth=null rtcp-cipher=aes-128-gcm rtcp-auth=null ! udpsink`,
    );
  });

  test('is quoted for a shell: it arrives as it was', () => {
    const all = ['a b', "it's", '$(id)', '`id`', 'x?y&z=1', 'expr:gte(t,n)', '*', '', '"', '\\', 'plain'];
    const line = shellLine(['printf', '%s\\0', ...all]);
    expect(execFileSync('/bin/sh', ['-c', line]).toString().split('\0').slice(0, -1)).toEqual(all);
  });
});

test('SDP describes ports, codecs and keys', () => {
  const sdp = rtpSdp({
    address: '192.0.2.1',
    sessionId: '5',
    streams: [video, { ...audio, rtcpPort: 45_002, srtp: key }],
  });
  expect(sdp.split('\r\n')).toEqual([
    'v=0',
    'o=- 5 1 IN IP4 192.0.2.1',
    's=Weir',
    'c=IN IP4 192.0.2.1',
    't=0 0',
    'm=video 45000 RTP/AVPF 96',
    'a=rtcp:45001',
    'a=rtpmap:96 VP8/90000',
    'a=rtcp-fb:96 nack pli',
    'a=ssrc:1 cname:weir',
    'a=sendonly',
    'm=audio 45002 RTP/SAVPF 111',
    'a=rtcp-mux',
    'a=rtpmap:111 opus/48000/2',
    'a=fmtp:111 sprop-stereo=1;stereo=1',
    `a=crypto:1 ${key.cryptoSuite} inline:${key.keyBase64}`,
    'a=ssrc:2 cname:weir',
    'a=sendonly',
    '',
  ]);
  expect(rtpSdp({ address: '::1', sessionId: '5', streams: [] })).toContain('c=IN IP6 ::1');
});

test.each([...VideoCodec, 'Opus'] as const)('the parameters of %s are what the protocol takes', (codec) => {
  const parameters = rtpParametersOf({ codec, payloadType: 100, ssrc: 7 }, 'sender');
  expect(RtpParameters.parse(parameters)).toEqual(parameters);
  expect(parameters).toMatchObject({ encodings: [{ ssrc: 7 }], codecs: [{ payloadType: 100 }] });
});
