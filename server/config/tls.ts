/** Reads the certificate and key of HTTPS, and checks them before anything is started. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { errorCode } from '../common/errno.ts';
import { ConfigError } from './ConfigError.ts';

export interface Tls {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/**
 * @param prefix of the two variables
 * @throws {ConfigError} with the variable, its path and what is wrong
 */
export function readTls(certPath: string, keyPath: string, prefix: 'WEIR_TLS' | 'WEIR_TURN_TLS' = 'WEIR_TLS'): Tls {
  const names = { cert: `${prefix}_CERT`, key: `${prefix}_KEY` };
  const cert = readPem(names.cert, certPath);
  const key = readPem(names.key, keyPath);
  const certificate = parsePem(names.cert, certPath, 'certificate', () => new X509Certificate(cert));
  const privateKey = parsePem(names.key, keyPath, 'private key without a passphrase', () => createPrivateKey(key));
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new ConfigError(
      `The key ${names.key}=${JSON.stringify(keyPath)} does not match the certificate ${names.cert}=${JSON.stringify(certPath)}: the two files must belong together, and in a chain the server's own certificate comes first.`,
    );
  }
  return { cert, key };
}

/** @returns undefined where the texts are not a certificate and its key in PEM form */
export function parseTls(cert: Buffer, key: Buffer): Tls | undefined {
  try {
    return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)) ? { cert, key } : undefined;
  } catch {
    return undefined;
  }
}

/** Why browsers will refuse the certificate; undefined while it is valid. */
export function certificateWarning({ cert }: Tls, now = new Date()): string | undefined {
  const { validFromDate, validToDate } = new X509Certificate(cert);
  if (now > validToDate) {
    return `The certificate of WEIR_TLS_CERT expired on ${day(validToDate)}: browsers refuse it. Replace it and restart Weir.`;
  }
  if (now < validFromDate) {
    return `The certificate of WEIR_TLS_CERT is not valid before ${day(validFromDate)}: browsers refuse it until then, unless the clock of this machine is wrong.`;
  }
  return undefined;
}

const day = (date: Date) => date.toISOString().slice(0, 10);

function readPem(variable: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const causes = { ENOENT: 'there is no such file', EACCES: 'Weir may not read it', EISDIR: 'it is a directory' };
    const code = errorCode(error);
    const cause = Object.entries(causes).find(([name]) => name === code)?.[1] ?? code ?? 'reading failed';
    throw new ConfigError(
      `${variable}=${JSON.stringify(path)} cannot be read, since ${cause}: it takes the path of a PEM file.`,
      {
        cause: error,
      },
    );
  }
}

function parsePem<T>(variable: string, path: string, what: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new ConfigError(`${variable}=${JSON.stringify(path)} contains no ${what} in PEM form.`, { cause });
  }
}
