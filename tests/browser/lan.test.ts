/** `--lan` in Chromium: behind the browser's warning are secure pages, on which people see and hear each other. */
import { mkdtempSync, rmSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { Captures } from '../../scripts/support/browsers/captures.ts';
import { WeirProcess } from '../../scripts/support/servers/WeirProcess.ts';
import { ownAddresses } from '../../server/common/ownAddresses.ts';
import { hasChromium } from '../support/equipment.ts';
import { expectToSee, Person, roomUrl } from '../support/people.ts';

const main = fileURLToPath(new URL('../../server/main.ts', import.meta.url));
const address = ownAddresses().find((one) => isIPv4(one));

test.runIf(hasChromium && address)('whoever goes on after the warning has camera, sound and picture', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'weir-lan-'));
  using captures = new Captures();
  try {
    await using weir = new WeirProcess(
      { WEIR_HOST: '', WEIR_RTC_HOST: '0.0.0.0', XDG_DATA_HOME: directory },
      [process.execPath],
      [main, '--lan'],
    );
    await using alice = await Person.start('Alice', { colour: 'red', tone: 500 }, captures);
    await using bob = await Person.start('Bob', { colour: 'green', tone: 800 }, captures);
    const url = `https://${address}:${new URL(await weir.running()).port}`;
    // Without the exception the browser shows its warning instead of a page.
    const warned = await alice.page();
    await expect(warned.goto(url)).rejects.toThrow('ERR_CERT_AUTHORITY_INVALID');
    const [atAlice, atBob] = await Promise.all([alice.page({ goesOn: true }), bob.page({ goesOn: true })]);
    await Promise.all([atAlice.goto(roomUrl(url, 'home', 'Alice')), atBob.goto(roomUrl(url, 'home', 'Bob'))]);
    await Promise.all([expectToSee(atAlice, [bob]), expectToSee(atBob, [alice])]);
    const facts = () => ({ secure: isSecureContext, kind: window.weir?.signallingKind });
    expect(await atAlice.evaluate(facts)).toEqual({ secure: true, kind: 'webSocket' });
  } finally {
    rmSync(directory, { recursive: true });
  }
});
