/** How plaintext of an envelope begins, which decides what `auto` takes for hexadecimal text of a message. */

/** `{`, `[`, or the first bytes of gzip (RFC 1952 clause 2.3.1). */
export function startsLikeMessage(bytes: Uint8Array): boolean {
  return bytes[0] === 0x7b || bytes[0] === 0x5b || (bytes[0] === 0x1f && bytes[1] === 0x8b);
}
