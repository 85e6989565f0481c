/** Publishing with the SDK: what the client says, what others are notified of and what is sent agree. */
import type { Browser, JSHandle, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium } from '../../scripts/support/browsers/chromium.ts';
import type { Source } from '../../shared/media.ts';
import type { RoomClient } from '../../web/client/index.ts';
import { hasChromium } from '../support/equipment.ts';
import { eventually } from '../support/people.ts';
import { useServer } from '../support/weir.ts';

type Sdk = typeof import('../../web/client/index.ts');
/** A client in the page, with the SDK that it came from. */
type Ann = JSHandle<{ client: RoomClient; sdk: Sdk }>;

describe.skipIf(!hasChromium)('publishing with the SDK', () => {
  const weir = useServer();
  let browser: Browser;
  let page: Page;
  let sdk: JSHandle<Sdk>;

  beforeAll(async () => {
    browser = await launchChromium();
    page = await browser.newPage();
    await page.goto(weir.url);
    sdk = await page.evaluateHandle("import('/sdk.js')");
  });
  afterAll(() => browser?.close());

  /** Somebody with a client of their own in the page. */
  function enter(room: string, name: string): Promise<Ann> {
    return sdk.evaluateHandle(
      async (sdk, { url, room, name }) => {
        const client = new sdk.RoomClient({ url });
        await client.join({ room, name });
        return { client, sdk };
      },
      { url: weir.url, room, name },
    );
  }

  /** Ann, and an observer who hears what the others are told of her. */
  async function setUp(room: string) {
    const { client: observer } = await weir.join({ room, name: 'Observer', transports: { send: false, recv: false } });
    const ann = await enter(room, 'Ann');
    const annId = await ann.evaluate(({ client }) => client.peerId);
    const told = async (source: Source) =>
      observer.unreadEvents('peerSources').findLast(({ peerId }) => peerId === annId)?.sources[source];
    const own = (source: Source) => ann.evaluate(({ client }, source) => client.sources[source], source);
    const leave = async (...others: Ann[]) => {
      for (const one of [ann, ...others]) await one.evaluate(({ client }) => client.leave());
    };
    return { ann, annId, told, own, leave };
  }

  /** What an application is thrown, as the page writes it, or `no error`. */
  function outcomeOf(ann: Ann, attempt: (ann: { client: RoomClient; sdk: Sdk }) => Promise<unknown>): Promise<string> {
    return ann.evaluateHandle(attempt).then(
      () => 'no error',
      (error: Error) => error.message,
    );
  }

  describe('muted is one state', () => {
    test('a track that is disabled is published muted, and unmute() makes it live', async () => {
      const { ann, told, own, leave } = await setUp('disabled track');
      await ann.evaluate(async ({ client, sdk }) => {
        const track = await sdk.openMicrophone();
        track.enabled = false;
        await client.publish('microphone', track);
      });
      await eventually(() => told('microphone')).toBe('paused');
      expect(await own('microphone')).toBe('paused');
      await ann.evaluate(({ client }) => client.unmute('microphone'));
      await eventually(() => told('microphone')).toBe('live');
      expect(await ann.evaluate(({ client }) => client.localTrack('microphone')?.enabled)).toBe(true);
      await leave();
    });

    test('a track that its owner disables while it is being published is told to be muted; mute() holds then too', async () => {
      const { ann, told, own, leave } = await setUp('disabled meanwhile');
      await ann.evaluate(async ({ client, sdk }) => {
        const track = await sdk.openMicrophone();
        const published = client.publish('microphone', track);
        track.enabled = false;
        await published;
        await client.mute('microphone');
      });
      await eventually(() => told('microphone')).toBe('paused');
      expect(await own('microphone')).toBe('paused');
      await leave();
    });

    test('of mute() and unmute() in any number, while it is being published and after, the last one wins', async () => {
      const { ann, told, own, leave } = await setUp('presses');
      for (const presses of [1, 2, 3]) {
        for (const delay of [0, 5, 30]) {
          await ann.evaluate(
            async ({ client, sdk }, { presses, delay }) => {
              const track = await sdk.openMicrophone();
              const published = client.publish('microphone', track);
              const pressed = [];
              for (let press = 0; press < presses; press += 1) {
                if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));
                pressed.push(press % 2 === 0 ? client.mute('microphone') : client.unmute('microphone'));
              }
              await Promise.all([published, ...pressed]);
            },
            { presses, delay },
          );
          const wanted = presses % 2 === 1 ? 'paused' : 'live';
          const enabled = await ann.evaluate(({ client }) => client.localTrack('microphone')?.enabled);
          expect({ presses, delay, own: await own('microphone'), enabled }).toEqual({
            presses,
            delay,
            own: wanted,
            enabled: wanted === 'live',
          });
          await eventually(() => told('microphone'), `after ${presses} presses, ${delay} ms apart`).toBe(wanted);
          await ann.evaluate(({ client }) => client.unpublish('microphone'));
          await eventually(() => told('microphone')).toBeUndefined();
        }
      }
      await leave();
    });

    test('another track is as muted as the one before it, and a disabled one mutes', async () => {
      const { ann, told, own, leave } = await setUp('replaced');
      await ann.evaluate(async ({ client, sdk }) => {
        await client.publish('microphone', await sdk.openMicrophone(), { muted: true });
        await client.replaceTrack('microphone', await sdk.openMicrophone());
      });
      expect(await ann.evaluate(({ client }) => client.localTrack('microphone')?.enabled)).toBe(false);
      await ann.evaluate(({ client }) => client.unmute('microphone'));
      await eventually(() => told('microphone')).toBe('live');
      await ann.evaluate(async ({ client, sdk }) => {
        const disabled = await sdk.openMicrophone();
        disabled.enabled = false;
        await client.replaceTrack('microphone', disabled);
      });
      await eventually(() => told('microphone')).toBe('paused');
      expect(await own('microphone')).toBe('paused');
      expect(await ann.evaluate(({ client }) => client.localTrack('microphone')?.enabled)).toBe(false);
      await leave();
    });
  });

  describe('what fails leaves nothing behind', () => {
    const attempts: Record<string, (ann: { client: RoomClient; sdk: Sdk }) => Promise<unknown>> = {
      'a microphone as camera': async ({ client, sdk }) => client.publish('camera', await sdk.openMicrophone()),
      'a camera as microphone': async ({ client, sdk }) => client.publish('microphone', await sdk.openCamera()),
      'a track that has ended': async ({ client, sdk }) => {
        const track = await sdk.openCamera();
        track.stop();
        await client.publish('camera', track);
      },
      'no track at all': ({ client }) => client.publish('camera', JSON.parse('null')),
      'no such source': async ({ client, sdk }) => client.publish(JSON.parse('"face"'), await sdk.openCamera()),
      'a replacement of what is off': async ({ client, sdk }) => client.replaceTrack('camera', await sdk.openCamera()),
      'mute() of what is off': ({ client }) => client.mute('camera'),
    };

    test('each attempt is refused with a WeirError, and what is published next is received', async () => {
      const { ann, annId, leave } = await setUp('failures');
      const eve = await enter('failures', 'Eve');
      for (const [what, attempt] of Object.entries(attempts)) {
        expect(await outcomeOf(ann, attempt), what).toMatch(
          /WeirError: (camera|microphone|You do not|The track|There is no source)/,
        );
        expect(await ann.evaluate(({ client }) => client.sources), what).toEqual({});
      }
      await ann.evaluate(async ({ client, sdk }) => {
        const [camera, microphone] = [await sdk.openCamera(), await sdk.openMicrophone()];
        await Promise.all([client.publish('camera', camera), client.publish('microphone', microphone)]);
      });
      const received = (source: Source) =>
        eve.evaluate(
          async ({ client }, { annId, source }) =>
            (await client.getStats()).find((track) => track.peerId === annId && track.source === source),
          { annId, source },
        );
      await eventually(async () => (await received('camera'))?.frames).toBeGreaterThan(5);
      await eventually(async () => (await received('microphone'))?.packets).toBeGreaterThan(20);

      // A replacement that is refused leaves the former track, which is sent on.
      const replaced = await outcomeOf(ann, async ({ client, sdk }) =>
        client.replaceTrack('camera', await sdk.openMicrophone()),
      );
      expect(replaced).toContain('WeirError: camera needs a track of kind video');
      const { frames = 0 } = (await received('camera')) ?? {};
      await eventually(async () => (await received('camera'))?.frames).toBeGreaterThan(frames + 5);
      await leave(eve);
    });

    test('a device that does not open, and an address that is none, are told by WeirErrors as well', async () => {
      const { ann, leave } = await setUp('other errors');
      const errors = await ann.evaluate(async ({ sdk }) => {
        const codeOf = async (attempt: () => Promise<unknown>) => {
          try {
            await attempt();
          } catch (error) {
            if (error instanceof sdk.WeirError && error.message) return error.code;
          }
          return 'no WeirError';
        };
        return [
          await codeOf(() => sdk.openCamera('no such device')),
          await codeOf(async () => new sdk.RoomClient({ url: 'no address' }).join({ room: 'here' })),
          await codeOf(() => new sdk.RoomClient().join(JSON.parse('{}'))),
          await codeOf(() => new sdk.RoomClient().mute('camera')),
        ];
      });
      expect(errors).toEqual(['device', 'badRequest', 'badRequest', 'notJoined']);
      await leave();
    });

    test('what the browser refuses to negotiate leaves the connection as it was', async () => {
      const { ann, leave } = await setUp('negotiation');
      const outcome = await outcomeOf(ann, async ({ client, sdk }) => {
        const { createOffer } = RTCPeerConnection.prototype;
        RTCPeerConnection.prototype.createOffer = () => {
          throw new TypeError('no offer today');
        };
        try {
          await client.publish('camera', await sdk.openCamera());
        } finally {
          RTCPeerConnection.prototype.createOffer = createOffer;
        }
      });
      expect(outcome).toContain('WeirError: This browser cannot send this track as camera');
      await ann.evaluate(async ({ client, sdk }) => client.publish('camera', await sdk.openCamera()));
      expect(await ann.evaluate(({ client }) => client.sources)).toEqual({ camera: 'live' });
      await leave();
    });

    test('unpublish() while it is being published, and publish() again at once, end as the last one wants it', async () => {
      const { ann, told, own, leave } = await setUp('again');
      await ann.evaluate(async ({ client, sdk }) => {
        const tracks = [await sdk.openCamera(), await sdk.openCamera()];
        const done = [];
        for (const track of tracks) {
          done.push(client.publish('camera', track), client.unpublish('camera'));
        }
        await Promise.all(done);
      });
      expect(await own('camera')).toBeUndefined();
      await ann.evaluate(async ({ client, sdk }) => {
        const [first, second] = [await sdk.openCamera(), await sdk.openCamera()];
        await Promise.all([
          client.publish('camera', first),
          client.unpublish('camera'),
          client.publish('camera', second),
        ]);
        if (client.localTrack('camera') !== second) throw new Error('another track is published');
      });
      expect(await own('camera')).toBe('live');
      await eventually(() => told('camera')).toBe('live');
      await leave();
    });
  });
});
