/** What a tile shows of a participant. */
import type { Participant } from '../controller/Participant.ts';
import { translate } from '../locales/index.ts';
import type { TileState } from './Tile.ts';

/** The state of a participant's camera or screen tile; not pinned. */
export function tileState(participant: Participant, source: 'camera' | 'screen'): TileState {
  const { name, peerId, isLocal, unsupportedCodec } = participant;
  const isCamera = source === 'camera';
  const label = isLocal ? translate('you') : name;
  return {
    data: isLocal ? { local: '' } : isCamera ? { peerId } : { screenOf: peerId },
    label: isCamera ? label : translate('screenOf', { name }),
    name,
    video: participant[source],
    expectsVideo: (isCamera ? participant.cameraOn : participant.screenOn) && unsupportedCodec[source] === undefined,
    unsupportedCodec: unsupportedCodec[source],
    muted: isCamera && participant.muted,
    handRaised: isCamera && participant.handRaised,
    pinned: false,
    away: participant.away,
  };
}
