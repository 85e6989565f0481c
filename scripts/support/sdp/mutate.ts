/** Damages SDP at random: what is lost, repeated, exchanged or made up on the way from an attacker's mind. */
import type { Random } from '../random.ts';

/** Values that number parsers, string tables and regular expressions have trouble with. */
const nasty = [
  '',
  ' ',
  '0',
  '-1',
  '127',
  '128',
  '256',
  '4294967296',
  '99999999999999999999',
  '1e9',
  'NaN',
  'Infinity',
  '__proto__',
  'constructor',
  'a'.repeat(300),
  '\u0000',
  '\ud800',
  '%s%n',
  '../../x',
  '<script>',
  ';;;===',
  '~;~;~',
  '🙂',
] as const;

/** Attributes that matter, in forms that contradict others. */
const lines = [
  'a=inactive',
  'a=recvonly',
  'a=setup:holdconn',
  'a=setup:active',
  'a=ice-lite',
  'a=mid:0',
  'a=group:BUNDLE',
  'a=rtcp-mux',
  'a=bundle-only',
  'a=rid:h send',
  'a=rid:h recv',
  'a=simulcast:send h;m;l;q;x',
  'a=simulcast:send h,m;~l recv h',
  'a=ssrc:1 cname:x',
  'a=ssrc-group:FID 1 1',
  'a=ssrc-group:SIM 1 2 3',
  'a=rtpmap:0 PCMU/8000',
  'a=rtpmap:96 rtx/90000',
  'a=fmtp:96 apt=96',
  'a=fmtp:96 profile-level-id=zzzzzz;packetization-mode=2',
  'a=extmap:0 urn:ietf:params:rtp-hdrext:sdes:mid',
  'a=extmap:4096 urn:ietf:params:rtp-hdrext:sdes:mid',
  'a=fingerprint:sha-256 00',
  'a=fingerprint:md5 00:11',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111',
  'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
  'm=video 0 RTP/AVP 26',
  'm=',
  'v=0',
  'x',
] as const;

/** Several changes of one text, by a seeded generator: the same seed makes the same text. */
export function mutate(sdp: string, random: Random): string {
  let text = sdp;
  for (let changes = 1 + random.int(4); changes > 0; changes -= 1) text = change(text, random);
  return text;
}

function change(text: string, random: Random): string {
  const parts = text.split('\r\n');
  const at = random.int(parts.length);
  const line = parts[at] ?? '';
  switch (random.int(12)) {
    case 0:
      parts.splice(at, 1);
      break;
    case 1:
      parts.splice(at, 0, line);
      break;
    case 2:
      parts.splice(at, 0, random.pick(lines));
      break;
    case 3:
      // A value of the line becomes another one.
      parts[at] = replaceWord(line, random, random.pick(nasty));
      break;
    case 4:
      parts[at] = replaceWord(line, random, String(random.int(0x1_0000_0000)));
      break;
    case 5:
      parts[at] = line.slice(0, random.int(line.length + 1));
      break;
    case 6: {
      // One character, of any kind.
      const position = random.int(line.length + 1);
      parts[at] = line.slice(0, position) + String.fromCharCode(random.int(0x300)) + line.slice(position + 1);
      break;
    }
    case 7:
      // Two lines change places, also across m-lines.
      [parts[at], parts[random.int(parts.length)]] = [parts[random.int(parts.length)] ?? '', line];
      break;
    case 8:
      return text.slice(0, random.int(text.length + 1));
    case 9:
      // One line many times.
      parts.splice(at, 0, ...Array.from({ length: random.int(300) }, () => line));
      break;
    case 10:
      return text.replaceAll('\r\n', random.pick(['\n', '\r', '\n\r', '\r\n\r\n']));
    default:
      // The whole text twice, or two texts in one.
      return random.int(8) === 0 ? text + text : parts.toReversed().join('\r\n');
  }
  return parts.join('\r\n');
}

function replaceWord(line: string, random: Random, value: string): string {
  const words = line.split(/([ :=;,/])/);
  words[random.int(words.length)] = value;
  return words.join('');
}
