/** Settings of measured servers: those of tests, with limits raised that many members from one address would hit. */

/** All members come from one address, and many join the same room. */
export const raised = {
  WEIR_MAX_CONNECTIONS_PER_IP: '100000',
  WEIR_MAX_PEERS: '10000',
  WEIR_MAX_VIEWERS: '10000',
  WEIR_MESSAGES_PER_SECOND: '100000',
  WEIR_MESSAGE_BURST: '1000000',
} as const;

/** The settings that a benchmark passed to its child process. */
export function givenSettings(): Record<string, string> {
  const given: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (name.startsWith('WEIR_') && value !== undefined) given[name] = value;
  }
  return given;
}

/** The environment with these settings instead of the user's own WEIR_ settings. */
export function environmentWith(settings: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('WEIR_'));
  return { ...Object.fromEntries(own), ...raised, ...settings };
}
