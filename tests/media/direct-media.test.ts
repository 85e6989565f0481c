/** Tests of what the server forwards while two exchange media directly: nothing, and everything again at once. */
import { describe, expect, vi } from 'vitest';
import type { Member } from '../../scripts/support/endpoint/Member.ts';
import type { DirectTrack } from '../../shared/protocol.ts';
import {
  type Crowd,
  layers,
  type OpenCrowd,
  received,
  spread,
  test,
  untilReceiving,
  voice,
} from '../support/headlessMembers.ts';

const sources = ['camera', 'microphone'] as const;
const direct = { direct: true, tracks: { camera: layers, microphone: voice } };
const delays = { directReturn: 100, layerLinger: { fresh: 300, none: 300 } };

const tracksOf = ({ peerId }: Member): DirectTrack[] => sources.map((source) => ({ peerId, source }));
const untilReceivingAll = (viewer: Member, { peerId }: Member) =>
  Promise.all(sources.map((source) => untilReceiving(viewer, peerId, source, 5)));

/** RTP of both, in bytes, as the server counts it. */
async function rtp(members: readonly Member[]): Promise<number> {
  const counters = await Promise.all(members.map((member) => member.getTransportStats()));
  return counters.reduce((sum, { sent, received: got }) => sum + sent + got, 0);
}

/** Waits until the server has forwarded nothing, and received nothing, for half a second. */
async function untilIdle(members: readonly Member[]): Promise<void> {
  await vi.waitUntil(
    async () => {
      const before = await rtp(members);
      // Half a second is 25 packets of a voice, and at least seven of a camera.
      await new Promise((resolve) => setTimeout(resolve, 500));
      return (await rtp(members)) === before;
    },
    { timeout: 10_000, interval: 0 },
  );
}

/** Two who are named to each other, and whose media goes through the server. */
async function openTwo(
  open: OpenCrowd,
  environment: Record<string, string> = {},
): Promise<Crowd & { ada: Member; bob: Member }> {
  const crowd = await open({ WEIR_ROOM_POLICY: 'auto', ...environment }, delays);
  const ada = await crowd.enter('ada', direct);
  const bob = await crowd.enter('bob', direct);
  await Promise.all([untilReceivingAll(ada, bob), untilReceivingAll(bob, ada)]);
  expect([ada.directPeers[0]?.peerId, bob.directPeers[0]?.peerId]).toEqual([bob.peerId, ada.peerId]);
  return { ...crowd, ada, bob };
}

describe.concurrent('while two receive everything directly', () => {
  test('the server forwards no packet and gets none; a third one brings all of it back', async ({ open }) => {
    const { enter, ada, bob } = await openTwo(open, spread);
    await Promise.all([ada.setDirectTracks(tracksOf(bob)), bob.setDirectTracks(tracksOf(ada))]);
    await untilIdle([ada, bob]);
    const before = [received(ada, bob.peerId), received(bob, ada.peerId)];
    const consumers = new Set([...ada.media.receivers.keys()]);
    const cleo = await enter('cleo', direct);
    await Promise.all([untilReceivingAll(ada, bob), untilReceivingAll(bob, ada), untilReceivingAll(cleo, ada)]);
    expect([ada.directPeers, bob.directPeers, cleo.directPeers]).toEqual([[], [], []]);
    expect(received(ada, bob.peerId)).toBeGreaterThan(before[0] ?? 0);
    // Whoever is not named now cannot be received directly.
    await ada.setDirectTracks(tracksOf(bob));
    await untilReceivingAll(ada, bob);
    // The consumers were kept: no SDP exchange was needed.
    for (const ssrc of consumers) expect(ada.media.receivers.has(ssrc)).toBe(true);
    cleo.leave();
    await vi.waitUntil(() => ada.directPeers.length > 0, { timeout: 5000, interval: 5 });
    // What was direct before is not any more, until its receiver says so again.
    await untilReceivingAll(ada, bob);
  });

  test('what one does not receive directly is still forwarded, and nothing else, even if it is sent', async ({
    open,
  }) => {
    const { ada, bob } = await openTwo(open);
    // Clients that go on sending to the server.
    for (const { media } of [ada, bob]) vi.spyOn(media, 'setSubscribedLayers').mockReturnValue();
    await ada.setDirectTracks([{ peerId: bob.peerId, source: 'camera' }]);
    await bob.setDirectTracks(tracksOf(ada));
    await vi.waitUntil(
      async () => {
        const before = received(ada, bob.peerId, 'camera') + received(bob, ada.peerId, 'microphone');
        await untilReceiving(ada, bob.peerId, 'microphone', 25);
        return received(ada, bob.peerId, 'camera') + received(bob, ada.peerId, 'microphone') === before;
      },
      { timeout: 10_000, interval: 0 },
    );
    await bob.setDirectTracks([]);
    await untilReceivingAll(bob, ada);
  });
});
