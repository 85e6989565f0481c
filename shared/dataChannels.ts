/** The data channels of a connection for data, through the SFU and between two clients alike. */

/**
 * Negotiated by both ends beforehand (RFC 8831; RFC 8832 is not used): stream ids and reliability. `bulk` is for files, which
 * must not delay other messages.
 */
export const dataChannels = {
  reliable: { id: 0, ordered: true },
  lossy: { id: 1, ordered: false, maxRetransmits: 0 },
  bulk: { id: 2, ordered: true },
} as const;

export type DataChannelLabel = keyof typeof dataChannels;

export const dataChannelLabels = ['reliable', 'lossy', 'bulk'] as const satisfies readonly DataChannelLabel[];

/** As how many bytes a small message of `bulk` counts for its rate: it costs as much work. */
export const MIN_BULK_BYTES = 4096;
