/** What the SDK knows of file transfers before their code is loaded: their topic, and for how long unfinished ones are kept. */

/** The topic of every message of file transfers, on the data channel `bulk`. */
export const FILE_TOPIC = 'file';

/** For how long an unfinished transfer can go on after a reload, in milliseconds. */
export const PARTIAL_FILE_LIFETIME = 24 * 3600 * 1000;

/** First byte of the message with which a reloaded page asks for the other ends of its transfers. */
export const SEEK_KIND = 2;
