/** Removes from a log what must not leave the page: secrets, names of people and of the room, chat messages, IP addresses. */

const REMOVED = 'removed';

/** Fields of messages whose text opens something: it is removed wherever else it occurs as well. */
const secretFields: ReadonlySet<string> = new Set([
  'token',
  'resumeKey',
  'key',
  'guest',
  'password',
  'credential',
  'username',
]);
/**
 * Fields that say who is where, and what they write in the chat. On an open server, whoever knows the room's name may
 * join.
 */
const personalFields: ReadonlySet<string> = new Set(['name', 'identity', 'metadata', 'room', 'title', 'by', 'text']);
/** Shorter values occur by chance. */
const MIN_SECRET_LENGTH = 8;

/** A message of the signalling without secrets, names and chat messages. @param secrets is given what was removed as a secret */
export function redactMessage(message: string, secrets: Set<string>): string {
  if (!message.startsWith('{')) return message;
  try {
    return JSON.stringify(JSON.parse(message), (field, value: unknown) => {
      if (secretFields.has(field) && typeof value === 'string') {
        secrets.add(value);
        return REMOVED;
      }
      return personalFields.has(field) && typeof value === 'string' ? REMOVED : value;
    });
  } catch {
    return '(not JSON)';
  }
}

/** A text without the ICE passwords of the SDP in it. @param secrets is given what was removed */
export function redactSdp(text: string, secrets: Set<string>): string {
  return text.replaceAll(/(a=ice-pwd:)(\S+)/g, (_, attribute: string, password: string) => {
    secrets.add(password);
    return attribute + REMOVED;
  });
}

/** Removes secrets from a text wherever they occur. */
export function replaceSecrets(text: string, secrets: ReadonlySet<string>): string {
  let result = text;
  for (const secret of secrets) {
    if (secret.length >= MIN_SECRET_LENGTH && secret !== REMOVED) result = result.replaceAll(secret, REMOVED);
  }
  return result;
}

/** What may be an address; preceded by the end of a word, or by an escaped line break of JSON. */
const ipv4Like = /(?<=^|[^\w.]|\\[nrt])\d{1,3}(?:\.\d{1,3}){3}(?!\w|\.\d)/g;
const ipv6Like = /(?<=^|[^\w.:]|\\[nrt])[0-9a-fA-F]*:[0-9a-fA-F:]*(?:\.\d+){0,3}(?!\w)/g;

/** Replaces each IP address by a name that keeps its family, the same one each time. Unspecified addresses are kept. */
export function redactAddresses(text: string): string {
  const names = new Map<string, string>();
  const replace = (family: string, isAddress: (found: string) => boolean) => (found: string) => {
    if (!isAddress(found) || found === '0.0.0.0' || found === '::') return found;
    const name = names.get(found) ?? `${family}-${names.size + 1}.invalid`;
    names.set(found, name);
    return name;
  };
  return text.replaceAll(ipv6Like, replace('ipv6', isIpv6)).replaceAll(ipv4Like, replace('ipv4', isIpv4));
}

function isIpv4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255);
}

/** As RFC 4291 writes them: eight groups, or fewer with one `::`; the last two may be an IPv4 address. */
function isIpv6(text: string): boolean {
  const halves = text.split('::');
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  const last = groups.at(-1) ?? '';
  const count = groups.length + (last.includes('.') ? 1 : 0);
  const isValid = groups.every(
    (group, index) => /^[0-9a-fA-F]{1,4}$/.test(group) || (index === groups.length - 1 && isIpv4(group)),
  );
  return isValid && (halves.length === 2 ? count < 8 : count === 8);
}
