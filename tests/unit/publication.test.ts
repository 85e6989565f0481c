/**
 * Tests of publications: data about a track that changes and ends, for the room, its subscribers and other processes.
 */
import { expect, test } from 'vitest';
import type { Track } from '../../server/media/Track.ts';
import type { Demand } from '../../server/room/Demand.ts';
import { Publication } from '../../server/room/Publication.ts';

const track: Track = {
  id: 'track',
  peerId: 'ada',
  source: 'camera',
  kind: 'video',
  mimeTypes: ['video/VP8', 'video/rtx'],
  paused: false,
  size: { width: 1280, height: 720 },
  layers: 3,
  pathChanges: 0,
  location: { routerId: 'router' },
};

test("all of a track's data can be serialised for another process", () => {
  expect(JSON.parse(JSON.stringify(new Publication(track).track))).toEqual(track);
});

test('a change replaces the track, so that listeners can compare both', () => {
  const publication = new Publication(track);
  const changes: [Track, Track][] = [];
  const remove = publication.onChange((now, before) => changes.push([now, before]));
  publication.update({ paused: true });
  publication.update({ size: { width: 320, height: 180 }, layers: 1 });
  remove();
  publication.update({ paused: false });
  const muted = { ...track, paused: true };
  const small = { ...muted, size: { width: 320, height: 180 }, layers: 1 };
  expect(changes).toEqual([
    [muted, track],
    [small, muted],
  ]);
  expect(publication.track).toEqual({ ...small, paused: false });
});

test('the end is reported once to each remaining listener, and at once to a late one', () => {
  const publication = new Publication(track);
  const ends: string[] = [];
  publication.onEnd(() => ends.push('first'));
  const remove = publication.onEnd(() => ends.push('removed'));
  publication.onEnd(() => {
    expect(publication.closed).toBe(true);
    ends.push('second');
  });
  remove();
  publication.close();
  publication.close();
  publication.onEnd(() => ends.push('late'));
  expect(ends).toEqual(['first', 'second', 'late']);
});

test('the demand is the sum over the routers, and ends with the publication', () => {
  const publication = new Publication(track);
  const demands: (Demand | undefined)[] = [];
  publication.onDemand((demand) => demands.push(demand));
  const [ada, bob] = [{}, {}];
  publication.setDemand('near', ada, 0);
  publication.setDemand('far', bob, 2);
  publication.setDemand('far', bob, undefined);
  publication.setDemand('near', ada, undefined);
  publication.setDemand('near', ada, undefined);
  publication.setDemand('near', ada, 1);
  const of = (layer: number) => ({ start: layer, keep: layer, reported: layer });
  expect(demands).toEqual([of(0), of(2), of(0), undefined, of(1)]);
  publication.close();
  publication.setDemand('near', ada, 2);
  expect(demands).toHaveLength(5);
});
