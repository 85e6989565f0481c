/** Tests of the statistics of a transport, over reports that were recorded in Chromium 156 and Firefox 153, shortened. */
import { expect, test } from 'vitest';
import { connectionStatsOf } from '../../web/client/connectionStats.ts';

const reportOf = (rows: readonly { id: string }[]) => new Map(rows.map((row) => [row.id, row]));
const statsOf = (rows: readonly { id: string }[]) =>
  connectionStatsOf({ direction: 'send', state: 'connected', report: reportOf(rows) });

const candidate = { address: '192.0.2.2', timestamp: 1795882627250.713 };

/** After an ICE restart: the pair of the former generation is still nominated. */
const chromiumRestarted = [
  pairOfChromium('CPdmL5GaKp_kTmLbd0L', { nominated: true, bytesSent: 759091, bytesReceived: 4392 }),
  pairOfChromium('CPAX2NCvGx_xctK2gqB', {
    nominated: true,
    bytesSent: 644190,
    bytesReceived: 2984,
    currentRoundTripTime: 0.018,
    availableOutgoingBitrate: 5526153,
  }),
  pairOfChromium('CPO2w8ecIp_xctK2gqB', { nominated: false, bytesSent: 0, bytesReceived: 0 }),
  {
    ...candidate,
    id: 'IAX2NCvGx',
    type: 'local-candidate',
    candidateType: 'host',
    isRemote: false,
    networkType: 'ethernet',
    port: 34341,
    protocol: 'udp',
  },
  {
    ...candidate,
    id: 'IO2w8ecIp',
    type: 'local-candidate',
    address: '127.0.0.1',
    candidateType: 'host',
    networkType: 'unknown',
    port: 50001,
    protocol: 'udp',
  },
  {
    ...candidate,
    id: 'IdmL5GaKp',
    type: 'local-candidate',
    candidateType: 'host',
    networkType: 'ethernet',
    port: 54031,
    protocol: 'udp',
  },
  {
    ...candidate,
    id: 'IkTmLbd0L',
    type: 'remote-candidate',
    candidateType: 'host',
    isRemote: true,
    port: 12887,
    protocol: 'udp',
  },
  {
    ...candidate,
    id: 'IxctK2gqB',
    type: 'remote-candidate',
    candidateType: 'host',
    isRemote: true,
    port: 12887,
    protocol: 'udp',
  },
  {
    id: 'T01',
    type: 'transport',
    dtlsState: 'connected',
    iceRole: 'controlling',
    selectedCandidatePairChanges: 2,
    selectedCandidatePairId: 'CPAX2NCvGx_xctK2gqB',
  },
];

function pairOfChromium(id: string, row: object) {
  const [local = '', remote = ''] = id.slice(2).split('_');
  return {
    id,
    type: 'candidate-pair',
    localCandidateId: `I${local}`,
    remoteCandidateId: `I${remote}`,
    state: 'succeeded',
    ...row,
  };
}

/** Over a TURN server by TCP. */
const chromiumRelay = [
  pairOfChromium('CPp2E+n0iV_x8OPg5ga', {
    nominated: true,
    bytesSent: 426469,
    bytesReceived: 3614,
    currentRoundTripTime: 0.001,
  }),
  {
    ...candidate,
    id: 'Ip2E+n0iV',
    type: 'local-candidate',
    candidateType: 'relay',
    networkType: 'ethernet',
    port: 61399,
    protocol: 'udp',
    relayProtocol: 'tcp',
    url: 'turn:192.0.2.2:34285?transport=tcp',
  },
  { ...candidate, id: 'Ix8OPg5ga', type: 'remote-candidate', candidateType: 'host', port: 14194, protocol: 'udp' },
  { id: 'T01', type: 'transport', selectedCandidatePairId: 'CPp2E+n0iV_x8OPg5ga' },
];

/** Firefox has no rows of transports, and marks the selected pair. */
const firefox = [
  {
    id: 'f8339212',
    type: 'candidate-pair',
    bytesReceived: 0,
    bytesSent: 0,
    localCandidateId: '858b95c5',
    nominated: true,
    remoteCandidateId: '5b3fe222',
    selected: false,
    state: 'succeeded',
  },
  {
    id: 'e0461f6d',
    type: 'candidate-pair',
    bytesReceived: 9226,
    bytesSent: 741795,
    localCandidateId: '7fff9878',
    nominated: true,
    remoteCandidateId: '5b3fe222',
    selected: true,
    state: 'succeeded',
    transportId: 'transport_0',
  },
  { ...candidate, id: '7fff9878', type: 'local-candidate', candidateType: 'host', port: 57230, protocol: 'udp' },
  {
    ...candidate,
    id: '858b95c5',
    type: 'local-candidate',
    candidateType: 'relay',
    port: 62168,
    protocol: 'udp',
    relayProtocol: 'udp',
  },
  { ...candidate, id: '5b3fe222', type: 'remote-candidate', candidateType: 'host', port: 12887, protocol: 'udp' },
];

const host = (port: number) => ({ candidateType: 'host', protocol: 'udp', address: '192.0.2.2', port });

test('Chromium: the pair that the transport has selected, not one of before an ICE restart', () => {
  expect(statsOf(chromiumRestarted)).toEqual({
    direction: 'send',
    state: 'connected',
    pair: {
      local: { ...host(34341), networkType: 'ethernet' },
      remote: host(12887),
      currentRoundTripTime: 0.018,
      availableOutgoingBitrate: 5526153,
      bytesSent: 644190,
      bytesReceived: 2984,
    },
  });
});

test('Chromium: how a TURN server is reached', () => {
  expect(statsOf(chromiumRelay).pair).toEqual({
    local: { ...host(61399), candidateType: 'relay', relayProtocol: 'tcp', networkType: 'ethernet' },
    remote: host(14194),
    currentRoundTripTime: 0.001,
    bytesSent: 426469,
    bytesReceived: 3614,
  });
});

test('Firefox: the selected pair, without what it does not report', () => {
  expect(statsOf(firefox).pair).toEqual({
    local: host(57230),
    remote: host(12887),
    bytesSent: 741795,
    bytesReceived: 9226,
  });
});

test('there is no pair before ICE has selected one, and none whose candidates are of an unknown kind', () => {
  const transport = { id: 'T01', type: 'transport', iceState: 'checking' };
  const waiting = chromiumRelay.filter(({ type }) => type !== 'transport').map((row) => ({ ...row, nominated: false }));
  expect(statsOf([...waiting, transport])).toEqual({ direction: 'send', state: 'connected' });
  expect(statsOf(firefox.map((row) => ({ ...row, candidateType: 'carrier pigeon' }))).pair).toBeUndefined();
  expect(statsOf([]).pair).toBeUndefined();
});

test('an address that the browser hides is left out', () => {
  const hidden = chromiumRelay.map((row) => ({ ...row, ...('address' in row && { address: '', port: null }) }));
  expect(statsOf(hidden).pair?.local).toEqual({
    candidateType: 'relay',
    protocol: 'udp',
    relayProtocol: 'tcp',
    networkType: 'ethernet',
  });
});
