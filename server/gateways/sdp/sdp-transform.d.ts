/** What is used of the package `sdp-transform`, which has no types. What it makes of SDP is data from outside: see `parseSdp`. */
declare module 'sdp-transform' {
  /** Lines that it does not know are in `invalid`. Values that look like numbers are numbers. Never throws. */
  export function parse(sdp: string): unknown;
}
