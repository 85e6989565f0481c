/**
 * Tests of the demand for layers: a publisher sends what is displayed, soon after a change, however often viewers
 * repeat their settings, and whichever router or machine they are on.
 */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Demand, DemandSum, RouterDemand } from '../../server/room/Demand.ts';
import { LayerDemand } from '../../server/room/LayerDemand.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const pass = (milliseconds: number) => vi.advanceTimersByTime(milliseconds);

type Viewer = 'ada' | 'bob';
type SetDemand = (viewer: Viewer, layer: number | undefined, assumed?: boolean) => void;

/** Paths by which the demand of two viewers reaches the publisher's side. */
const paths: Record<string, (origin: LayerDemand) => SetDemand> = {
  'on one router': (origin) => {
    const sum = new DemandSum((demand) => origin.update(demand));
    const router = new RouterDemand((demand) => sum.set('router', demand));
    const viewers = { ada: {}, bob: {} };
    return (viewer, layer, assumed) => router.set(viewers[viewer], layer, assumed);
  },
  'on two routers': (origin) => {
    const sum = new DemandSum((demand) => origin.update(demand));
    const ada = new RouterDemand((demand) => sum.set('near', demand));
    const bob = new RouterDemand((demand) => sum.set('far', demand));
    const routers = { ada, bob };
    return (viewer, layer, assumed) => routers[viewer].set(viewer === 'ada' ? ada : bob, layer, assumed);
  },
  'on two machines': (origin) => {
    const sum = new DemandSum((demand) => origin.update(demand));
    const there = new DemandSum((demand) => sum.set('machine', demand));
    const ada = new RouterDemand((demand) => sum.set('router', demand));
    const bob = new RouterDemand((demand) => there.set('router', demand));
    const routers = { ada, bob };
    return (viewer, layer, assumed) => routers[viewer].set(viewer === 'ada' ? ada : bob, layer, assumed);
  },
};

describe.each(Object.entries(paths))('of a video of three layers whose viewers are %s', (_, path) => {
  function setUp() {
    const origin = new LayerDemand(3);
    const layers: number[] = [];
    origin.onChange((layer) => layers.push(layer));
    return { origin, layers, set: path(origin) };
  }

  test('a new video is sent as displayed within two seconds', () => {
    const { layers, set } = setUp();
    set('ada', 2, true);
    pass(300);
    set('ada', 1);
    pass(1700);
    expect(layers).toEqual([1]);
    pass(60_000);
    expect(layers).toEqual([1]);
  });

  test('a new video without demand is not sent after two seconds', () => {
    const { layers, set } = setUp();
    for (let second = 0; second < 10; second += 0.1) {
      set('ada', undefined);
      pass(100);
      if (second > 2) expect(layers).toEqual([-1]);
    }
  });

  test('repeating the same demand, by any number of viewers, does not keep a layer', () => {
    const { layers, set } = setUp();
    set('ada', 2);
    pass(20_000);
    set('ada', 1);
    for (let second = 0; second < 10.5; second += 0.5) {
      set('ada', 1);
      set('bob', second % 1 === 0 ? 0 : 1);
      pass(500);
    }
    expect(layers).toEqual([1]);
  });

  test('a displayed layer is kept for ten seconds, or for two once nothing is displayed', () => {
    const { origin, layers, set } = setUp();
    set('ada', 2);
    pass(5000);
    set('ada', 0);
    pass(9000);
    expect(origin.layer).toBe(2);
    set('ada', 2);
    pass(500);
    set('ada', 0);
    pass(9900);
    expect(layers).toEqual([]);
    pass(200);
    expect(layers).toEqual([0]);
    set('ada', undefined);
    pass(1900);
    expect(origin.layer).toBe(0);
    pass(200);
    expect(layers).toEqual([0, -1]);
  });

  test('a layer that one viewer gives up and another displays is neither kept longer nor stopped', () => {
    const { layers, set } = setUp();
    set('ada', 2);
    set('bob', 0);
    pass(5000);
    set('bob', 2);
    set('ada', undefined);
    pass(60_000);
    expect(layers).toEqual([]);
    set('ada', 1);
    set('bob', undefined);
    pass(9900);
    expect(layers).toEqual([]);
    pass(200);
    expect(layers).toEqual([1]);
  });

  test('a viewer without track settings starts the lowest layer of a video, and the others after 1.5 s', () => {
    const { layers, set } = setUp();
    set('ada', 0);
    pass(2000);
    expect(layers).toEqual([0]);
    set('bob', 2, true);
    pass(1000);
    set('bob', 2, true);
    expect(layers).toEqual([0]);
    pass(600);
    expect(layers).toEqual([0, 2]);
    set('bob', undefined);
    pass(100);
    expect(layers).toEqual([0, 2, 0]);
    set('ada', undefined);
    pass(3000);
    set('bob', 2, true);
    expect(layers).toEqual([0, 2, 0, -1, 0]);
  });

  test('nothing changes any more once the video has ended', () => {
    const { origin, layers, set } = setUp();
    origin.close();
    set('ada', 0);
    pass(20_000);
    expect(layers).toEqual([]);
  });
});

