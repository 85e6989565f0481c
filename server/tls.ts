/** The certificate of HTTPS: read, and judged before anything is started with it. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ConfigError } from './ConfigError.ts';
import { errorCode } from './errno.ts';

export interface Tls {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** @throws {ConfigError} */
export function readTls(certPath: string, keyPath: string): Tls {
  const cert = readPem('WEIR_TLS_CERT', certPath);
  const key = readPem('WEIR_TLS_KEY', keyPath);
  const certificate = parsed('WEIR_TLS_CERT', certPath, 'certificate', () => new X509Certificate(cert));
  const privateKey = parsed('WEIR_TLS_KEY', keyPath, 'private key without a passphrase', () => createPrivateKey(key));
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new ConfigError(
      `The key WEIR_TLS_KEY=${JSON.stringify(keyPath)} is not that of the certificate WEIR_TLS_CERT=${JSON.stringify(certPath)}: name two files that were made together; of a chain, the server's own certificate comes first.`,
    );
  }
  return { cert, key };
}

/** What browsers will say about the certificate; undefined while it is valid. */
export function certificateWarning({ cert }: Tls, now = new Date()): string | undefined {
  const { validFromDate, validToDate } = new X509Certificate(cert);
  if (now > validToDate) {
    return `The certificate of WEIR_TLS_CERT has expired on ${day(validToDate)}: browsers refuse it until there is a new one and Weir is restarted.`;
  }
  if (now < validFromDate) {
    return `The certificate of WEIR_TLS_CERT is valid from ${day(validFromDate)} only: browsers refuse it until then, or the clock of this machine is wrong.`;
  }
  return undefined;
}

const day = (date: Date) => date.toISOString().slice(0, 10);

function readPem(variable: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const why = { ENOENT: 'there is no such file', EACCES: 'Weir may not read it', EISDIR: 'it is a directory' };
    const code = errorCode(error);
    const said = Object.entries(why).find(([name]) => name === code)?.[1] ?? code ?? 'it failed';
    throw new ConfigError(
      `${variable}=${JSON.stringify(path)} cannot be read, since ${said}: it takes the path of a PEM file.`,
      {
        cause: error,
      },
    );
  }
}

function parsed<T>(variable: string, path: string, what: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new ConfigError(`${variable}=${JSON.stringify(path)} holds no ${what} in PEM form.`, { cause });
  }
}
