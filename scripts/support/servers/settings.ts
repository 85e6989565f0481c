/** Owns the settings of servers that are measured: those of tests, with the limits raised that many members at one place would meet. */

/** All members come from one address, and many of them into one room. */
export const raised = {
  WEIR_MAX_CONNECTIONS_PER_IP: '100000',
  WEIR_MAX_PEERS: '10000',
  WEIR_MAX_VIEWERS: '10000',
  WEIR_MESSAGES_PER_SECOND: '100000',
  WEIR_MESSAGE_BURST: '1000000',
} as const;

/** The settings that a benchmark has given to a process of its own. */
export function givenSettings(): Record<string, string> {
  const given: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (name.startsWith('WEIR_') && value !== undefined) given[name] = value;
  }
  return given;
}

/** The environment without what the user has set for a server of theirs, with these settings instead. */
export function environmentWith(settings: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('WEIR_'));
  return { ...Object.fromEntries(own), ...raised, ...settings };
}
