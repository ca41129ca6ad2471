/**
 * Envelopes: UTF-8 or bytes, optionally as hexadecimal text, PKCS#7 (RFC 5652 clause 6.3), AES-CBC (SP 800-38A clause 6.2),
 * hexadecimal ciphertext; and back. In place at IO, the IV or chaining value in CHAIN.
 *
 * Lengths, the encoding, validity of the ciphertext's digits and the final verdict are public. Every wrong padding takes the same
 * path over the same addresses; so does every wrong hexadecimal text of a length. A refused plaintext is wiped.
 */
import { aesCbcDecrypt, aesCbcEncrypt } from "./aes/cipher";
import { pkcs7Length, zeroMask } from "./constant-time";
import { hexByte, hexDecode, hexEncode, hexMask } from "./hex";
import { CHAIN, IO, SLOT_SCHEDULE } from "./layout";
import { FAILED } from "./slots";
import { wipe, wipe16 } from "./word";

/** What the plaintext is: bytes, hexadecimal text of bytes, or the one it turns out to be. */
export const RAW: i32 = 0;
export const HEX: i32 = 1;
export const AUTO: i32 = 2;

/** Appends PKCS#7 padding to `length` bytes at `data`: the padded length. */
export function pkcs7Pad(data: usize, length: i32, size: i32): i32 {
  const padded = (length + size) & (0 - size);
  for (let i = length; i < padded; i++) store<u8>(data + i, padded - length);
  return padded;
}

/**
 * Seals `length` bytes at IO: number of hex digits, at IO. Where it is not the `last` part, the part as encoded fills blocks
 * exactly, and the chaining value stays for the next one.
 */
export function sealIo(slot: usize, length: i32, encoding: i32, last: bool): i32 {
  if (encoding == HEX) {
    hexEncode(IO, IO, length);
    length <<= 1;
  }
  if (last) length = pkcs7Pad(IO, length, 16);
  aesCbcEncrypt(slot + SLOT_SCHEDULE, CHAIN, IO, length >> 4);
  if (last) wipe16(CHAIN);
  hexEncode(IO, IO, length);
  return length << 1;
}

/** -1 if `length` hex digits at IO decode to what begins like JSON (`{` or `[`) or gzip (RFC 1952: 1F 8B), else 0. */
function startMask(length: i32): i32 {
  const first = hexByte(IO);
  const second = length >= 4 ? hexByte(IO + 2) : 0;
  return zeroMask(first ^ 0x7b) | zeroMask(first ^ 0x5b) | (zeroMask(first ^ 0x1f) & zeroMask(second ^ 0x8b));
}

/** Decodes the opened plaintext at IO: its number of bytes, or FAILED. */
function decodeIo(length: i32, encoding: i32): i32 {
  if (encoding == RAW) return length;
  if (encoding == AUTO) {
    if ((length & 1) != 0 || length == 0 || (hexMask(IO, length) & startMask(length)) == 0) return length;
  }
  return (length & 1) == 0 && hexDecode(IO, IO, length) != 0 ? length >> 1 : FAILED;
}

/**
 * Opens `digits` hex digits at IO (a multiple of 32): number of bytes, at IO, or FAILED. Parts before the `last` give their
 * plaintext as it is.
 */
export function openIo(slot: usize, digits: i32, encoding: i32, last: bool): i32 {
  const length = digits >> 1;
  if (hexDecode(IO, IO, digits) == 0) return refuse(digits);
  aesCbcDecrypt(slot + SLOT_SCHEDULE, CHAIN, IO, length >> 4);
  if (!last) return length;
  wipe16(CHAIN);
  const padding = pkcs7Length(IO + length - 16, 16);
  if (padding == 0) return refuse(digits);
  const opened = decodeIo(length - padding, encoding);
  return opened < 0 ? refuse(digits) : opened;
}

function refuse(digits: i32): i32 {
  wipe16(CHAIN);
  wipe(IO, digits);
  return FAILED;
}
