/** The error for an invalid configuration. */

/** Its message is for whoever starts Weir: it names the variable and what it accepts. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}
