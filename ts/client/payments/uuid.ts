/** RFC 9562 version 4 UUIDs from the library's random source, for idempotency keys. */
import { encodeHex } from "../../base/bytes.js";
import { randomBytes } from "../../base/random.js";

export function createUuid(): string {
  const bytes = randomBytes(16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = encodeHex(bytes).toLowerCase();
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
