/** Generates documentation from code: `docs/protocol.md`, `docs/metrics.md`, `docs/api.md`, tables of the README and `docs/performance.md`, an example for coturn, a dashboard. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { z } from 'zod';
import { variables } from '../server/config/variables.ts';
import { turnserverConf } from '../server/ice/turnserverConf.ts';
import { closeReasons } from '../shared/closeReasons.ts';
import { connectReasons, errorCodes, errorReasons } from '../shared/errors.ts';
import { httpSignallingPaths } from '../shared/httpSignalling.ts';
import { MAX_DISPLAY_NAME, MAX_ROOM_NAME } from '../shared/names.ts';
import { clientMessages, PROTOCOL_VERSION, SIGNALLING_PATH, serverMessages } from '../shared/protocol.ts';
import type { MessageSchemas } from '../shared/RpcChannel.ts';
import { performancePage } from './bench/support/page.ts';
import { apiPage } from './docs/apiPage.ts';
import { dashboard } from './docs/dashboard.ts';
import { metricsPage } from './docs/metricsPage.ts';

/** What of JSON Schema our schemas turn into. */
const Schema = z.object({
  $ref: z.string().optional(),
  $defs: z.record(z.string(), z.unknown()).optional(),
  allOf: z.array(z.unknown()).optional(),
  type: z.string().optional(),
  enum: z.array(z.string()).optional(),
  anyOf: z.array(z.unknown()).optional(),
  items: z.unknown().optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  additionalProperties: z.unknown().optional(),
  propertyNames: z.unknown().optional(),
  required: z.array(z.string()).optional(),
  description: z.string().optional(),
  maxLength: z.number().optional(),
});
type Schema = z.infer<typeof Schema>;

const read = (schema: unknown): Schema => Schema.parse(schema ?? {});

/** One schema in the notation of TypeScript, indented by `depth`. */
function notation(json: unknown, depth: number): string {
  const schema = read(json);
  if (schema.$ref) return schema.$ref.replace('#/$defs/', '');
  if (schema.allOf?.length === 1) return notation(schema.allOf[0], depth);
  if (schema.enum) return schema.enum.map((value) => `'${value}'`).join(' | ');
  if (schema.anyOf) return schema.anyOf.map((one) => notation(one, depth)).join(' | ');
  if (schema.type === 'array') {
    const item = notation(schema.items, depth);
    return item.includes(' | ') ? `(${item})[]` : `${item}[]`;
  }
  if (schema.type !== 'object') return schema.type ?? 'unknown';
  if (schema.properties && Object.keys(schema.properties).length > 0) return fields(schema, depth);
  if (schema.additionalProperties) {
    const key = schema.propertyNames ? notation(schema.propertyNames, depth) : 'string';
    return `{ [${key === 'string' ? `key: ${key}` : `key in ${key}`}]: ${notation(schema.additionalProperties, depth)} }`;
  }
  return '{}';
}

function fields(schema: Schema, depth: number): string {
  const indent = '  '.repeat(depth + 1);
  const lines = Object.entries(schema.properties ?? {}).map(([name, value]) => {
    const { description, maxLength } = read(value);
    const optional = schema.required?.includes(name) ? '' : '?';
    const notes = [description, maxLength && maxLength <= 100_000 ? `at most ${maxLength} characters` : undefined];
    const note = notes.filter(Boolean).join('; ');
    return `${indent}${name}${optional}: ${notation(value, depth + 1)};${note ? ` // ${note}` : ''}`;
  });
  return `{\n${lines.join('\n')}\n${'  '.repeat(depth)}}`;
}

/** A schema in that notation; the named schemas in it are left as names and collected in `types`. */
function typescript(schema: z.ZodType, types: Map<string, string>): string {
  const json = z.toJSONSchema(schema, { io: 'output', unrepresentable: 'any', reused: 'inline' });
  for (const [name, definition] of Object.entries(read(json).$defs ?? {})) types.set(name, notation(definition, 0));
  return notation(json, 0);
}

function requests(table: MessageSchemas, types: Map<string, string>): string {
  return Object.entries(table.requests)
    .map(
      ([name, { about, request, reply }]) =>
        `### \`${name}\`\n\n${about}\n\n\`\`\`ts\n// request\n${typescript(request, types)}\n// reply\n${typescript(reply, types)}\n\`\`\`\n`,
    )
    .join('\n');
}

function events(table: MessageSchemas, types: Map<string, string>): string {
  return Object.entries(table.events)
    .map(([name, { about, data }]) => `### \`${name}\`\n\n${about}\n\n\`\`\`ts\n${typescript(data, types)}\n\`\`\`\n`)
    .join('\n');
}

