/** The token of a call: fresh tokens, their storage, and the way back to the invitation. */
import { beforeEach, expect, test, vi } from 'vitest';
import { WeirError } from '../../web/client/index.ts';
import { CallToken } from '../../web/view/controller/CallToken.ts';

const options = { room: 'room', token: 'invitation' };
const expired = new WeirError('unauthorized', 'expired', { reason: 'expired' });

function stubStorage(): Map<string, string> {
  const stored = new Map<string, string>();
  vi.stubGlobal('sessionStorage', {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => stored.set(key, value),
  });
  return stored;
}

beforeEach(() => {
  stubStorage();
  return () => vi.unstubAllGlobals();
});

test('the newest token is the one to join with, also after a reload', () => {
  const token = new CallToken(options);
  expect(token.current).toBe('invitation');
  token.refresh('fresh');
  expect(token.current).toBe('fresh');
  expect(new CallToken(options).current).toBe('fresh');
});

test('a stored token belongs to its room, kind and invitation', () => {
  new CallToken(options).refresh('fresh');
  expect(new CallToken({ ...options, room: 'other' }).current).toBe('invitation');
  expect(new CallToken({ ...options, kind: 'broadcast' }).current).toBe('invitation');
  expect(new CallToken({ ...options, token: 'another' }).current).toBe('another');
});

test('without an invitation nothing is stored', () => {
  const stored = stubStorage();
  const token = new CallToken({ room: 'room' });
  token.refresh('fresh');
  expect(token.current).toBe('fresh');
  expect(stored.size).toBe(0);
});

test('an expired fresh token falls back to the invitation, once', () => {
  const token = new CallToken(options);
  token.refresh('fresh');
  expect(token.fallBackToInvitation(new WeirError('forbidden', 'no'))).toBe(false);
  expect(token.current).toBe('fresh');
  expect(token.fallBackToInvitation(expired)).toBe(true);
  expect(token.current).toBe('invitation');
  expect(token.fallBackToInvitation(expired)).toBe(false);
});

test.each([
  ['is disabled', () => vi.stubGlobal('sessionStorage', undefined)],
  ['holds something else', () => vi.stubGlobal('sessionStorage', { getItem: () => 'null', setItem: () => {} })],
])('a storage that %s leaves the invitation', (_name, stub) => {
  stub();
  const token = new CallToken(options);
  token.refresh('fresh');
  expect(token.current).toBe('fresh');
  expect(new CallToken(options).current).toBe('invitation');
});
