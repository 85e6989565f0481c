/** Tests of the certificate check at start-up: each fault is reported with its variable. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { certificateWarning, readTls } from '../../server/config/tls.ts';

describe('HTTPS', () => {
  const directory = mkdtempSync(join(tmpdir(), 'weir-tls-'));
  const at = (name: string) => join(directory, name);
  const openssl = (line: string) => execFileSync('openssl', line.split(' '), { cwd: directory, stdio: 'ignore' });

  beforeAll(() => {
    for (const name of ['one', 'other']) {
      openssl(
        `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=${name} -keyout ${name}.key -out ${name}.pem`,
      );
    }
    openssl('ec -in one.key -out locked.key -aes128 -passout pass:secret');
    writeFileSync(at('text.pem'), 'no certificate');
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  test('accepts a certificate and its key', () => {
    const tls = readTls(at('one.pem'), at('one.key'));
    expect(certificateWarning(tls)).toBeUndefined();
  });

  test.each([
    ['nothing.pem', 'one.key', /^WEIR_TLS_CERT=".*nothing.pem" cannot be read, since there is no such file/],
    ['.', 'one.key', /^WEIR_TLS_CERT=.* cannot be read, since it is a directory/],
    ['text.pem', 'one.key', /^WEIR_TLS_CERT=.* contains no certificate in PEM form/],
    ['one.key', 'one.key', /^WEIR_TLS_CERT=.* contains no certificate in PEM form/],
    ['one.pem', 'text.pem', /^WEIR_TLS_KEY=.* contains no private key without a passphrase in PEM form/],
    ['one.pem', 'locked.key', /^WEIR_TLS_KEY=.* contains no private key without a passphrase in PEM form/],
    ['one.pem', 'other.key', /^The key WEIR_TLS_KEY=.*other.key" does not match the certificate WEIR_TLS_CERT=/],
  ])('rejects %s and %s', (cert, key, sentence) => {
    expect(() => readTls(at(cert), at(key))).toThrow(sentence);
  });

  test('warns of a certificate that has expired, or is not valid yet', () => {
    const tls = readTls(at('one.pem'), at('one.key'));
    const days = (count: number) => new Date(Date.now() + count * 86_400_000);
    expect(certificateWarning(tls, days(3))).toMatch(/^The certificate of WEIR_TLS_CERT expired on \d{4}-\d\d-\d\d/);
    expect(certificateWarning(tls, days(-1))).toMatch(/^The certificate of WEIR_TLS_CERT is not valid before/);
  });
});
