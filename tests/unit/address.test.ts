/** Tests of addresses: how the page and the SDK find their server under any base path. */
import { describe, expect, test } from 'vitest';
import { baseOf, signallingUrl } from '../../web/client/base.ts';
import { roomInPath } from '../../web/view/common/address.ts';

test.each([
  ['https://weir.example/assets/client-C0aWHX9v.js', 'https://weir.example/'],
  ['https://example.com/meet/assets/client-C0aWHX9v.js', 'https://example.com/meet/'],
  ['https://example.com/meet/sdk.js', 'https://example.com/meet/'],
  ['http://localhost:5173/client/base.ts', 'http://localhost:5173/'],
])('code loaded from %s belongs to the server at %s', (module, base) => {
  expect(baseOf(module)).toBe(base);
});

test.each([
  ['https://weir.example', 'wss://weir.example/ws'],
  ['http://localhost:3000/', 'ws://localhost:3000/ws'],
  ['https://example.com/meet', 'wss://example.com/meet/ws'],
  ['wss://example.com/apps/meet//?x=1#y', 'wss://example.com/apps/meet/ws'],
])('the signalling URL of %s is %s', (url, signalling) => {
  expect(signallingUrl(url).href).toBe(signalling);
});

test.each(['', 'weir.example', '/meet', 'ftp://weir.example'])(
  '%j is not the URL of a server, and the error says so',
  (url) => {
    expect(() => signallingUrl(url)).toThrow(/is not the URL of a Weir server/);
  },
);

describe('the room in a path', () => {
  test.each([
    ['/r/team', '/', { kind: 'call', written: 'team' }],
    ['/meet/r/team', '/meet/', { kind: 'call', written: 'team' }],
    ['/meet//B/Te%20am//', '/meet/', { kind: 'broadcast', written: 'Te am' }],
    ['/r/team', '/meet/', { kind: 'call', written: 'team' }],
    ['/meet/r/team', '/', undefined],
    ['/meet/', '/meet/', undefined],
    ['/r/%', '/', undefined],
  ])('%s under %s', (path, base, named) => {
    expect(roomInPath(path, base)).toEqual(named);
  });
});
