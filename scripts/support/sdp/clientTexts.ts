/** What WHIP and WHEP clients send besides offers: the offer of a player, answers to counter-offers, fragments. */
import { offerNamed } from './offers.ts';

/** An offer of a player: that of a publisher, the other way round. */
export function playerOffer(name: string): string {
  return offerNamed(name).replace(/^a=(sendonly|sendrecv)\r$/gm, 'a=recvonly\r');
}

/** An answer to a counter-offer: all of it, from a client that never connects. */
export function answerTo(offer: string): string {
  return offer
    .replace(/^a=(candidate:.*|ice-lite|msid:.*|end-of-candidates)\r\n/gm, '')
    .replaceAll('a=sendonly', 'a=recvonly')
    .replaceAll('a=setup:actpass', 'a=setup:active')
    .replace(/^a=ice-ufrag:.*\r$/gm, 'a=ice-ufrag:play\r')
    .replace(/^a=ice-pwd:.*\r$/gm, 'a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r');
}

/** A fragment with these ICE parameters. @param candidates lines, each with its line end */
export function fragment(ufrag: string, candidates = ''): string {
  return `a=ice-ufrag:${ufrag}\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n${candidates}`;
}

/** An offer of a player with one more video, which is answered by a counter-offer. */
export function withSecondVideo(offer: string): string {
  const video = offer.split(/^(?=m=)/m).find((section) => section.startsWith('m=video')) ?? '';
  return `${offer.replace(/^(a=group:BUNDLE .*)\r$/m, '$1 more\r')}${video.replace(/^a=mid:.*\r$/m, 'a=mid:more\r')}`;
}
