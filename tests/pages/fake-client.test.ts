/** The fake client that other tests of pages use, beside the real one: the same story makes both emit the same events. */
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { launchChromium } from '../../scripts/support/browsers/chromium.ts';
import { microphone, camera as video } from '../support/broadcast.ts';
import { hasChromium } from '../support/equipment.ts';
import { fakeContext } from '../support/fakeClient/fakeClient.ts';
import { eventually, roomUrl } from '../support/people.ts';
import { appears, button, expectIn, useChromium } from '../support/visit.ts';
import { useServer } from '../support/weir.ts';

declare global {
  interface Window {
    /** The events of the page's client since it has joined, in words. */
    story?: string[];
  }
}

/** Writes down all events from now on, but for those about the connection, which the fake client does not have. */
function record(page: Page): Promise<void> {
  return page.evaluate(() => {
    const story: string[] = [];
    window.story = story;
    const room = window.weir;
    if (!room) throw new Error('the page has no client');
    room.on('stateChanged', (state) => story.push(state));
    room.on('peerJoined', ({ name }) => story.push(`${name} joined`));
    room.on('peerLeft', ({ peer, reason }) => story.push(`${peer.name} left: ${reason}`));
    room.on('peerChanged', ({ name, sources }) => story.push(`${name} has ${JSON.stringify(sources)}`));
    room.on('trackAdded', ({ peer, source, track }) => story.push(`${source} of ${peer.name}: ${track.kind}`));
    room.on('trackRemoved', ({ peer, source }) => story.push(`no ${source} of ${peer.name}`));
    room.on('handChanged', ({ name, hand }) => story.push(`hand of ${name}: ${hand}`));
    room.on('reaction', ({ peer, reaction }) => story.push(`${reaction} of ${peer.name}`));
    room.on('localSourcesChanged', (sources) => story.push(`own ${JSON.stringify(sources)}`));
    room.on('grantsChanged', ({ canPublish }) => story.push(`may publish: ${canPublish}`));
    room.on('broadcastChanged', ({ state }) => story.push(`broadcast ${state}`));
    room.on('handsChanged', ({ total }) => story.push(`${total} hands`));
    room.on('invited', ({ by }) => story.push(`invited by ${by}`));
    room.on('closed', ({ reason }) => story.push(`closed: ${reason}`));
  });
}

describe.skipIf(!hasChromium)('the fake client and the real one', () => {
  const weir = useServer({}, { broadcastNotify: 100, consumerLinger: 100 });
  const chromium = useChromium(() => launchChromium({ devices: 'fps=5' }), { [Symbol.dispose]: () => {} });

  const open = async (client: string, url: string) => {
    const { browser } = chromium;
    const page = await (await (client === 'fake' ? fakeContext(browser) : browser.newContext())).newPage();
    await page.goto(url);
    await expectIn(page);
    return page;
  };
  /** Waits until the page's client has emitted something, after which the story goes on. */
  const until = (page: Page, event: string) =>
    eventually(() => page.evaluate(() => window.story ?? []), event).toContain(event);
  /** Waits until the page has published that, or has ended the rest. */
  const untilOwn = (page: Page, sources: string) =>
    eventually(async () =>
      (await page.evaluate(() => window.story ?? [])).findLast((event) => event.startsWith('own')),
    ).toBe(`own ${sources}`);
  /**
   * The story up to the end of the session. Of equal notifications of what is published, and of the state of the broadcast,
   * only the first counts: the server batches the number of viewers by time.
   * @param published what the page published when the story began
   */
  const storyOf = async (page: Page, published = '{}') => {
    const story = await page.evaluate(() => window.story ?? []);
    const end = story.findIndex((event) => event.startsWith('closed: '));
    const last = new Map([['own', `own ${published}`]]);
    return story.slice(0, end < 0 ? undefined : end + 1).filter((event) => {
      const [subject = ''] = event.split(' ', 1);
      if (subject !== 'own' && subject !== 'broadcast') return true;
      const isChange = event !== last.get(subject);
      last.set(subject, event);
      return isChange;
    });
  };

  /** A call: others come with tracks, which they mute and end; so does the page. */
  async function call(client: string): Promise<string[]> {
    const room = `call ${client}`;
    const page = await open(client, roomUrl(weir.url, room, 'Alice'));
    await eventually(() => page.evaluate(() => window.weir?.sources)).toEqual({ camera: 'live', microphone: 'live' });
    await record(page);
    const { client: dora } = await weir.join({ room, name: 'Dora' });
    await until(page, 'Dora joined');
    await dora.request('produce', microphone);
    await until(page, 'microphone of Dora: audio');
    await dora.request('produce', video);
    await until(page, 'camera of Dora: video');
    await dora.request('pauseProducer', { source: 'microphone' });
    await until(page, 'Dora has {"microphone":"paused","camera":"live"}');
    await dora.request('setHand', { raised: true });
    await dora.request('react', { reaction: 'heart' });
    await until(page, 'heart of Dora');
    await dora.request('closeProducer', { source: 'camera' });
    await until(page, 'no camera of Dora');
    await button(page, 'Mute').click();
    await button(page, 'Unmute').click();
    await appears(button(page, 'Mute'));
    await button(page, 'Stop camera').click();
    await untilOwn(page, '{"microphone":"live"}');
    await button(page, 'Start camera').click();
    await untilOwn(page, '{"camera":"live","microphone":"live"}');
    await dora.request('leave', {});
    await until(page, 'Dora left: left');
    await page.evaluate(() => window.weir?.leave());
    await until(page, 'closed: left');
    return storyOf(page, '{"camera":"live","microphone":"live"}');
  }

  /** A broadcast: a viewer sees it begin, comes onto the stage, is sent back, and sees it end. */
  async function broadcast(client: string): Promise<string[]> {
    const room = `broadcast ${client}`;
    const { client: host } = await weir.join({ room, name: 'Hana', kind: 'broadcast', role: 'host' });
    await host.request('produce', microphone);
    const page = await open(client, `${weir.url}/b/${encodeURIComponent(room)}?name=Vera`);
    await record(page);
    await host.request('setBroadcast', { live: true });
    await until(page, 'microphone of Hana: audio');
    await host.request('produce', video);
    await until(page, 'camera of Hana: video');
    await button(page, 'Raise hand').click();
    const { first } = await host.event('handsChanged', ({ total }) => total > 0);
    const peerId = first[0]?.peerId ?? '';
    await host.request('invite', { peerId });
    // Of two devices, either may be the first to open.
    await page.getByRole('switch', { name: 'Camera' }).uncheck();
    await button(page, 'Join the stage').click();
    await untilOwn(page, '{"microphone":"live"}');
    await host.request('setGrants', { peerId, grants: { canPublish: false } });
    await until(page, 'may publish: false');
    await host.request('setBroadcast', { live: false });
    await until(page, 'no camera of Hana');
    await until(page, 'no microphone of Hana');
    return storyOf(page);
  }

  test.each([
    ['call', call],
    ['broadcast', broadcast],
  ])('emit the same events in a %s', async (_name, tell) => {
    const [real, fake] = await Promise.all([tell('real'), tell('fake')]);
    expect(fake).toEqual(real);
  });
});
