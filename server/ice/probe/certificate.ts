/** The certificate that all members of a process share: creating one costs more than a handshake. */
import { createHash, X509Certificate } from 'node:crypto';
import { RTCDtlsTransport, type SignatureHash } from 'werift';

export interface Certificate {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
  readonly signatureHash: SignatureHash;
  /** SHA-256, in SDP notation. */
  readonly fingerprint: string;
}

let made: Promise<Certificate> | undefined;

/** A self-signed ECDSA P-256 certificate. */
export function certificate(): Promise<Certificate> {
  made ??= make();
  return made;
}

async function make(): Promise<Certificate> {
  const { certPem, privateKey, signatureHash } = await RTCDtlsTransport.SetupCertificate();
  const digest = createHash('sha256').update(new X509Certificate(certPem).raw).digest('hex').toUpperCase();
  return {
    cert: certPem,
    key: privateKey,
    signatureHash,
    fingerprint: digest.match(/../g)?.join(':') ?? '',
  };
}
