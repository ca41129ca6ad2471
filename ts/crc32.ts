/**
 * CRC-32 as gzip uses it: RFC 1952 clause 8, polynomial 0xEDB88320 (reflected), register and result complemented.
 *
 * Public data only: the table is indexed by the data, so run time may depend on it. Nothing is wiped. The table is built on
 * first use, so that importing costs nothing.
 */

let table: Int32Array | undefined;

/** Four tables of 256 entries, for four bytes a step ("slicing"): entry `256 k + b` is byte `b` followed by `k` zero bytes. */
function crcTable(): Int32Array {
  if (table !== undefined) return table;
  const built = new Int32Array(1024);
  for (let byte = 0; byte < 256; byte++) {
    let register = byte;
    for (let bit = 0; bit < 8; bit++) register = (register >>> 1) ^ (0xedb88320 & -(register & 1));
    built[byte] = register;
  }
  for (let i = 256; i < 1024; i++) built[i] = (built[i - 256]! >>> 8) ^ built[built[i - 256]! & 0xff]!;
  table = built;
  return built;
}

/** CRC-32 of `data` continued from `crc`, the CRC-32 of what went before (0 at the start): an unsigned 32-bit number. */
export function crc32(data: Uint8Array, crc = 0): number {
  const t = crcTable();
  const whole = data.length & ~3;
  let register = ~crc;
  let i = 0;
  for (; i < whole; i += 4) {
    register ^= data[i]! | (data[i + 1]! << 8) | (data[i + 2]! << 16) | (data[i + 3]! << 24);
    register =
      t[768 + (register & 0xff)]! ^
      t[512 + ((register >>> 8) & 0xff)]! ^
      t[256 + ((register >>> 16) & 0xff)]! ^
      t[register >>> 24]!;
  }
  for (; i < data.length; i++) register = (register >>> 8) ^ t[(register ^ data[i]!) & 0xff]!;
  return ~register >>> 0;
}