function row(...cells: string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`;
}

/** The whole of `docs/protocol.md`. */
export function protocolPage(): string {
  const types = new Map<string, string>();
  const [asked, asking, told] = [
    requests(clientMessages, types),
    requests(serverMessages, types),
    events(serverMessages, types),
  ];
  const named = [...types].sort(([a], [b]) => a.localeCompare(b)).map(([name, type]) => `type ${name} = ${type};`);
  return `# Protocol, version ${PROTOCOL_VERSION}

<!-- Generated by \`npm run docs\` from shared/protocol.ts: change that file, then run it again. -->

A WebSocket at \`${SIGNALLING_PATH}\`, or [HTTP where that is blocked](#over-http), with one JSON object per text message:

| message | form |
|---|---|
| request | \`{ "id": 1, "method": "join", "data": { ... } }\` |
| reply | \`{ "id": 1, "data": { ... } }\` |
| error reply | \`{ "id": 1, "error": { "code": "forbidden", "message": "..." } }\` |
| event | \`{ "event": "newPeer", "data": { ... } }\` |
| answer to anything else | \`{ "error": { "code": "badMessage", "message": "..." } }\` |

| rule | |
|---|---|
| direction | both sides send requests; \`id\` is the sender's own counter |
| order | requests of one client are handled one at a time, in their order: a client may send one that builds on another without waiting for its reply |
| unknown fields | of a request: an error. Of a reply or an event, and unknown events: a client ignores them |
| failed requests | leave the connection as it was. The server's errors have a \`requestId\`, by which its log has what failed ([logs](operation.md#logs)) |

## Names

Room names and display names follow the Nickname profile of PRECIS ([RFC 8266](https://www.rfc-editor.org/rfc/rfc8266), on
[RFC 8264](https://www.rfc-editor.org/rfc/rfc8264)), which is made for names that people read, type and paste, with spaces
and in every script. \`shared/names.ts\` implements it for the server and the pages.

| | room names: the form for comparison | display names: the form for display |
|---|---|---|
| spaces | every kind becomes a space; one between words, none at the ends | the same; line breaks and tabs as well |
| case | lowercase | kept |
| normalization | NFKC: composed and decomposed, wide and narrow are one | NFC |
| invisible characters | zero-width, direction marks, fillers and selectors are removed | the same, except visible variants |
| refused | nothing visible left, controls, unassigned and private code points, \`/\`, \`.\`, \`..\` | nothing visible left |
| length | ${MAX_ROOM_NAME} code points | ${MAX_DISPLAY_NAME} grapheme clusters; a longer name in a token is cut |

The server applies it to the \`room\` of \`join\`, to the \`room\` of a token and to the addresses of its API. So \`Team\`,
\`team\` and \`te<U+200B>am\` are one room, with one list of peers and of removals. The page shows that form in its address
bar. Letters of different scripts that look alike (\`a\` and Cyrillic \`а\`) remain different. Three things that the profile
refuses are accepted: joiners inside emoji, invisible code points (removed), and Hangul compatibility jamo (\`ㅋㅋ\`).

## Joining

1. The server sends \`welcome\`.
2. The client sends \`join\`. The reply has the other peers, both transports, and all consumers, paused.
3. Without waiting for one another, the client sends \`connectTransport\` for each transport, \`produce\` for each source, and
   \`resumeConsumers\` for all consumers, as soon as it can decode them.

So a client waits for the server twice before media flows, whatever the size of the room.

## Resuming after a lost connection

A connection that is lost leaves the peer where it is for \`resumeSeconds\`, and media flows on. A close frame with code 1000, or
with one of the codes below that end a session, means to leave. After 1001 or a frame without a code, the peer is kept for three seconds.

1. Open another connection. If it hangs, begin one more rather than wait.
2. After \`welcome\`, send \`resume\` with the key. The reply is the current state. On \`sessionExpired\`, \`join\` on the same
   connection.
3. Send the requests without a reply again, with their ids, and continue counting from there. The ids of a session are all different;
   a request that the server has already handled gets the reply that it had.

## Over HTTP

Where no WebSocket opens, the same messages are carried by requests, unless \`WEIR_HTTP_SIGNALLING=false\`. All are POST with the content
type \`text/plain\`. A frame is a header in JSON, and a message on each line after it.

| path | request | response |
|---|---|---|
| \`${httpSignallingPaths.events}\` | none | \`text/event-stream\`: the event \`open\` with \`{ "id": "...", "frameBytes": 65536 }\`, an event without a name for each message, and the event \`close\` with \`{ "code": 4003, "reason": "serverClosing" }\` |
| \`${httpSignallingPaths.poll}\` | none, which opens a connection; then \`{ "id": "...", "after": 1 }\` | when there are messages, or after 25 seconds, a frame: \`{ "number": 2 }\`. The first one has \`opened\`, with what the event \`open\` has; the last one \`close\` |
| \`${httpSignallingPaths.send}\` | a frame: \`{ "id": "...", "number": 1 }\` and messages of at most \`frameBytes\` | 204 |
| \`${httpSignallingPaths.send}\` | the same with \`"close": { "code": 1000, "reason": "left" }\` in the header, which closes the connection after the messages. Without any it needs no \`number\`; \`"repeated": 2\` says that the first two are those of the frame before, to which no response has come | 204 |

| rule | |
|---|---|
| \`number\` | counts frames from 1, in each direction. A frame of the client is handled once: repeat it, with its number, if its response was lost. Send one at a time |
| \`after\` | the latest frame that has arrived; 0 if none has. The next one is sent again until it is confirmed so |
| a poll | replaces one that waits, which is answered with 409. After one that was cut off, another has to come within five seconds |
| 403, 410, 429 | the connection was refused, or has closed: \`{ "close": { "code": 4015, "reason": "originNotAllowed" } }\` |
| 404 | there is no such connection: resume the session on another one |
| 413 | what the close code 1009 is to a WebSocket |

## Requests of the client

${asked}
## Requests of the server

${asking}
## Events

${told}
## Types

\`\`\`ts
${named.join('\n')}
\`\`\`

## Errors

| code | meaning |
|---|---|
${Object.entries(errorCodes)
  .map(([code, meaning]) => row(`\`${code}\``, meaning))
  .join('')}
