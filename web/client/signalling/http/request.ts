/** HTTP requests of the signalling, and what their failure means. */
import { type Close, Refused } from '../../../../shared/httpSignalling.ts';

/** The connection is lost; whoever has a session resumes it over another one. */
export const LOST: Close = { code: 1006, reason: '' };
/** The statuses of proxies that cannot reach their server, which may be so for a moment only. */
const gatewayErrors: ReadonlySet<number> = new Set([502, 503, 504]);

/** How often a request is repeated, and the pauses before, in milliseconds. */
export const retryPauses: readonly number[] = [100, 400];

/** Posts a body. @throws the reason of the signal; {TypeError} when there is no response */
export function post(url: URL, body: string | undefined, signal: AbortSignal): Promise<Response> {
  // Text needs no preflight, and a proxy that signs people in by cookies gets them as with any request of the page.
  return fetch(url, { method: 'POST', ...(body !== undefined && { body }), cache: 'no-store', signal });
}

/** Whether the same request may succeed a moment later. @param response undefined if there was none */
export function isTransient(response: Response | undefined): boolean {
  return response === undefined || gatewayErrors.has(response.status);
}

/** Why the server has refused a request: `LOST` unless it says so. */
export async function refusalOf(response: Response): Promise<Close> {
  if (response.status === 413) return { code: 1009, reason: 'message too big' };
  const body: unknown = await response.json().catch(() => undefined);
  const parsed = Refused.safeParse(body);
  return parsed.success ? parsed.data.close : LOST;
}

/** Resolves after so many milliseconds, or when the signal is aborted. */
export function pause(time: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, time);
  const abort = () => {
    clearTimeout(timer);
    resolve();
  };
  signal.addEventListener('abort', abort, { once: true });
  return promise.finally(() => signal.removeEventListener('abort', abort));
}
