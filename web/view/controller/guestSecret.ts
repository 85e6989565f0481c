/** The secret of a guest; it lives in this page's memory only. */

/** @returns 128 random bits in base64url */
export function createGuestSecret(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}
