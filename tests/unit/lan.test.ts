/** Tests of `--lan`: when its certificate is made anew, what is refused, and a QR code that scanners read. */
import { X509Certificate } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readConfig } from '../../server/config/readConfig.ts';
import { readOptions } from '../../server/config/readOptions.ts';
import { lanCertificate } from '../../server/lan/lanCertificate.ts';
import { lanText } from '../../server/lan/lanText.ts';
import { withLan } from '../../server/lan/withLan.ts';
import { scanned } from '../support/qrCode.ts';

const DAY = 86_400_000;
const start = new Date('2030-05-01T12:00:00Z');
const later = (days: number) => new Date(start.getTime() + days * DAY);
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'weir-lan-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('the certificate', () => {
  const names = ['192.168.1.5', '2001:db8::5', 'localhost'];
  const file = () => join(directory, 'weir', 'lan.pem');
  const make = (settings: { names?: string[]; now?: Date } = {}) =>
    lanCertificate({ file: file(), names, now: start, ...settings });

  test('is for every name, for servers, readable by its owner alone, and valid for less than 398 days', async () => {
    const { tls, fingerprint, made } = await make();
    const certificate = new X509Certificate(tls.cert);
    expect(certificate.subjectAltName).toBe('IP Address:192.168.1.5, IP Address:2001:DB8:0:0:0:0:0:5, DNS:localhost');
    expect(certificate.ca).toBe(false);
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(certificate.fingerprint256).toBe(fingerprint);
    expect(made).toBe(true);
    const days = (certificate.validToDate.getTime() - certificate.validFromDate.getTime()) / DAY;
    expect(days).toBeLessThan(398);
    expect(certificate.validFromDate < start).toBe(true);
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    expect(statSync(join(directory, 'weir')).mode & 0o777).toBe(0o700);
    expect(readdirSync(join(directory, 'weir'))).toEqual(['lan.pem']);
  });

  test('is used again while it fits, and closed to others again', async () => {
    const first = await make();
    chmodSync(file(), 0o644);
    const second = await make({ names: names.slice(1), now: later(300) });
    expect(second).toEqual({ ...first, made: false });
    expect(statSync(file()).mode & 0o777).toBe(0o600);
  });

  test.each([
    ['an address is new', { names: [...names, '10.0.0.7'] }],
    ['a name is new', { names: [...names, 'kitchen.local'] }],
    ['its end is near', { now: later(370) }],
    ['the clock is before it', { now: later(-3) }],
  ])('is made anew when %s', async (_why, settings) => {
    const first = await make();
    const second = await make(settings);
    expect(second.made).toBe(true);
    expect(second.fingerprint).not.toBe(first.fingerprint);
    expect((await make(settings)).fingerprint).toBe(second.fingerprint);
  });

  test.each([
    ['is empty', () => ''],
    ['is cut off', (text: string) => text.slice(0, -100)],
    ['has the key of another', (_text: string, other: string) => other],
  ])('is made anew when the file %s', async (_what, damage) => {
    await make();
    const mine = readFileSync(file(), 'utf8');
    const { tls } = await lanCertificate({ file: join(directory, 'other.pem'), names });
    writeFileSync(file(), damage(mine, `${tls.key}${mine.slice(mine.indexOf('-----BEGIN CERTIFICATE'))}`));
    const { made } = await make();
    expect(made).toBe(true);
    expect(readFileSync(file(), 'utf8')).toMatch(/^-----BEGIN PRIVATE KEY-----[\s\S]+-----END CERTIFICATE-----\n$/);
  });

  test('that can be neither read nor written: says which variable to set', async () => {
    writeFileSync(join(directory, 'weir'), 'a file');
    await expect(make()).rejects.toThrow(
      /^--lan keeps its certificate in .*lan\.pem, which .* \(ENOTDIR\): set XDG_DATA_HOME/,
    );
  });
});

