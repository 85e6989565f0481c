/** Data messages of direct peers with and without the grant to send them. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { DataGrants } from '../../web/client/p2p/DataGrants.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** What comes from Ada. */
function fromAda() {
  const heard: string[] = [];
  const grants = new DataGrants(({ topic }) => heard.push(topic));
  const set = (canPublishData: boolean) => grants.setPeers([{ peerId: 'ada', negotiation: 1, canPublishData }]);
  const say = (topic: string, channel: 'reliable' | 'lossy' | 'bulk' = 'reliable', bytes = 1) =>
    grants.receive({ peerId: 'ada', channel, topic, data: new Uint8Array(bytes) });
  return { heard, grants, set, say };
}

test('whoever has the grant is heard, whoever has not is not, and one that nobody named is not either', () => {
  const { heard, grants, set, say } = fromAda();
  say('too early');
  set(true);
  say('one');
  set(false);
  for (const channel of ['reliable', 'lossy', 'bulk'] as const) say(channel, channel);
  expect(heard).toEqual(['one']);
  grants.setPeers([]);
  say('unnamed now');
  expect(heard).toEqual(['one']);
});

test('what overtakes the event of a new grant is let through after it, in order, and no more than a little of it', () => {
  const { heard, grants, set, say } = fromAda();
  set(false);
  say('old');
  vi.advanceTimersByTime(1500);
  say('first');
  say('second', 'bulk', 200_000);
  say('lossy', 'lossy');
  say('too much', 'bulk', 100_000);
  vi.advanceTimersByTime(600);
  set(true);
  say('third');
  expect(heard).toEqual(['first', 'second', 'third']);
  set(false);
  say('before it');
  // Another event about the peer, sent before that of the grant.
  set(false);
  set(true);
  expect(heard.pop()).toBe('before it');
  set(false);
  for (let count = 0; count < 1000; count += 1) say('empty', 'reliable', 0);
  set(true);
  expect(heard.splice(3)).toHaveLength(64);
  set(false);
  say('of one who left');
  grants.removePeer('ada');
  set(true);
  expect(heard).toHaveLength(3);
});
