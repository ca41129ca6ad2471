/**
 * CRC-32 as gzip uses it: RFC 1952 clause 8, polynomial 0xEDB88320 (reflected), register and result complemented.
 *
 * Not constant-time: the table is indexed by the data, which for an opened envelope is its plaintext (gzip.ts). Nothing is kept of
 * it but the register. The table is built on first use, so that importing costs nothing.
 */

let table: Int32Array | undefined;

/** Bytes a step ("slicing"): entry `256 k + b` of the table is byte `b` followed by `k` zero bytes. */
const STEP = 8;

function crcTable(): Int32Array {
  if (table !== undefined) return table;
  const built = new Int32Array(STEP * 256);
  for (let byte = 0; byte < 256; byte++) {
    let register = byte;
    for (let bit = 0; bit < 8; bit++) register = (register >>> 1) ^ (0xedb88320 & -(register & 1));
    built[byte] = register;
  }
  for (let i = 256; i < built.length; i++) built[i] = (built[i - 256]! >>> 8) ^ built[built[i - 256]! & 0xff]!;
  table = built;
  return built;
}

/** CRC-32 of `data` continued from `crc`, the CRC-32 of what went before (0 at the start): an unsigned 32-bit number. */
export function crc32(data: Uint8Array, crc = 0): number {
  const t = crcTable();
  const whole = data.length - (data.length % STEP);
  let register = ~crc;
  let i = 0;
  for (; i < whole; i += STEP) {
    register ^= data[i]! | (data[i + 1]! << 8) | (data[i + 2]! << 16) | (data[i + 3]! << 24);
    register =
      t[1792 + (register & 0xff)]! ^
      t[1536 + ((register >>> 8) & 0xff)]! ^
      t[1280 + ((register >>> 16) & 0xff)]! ^
      t[1024 + (register >>> 24)]! ^
      t[768 + data[i + 4]!]! ^
      t[512 + data[i + 5]!]! ^
      t[256 + data[i + 6]!]! ^
      t[data[i + 7]!]!;
  }
  for (; i < data.length; i++) register = (register >>> 8) ^ t[(register ^ data[i]!) & 0xff]!;
  return ~register >>> 0;
}
