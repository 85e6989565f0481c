import { errors } from 'mediasoup';
import { expect, test } from 'vitest';
import { levelOf } from '../../server/media/mediasoupLog.ts';

test.each([
  '[pid:7] RTC::Transport::AssertAndGetConsumerById() | throwing MediaSoupNotFoundError: Consumer not found [method:transport.closeConsumer]',
  'request failed [method:CONSUMER_RESUME, id:3]: Channel request handler with ID e67c6955-725b not found [method:consumer.resume]',
  '[pid:7] RTC::Router::AssertAndGetTransportById() | throwing MediaSoupNotFoundError: Transport not found [method:router.closeTransport]',
])('a message that arrived too late for its object is logged at debug: %s', (message) => {
  expect(levelOf('error', message)).toBe('debug');
  expect(levelOf('warn', message)).toBe('debug');
});

test("so is mediasoup's message about an object that closed during a request", () => {
  const error = new errors.NotFoundError('original Producer closed');
  expect(levelOf('error', 'pipeToRouter() | error creating pipe Consumer/Producer pair:', error)).toBe('debug');
});

test('everything else keeps its level', () => {
  expect(levelOf('error', '[pid:7] RTC::PortManager::Bind() | port bind failed due to address already in use')).toBe(
    'error',
  );
  expect(levelOf('warn', 'request failed [method:TRANSPORT_CONSUME, id:3]: unsupported codec')).toBe('warn');
  expect(levelOf('error', 'event listener threw an error [eventName:close]:', new Error('not found'))).toBe('error');
});
