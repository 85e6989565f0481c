/** Tests the signalling at a URL as a page would use it: HTTP, the WebSocket upgrade, the Origin, and what a proxy forwards. */
import { WebSocket } from 'ws';
import { z } from 'zod';
import { closeReason, closeReasons } from '../../../shared/closeReasons.ts';
import { SIGNALLING_PATH } from '../../../shared/protocol.ts';
import { ConnectionInfo, type SelfTestRow } from '../../../shared/selfTest.ts';
import { certificateRow } from './certificateRows.ts';
import { type HttpAnswer, httpGet } from './httpGet.ts';

const Welcome = z.object({ event: z.literal('welcome') });

export interface SignallingTestOptions {
  /** Where browsers open Weir: `https://example.com/meet`. */
  readonly url: URL;
  /** Whether the certificate of HTTPS is judged. A server that tests itself does that without a connection. */
  readonly judgesCertificate: boolean;
  readonly signal: AbortSignal;
}

/** Rows for the certificate, the signalling and the proxy, as far as they can be tested. Never rejects. */
export async function signallingRows({
  url,
  judgesCertificate,
  signal,
}: SignallingTestOptions): Promise<SelfTestRow[]> {
  const target = url.href.replace(/\/$/, '');
  const row = { check: 'signalling', target } as const;
  let answer: HttpAnswer;
  try {
    answer = await httpGet(new URL(`${target}/health`), { signal });
  } catch (error) {
    return [
      {
        ...row,
        state: 'unreachable',
        reason: signal.aborted ? 'noAnswer' : 'refused',
        message: `Nothing answers at ${target}${signal.aborted ? '' : `: ${error instanceof Error ? error.message : error}`}.`,
        remedy: 'Look whether Weir and the proxy before it run, and whether the name leads to this machine.',
      },
    ];
  }
  const certificate =
    answer.tls && judgesCertificate ? [certificateRow({ target, host: url.hostname, ...answer.tls })] : [];
  if (answer.status !== 200) {
    return [
      ...certificate,
      {
        ...row,
        state: 'failed',
        reason: 'httpFailed',
        message: `${target}/health answers with status ${answer.status}, and not as Weir does.`,
        remedy: `The proxy does not pass this path to Weir: compare its configuration, and WEIR_BASE_PATH (${url.pathname}).`,
      },
    ];
  }
  return [
    ...certificate,
    { ...row, ...(await upgrade(url, target, signal)) },
    ...(await proxyRows(url, target, signal)),
  ];
}

type Finding = Pick<SelfTestRow, 'state' | 'reason' | 'message' | 'remedy' | 'roundTripTime'>;

/** Opens a WebSocket as the page of that URL does, until Weir's first message. */
async function upgrade(url: URL, target: string, signal: AbortSignal): Promise<Finding> {
  const began = performance.now();
  const socket = new WebSocket(`${target.replace(/^http/, 'ws')}${SIGNALLING_PATH}`, {
    origin: url.origin,
    rejectUnauthorized: false,
    perMessageDeflate: false,
  });
  const { promise, resolve } = Promise.withResolvers<Finding>();
  const abort = () => resolve(noWelcome('nothing came'));
  signal.addEventListener('abort', abort);
  if (signal.aborted) abort();
  socket.on('error', (error) => resolve(noWelcome(error.message)));
  socket.on('unexpected-response', (_request, response) =>
    resolve(noWelcome(`the answer has status ${response.statusCode}`)),
  );
  socket.on('close', (code) => resolve(closed(code, url, target)));
  socket.on('message', (data) => {
    const isWelcome = Welcome.safeParse(parsed(String(data))).success;
    const roundTripTime = performance.now() - began;
    resolve(
      isWelcome
        ? { state: 'reachable', message: 'Pages can connect: HTTP and WebSocket pass.', roundTripTime }
        : noWelcome('the first message is not one of Weir'),
    );
  });
  try {
    return await promise;
  } finally {
    signal.removeEventListener('abort', abort);
    socket.terminate();
  }
}

function noWelcome(why: string): Finding {
  return {
    state: 'failed',
    reason: 'noUpgrade',
    message: `HTTP is answered, but a WebSocket is not opened: ${why}.`,
    remedy:
      'Let the proxy pass WebSocket upgrades: for nginx, proxy_http_version 1.1 and the headers Upgrade and Connection (docs/deploy.md has a snippet for each proxy).',
  };
}

function closed(code: number, { origin }: URL, target: string): Finding {
  if (code === closeReasons.originNotAllowed.code) {
    return {
      state: 'failed',
      reason: 'originRefused',
      message: `Weir refuses pages of ${origin}: the request reached it under another host name.`,
      remedy: `Let the proxy pass the Host header as browsers send it, or set X-Forwarded-Host with WEIR_TRUST_PROXY=1; or add ${origin} to WEIR_ALLOWED_ORIGINS.`,
    };
  }
  const reason = closeReason(code);
  if (reason === 'disconnected') return noWelcome(`it was closed with code ${code}`);
  return {
    state: 'failed',
    reason: 'httpFailed',
    message: `Weir closes connections to ${target}: ${closeReasons[reason].message}`,
    remedy: 'Try again later.',
  };
}

/** What Weir sees of the request, and whether it believes the proxy. */
async function proxyRows(url: URL, target: string, signal: AbortSignal): Promise<SelfTestRow[]> {
  const answer = await httpGet(new URL(`${target}/api/connection`), { signal }).catch(() => undefined);
  const info = ConnectionInfo.safeParse(parsed(answer?.body ?? ''));
  if (!info.success) return [];
  const { forwarded, trustedProxies, protocol } = info.data;
  const proxies = forwarded.for.length;
  const row = { check: 'proxy', target } as const;
  const isForwarded = proxies > 0 || forwarded.proto !== undefined || forwarded.host !== undefined;
  if (isForwarded && trustedProxies === 0) {
    return [
      {
        ...row,
        state: 'warning',
        reason: 'proxyUntrusted',
        message: 'A proxy forwards the requests, and Weir does not trust it: limits count everybody as one address.',
        remedy: `Set WEIR_TRUST_PROXY=${Math.max(1, proxies)}, the number of proxies.`,
      },
    ];
  }
  if (trustedProxies > 0 && proxies < trustedProxies) {
    return [
      {
        ...row,
        state: 'failed',
        reason: 'proxyUntrusted',
        message: `WEIR_TRUST_PROXY=${trustedProxies}, but the request has the addresses of ${proxies} proxies in X-Forwarded-For: anybody can pretend to have another address.`,
        remedy: `Let every proxy add to X-Forwarded-For, or set WEIR_TRUST_PROXY=${proxies}.`,
      },
    ];
  }
  if (url.protocol === 'https:' && protocol !== 'https') {
    return [
      {
        ...row,
        state: 'warning',
        reason: 'proxyUntrusted',
        message: 'The page is opened by HTTPS, but Weir is told of HTTP.',
        remedy: 'Let the proxy set X-Forwarded-Proto to https.',
      },
    ];
  }
  return isForwarded
    ? [{ ...row, state: 'ok', message: `Weir trusts the proxy before it (WEIR_TRUST_PROXY=${trustedProxies}).` }]
    : [];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
