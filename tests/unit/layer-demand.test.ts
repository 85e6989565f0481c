/** Owns the proof of which layers a publisher is told to send: those that are shown, soon, however often viewers say so. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LayerDemand } from '../../server/room/LayerDemand.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A video of three layers, and what its publisher was told. */
function setUp() {
  const demand = new LayerDemand(3);
  const told: number[] = [];
  demand.onChange((layer) => told.push(layer));
  const pass = (milliseconds: number) => vi.advanceTimersByTime(milliseconds);
  return { demand, told, pass, ada: { name: 'Ada' }, bob: { name: 'Bob' } };
}

test('a new video is sent as it is shown within two seconds', () => {
  const { demand, told, pass, ada } = setUp();
  demand.set(ada, 2, true);
  pass(300);
  demand.set(ada, 1);
  pass(1700);
  expect(told).toEqual([1]);
  pass(60_000);
  expect(told).toEqual([1]);
});

test('a new video that nobody demands is not sent after two seconds', () => {
  const { demand, told, pass, ada } = setUp();
  for (let second = 0; second < 10; second += 0.1) {
    demand.set(ada, undefined);
    pass(100);
    if (second > 2) expect(told).toEqual([-1]);
  }
});

test('a new video that nobody says anything of is not sent after two seconds', () => {
  const { told, pass } = setUp();
  pass(1000);
  expect(told).toEqual([]);
  pass(1000);
  expect(told).toEqual([-1]);
});

test('the same demand again, by any number of viewers, does not keep a layer', () => {
  const { demand, told, pass, ada, bob } = setUp();
  demand.set(ada, 2);
  pass(20_000);
  demand.set(ada, 1);
  for (let second = 0; second < 10.5; second += 0.5) {
    demand.set(ada, 1);
    demand.set(bob, second % 1 === 0 ? 0 : 1);
    pass(500);
  }
  expect(told).toEqual([1]);
});

test('a layer that was shown is kept for ten seconds, and two once nothing is', () => {
  const { demand, told, pass, ada } = setUp();
  demand.set(ada, 2);
  pass(5000);
  demand.set(ada, 0);
  pass(9000);
  expect(demand.layer).toBe(2);
  demand.set(ada, 2);
  pass(500);
  demand.set(ada, 0);
  pass(9900);
  expect(told).toEqual([]);
  pass(200);
  expect(told).toEqual([0]);
  demand.set(ada, undefined);
  pass(1900);
  expect(demand.layer).toBe(0);
  pass(200);
  expect(told).toEqual([0, -1]);
});

test('a viewer who has not said how it shows a video starts its lowest layer, and the others when it goes on', () => {
  const { demand, told, pass, ada, bob } = setUp();
  demand.set(ada, 0);
  pass(2000);
  expect(told).toEqual([0]);
  demand.set(bob, 2, true);
  pass(1000);
  demand.set(bob, 2, true);
  expect(told).toEqual([0]);
  pass(600);
  expect(told).toEqual([0, 2]);
  demand.set(bob, undefined);
  pass(100);
  expect(told).toEqual([0, 2, 0]);
  demand.set(ada, undefined);
  pass(3000);
  demand.set(bob, 2, true);
  expect(told).toEqual([0, 2, 0, -1, 0]);
});

test('of a video that has ended nothing is told', () => {
  const { demand, told, pass, ada } = setUp();
  demand.close();
  demand.set(ada, 0);
  pass(20_000);
  expect(told).toEqual([]);
});
