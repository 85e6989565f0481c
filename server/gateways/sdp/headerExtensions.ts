/** Names of the header extensions that SDP of clients is read for (RFC 8285). */

/** The m-line of a packet (RFC 9143, section 15). */
export const MID = 'urn:ietf:params:rtp-hdrext:sdes:mid';
/** Numbers for bandwidth estimation at the sender. */
export const TRANSPORT_CC = 'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01';
/** Times for bandwidth estimation at the receiver. */
export const ABS_SEND_TIME = 'http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time';
/** How a phone is held (3GPP TS 26.114, section 7.4.5). */
export const VIDEO_ORIENTATION = 'urn:3gpp:video-orientation';
