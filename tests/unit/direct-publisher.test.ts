/** What a direct connection sends of a microphone while it is muted, or while nobody plays it, in both kinds of browsers. */
import { FakeMediaStreamTrack } from 'fake-mediastreamtrack';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { DirectPublisher } from '../../web/client/p2p/DirectPublisher.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A microphone over a connection of a browser; `sends` says whether its sender sends. */
function microphone(isFirefox: boolean) {
  const track = new FakeMediaStreamTrack({ kind: 'audio' });
  let encodings: RTCRtpEncodingParameters[] = [{ active: true }];
  const sender = {
    track: null as MediaStreamTrack | null,
    replaceTrack: async (next: MediaStreamTrack | null) => {
      sender.track = next;
    },
    getParameters: () => ({ encodings: structuredClone(encodings) }),
    setParameters: async (parameters: { encodings: RTCRtpEncodingParameters[] }) => {
      encodings = parameters.encodings;
    },
  };
  const connection = {
    addTrack: async (_source: string, added: MediaStreamTrack) => {
      sender.track = added;
      return Object.create(sender, { track: { get: () => sender.track } });
    },
    removeTrack: () => {
      sender.track = null;
    },
  };
  const publisher = new DirectPublisher(connection, 'call', isFirefox);
  const publish = async (muted: boolean, next = track) => {
    publisher.sync(new Map([['microphone', { track: next, muted }]]));
    await vi.advanceTimersByTimeAsync(1500);
  };
  /** As these browsers do it: Firefox sends whatever its encoding says. */
  const sends = () => sender.track !== null && (isFirefox || encodings[0]?.active !== false);
  return { publisher, publish, sends, sender };
}

test.each([
  ['Chromium', false],
  ['Firefox', true],
])('%s sends nothing of what is muted or played by nobody, whichever track it is', async (_, isFirefox) => {
  const { publisher, publish, sends, sender } = microphone(isFirefox);
  await publish(false);
  expect(sends()).toBe(true);
  await publish(true);
  expect(sends()).toBe(false);
  const other = new FakeMediaStreamTrack({ kind: 'audio' });
  await publish(true, other);
  expect(sends()).toBe(false);
  await publish(false, other);
  expect(sends()).toBe(true);
  expect(sender.track).toBe(other);
  publisher.pause();
  await vi.advanceTimersByTimeAsync(1500);
  expect(sends()).toBe(false);
  publisher.close();
});
