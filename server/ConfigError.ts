/** The error of a configuration that cannot be used. */

/** The message names the variable and what it accepts. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}
