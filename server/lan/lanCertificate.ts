/** The certificate of `--lan`: made once for the addresses of this machine, kept in a file, and used again while it fits. */
import { randomBytes, X509Certificate } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { dirname } from 'node:path';
import { errorCode } from '../common/errno.ts';
import { ConfigError } from '../config/ConfigError.ts';
import { parseTls, type Tls } from '../config/tls.ts';

const DAY = 86_400_000;
/** Browsers and phones distrust certificates that are valid for longer than 398 days. */
const LIFETIME = 397 * DAY;
/** A certificate with less left is replaced at the next start. */
const MIN_LEFT = 30 * DAY;
/** The line of PEM after the key. */
const CERTIFICATE = '-----BEGIN CERTIFICATE-----';
/** Clocks of phones may be late. */
const BACKDATED = DAY;

export interface LanCertificateOptions {
  /** Holds certificate and key in PEM form, with mode 0600; its folder is made if necessary. */
  readonly file: string;
  /** IP addresses and host names at which browsers open the pages. */
  readonly names: readonly string[];
  readonly now?: Date;
}

export interface LanCertificate {
  readonly tls: Tls;
  /** SHA-256 of the certificate, as browsers show it: bytes in hexadecimal, separated by colons. */
  readonly fingerprint: string;
  /** Whether it was made just now, so that browsers warn again. */
  readonly made: boolean;
}

/**
 * The kept certificate, or a new one where none is kept, its end is near, or a name is not in it.
 * @throws {ConfigError} where the file can be neither read nor written
 */
export async function lanCertificate({
  file,
  names,
  now = new Date(),
}: LanCertificateOptions): Promise<LanCertificate> {
  const kept = read(file);
  const tls = kept && fits(kept, names, now) ? kept : undefined;
  if (tls) return { tls, fingerprint: fingerprintOf(tls), made: false };
  const fresh = await make(names, now);
  write(file, fresh);
  return { tls: fresh, fingerprint: fingerprintOf(fresh), made: true };
}

const fingerprintOf = ({ cert }: Tls): string => new X509Certificate(cert).fingerprint256;

function fits({ cert }: Tls, names: readonly string[], now: Date): boolean {
  const certificate = new X509Certificate(cert);
  return (
    certificate.validFromDate <= now &&
    certificate.validToDate.getTime() - now.getTime() >= MIN_LEFT &&
    names.every((name) => (isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name)) !== undefined)
  );
}

/** @returns undefined where nothing is kept, or what is kept is damaged: a new one replaces it */
function read(file: string): Tls | undefined {
  let pem: Buffer;
  try {
    pem = readFileSync(file);
    // Whoever has copied it may have opened it to others.
    chmodSync(file, 0o600);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw notUsable(file, error);
  }
  const end = Math.max(0, pem.indexOf(CERTIFICATE));
  return parseTls(pem.subarray(end), pem.subarray(0, end));
}

function write(file: string, { cert, key }: Tls): void {
  const partial = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    try {
      writeFileSync(partial, Buffer.concat([key, cert]), { mode: 0o600, flag: 'wx' });
      // A second Weir that starts meanwhile finds the old pair or the new one, never half of each.
      renameSync(partial, file);
    } finally {
      rmSync(partial, { force: true });
    }
  } catch (error) {
    throw notUsable(file, error);
  }
}

function notUsable(file: string, cause: unknown): ConfigError {
  return new ConfigError(
    `--lan keeps its certificate in ${file}, which cannot be used (${errorCode(cause) ?? cause}): set XDG_DATA_HOME to a directory in which Weir may write.`,
    { cause },
  );
}

/** A self-signed certificate, ECDSA P-256. */
async function make(names: readonly string[], now: Date): Promise<Tls> {
  const x509 = await import('@peculiar/x509');
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: `00${randomBytes(15).toString('hex')}`,
    name: 'CN=Weir in this network',
    notBefore: new Date(now.getTime() - BACKDATED),
    notAfter: new Date(now.getTime() + LIFETIME - BACKDATED),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        names.map((value) => ({ type: isIP(value) ? ('ip' as const) : ('dns' as const), value })),
      ),
    ],
  });
  const key = x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY');
  return { cert: Buffer.from(`${certificate.toString('pem')}\n`), key: Buffer.from(`${key}\n`) };
}
