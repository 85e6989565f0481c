/** Finds out over HTTP why no WebSocket to the server opens: browsers do not give the reason. */
import { connectReasons, WeirError } from '../../../shared/errors.ts';

/** The timeout of the HTTP request, in milliseconds. */
const TIMEOUT = 3000;
/** The statuses of proxies that cannot reach their server. */
const gatewayErrors: ReadonlySet<number> = new Set([502, 503, 504]);

/**
 * @param url the URL of the WebSocket
 * @param cause the error of connecting
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
    // A captive portal answers every request with a page of its own.
    const body: unknown = response.ok ? await response.json().catch(() => undefined) : undefined;
    return isHealthy(body) ? 'webSocketBlocked' : 'otherServer';
  } catch {
    return globalThis.navigator?.onLine === false ? 'offline' : 'unreachable';
  }
}

function isHealthy(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'status' in body && body.status === 'ok';
}
