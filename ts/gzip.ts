/**
 * gzip, RFC 1952 (around deflate, RFC 1951), for the plaintext of envelopes.
 *
 * Opening is strict, since whoever can send an envelope chooses the file: header fields, reserved flags and header CRC are checked,
 * every member's CRC-32 and size are compared, the input must end exactly where a trailer ends, and output stops at its limit.
 *
 * The data is plaintext: intermediate copies are wiped, the result belongs to the caller. Run time depends on the data.
 */
import { wipe } from "./bytes.js";
import { crc32 } from "./crc32.js";
import { deflate } from "./deflate/deflate.js";
import { inflate, Output } from "./deflate/inflate.js";

/** RFC 1952 clause 2.3.1: FTEXT and the three reserved bits are not among the flags that add fields. */
const FHCRC = 2;
const FEXTRA = 4;
const FNAME = 8;
const FCOMMENT = 16;
const RESERVED = 0xe0;

/** Magic, deflate, no flags, no time, no extra flags, unknown operating system. */
const BARE_HEADER = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
const TRAILER = 8;

/** What text usually expands to; a wrong guess costs a copy. */
const USUAL_RATIO = 8;

/** Compresses `data` to one member without name or time: equal input gives equal output. */
export function gzip(data: Uint8Array): Uint8Array {
  const stream = deflate(data);
  const file = new Uint8Array(BARE_HEADER.length + stream.length + TRAILER);
  file.set(BARE_HEADER);
  file.set(stream, BARE_HEADER.length);
  writeUint32(file, file.length - 8, crc32(data));
  writeUint32(file, file.length - 4, data.length);
  wipe(stream);
  return file;
}

/**
 * Decompresses all members of `data`, or returns `undefined` for anything that is not exactly a sequence of one or more complete
 * members, and where the output would exceed `maxBytes`.
 */
export function gunzip(data: Uint8Array, maxBytes: number): Uint8Array | undefined {
  const output = new Output(maxBytes, USUAL_RATIO * data.length);
  let at = 0;
  do {
    at = appendMember(data, at, output);
  } while (at > 0 && at < data.length);
  const content = at > 0 ? output.bytes.slice(0, output.length) : undefined;
  wipe(output.bytes);
  return content;
}

/** Appends one member's content; returns the offset behind its trailer, or 0 when the member is damaged. */
function appendMember(data: Uint8Array, start: number, output: Output): number {
  const header = headerLength(data, start);
  if (header === 0) return 0;
  const before = output.length;
  const end = inflate(data, start + header, output);
  if (end < 0 || end + TRAILER > data.length) return 0;
  const content = output.bytes.subarray(before, output.length);
  const intact = readUint32(data, end) === crc32(content) && readUint32(data, end + 4) === content.length >>> 0;
  return intact ? end + TRAILER : 0;
}

/** Bytes of the member header at `start` (RFC 1952 clause 2.3), or 0 when it is damaged, cut off, or sets a reserved flag. */
function headerLength(data: Uint8Array, start: number): number {
  if (start + 10 > data.length) return 0;
  const flags = data[start + 3]!;
  if (data[start] !== 0x1f || data[start + 1] !== 0x8b || data[start + 2] !== 8 || (flags & RESERVED) !== 0) return 0;
  let end = start + 10;
  if ((flags & FEXTRA) !== 0) {
    if (end + 2 > data.length) return 0;
    end += 2 + (data[end]! | (data[end + 1]! << 8));
  }
  for (const text of [FNAME, FCOMMENT]) {
    if ((flags & text) === 0) continue;
    const terminator = data.indexOf(0, end);
    if (terminator < 0) return 0;
    end = terminator + 1;
  }
  if ((flags & FHCRC) !== 0) {
    if (end + 2 > data.length) return 0;
    const stored = data[end]! | (data[end + 1]! << 8);
    if (stored !== (crc32(data.subarray(start, end)) & 0xffff)) return 0;
    end += 2;
  }
  return end > data.length ? 0 : end - start;
}

function readUint32(data: Uint8Array, at: number): number {
  return (data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16) | (data[at + 3]! << 24)) >>> 0;
}

function writeUint32(data: Uint8Array, at: number, value: number): void {
  for (let i = 0; i < 4; i++) data[at + i] = value >>> (8 * i);
}
