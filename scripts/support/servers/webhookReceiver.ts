/**
 * The program of a webhook receiver: an HTTP server that checks each webhook with LiveKit's own package, and appends it to a
 * file before it answers. It fails as often as it is told to, before it has stored a webhook and after it.
 */
import { createHash } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import http from 'node:http';
import { WebhookReceiver } from 'livekit-server-sdk';
import { z } from 'zod';
import { randomFrom } from '../random.ts';

const settings = z
  .object({
    port: z.number(),
    /** Each line is a `ReceivedWebhook`. */
    file: z.string(),
    apiKey: z.string(),
    apiSecret: z.string(),
    /** The share of requests that fail. */
    failing: z.number(),
    seed: z.number(),
  })
  .parse(JSON.parse(process.argv[2] ?? '{}'));

const random = randomFrom(settings.seed);
const receiver = new WebhookReceiver(settings.apiKey, settings.apiSecret);

async function read(request: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}

/** @returns what is wrong with it, or undefined */
async function store(request: http.IncomingMessage): Promise<string | undefined> {
  const body = await read(request);
  const sha256 = createHash('sha256').update(body).digest('hex');
  const append = (line: object) => appendFileSync(settings.file, `${JSON.stringify({ sha256, ...line })}\n`);
  try {
    const event = await receiver.receive(body, request.headers.authorization);
    const { id, event: type, room, participant, track } = event;
    const contentType = request.headers['content-type'];
    append({ id, type, contentType, room: room?.sid, identity: participant?.identity, track: track?.sid });
    return undefined;
  } catch (error) {
    append({ wrong: String(error) });
    return String(error);
  }
}

const server = http.createServer(async (request, response) => {
  const fate = random.int(1000) / 1000 / settings.failing;
  // A third each: no answer at all, an error before it is stored, an error although it is stored.
  if (fate < 1 / 3) return request.socket.destroy();
  if (fate < 2 / 3) return response.writeHead(503).end();
  const wrong = await store(request);
  return response.writeHead(wrong !== undefined ? 401 : fate < 1 ? 500 : 200).end();
});
server.listen(settings.port, '127.0.0.1', () => process.send?.('listening'));
