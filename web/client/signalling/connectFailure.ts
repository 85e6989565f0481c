/** Finds out why no connection to the server could be opened. A browser tells its page nothing of a failed WebSocket. */
import { connectReasons, WeirError } from '../../../shared/errors.ts';

/** How long the server may take to answer over HTTP, in milliseconds. */
const TIMEOUT = 3000;
/** What proxies answer when they do not reach the server behind them. */
const gatewayErrors: ReadonlySet<number> = new Set([502, 503, 504]);

/**
 * @param url where the server is, as for the WebSocket
 * @param cause what connecting failed with
 * @returns `unavailable`, with one of `connectReasons`
 */
export async function connectFailure(url: URL, cause: unknown): Promise<WeirError> {
  const reason = await reasonOf(url);
  return new WeirError('unavailable', connectReasons[reason], { cause, reason });
}

async function reasonOf(url: URL): Promise<keyof typeof connectReasons> {
  const health = new URL(url);
  health.protocol = health.protocol.replace('ws', 'http');
  health.pathname = health.pathname.replace(/[^/]*$/, 'health');
  try {
    const response = await fetch(health, {
      cache: 'no-store',
      credentials: 'omit',
      signal: AbortSignal.timeout(TIMEOUT),
    });
    if (gatewayErrors.has(response.status)) return 'badGateway';
    // A captive portal answers everything, with pages of its own.
    const body: unknown = response.ok ? await response.json().catch(() => undefined) : undefined;
    return isHealthy(body) ? 'webSocketBlocked' : 'otherServer';
  } catch {
    return globalThis.navigator?.onLine === false ? 'offline' : 'unreachable';
  }
}

function isHealthy(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'status' in body && body.status === 'ok';
}
