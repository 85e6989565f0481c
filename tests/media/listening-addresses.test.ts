/** Tests of the addresses on which media is received: IPv6, alone and beside IPv4. */
import { expect } from 'vitest';
import { hasIPv6 } from '../support/equipment.ts';
import { layers, test, untilReceiving } from '../support/headlessMembers.ts';

test.skipIf(!hasIPv6).for([
  ['IPv6 alone', '::1', ['::1']],
  ['IPv4 and IPv6, each in a socket of its own', '127.0.0.1,::1', ['127.0.0.1', '::1']],
  ['all addresses of both families', '::,0.0.0.0', undefined],
] as const)('media flows on %s', async ([, hosts, announced], { open }) => {
  const { app, enter } = await open({ WEIR_RTC_HOST: hosts });
  if (announced) expect(app.announced.addresses).toEqual(announced);
  const publisher = await enter('publisher', { tracks: { camera: layers } });
  const viewer = await enter('viewer');
  await untilReceiving(viewer, publisher.peerId);
});
