/** A certificate authority for tests: signs certificates for names and addresses, with openssl. */
import { execFileSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TestCertificate {
  /** Host names and IP addresses that it is for. */
  readonly names: readonly [string, ...string[]];
  /** Path of the certificate (PEM). */
  readonly cert: string;
  /** Path of the private key (PEM). */
  readonly key: string;
  /** SHA-256 of the public key (SPKI, base64), which `launchChromium` can be told to trust. */
  readonly trustedKey: string;
}

export class TestAuthority implements Disposable {
  readonly #directory = mkdtempSync(join(tmpdir(), 'weir-authority-'));
  #issued = 0;
  /** Path of the authority's own certificate (PEM), for clients that shall trust it. */
  readonly cert = join(this.#directory, 'authority.pem');

  constructor() {
    this.#openssl(
      'req',
      '-x509',
      ...newKey,
      ...['-days', '2', '-subj', '/CN=Weir test authority'],
      ...[
        ...['-addext', 'keyUsage=critical,keyCertSign,cRLSign'],
        ...['-keyout', 'authority.key', '-out', 'authority.pem'],
      ],
    );
  }

  /** Signs a certificate for a TLS server. */
  issue(...names: [string, ...string[]]): TestCertificate {
    this.#issued += 1;
    const name = `server-${this.#issued}`;
    const alternatives = names.map((one) => `${isIP(one) ? 'IP' : 'DNS'}:${one}`).join(',');
    const extensions = `subjectAltName=${alternatives}\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n`;
    writeFileSync(join(this.#directory, `${name}.cnf`), extensions);
    this.#openssl('req', '-new', ...newKey, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`);
    this.#openssl(
      ...['x509', '-req', '-in', `${name}.csr`, '-CA', 'authority.pem', '-CAkey', 'authority.key'],
      ...[...['-CAcreateserial', '-days', '2', '-extfile', `${name}.cnf`, '-out', `${name}.pem`]],
    );
    const cert = join(this.#directory, `${name}.pem`);
    const publicKey = new X509Certificate(readFileSync(cert)).publicKey.export({ type: 'spki', format: 'der' });
    const trustedKey = createHash('sha256').update(publicKey).digest('base64');
    return { names, cert, key: join(this.#directory, `${name}.key`), trustedKey };
  }

  [Symbol.dispose](): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #openssl(...args: string[]): void {
    execFileSync('openssl', args, { cwd: this.#directory, stdio: 'ignore' });
  }
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
