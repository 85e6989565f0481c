/** Tests of EventStreamParser: the forms of a stream of server-sent events, in pieces of any length. */
import { expect, test } from 'vitest';
import { EventStreamParser } from '../../web/client/signalling/http/EventStreamParser.ts';

const stream = [
  ':   a comment\n\n',
  'event: open\ndata: {"id":"x"}\n\n',
  'data: {"a": "b: c"}\n\n',
  'data:no space\r\n\r\n',
  'data: one\rdata: two\r\r',
  'id: 7\nretry: 10\n\n',
  'event: close\ndata\n\n',
  'data: 한국어 🎥\n\n',
  'data: never complete',
].join('');

const events = [
  { event: 'open', data: '{"id":"x"}' },
  { event: 'message', data: '{"a": "b: c"}' },
  { event: 'message', data: 'no space' },
  { event: 'message', data: 'one\ntwo' },
  { event: 'close', data: '' },
  { event: 'message', data: '한국어 🎥' },
];

test.each([1, 2, 3, 7, 1000])('parses it in pieces of %d characters', (length) => {
  const parser = new EventStreamParser();
  const found = [];
  for (let at = 0; at < stream.length; at += length) found.push(...parser.feed(stream.slice(at, at + length)));
  expect(found).toEqual(events);
});
