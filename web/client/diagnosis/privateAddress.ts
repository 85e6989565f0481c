/** Which IP addresses cannot be reached from the Internet. */

/** RFC 1918, RFC 6598, loopback and link-local addresses of IPv4 and IPv6, and unique local ones (RFC 4193). */
export function isPrivateAddress(address: string): boolean {
  const text = address.toLowerCase();
  if (text.includes(':')) return /^(::1$|f[cd]|fe[89ab])/.test(text);
  const [a = 0, b = 0] = text.split('.').map(Number);
  return (
    a === 10 ||
    a === 127 ||
    (a === 172 && b >= 16 && b <= 31) ||
    (a === 192 && b === 168) ||
    (a === 169 && b === 254) ||
    (a === 100 && b >= 64 && b <= 127)
  );
}
