/** Tests of RemoteAudio: when the browser's refusal to play is reported, and how one track takes the place of another. */
import { FakeMediaStreamTrack } from 'fake-mediastreamtrack';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { RemoteAudio } from '../../web/view/common/RemoteAudio.ts';

/** An element whose `play` is settled by the test. */
class FakeElement extends EventTarget {
  readonly dataset: Record<string, string> = {};
  readonly plays: PromiseWithResolvers<void>[] = [];
  isRemoved = false;

  append() {}

  remove() {
    this.isRemoved = true;
  }

  play() {
    const playing = Promise.withResolvers<void>();
    this.plays.push(playing);
    return playing.promise;
  }
}

const elements: FakeElement[] = [];
beforeEach(() => {
  elements.length = 0;
  const createElement = () => {
    const made = new FakeElement();
    elements.push(made);
    return made;
  };
  vi.stubGlobal('document', { createElement });
  vi.stubGlobal('MediaStream', class {});
});
afterEach(() => void vi.unstubAllGlobals());

const settled = () => new Promise((resolve) => setTimeout(resolve));

test.each([
  ['is blocked by the browser', 'NotAllowedError', [true]],
  ['has ended meanwhile', 'AbortError', [false]],
])('after a click, sound that %s', async (_, error, expected) => {
  const blocked: boolean[] = [];
  const audio = new RemoteAudio(
    (isBlocked) => blocked.push(isBlocked),
    () => {},
  );
  const tracks = [0, 1].map((slot) => [slot, new FakeMediaStreamTrack({ kind: 'audio' })] as const);
  audio.play([], new Map(tracks));
  const [, first, second] = elements;
  for (const one of [first, second]) one?.plays[0]?.resolve();
  const retrying = audio.retry();
  first?.plays[1]?.reject(new DOMException('', error));
  second?.plays[1]?.resolve();
  await retrying;
  await settled();
  expect(blocked).toEqual(expected);
});

test('a track that another one of its owner replaces goes on until that plays; one that ends stops at once', async () => {
  const audio = new RemoteAudio(
    () => {},
    () => {},
  );
  const person = (microphone: MediaStreamTrack | undefined) => ({
    ...{ id: 'ada', peerId: 'ada', isLocal: false, name: 'Ada', muted: false, handRaised: false },
    ...{ microphone, away: false, sources: {}, unsupportedCodecs: new Map() },
  });
  const made = () => elements.filter(({ plays }) => plays.length > 0);
  audio.play([Object.create(person(new FakeMediaStreamTrack({ kind: 'audio' })))]);
  audio.play([Object.create(person(new FakeMediaStreamTrack({ kind: 'audio' })))]);
  const [former, next] = made();
  expect(former?.isRemoved).toBe(false);
  next?.dispatchEvent(new Event('playing'));
  await vi.waitUntil(() => former?.isRemoved);
  expect(next?.isRemoved).toBe(false);
  audio.play([]);
  expect(next?.isRemoved).toBe(true);
});
