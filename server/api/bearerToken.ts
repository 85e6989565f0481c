/** The credentials of a request to the API. */

/** The token of `Authorization: Bearer` (RFC 6750, section 2.1). */
export function bearerToken(authorization: string | undefined): string | undefined {
  return /^Bearer +(\S+)$/i.exec(authorization?.trim() ?? '')?.[1];
}
