/** A browser that plays no sound before a click: the page says so, and plays after the click. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Captures } from '../../scripts/support/browsers/captures.ts';
import { shows } from '../support/accessibilityTree.ts';
import { hasChromium } from '../support/equipment.ts';
import { eventually, Person, roomUrl } from '../support/people.ts';
import { tileOf } from '../support/tiles.ts';
import { button, newsOn, rememberQuiet } from '../support/visit.ts';
import { useServer } from '../support/weir.ts';

describe.skipIf(!hasChromium)('a browser that keeps a page silent', () => {
  const captures = new Captures();
  const weir = useServer();
  let alice: Person;

  beforeAll(async () => {
    alice = await Person.start('Alice', { colour: 'red', tone: 500 }, captures, true);
  });
  afterEach(() => alice.leaveAll());
  afterAll(async () => {
    await alice?.[Symbol.asyncDispose]();
    captures[Symbol.dispose]();
  });

  test('says so when the first voice comes, and one click turns the sound on', async () => {
    // Browsers allow autoplay on pages that capture: camera and microphone have to be off.
    const bob = await alice.page();
    await rememberQuiet(bob);
    const browser = await bob.context().newCDPSession(bob);
    await bob.goto(roomUrl(weir.url, 'silent', 'Bob'));
    await eventually(() => shows(browser, 'Leave'), 'the call is there').toBe(true);
    expect(await shows(browser, 'Turn on sound')).toBe(false);

    await alice.enter(weir.url, 'silent');
    await eventually(() => shows(browser, 'Turn on sound'), 'the button for sound').toBe(true);
    expect(await newsOn(bob)).toContain('Your browser keeps the call silent until you click.');
    await eventually(() => tileOf(bob, 'Alice')).toMatchObject({ colour: 'red', muted: false, tone: undefined });

    await button(bob, 'Turn on sound').click();
    await button(bob, 'Turn on sound').waitFor({ state: 'hidden' });
    await eventually(() => tileOf(bob, 'Alice')).toMatchObject({ colour: 'red', tone: 500 });
  });
});
