/** Judges whose connection makes a picture or sound bad, from what both ends of each link have measured. */
import type { ClientMessages } from '../../../shared/protocol.ts';
import type { ReplyData } from '../../../shared/RpcChannel.ts';
import type { Symptoms } from './Symptoms.ts';

/**
 * How good a connection is, and what makes it bad: our own uplink (others receive us badly), our own downlink (we receive a
 * peer badly), the server, or the peer's uplink (everybody receives them badly).
 */
export type ConnectionQuality = 'good' | 'localUplink' | 'localDownlink' | 'server' | 'remoteUplink';

/** What the server has measured. */
export type LinkFacts = ReplyData<ClientMessages, 'getConnectionQuality'>;

/** One cause that was found. */
export interface Finding {
  readonly quality: ConnectionQuality;
  /** Whether a fact that disproves it may be missing yet. */
  readonly tentative: boolean;
}

export interface Judgement {
  /** Of what we send. */
  readonly self: Finding;
  /** Of the peers who have symptoms; all others are good. */
  readonly peers: ReadonlyMap<string, Finding>;
}

/** Shares of packets. Below them a link is good: retransmission and error concealment repair that much unnoticed. */
const LOSS = { up: 0.04, down: 0.03 };

/**
 * The rules, of which the first that applies decides. Without symptoms nothing is said (rule 1), and so it is where no fact
 * explains them (rule 8): a slow computer, or a camera in the dark, is nobody's connection.
 */
export function judge({ uplink, peers }: Symptoms, facts: LinkFacts): Judgement {
  const self = judgeSelf(uplink, facts);
  return {
    self: certain(self),
    peers: new Map([...peers.keys()].map((peerId) => [peerId, judgePeer(peerId, self, facts)])),
  };
}

function judgeSelf(uplink: Symptoms['uplink'], facts: LinkFacts): ConnectionQuality {
  // 1. Nothing looks bad.
  if (!uplink.loss && !uplink.limited) return 'good';
  // 2. A server that does not keep up loses and delays packets of everybody: its measurements say nothing about links.
  if (facts.overloaded) return 'server';
  // 3. Packets are lost on the way to the server: both ends have counted it.
  if (facts.uplinkLoss >= LOSS.up) return 'localUplink';
  // 4. The bandwidth is not enough. The estimate comes from reports that travel over the downlink: where that loses packets,
  // or is or may be full, a low estimate says nothing about the uplink.
  const isDownlinkBad = facts.downlinkLoss >= LOSS.down || facts.downlinkLimited || facts.downlinkEstimateLow;
  if (uplink.limited && !isDownlinkBad) return 'localUplink';
  return 'good';
}

function judgePeer(peerId: string, self: ConnectionQuality, facts: LinkFacts): Finding {
  const peer = facts.peers.find((one) => one.peerId === peerId);
  // 2. As above; the peer may be on another worker.
  if (facts.overloaded || peer?.overloaded) return certain('server');
  // 5. Packets are lost on the way from the server to us, whatever the peer's uplink does.
  if (facts.downlinkLoss >= LOSS.down) return certain('localDownlink');
  // 6. The server receives the peer badly.
  if (peer?.uplink === 'poor') return certain('remoteUplink');
  // 7. Less fits to us than we want to see. As in rule 4, the other way round: that estimate travels over our uplink. An
  // estimate that is only low is no reason: it is so after a join, and where the peer sends little. A peer whose uplink has
  // become narrow sends less too, and says so only after some seconds (rule 6).
  if (facts.downlinkLimited && self !== 'localUplink') return { quality: 'localDownlink', tentative: true };
  // 8. Not a connection.
  return certain('good');
}

function certain(quality: ConnectionQuality): Finding {
  return { quality, tentative: false };
}
