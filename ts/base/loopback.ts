/** What this machine calls itself: RFC 1122 clause 3.2.1.3 (127.0.0.0/8), RFC 4291 clause 2.5.3 (::1), RFC 6761 clause 6.3 (localhost). */

/**
 * Whether a host name of a URL (`localhost`, `[::1]`) or the address of a socket (`::1`, `::ffff:127.0.0.1`) is this machine.
 */
export function isLoopback(host: string): boolean {
  if (host === "localhost" || host.endsWith(".localhost") || host === "::1" || host === "[::1]") return true;
  return /^(?:::ffff:)?127(?:\.\d{1,3}){3}$/.test(host);
}
