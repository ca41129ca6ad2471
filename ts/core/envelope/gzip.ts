/**
 * gzip, RFC 1952 (around deflate, RFC 1951), for the plaintext of envelopes. fflate does the deflate part.
 *
 * Opening is strict, since whoever can send an envelope chooses the file, and fflate checks none of it: header fields, reserved
 * flags and header CRC, every member's CRC-32 and size, the end of the input exactly at the end of a trailer, a limit of the
 * output. fflate's streaming class says where a member ends by announcing the next one; a bare header after the input makes it
 * announce the end of the last one, too.
 *
 * The data is plaintext: copies made here are wiped, fflate's window of 32 KiB cannot be; the result belongs to the caller. Run
 * time depends on the data.
 */
import { Gunzip, gzipSync } from "fflate/browser";
import { concatBytes, wipe } from "../../base/bytes.js";
import { crc32 } from "../../base/crc32.js";

/** RFC 1952 clause 2.3.1: FTEXT and the three reserved bits are not among the flags that add fields. */
const FHCRC = 2;
const FEXTRA = 4;
const FNAME = 8;
const FCOMMENT = 16;
const RESERVED = 0xe0;

/** Magic, deflate, no flags, no time, no extra flags, unknown operating system. */
const BARE_HEADER = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
const TRAILER = 8;

/**
 * Bytes fflate gets at once. Deflate expands at most 1032 times, which bounds what one push may yield beyond the output's limit.
 * Each push makes buffers of its own, so the first member, usually the only one, gets as much as is allowed (measured: a file of
 * 15 KB opens in three quarters of the time); later members begin small, since there may be thousands of them.
 */
const LARGEST_SLICE = 16384;
const SMALLEST_SLICE = 256;

/** Members in one file. Each costs a new window of 32 KiB, which bounds the work for a file of empty members. */
const MEMBERS = 4096;

/** Compresses `data` to one member without name or time: equal input gives equal output. */
export function gzip(data: Uint8Array): Uint8Array {
  return gzipSync(data, { mtime: 0 });
}

/**
 * Decompresses all members of `data`, or returns `undefined` for anything that is not exactly a sequence of one to 4096 complete
 * members, and where the output would exceed `maxBytes`.
 */
export function gunzip(data: Uint8Array, maxBytes: number): Uint8Array | undefined {
  const output = new Output(maxBytes);
  let at = 0;
  let members = 0;
  do {
    at = appendMember(data, at, output, members === 0 ? LARGEST_SLICE : SMALLEST_SLICE);
    members++;
  } while (at > 0 && at < data.length && members < MEMBERS);
  const content = at > 0 && at === data.length ? output.concat() : undefined;
  output.wipe();
  return content;
}

/** Appends one member's content; returns the offset after its trailer, or 0 when the member is damaged. */
function appendMember(data: Uint8Array, start: number, output: Output, slice: number): number {
  const header = headerLength(data, start);
  if (header === 0) return 0;
  output.beginMember();
  const end = inflateMember(data.subarray(start + header), output, slice) + start + header;
  if (end < start + header + TRAILER || end > data.length) return 0;
  const intact = readUint32(data, end - 8) === output.memberCrc && readUint32(data, end - 4) === output.memberLength >>> 0;
  return intact ? end : 0;
}

/**
 * Inflates what follows a member's header, `slice` bytes at first; returns the length of its deflate data and trailer, which may
 * reach beyond `rest`, or 0 for damaged data. The next member is left alone: its announcement ends the work.
 */
function inflateMember(rest: Uint8Array, output: Output, slice: number): number {
  const bare = new Uint8Array(BARE_HEADER);
  let length = 0;
  const stream = new Gunzip((chunk) => output.append(chunk));
  stream.onmember = (offset) => {
    length = offset - bare.length;
    throw END_OF_MEMBER;
  };
  try {
    stream.push(bare);
    for (let from = 0, size = slice; from < rest.length; from += size, size = Math.min(2 * size, LARGEST_SLICE)) {
      stream.push(rest.subarray(from, from + size));
    }
    stream.push(bare);
  } catch {
    return length;
  }
  return 0;
}

/** Leaves fflate's loop; never seen outside of this file. */
const END_OF_MEMBER = new Error("end of member");

/** Collects the content of all members, up to a limit, with the length and the CRC-32 of the current one. */
class Output {
  private readonly maxBytes: number;
  private readonly pieces: Uint8Array[] = [];
  private length = 0;
  memberCrc = 0;
  memberLength = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  beginMember(): void {
    this.memberCrc = 0;
    this.memberLength = 0;
  }

  /** Throws where the limit is exceeded, which ends the inflation. */
  append(piece: Uint8Array): void {
    this.pieces.push(piece);
    this.length += piece.length;
    if (this.length > this.maxBytes) throw new Error("output limit");
    this.memberLength += piece.length;
    this.memberCrc = crc32(piece, this.memberCrc);
  }

  concat(): Uint8Array {
    return concatBytes(this.pieces);
  }

  wipe(): void {
    wipe(...this.pieces);
  }
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