describe('the configuration', () => {
  const own = () => ['203.0.113.9', '192.168.1.5', '2001:db8::5'];
  const complete = (environment: Record<string, string> = {}, machine = own) =>
    withLan(readConfig({ WEIR_RTC_HOST: '0.0.0.0,::', ...environment }).config, {
      environment: { XDG_DATA_HOME: directory },
      own: machine,
    });

  test('has the addresses of the machine, private ones first, and a certificate for them', async () => {
    const { config, lan } = await complete({ WEIR_HOST: '::' });
    expect(lan.addresses).toEqual(['192.168.1.5', '203.0.113.9', '2001:db8::5']);
    const certificate = new X509Certificate(config.tls?.cert ?? '');
    for (const address of [...lan.addresses, '127.0.0.1']) expect(certificate.checkIP(address)).toBe(address);
    expect(certificate.checkHost('localhost')).toBe('localhost');
    // All of the machine are announced.
    expect(config.announcedAddresses).toEqual([]);
  });

  test('announces the addresses of the machine besides those that are configured', async () => {
    const { config } = await complete({ WEIR_ANNOUNCED_ADDRESS: 'sfu.example.com,192.168.1.5' });
    expect(config.announcedAddresses).toEqual(['sfu.example.com', '192.168.1.5', '203.0.113.9']);
  });

  test('names the addresses only that serve both pages and media', async () => {
    const served = async (environment: Record<string, string>) => (await complete(environment)).lan.addresses;
    expect(await served({ WEIR_HOST: '0.0.0.0' })).toEqual(['192.168.1.5', '203.0.113.9']);
    expect(await served({ WEIR_HOST: '192.168.1.5' })).toEqual(['192.168.1.5']);
    expect(await served({ WEIR_HOST: '::', WEIR_RTC_HOST: '::' })).toEqual(['2001:db8::5']);
  });

  test.each([
    [{ WEIR_HOST: '127.0.0.1' }, /^WEIR_HOST=127\.0\.0\.1 is not one of the addresses .*: leave it out for --lan/],
    [{ WEIR_RTC_HOST: '127.0.0.1' }, /^WEIR_RTC_HOST=127\.0\.0\.1 receives no media on 192\.168\.1\.5, 203\.0\.113\.9/],
  ])('is refused with %o', async (environment, sentence) => {
    await expect(complete(environment)).rejects.toThrow(sentence);
    expect(readdirSync(directory)).toEqual([]);
  });

  test('is refused without a network, or with a certificate of its own', async () => {
    await expect(complete({}, () => [])).rejects.toThrow(/^--lan finds no network on this machine/);
    const { tls } = await lanCertificate({ file: join(directory, 'own.pem'), names: ['localhost'] });
    writeFileSync(join(directory, 'own.key'), tls.key);
    const given = { WEIR_TLS_CERT: join(directory, 'own.pem'), WEIR_TLS_KEY: join(directory, 'own.key') };
    await expect(complete(given)).rejects.toThrow(/leave WEIR_TLS_CERT and WEIR_TLS_KEY out/);
  });
});

describe('what is printed', () => {
  const lan = { addresses: ['192.168.1.5', '2001:db8::5'], fingerprint: 'AB:CD', made: true };
  const options = { port: 3000, basePath: '/meet', columns: 80, colours: false };

  test.each([true, false])('has all addresses, and the first as a QR code (colours: %s)', (colours) => {
    const text = lanText(lan, { ...options, colours });
    expect(text).toContain('https://192.168.1.5:3000/meet/  https://[2001:db8::5]:3000/meet/');
    expect(text).toContain('fingerprint, which is new: AB:CD');
    expect(scanned(text)).toBe('https://192.168.1.5:3000/meet/');
  });

  test.each([20, undefined])('has no code where it has no place (columns: %s)', (columns) => {
    expect(lanText(lan, { ...options, columns })).not.toMatch(/[█▀▄]/);
  });
});

describe('the command line', () => {
  test('has two options', () => {
    expect(readOptions([])).toEqual({ lan: false, help: false });
    expect(readOptions(['--lan'])).toEqual({ lan: true, help: false });
    expect(readOptions(['-h'])).toEqual({ lan: false, help: true });
  });

  test.each([['--lann'], ['--lan=yes'], ['lan']])('refuses %s, and says what there is', (argument) => {
    expect(() => readOptions([argument])).toThrow(/Usage: npm start/);
  });
});