test('a layer is kept for as long as its room says when a lower one is demanded', () => {
  const origin = new LayerDemand(3, { upper: 3000 });
  const viewer = new RouterDemand((demand) => origin.update(demand));
  const layers: number[] = [];
  const key = {};
  viewer.set(key, 2);
  origin.onChange((layer) => layers.push(layer));
  pass(5000);
  viewer.set(key, 0);
  pass(2500);
  expect(layers).toEqual([]);
  pass(1000);
  expect(layers).toEqual([0]);
});

test('a new video without any report is not sent after two seconds', () => {
  const origin = new LayerDemand(3);
  const layers: number[] = [];
  origin.onChange((layer) => layers.push(layer));
  pass(1000);
  expect(layers).toEqual([]);
  pass(1000);
  expect(layers).toEqual([-1]);
});

describe('the sum of a router', () => {
  test('is passed on, and only when it has changed', () => {
    const sums: (Demand | undefined)[] = [];
    const total = new DemandSum((demand) => sums.push(demand));
    const near = new RouterDemand((demand) => total.set('near', demand));
    const far = new RouterDemand((demand) => total.set('far', demand));
    const viewers = Array.from({ length: 100 }, () => ({}));
    for (const viewer of viewers) near.set(viewer, 1);
    for (const viewer of viewers) far.set(viewer, 1);
    expect(sums).toEqual([{ start: 1, keep: 1, reported: 1 }]);
    far.set(viewers[0] ?? {}, 2);
    for (const viewer of viewers) near.set(viewer, undefined);
    expect(sums.slice(1)).toEqual([{ start: 2, keep: 2, reported: 2 }]);
    for (const viewer of viewers) far.set(viewer, undefined);
    expect(sums.slice(2)).toEqual([{ start: 1, keep: 1, reported: 1 }, undefined]);
  });

  test('distinguishes reported demand from assumed, and an old assumption from a recent one', () => {
    const [assuming, reporting] = [{}, {}];
    const sums: (Demand | undefined)[] = [];
    const total = new DemandSum((demand) => sums.push(demand));
    const near = new RouterDemand((demand) => total.set('near', demand));
    const far = new RouterDemand((demand) => total.set('far', demand));
    near.set(assuming, 2, true);
    far.set(reporting, 1);
    pass(1501);
    near.set(assuming, 0);
    expect(sums).toEqual([
      { start: 0, keep: 2, reported: -1 },
      { start: 1, keep: 2, reported: 1 },
      { start: 2, keep: 2, reported: 1 },
      { start: 1, keep: 1, reported: 1 },
    ]);
  });
});
