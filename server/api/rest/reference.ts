/** The page that describes the REST API to people: each endpoint with its parameters and fields, from its schemas. */
import { z } from 'zod';
import type { Endpoint } from './Endpoint.ts';

/** @param url of the API, relative to the server */
export function reference(endpoints: readonly Endpoint[], url: string): string {
  const links = endpoints.map(({ id, method }) => {
    return `<li><a href="#${id}"><span class="method">${method}</span> ${wordsOf(id)}</a></li>`;
  });
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="dark light">
<title>API · Weir</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${url}/reference.css">
</head>
<body>
<nav aria-label="Endpoints"><h1>Weir API</h1><ul>${links.join('')}</ul></nav>
<main>
<section>
<p>Rooms, participants, tracks and data of this server, under <code>${escapeHtml(url)}</code>. The same as an
<a href="${url}/openapi.json">OpenAPI 3.1 document</a>.</p>
<p>Each request has a header <code>Authorization: Bearer &lt;token&gt;</code>: a JWT (HS256) that is signed with a key of this server
and has the grant that the endpoint names; <code>roomAdmin</code> is for the one room that the token names. Bodies are JSON, and an
unknown field is refused. Errors are problem details (RFC 9457), whose <code>detail</code> says what to do.</p>
<p>LiveKit's server SDKs work with the same keys: their RoomService is at <code>/twirp</code> of this server. A broadcast is
the room <code>broadcast/&lt;name&gt;</code> there.</p>
</section>
${endpoints.map(sectionOf).join('\n')}
</main>
</body>
</html>
`;
}

function sectionOf({
  id,
  method,
  path,
  summary,
  grant,
  address,
  body,
  reply,
  status = 200,
  conditional,
}: Endpoint): string {
  const inPath = new Set([...path.matchAll(/:(\w+)/g)].map(([, name]) => name));
  const title = `<h2 id="${id}"><span class="method">${method}</span> <code>${escapeHtml(path)}</code></h2>`;
  const parts = [
    title,
    `<p>${formatted(summary)}</p>`,
    `<p class="grant">Grant: <code>${grant}</code>${conditional ? ' · <code>If-Match</code> with the <code>ETag</code> of the resource: 412 if it has changed' : ''}</p>`,
    fieldsOf('Parameters', z.toJSONSchema(address, OPTIONS.input), (name) => (inPath.has(name) ? 'path' : 'query')),
    body ? fieldsOf('Body', z.toJSONSchema(body, OPTIONS.input)) : '',
    `<h3>Response ${status}</h3>`,
    reply ? fieldsOf('', z.toJSONSchema(reply, OPTIONS.output)) : '<p>No body.</p>',
  ];
  return `<section aria-labelledby="${id}">${parts.join('\n')}</section>`;
}

const OPTIONS = {
  input: { io: 'input', unrepresentable: 'any' },
  output: { io: 'output', unrepresentable: 'any' },
} as const;

/** What of a JSON schema is shown. */
const Shown = z.object({
  $ref: z.string().optional(),
  $defs: z.record(z.string(), z.unknown()).optional(),
  type: z.string().optional(),
  description: z.string().optional(),
  enum: z.array(z.unknown()).optional(),
  const: z.unknown().optional(),
  default: z.unknown().optional(),
  items: z.unknown().optional(),
  anyOf: z.array(z.unknown()).optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  maxLength: z.number().optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  required: z.array(z.string()).optional(),
});
type Shown = z.infer<typeof Shown>;

/** A table of the fields of an object, those of objects inside of it included. @param whereOf what stands before the type */
function fieldsOf(title: string, json: unknown, whereOf?: (name: string) => string): string {
  const { $defs: definitions = {} } = Shown.parse(json);
  const rows = rowsOf(resolve(json, definitions), definitions, '', whereOf);
  if (rows.length === 0) return '';
  const head = '<tr><th scope="col">Field</th><th scope="col">Type</th><th scope="col">Meaning</th></tr>';
  const table = `<div class="scroll"><table><thead>${head}</thead><tbody>${rows.join('')}</tbody></table></div>`;
  return title ? `<h3>${title}</h3>${table}` : table;
}

function rowsOf(
  schema: Shown,
  definitions: Readonly<Record<string, unknown>>,
  prefix: string,
  whereOf?: (name: string) => string,
): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, value]) => {
    const field = resolve(value, definitions);
    const optional = schema.required?.includes(name) ? '' : ' <span class="optional">optional</span>';
    const fallback =
      field.default === undefined ? '' : ` Default: <code>${escapeHtml(JSON.stringify(field.default))}</code>.`;
    const where = whereOf ? `${whereOf(name)}, ` : '';
    const text = field.description ? `${formatted(field.description)}.` : '';
    const row = `<tr><td><code>${prefix}${escapeHtml(name)}</code>${optional}</td><td>${where}${typeOf(field, definitions)}</td><td>${text}${fallback}</td></tr>`;
    const items = field.items === undefined ? undefined : resolve(field.items, definitions);
    const inner = field.properties
      ? rowsOf(field, definitions, `${prefix}${name}.`)
      : items?.properties
        ? rowsOf(items, definitions, `${prefix}${name}[].`)
        : [];
    return [row, ...inner];
  });
}

/** A schema, with what it refers to. */
function resolve(value: unknown, definitions: Readonly<Record<string, unknown>>): Shown {
  const schema = Shown.parse(value);
  if (!schema.$ref) return schema;
  const definition = Shown.parse(definitions[schema.$ref.replace('#/$defs/', '')] ?? {});
  return { ...definition, ...(schema.description && { description: schema.description }), default: schema.default };
}

function typeOf(schema: Shown, definitions: Readonly<Record<string, unknown>>): string {
  if (schema.enum) return schema.enum.map((value) => `<code>${escapeHtml(String(value))}</code>`).join(', ');
  if (schema.const !== undefined) return `<code>${escapeHtml(JSON.stringify(schema.const))}</code>`;
  if (schema.items !== undefined) return `list of ${typeOf(resolve(schema.items, definitions), definitions)}`;
  if (schema.anyOf) return schema.anyOf.map((one) => typeOf(resolve(one, definitions), definitions)).join(' or ');
  const { type = 'text', minimum, maximum, maxLength } = schema;
  const hasRange = minimum !== undefined && maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER;
  const range = hasRange
    ? `, ${minimum} to ${maximum}`
    : maxLength === undefined
      ? ''
      : `, up to ${maxLength} characters`;
  return `${type}${range}`;
}

/** `listRooms` as `list rooms`. */
function wordsOf(id: string): string {
  return id.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** Escapes text, and marks what is between backquotes as code. */
function formatted(text: string): string {
  return escapeHtml(text).replace(/`([^`]+)`/g, '<code>$1</code>');
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

export const stylesheet = `:root {
  color-scheme: dark light;
  --ground: #101314; --text: #e8eceb; --soft: #9fb0ae; --line: #2a3232; --raised: #171c1d; --accent: oklch(0.78 0.12 200);
}
@media (prefers-color-scheme: light) {
  :root { --ground: #fbfaf7; --text: #1b2122; --soft: #53605f; --line: #dcdfdb; --raised: #f1f1ec; --accent: oklch(0.46 0.1 210); }
}
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body {
  margin: 0; display: grid; grid-template-columns: 16rem minmax(0, 1fr); background: var(--ground); color: var(--text);
  font: 16px/1.6 system-ui, sans-serif;
}
nav { position: sticky; top: 0; height: 100vh; overflow: auto; padding: 1.5rem 1rem; border-right: 1px solid var(--line); }
nav h1 { margin: 0 0.5rem 1rem; font-size: 1.25rem; }
nav ul { list-style: none; margin: 0; padding: 0; }
nav a {
  display: block; padding: 0.3rem 0.5rem; border-radius: 6px; color: inherit; text-decoration: none; font-size: 0.875rem;
}
nav a:hover { background: var(--raised); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
main { max-width: 62rem; padding: 1.5rem clamp(1rem, 4vw, 3rem) 6rem; }
section { padding: 1rem 0 1.5rem; border-bottom: 1px solid var(--line); }
h2 { margin: 0.5rem 0; font-size: 1.0625rem; overflow-wrap: anywhere; }
h3 { margin: 1.25rem 0 0.25rem; font-size: 0.875rem; color: var(--soft); }
a { color: var(--accent); }
code { font: 0.9em ui-monospace, monospace; overflow-wrap: anywhere; }
.method { display: inline-block; min-width: 3.5rem; color: var(--accent); font: 600 0.8125rem ui-monospace, monospace; }
.grant, .optional { color: var(--soft); }
.optional { font-size: 0.8125rem; }
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: 0.875rem; }
th, td { padding: 0.4rem 0.75rem 0.4rem 0; text-align: left; vertical-align: top; border-top: 1px solid var(--line); }
th { color: var(--soft); font-weight: 500; border-top: 0; }
td:nth-child(1) { min-width: 12rem; } td:nth-child(2) { min-width: 10rem; }
@media (max-width: 50rem) {
  body { display: block; }
  nav { position: static; height: auto; border-right: 0; border-bottom: 1px solid var(--line); }
  nav a { padding: 0.6rem 0.5rem; }
  thead { position: absolute; clip-path: inset(50%); }
  tr { display: block; padding: 0.5rem 0; border-top: 1px solid var(--line); }
  td { display: block; padding: 0.1rem 0; border: 0; }
  td:empty { display: none; }
}
`;
