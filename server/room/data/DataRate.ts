/** How much data one peer may send. */

/** Messages a second on all channels but `bulk`. */
export const DATA_MESSAGES_PER_SECOND = 200;
