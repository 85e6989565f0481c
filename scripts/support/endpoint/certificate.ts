/** Owns the certificate that all members of a process show: making one costs more than a handshake. */
import { createHash, X509Certificate } from 'node:crypto';
import { RTCDtlsTransport, type SignatureHash } from 'werift';

export interface Certificate {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
  readonly signatureHash: SignatureHash;
  /** SHA-256, as SDP writes it. */
  readonly fingerprint: string;
}

let made: Promise<Certificate> | undefined;

/** An ECDSA P-256 certificate, signed by itself. */
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
