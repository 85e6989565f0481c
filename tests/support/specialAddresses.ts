/** Peer addresses that a TURN server must not relay to, in every encoding that hides one address in another. */

/** Special-purpose IPv4 addresses (RFC 6890), and what attackers ask for first. */
export const specialIPv4 = [
  '0.0.0.0',
  '0.0.0.1',
  '10.0.0.1',
  '10.255.255.255',
  '100.64.0.1',
  '100.100.100.200',
  '127.0.0.2',
  '127.255.255.254',
  '169.254.0.1',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.1',
  '192.0.0.170',
  '192.0.2.1',
  '192.31.196.1',
  '192.52.193.1',
  '192.88.99.1',
  '192.168.0.1',
  '192.168.1.1',
  '192.175.48.1',
  '198.18.0.1',
  '198.51.100.1',
  '203.0.113.1',
  '224.0.0.1',
  '239.255.255.250',
  '240.0.0.1',
  '255.255.255.255',
  // An ordinary host of the Internet.
  '8.8.8.8',
] as const;

/** Special-purpose IPv6 addresses. */
export const specialIPv6 = [
  '::',
  '::2',
  '100::1',
  '2001::1',
  '2001:2::1',
  '2001:3::1',
  '2001:4:112::1',
  '2001:10::1',
  '2001:20::1',
  '2001:db8::1',
  '3fff::1',
  '5f00::1',
  'fc00::1',
  'fd00::1',
  'fd00:ec2::254',
  'fe80::1',
  'fec0::1',
  'ff01::1',
  'ff02::1',
  'ff02::fb',
  'ff05::1:3',
  'ff0e::1',
  'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
  // An ordinary host of the Internet.
  '2606:4700:4700::1111',
] as const;

/** Whom an IPv6 address with an IPv4 address in it may lead to. */
const hidden = ['127.0.0.1', '127.0.0.2', '10.0.0.1', '169.254.169.254', '192.168.1.1', '8.8.8.8'];

/** IPv6 addresses that contain an IPv4 address, which a router or the system itself may take out again. */
export const encodedIPv4 = hidden.flatMap((address) => {
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
  const high = ((a << 8) | b).toString(16);
  const low = ((c << 8) | d).toString(16);
  const inverted = [~((a << 8) | b) & 0xffff, ~((c << 8) | d) & 0xffff].map((group) => group.toString(16)).join(':');
  return [
    // IPv4-mapped, IPv4-compatible, IPv4-translated (RFC 4291, RFC 2765).
    `::ffff:${address}`,
    `::${address}`,
    `::ffff:0:${address}`,
    // NAT64 (RFC 6052, RFC 8215).
    `64:ff9b::${address}`,
    `64:ff9b:1::${address}`,
    // 6to4 (RFC 3056), Teredo server and client (RFC 4380), ISATAP (RFC 5214).
    `2002:${high}:${low}::1`,
    `2001:0:${high}:${low}::1`,
    `2001::${inverted}`,
    `fe80::5efe:${address}`,
  ];
});
