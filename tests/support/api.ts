/** A client of the REST API for tests. */
import { expect } from 'vitest';
import { type SignOptions, signToken } from '../../server/auth/tokens.ts';
import { apiKey, apiSecret } from './weir.ts';

export interface ApiResponse {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed; undefined if there is none. */
  readonly body: unknown;
}

export interface ApiRequest {
  readonly grants?: object | undefined;
  /** Sent as JSON; a string as it is. */
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

/** A token of a program, which has no identity. */
export async function adminToken(grants: object, options: Partial<SignOptions> = {}): Promise<string> {
  return signToken({ apiKey, apiSecret, video: grants, ...options });
}

/** Sends a request to `/api/v1`, with a token that has these grants, or without one. */
export async function api(
  url: string,
  request: string,
  { grants, body, headers = {} }: ApiRequest = {},
): Promise<ApiResponse> {
  const [method = '', path = ''] = request.split(' ');
  const response = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: {
      ...(grants && { authorization: `Bearer ${await adminToken(grants)}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json');
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text || undefined };
}

/** A response with problem details (RFC 9457). */
export function problem(status: number, detail: string | RegExp) {
  const text = typeof detail === 'string' ? expect.stringContaining(detail) : expect.stringMatching(detail);
  return { status, body: { type: 'about:blank', title: expect.any(String), status, detail: text } };
}
