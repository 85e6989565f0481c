/** What of an offer is about its one transport: BUNDLE, ICE and DTLS; the same for all gateways. */
import type { DtlsParameters, IceParameters } from '../../../shared/media.ts';
import { malformed, unsupported } from './limits.ts';
import type { SdpMedia, SessionDescription } from './parseSdp.ts';

export interface OfferedTransport {
  /** `role` is the client's. */
  readonly dtlsParameters: DtlsParameters;
  readonly iceParameters: IceParameters;
}

/** With RTCP feedback and DTLS; the short form is that of old implementations. */
const PROTOCOL = /^(UDP\/TLS\/|TCP\/DTLS\/)?RTP\/SAVPF$/;
/** RFC 8839, section 5.4. */
const UFRAG = /^[A-Za-z0-9+/]{4,256}$/;
const PASSWORD = /^[A-Za-z0-9+/]{22,256}$/;

/**
 * Reads the transport of an offer: that of the first m-line of the BUNDLE group, which carries all others.
 * @throws {WeirError} `badRequest` where something is missing or malformed, `unsupported` where it is another kind of
 *   transport
 */
export function readTransport(offer: SessionDescription): OfferedTransport {
  assertBundled(offer);
  if (offer.iceLite)
    throw unsupported('The client must implement full ICE; the offer says ice-lite, as the server does.');
  const tagged = offer.media.find(({ mid }) => mid === offer.bundle[0]) ?? offer.media[0];
  if (!tagged?.ice) throw malformed('has no "ice-ufrag" or no "ice-pwd"');
  const { ice, fingerprint } = tagged;
  if (!UFRAG.test(ice.usernameFragment) || !PASSWORD.test(ice.password)) {
    throw malformed('has an "ice-ufrag" or "ice-pwd" that is too short, or has other characters than ICE allows');
  }
  if (!fingerprint) throw malformed('has no "fingerprint"');
  return { iceParameters: ice, dtlsParameters: { role: roleOf(tagged), fingerprints: [fingerprint] } };
}

/** The value of `a=setup` with which the server answers (RFC 8842, section 5.3). */
export function answeredSetup({ dtlsParameters }: OfferedTransport): 'active' | 'passive' {
  return dtlsParameters.role === 'server' ? 'active' : 'passive';
}

/** All media has to share one transport, RTP with RTCP, and each m-line a mid of its own. */
function assertBundled({ media, bundle }: SessionDescription): void {
  const mids = media.map(({ mid }) => mid);
  if (mids.some((mid) => mid === undefined)) throw malformed('has a media section without "mid"');
  if (new Set(mids).size < mids.length) throw malformed('has two media sections of one "mid"');
  if (media.length > 1 && !media.every(({ mid }) => mid !== undefined && bundle.includes(mid))) {
    throw unsupported(
      'All media must be in one BUNDLE group: the server has one transport (bundle policy "max-bundle").',
    );
  }
  for (const { protocol, rtcpMux, bundleOnly, port, kind } of media) {
    if (kind !== 'audio' && kind !== 'video') throw unsupported(`Only audio and video can be offered, not "${kind}".`);
    if (!PROTOCOL.test(protocol))
      throw unsupported(`The protocol must be UDP/TLS/RTP/SAVPF; the offer has "${protocol}".`);
    // A bundle-only section has neither a port nor a transport of its own.
    if (port === 0 && !bundleOnly) throw unsupported('The offer has a media section that is disabled (port 0).');
    if (!rtcpMux && !bundleOnly) throw unsupported('RTP and RTCP must share one port: "rtcp-mux" is missing.');
  }
}

function roleOf({ setup }: SdpMedia): DtlsParameters['role'] {
  if (setup === 'actpass' || setup === 'active') return 'client';
  if (setup === 'passive') return 'server';
  throw setup === undefined ? malformed('has no "setup"') : unsupported(`"setup:${setup}" is not supported.`);
}
