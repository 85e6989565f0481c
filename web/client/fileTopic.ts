/** The topic of every message of file transfers, on the data channel `bulk`. */

export const FILE_TOPIC = 'file';
