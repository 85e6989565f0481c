/** Judges a certificate of HTTPS: its dates, its name, and who issued it. */
import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { SelfTestRow } from '../../../shared/selfTest.ts';

const DAY = 86_400_000;
/** A certificate that ends sooner should have been renewed, in milliseconds; for one that lives briefly, a third of its life. */
const SOON = { time: 14 * DAY, share: 1 / 3 };

export interface CertificateTestOptions {
  /** What serves it, for the row. */
  readonly target: string;
  readonly certificate: X509Certificate;
  /** Host name or IP address under which browsers open the page, where it is known. */
  readonly host?: string | undefined;
  /** Why this machine does not trust it, such as `SELF_SIGNED_CERT_IN_CHAIN`, where that was tested. */
  readonly untrusted?: string | undefined;
  readonly now?: Date;
}

const day = (date: Date) => date.toISOString().slice(0, 10);
const renewal = 'Renew it, and restart what serves it (Weir reads WEIR_TLS_CERT at its start only).';

/** The first thing that is wrong, in the order in which browsers would stop at it. */
export function certificateRow(options: CertificateTestOptions): SelfTestRow {
  const { target, certificate, host, untrusted, now = new Date() } = options;
  const { validFromDate, validToDate } = certificate;
  const row = { check: 'certificate', target } as const;
  const left = validToDate.getTime() - now.getTime();
  if (left <= 0) {
    return {
      ...row,
      state: 'failed',
      reason: 'certificateExpired',
      message: `The certificate expired on ${day(validToDate)}: browsers refuse it.`,
      remedy: renewal,
    };
  }
  if (now < validFromDate) {
    return {
      ...row,
      state: 'failed',
      reason: 'certificateNotYetValid',
      message: `The certificate is not valid before ${day(validFromDate)}: browsers refuse it until then.`,
      remedy: 'Compare the clock of this machine, or use the certificate before this one for now.',
    };
  }
  if (host !== undefined && !fits(certificate, host)) {
    return {
      ...row,
      state: 'failed',
      reason: 'certificateName',
      message: `The certificate is for ${names(certificate)}, and browsers open ${host}: they refuse it.`,
      remedy: `Get a certificate for ${host}, or open the page under a name of this one.`,
    };
  }
  if (untrusted !== undefined) {
    return {
      ...row,
      state: 'failed',
      reason: 'certificateUntrusted',
      message: `This machine does not trust the certificate (${untrusted}); most browsers will not either.`,
      remedy: 'Serve the whole chain (the certificate, then those of its issuers), or get one from a public authority.',
    };
  }
  const lifetime = validToDate.getTime() - validFromDate.getTime();
  if (left < Math.min(SOON.time, lifetime * SOON.share)) {
    return {
      ...row,
      state: 'failed',
      reason: 'certificateEndsSoon',
      message: `The certificate ends on ${day(validToDate)}, in ${Math.floor(left / DAY)} days.`,
      remedy: renewal,
    };
  }
  return { ...row, state: 'ok', message: `The certificate is valid until ${day(validToDate)}.` };
}

function fits(certificate: X509Certificate, host: string): boolean {
  return (isIP(host) ? certificate.checkIP(host) : certificate.checkHost(host)) !== undefined;
}

function names({ subjectAltName, subject }: X509Certificate): string {
  return subjectAltName?.replaceAll(/(DNS|IP Address):/g, '') || subject.replaceAll('\n', ', ') || 'no name';
}
