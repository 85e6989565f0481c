/** Covers what a client takes from a server of an earlier version: nothing of what that server does not know yet. */
import { expect, test } from 'vitest';
import { clientRequests } from '../../shared/clientRequests.ts';
import { serverEvents } from '../../shared/serverMessages.ts';
import { welcome } from '../support/roomClient.ts';

test('a welcome without limits of data and files permits none', () => {
  const { messageBytes, joinSeconds, queueSeconds, pingSeconds, silenceSeconds, resumeSeconds } = welcome.limits;
  const limits = { messageBytes, joinSeconds, queueSeconds, pingSeconds, silenceSeconds, resumeSeconds };
  expect(serverEvents.welcome.data.parse({ ...welcome, limits }).limits).toEqual({
    ...limits,
    dataBytes: 0,
    dataMessages: 0,
    dataBitrate: 0,
    fileBytes: 0,
    fileBitrate: 0,
  });
});

test('a welcome without a word of reports of joins asks for none', () => {
  const { joinReports: _, ...earlier } = { ...welcome, joinReports: true };
  expect(serverEvents.welcome.data.parse(earlier).joinReports).toBe(false);
});

test('a peer of whom nothing is said of data may exchange it', () => {
  const peer = { peerId: 'ada', identity: 'ada', name: 'Ada', sources: {}, hand: false, away: false };
  expect(serverEvents.newPeer.data.parse(peer)).toEqual({ ...peer, canExchangeData: true });
});

test('a report of connections without the state of the estimate says that it is not low', () => {
  const facts = { overloaded: false, uplinkLoss: 0, downlinkLoss: 0, downlinkLimited: false, peers: [] };
  expect(clientRequests.getConnectionQuality.reply.parse(facts)).toEqual({ ...facts, downlinkEstimateLow: false });
});
