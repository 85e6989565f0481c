/** Mutes and stops what the participants of a room publish, for its administrators. Nobody is ever unmuted by others. */
import { WeirError } from '../../../shared/errors.ts';
import type { Source } from '../../../shared/media.ts';
import type { ModeratedProducers, Participant } from '../Participant.ts';

export class SourceModeration {
  readonly #participants: ReadonlyMap<string, Participant>;

  /** @param participants those in the room, by id */
  constructor(participants: ReadonlyMap<string, Participant>) {
    this.#participants = participants;
  }

  /**
   * Mutes a source of a participant, whose client is notified.
   * @param by who does it, if in the room
   * @throws {WeirError} `notFound` if it does not publish that source, `closed` if it is leaving
   */
  async mute(participant: Participant, source: Source, by?: Participant): Promise<void> {
    await producersOf(participant).muteByAdmin(source, by?.info.name);
  }

  /**
   * Mutes the microphones of all participants but `by`. Those of gateways are left: their clients could not unmute them.
   * @returns how many were not muted before
   */
  async muteAll(by?: Participant): Promise<number> {
    const others = [...this.#participants.values()].filter((participant) => participant !== by);
    const muted = others.map(async ({ producers }) => {
      if (!producers?.unmutes) return false;
      // It has none, or is leaving.
      return producers.muteByAdmin('microphone', by?.info.name).catch(() => false);
    });
    return (await Promise.all(muted)).filter(Boolean).length;
  }

  /**
   * Stops a source of a participant, and with a screen its sound; its client is notified.
   * @param by who does it, if in the room
   * @throws {WeirError} `notFound` if it does not publish that source
   */
  async stop(participant: Participant, source: Source, by?: Participant): Promise<void> {
    const producers = producersOf(participant);
    await producers.stopByAdmin(source, by?.info.name);
    if (source !== 'screen') return;
    await producers.stopByAdmin('screenAudio', by?.info.name).catch((error: unknown) => {
      if (WeirError.from(error).code !== 'notFound') throw error;
    });
  }
}

/** @throws {WeirError} `notFound` */
function producersOf({ producers }: Participant): ModeratedProducers {
  if (!producers) throw new WeirError('notFound', 'This peer publishes nothing.');
  return producers;
}
