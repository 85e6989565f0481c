/** The HTTP requests of `npm run publish`: asks a server for ports, looks whether it still has the session, and ends it. */
import { z } from 'zod';
import { RtpAnswer } from '../support/plainRtp.ts';
import { PublishError } from './PublishError.ts';

export interface SessionRequest {
  /** Of the server, with the path under which it is. */
  readonly server: URL;
  readonly room: string;
  readonly kind: 'call' | 'broadcast';
  readonly token: string | undefined;
  readonly body: Readonly<Record<string, unknown>>;
}

const Problem = z.object({ detail: z.string() });
/** How long a server may take to answer, in milliseconds. */
const TIMEOUT = 10_000;

export class Session {
  readonly answer: RtpAnswer;
  readonly #url: URL;

  private constructor(answer: RtpAnswer, url: URL) {
    this.answer = answer;
    this.#url = url;
  }

  /** @throws {PublishError} why there are no ports */
  static async open({ server, room, kind, token, body }: SessionRequest): Promise<Session> {
    const url = new URL(`${server.href.replace(/\/$/, '')}/rtp/${encodeURIComponent(room)}?kind=${kind}`);
    const headers: Record<string, string> = { 'content-type': 'application/json' };
    if (token !== undefined) headers.authorization = `Bearer ${token}`;
    const response = await ask(url, { method: 'POST', headers, body: JSON.stringify(body) });
    const text = await response.text();
    if (response.status !== 201) throw new PublishError(refusal(response.status, text, token !== undefined));
    const answer = RtpAnswer.safeParse(parsed(text));
    if (!answer.success) throw new PublishError(`What answers at ${server.href} is not a Weir of this version.`);
    return new Session(answer.data, new URL(answer.data.session, server));
  }

  /** Whether the server still has it. A server that does not answer may come back. */
  async isOpen(): Promise<boolean> {
    const response = await ask(this.#url, {}).catch(() => undefined);
    return response?.status !== 404;
  }

  /** Ends it. One that the server has ended, or cannot be reached for, is none any more. */
  async close(): Promise<void> {
    await ask(this.#url, { method: 'DELETE' }).catch(() => undefined);
  }
}

/** @throws {PublishError} when nothing answers */
async function ask(url: URL, options: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...options, signal: AbortSignal.timeout(TIMEOUT) });
  } catch (error) {
    const { cause } = error instanceof Error ? error : {};
    const why = cause instanceof Error && 'code' in cause ? String(cause.code) : String(error);
    throw new PublishError(`No Weir answers at ${url.origin} (${why}): is it running? --server names another one.`);
  }
}

function refusal(status: number, text: string, hasToken: boolean): string {
  const problem = Problem.safeParse(parsed(text));
  const detail = problem.success ? problem.data.detail : text.slice(0, 200);
  const hint = status === 401 && !hasToken ? ' Set WEIR_TOKEN, or WEIR_API_KEY and WEIR_API_SECRET.' : '';
  return `The server refuses it (${status}): ${detail}${hint}`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