An error may have a \`reason\`, which distinguishes causes of the same code.

| reason | of which code, and what it means |
|---|---|
${Object.entries(errorReasons)
  .map(([reason, meaning]) => row(`\`${reason}\``, meaning))
  .join('')}
When no connection can be opened, the SDK determines the reason with \`GET /health\`. These reasons are never sent:

| reason | meaning |
|---|---|
${Object.entries(connectReasons)
  .map(([reason, meaning]) => row(`\`${reason}\``, meaning))
  .join('')}
When the server closes the connection during \`join\`, the SDK's error has the name of the close code, below, as its reason.

## How a connection ends

The close frame's reason is the name.

| code | name | meaning |
|---|---|---|
${Object.entries(closeReasons)
  .map(([name, { code, message }]) => row(String(code), `\`${name}\``, message))
  .join('')}`;
}

const START = '<!-- configuration: generated by `npm run docs` -->';
const END = '<!-- end of configuration -->';

/** The README with its configuration table made anew. @throws {Error} when its markers are missing */
export function withConfiguration(readme: string): string {
  const start = readme.indexOf(START);
  const end = readme.indexOf(END);
  if (start < 0 || end < start) throw new Error('README.md has lost the markers of its configuration table.');
  const rows = Object.entries(variables).map(([name, { form, fallback, meaning }]) =>
    row(`\`${name}\``, name === 'WEIR_WORKERS' ? 'one a core' : fallback, form, meaning),
  );
  const table = `| variable | default | form | meaning |\n|---|---|---|---|\n${rows.join('')}`;
  return `${readme.slice(0, start)}${START}\n\n${table}\n${readme.slice(end)}`;
}

/** coturn's configuration as an example: addresses and names of the documentation, and no secret. */
function turnserverExample(): string {
  return turnserverConf({
    secret: '(WEIR_TURN_SECRET)',
    realm: 'turn.example.com',
    listeningAddresses: ['203.0.113.7', '2001:db8::7'],
    port: 3478,
    tls: { port: 443, cert: '/certificates/fullchain.pem', key: '/certificates/privkey.pem' },
    relayPorts: [49_152, 65_535],
    sfuAddresses: ['203.0.113.7', '2001:db8::7'],
    stateDirectory: '/tmp',
  });
}

/** Path and right content of every page that is generated. */
export function generatedPages(): { path: URL; content: string }[] {
  const page = (path: string) => new URL(`../${path}`, import.meta.url);
  const performance = performancePage();
  return [
    { path: page('docs/protocol.md'), content: protocolPage() },
    { path: page('README.md'), content: withConfiguration(readFileSync(page('README.md'), 'utf8')) },
    { path: page('docs/metrics.md'), content: metricsPage() },
    { path: page('docs/api.md'), content: apiPage() },
    { path: pathToFileURL(performance.path), content: performance.content },
    { path: page('docker/grafana/dashboards/weir.json'), content: dashboard() },
    { path: page('docker/turnserver.example.conf'), content: turnserverExample() },
  ];
}

// The launcher imports it as if it were what was started.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const { path, content } of generatedPages()) writeFileSync(path, content);
  process.stdout.write(
    'docs/protocol.md, docs/metrics.md, docs/api.md, docker/turnserver.example.conf, docker/grafana/dashboards/weir.json, the configuration table of README.md and the figures of docs/performance.md are up to date.\n',
  );
}
