/** Tests of RemoteAudio: when the browser's refusal to play is reported. */
import { FakeMediaStreamTrack } from 'fake-mediastreamtrack';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { RemoteAudio } from '../../web/view/common/RemoteAudio.ts';

/** An element whose `play` is settled by the test. */
class FakeElement {
  readonly dataset = {};
  readonly plays: PromiseWithResolvers<void>[] = [];

  append() {}

  remove() {}

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
