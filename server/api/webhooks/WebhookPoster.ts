/** Sends webhooks to one URL over HTTP: one request each, which is neither redirected nor repeated. */
import http from 'node:http';
import https from 'node:https';

/** How an attempt has ended. */
export interface PostResult {
  readonly delivered: boolean;
  /** Why it is not delivered, for the log. */
  readonly why?: string;
  /** When the receiver wants to be asked again, in milliseconds. */
  readonly retryAfter?: number | undefined;
}

export interface WebhookPosterOptions {
  readonly url: URL;
  /** How long a request may take, in milliseconds. */
  readonly timeout: number;
  /** How many requests there are at once, at most: as many connections are kept open. */
  readonly concurrency: number;
}

const CONTENT_TYPE = 'application/webhook+json';

export class WebhookPoster {
  readonly #options: WebhookPosterOptions;
  readonly #agent: http.Agent;
  readonly #aborter = new AbortController();

  constructor(options: WebhookPosterOptions) {
    this.#options = options;
    const agentOptions = { keepAlive: true, maxSockets: options.concurrency };
    this.#agent = options.url.protocol === 'https:' ? new https.Agent(agentOptions) : new http.Agent(agentOptions);
  }

  /** Never rejects: what fails is a result. */
  async post(body: string, authorization: string): Promise<PostResult> {
    const { timeout } = this.#options;
    const signal = AbortSignal.any([this.#aborter.signal, AbortSignal.timeout(timeout)]);
    try {
      const response = await this.#request(body, authorization, signal);
      return resultOf(response);
    } catch (error) {
      if (this.#aborter.signal.aborted) return { delivered: false, why: 'Weir has closed' };
      if (signal.aborted) return { delivered: false, why: `no answer within ${timeout / 1000} s` };
      return { delivered: false, why: reasonOf(error) };
    }
  }

  /** Aborts requests, and closes connections; idempotent. */
  close(): void {
    this.#aborter.abort();
    this.#agent.destroy();
  }

  /** Resolves when the whole response has come; its body is of no interest. */
  #request(body: string, authorization: string, signal: AbortSignal): Promise<http.IncomingMessage> {
    const { url } = this.#options;
    const content = Buffer.from(body);
    const headers = {
      'content-type': CONTENT_TYPE,
      'content-length': content.length,
      authorization,
      'user-agent': 'weir',
    };
    const client = url.protocol === 'https:' ? https : http;
    return new Promise((resolve, reject) => {
      const request = client.request(url, { method: 'POST', headers, agent: this.#agent, signal });
      request.on('error', reject);
      request.on('response', (response) => {
        response.on('error', reject);
        response.on('end', () => resolve(response));
        response.resume();
      });
      request.end(content);
    });
  }
}

function resultOf({ statusCode = 0, headers }: http.IncomingMessage): PostResult {
  if (statusCode >= 200 && statusCode < 300) return { delivered: true };
  const redirect = statusCode >= 300 && statusCode < 400 ? ', a redirect, which is not followed' : '';
  const seconds = Number(headers['retry-after']);
  const retryAfter = Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : undefined;
  return { delivered: false, why: `status ${statusCode}${redirect}`, retryAfter };
}

/** Errors of several addresses of a host name have no message of their own. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
