/** The state of the room and of this client in it, as the server has sent it: peers, audio slots, broadcast, grants, token. */
import type { Source } from '../../shared/media.ts';
import type { Grants, JoinReply, ResumeReply } from '../../shared/protocol.ts';
import { AudioSlotTracks } from './AudioSlotTracks.ts';
import { Broadcast } from './Broadcast.ts';
import { Chat } from './Chat.ts';
import type { Notify } from './events.ts';
import type { ReceivedTrack } from './MediaLink.ts';
import { RemotePeers } from './RemotePeers.ts';
import type { Request } from './Signalling.ts';

/** The playout delay of a broadcast with the profile `smooth`, in milliseconds: enough for a packet to be lost twice. */
const SMOOTH_DELAY = 1000;

export class RoomStore {
  readonly peers: RemotePeers;
  readonly audioSlots: AudioSlotTracks;
  readonly broadcast: Broadcast;
  readonly chat: Chat;
  /** The token to rejoin with. */
  token: string | undefined;
  readonly #notify: Notify;
  #self: Pick<JoinReply, 'peerId' | 'identity' | 'name'> | undefined;
  #grants: Grants | undefined;

  /**
   * @param notify is called after each change
   * @param request sends requests of the broadcast and the chat
   */
  constructor(notify: Notify, request: Request) {
    this.#notify = notify;
    this.peers = new RemotePeers(notify);
    this.audioSlots = new AudioSlotTracks(notify);
    this.broadcast = new Broadcast({ request, notify });
    this.chat = new Chat({ request, notify, self: () => this.#self, peer: (peerId) => this.peers.get(peerId) });
  }

  /** The listeners of those server events that change this state alone. */
  listeners() {
    return {
      ...this.peers.listeners,
      ...this.broadcast.listeners,
      ...this.chat.listeners,
      slots: ({ slots }: Pick<JoinReply, 'slots'>) => this.audioSlots.setHolders(slots),
      tokenRefreshed: ({ token }: { token: string }) => {
        this.token = token;
        this.#notify('tokenRefreshed', token);
      },
    };
  }

  /** Undefined before the join. */
  get self(): Pick<JoinReply, 'peerId' | 'identity' | 'name'> | undefined {
    return this.#self;
  }

  /** Undefined before the join. */
  get grants(): Grants | undefined {
    return this.#grants;
  }

  /** @returns whether they differ from those before */
  setGrants(grants: Grants): boolean {
    const isChanged = JSON.stringify(this.#grants) !== JSON.stringify(grants);
    this.#grants = grants;
    return isChanged;
  }

  /** How much later than it arrives media is played, in milliseconds: viewers of a smooth broadcast do not talk to anybody. */
  get playoutDelay(): number {
    const isSmooth = this.broadcast.info?.profile === 'smooth';
    return isSmooth && this.#grants?.canPublish === false ? SMOOTH_DELAY : 0;
  }

  /** Who we are, from the join reply: known before anything else of the reply is applied. */
  setSelf({ peerId, identity, name, grants }: JoinReply): void {
    this.#self = { peerId, identity, name };
    this.#grants = grants;
  }

  /** Fills the state from a join reply. */
  applyJoin({ peers, unsupportedCodecs, slots, broadcast, hands, chat }: JoinReply): void {
    for (const info of peers) this.peers.add(info);
    this.peers.syncUnsupportedCodecs(unsupportedCodecs);
    this.audioSlots.setHolders(slots);
    this.broadcast.sync(broadcast, hands);
    this.chat.sync(chat);
  }

  /** Makes peers, slots and chat the same as those of the server after a reconnect, and notifies of each difference. */
  applyResume({ peers, unsupportedCodecs, slots, chat }: ResumeReply): void {
    this.peers.sync(peers);
    this.peers.syncUnsupportedCodecs(unsupportedCodecs);
    this.audioSlots.setHolders(slots);
    this.chat.sync(chat);
  }

  addTrack({ peerId, slot, source, track }: ReceivedTrack): void {
    if (slot !== undefined) this.audioSlots.addTrack(slot, track);
    else if (peerId !== undefined) this.peers.addTrack(peerId, source, track);
  }

  removeTrack({ peerId, slot, source, track }: ReceivedTrack): void {
    if (slot !== undefined) this.audioSlots.removeTrack(slot, track);
    else if (peerId !== undefined) this.peers.removeTrack(peerId, source, track);
  }

  /** Whether media of this source should arrive all the time. Audio slots are silent whenever nobody speaks. */
  isExpected(peerId: string, source: Source): boolean {
    return this.peers.sends(peerId, source);
  }

  /** Removes all peers and slots, without notifying. */
  clear(): void {
    this.chat.pause();
    this.peers.clear();
    this.audioSlots.clear();
  }
}
