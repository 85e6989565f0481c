/**
 * A call whose participants joined with tokens that have expired since: a host, a speaker, and a participant silenced
 * by the host.
 */
import type { Browser } from 'playwright-core';
import { signToken } from '../../../server/auth/tokens.ts';
import { seeEachOther, Visitor } from '../../support/browsers/Visitor.ts';
import { until } from '../../support/until.ts';

const keys = { apiKey: 'torture', apiSecret: 'a secret of torture trials, of 32 characters and more' };
/** Lifetime of the tokens in seconds: shorter than the set-up of the call takes. */
const LIFETIME = 5;

/** Settings of a server for such a call. */
export const tokenSettings = {
  WEIR_API_KEY: keys.apiKey,
  WEIR_API_SECRET: keys.apiSecret,
  WEIR_TOKEN_LEEWAY_SECONDS: '0',
};

export class Invited {
  readonly #host: Visitor;
  readonly #speaker: Visitor;
  readonly #silenced: Visitor;
  /** The permissions of each before the fault. */
  #before: string[] = [];

  private constructor(host: Visitor, speaker: Visitor, silenced: Visitor) {
    this.#host = host;
    this.#speaker = speaker;
    this.#silenced = silenced;
  }

  /** Resolves when all have joined, one of them is silenced, and the tokens have expired. */
  static async enter(browser: Browser, url: string, room: string, within: number): Promise<Invited> {
    const enter = async (identity: string, roomAdmin: boolean) => {
      const video = { room, roomJoin: true, roomAdmin };
      const token = await signToken({ ...keys, identity, name: identity, video, lifetime: LIFETIME });
      return Visitor.enter(browser, url, room, identity, { token });
    };
    const [host, speaker, silenced] = [await enter('Ada', true), await enter('Bob', false), await enter('Cleo', false)];
    const expired = performance.now() + LIFETIME * 1000;
    const invited = new Invited(host, speaker, silenced);
    await invited.isWhole(within);
    await host.silence('Cleo');
    await until('Cleo being silenced', within, async () => (await silenced.grants())?.canPublishSources.length === 0);
    invited.#before = await invited.#grants();
    await until('the tokens expiring', LIFETIME * 1000 + 1000, () => performance.now() > expired);
    return invited;
  }

  /** Waits until everybody is present, and those who may be seen are. @param within timeout in milliseconds */
  async isWhole(within: number): Promise<void> {
    await Promise.all([
      seeEachOther(this.#host, this.#speaker, within),
      ...this.#all.map((visitor) =>
        until(`${visitor.name} being in`, within, async () => (await visitor.room()).others.length === 2),
      ),
    ]);
  }

  /** Number of participants whose permissions differ from before. */
  async changed(): Promise<number> {
    const now = await this.#grants();
    return now.filter((grants, index) => grants !== this.#before[index]).length;
  }

  /** Participants that the host sees in addition to the two others. */
  async staleParticipants(): Promise<number> {
    return Math.max(0, (await this.#host.room()).others.length - 2);
  }

  get #all(): readonly Visitor[] {
    return [this.#host, this.#speaker, this.#silenced];
  }

  async #grants(): Promise<string[]> {
    return Promise.all(this.#all.map(async (visitor) => JSON.stringify(await visitor.grants())));
  }
}
