/**
 * The text of a store's files: lines of `CRC-32 of the JSON in 8 hex digits, blank, JSON, line feed`. No line holds a zero byte:
 * JSON escapes control characters.
 *
 * An append to the journal is acknowledged when it is durable, and the next one begins after that. So a crash spoils the last line
 * only, and leaves one of these, none of which was acknowledged:
 *
 * - a part of the line, without its line feed;
 * - zeros in its place, or after a part of it: the file had grown before the data reached the medium (XFS, ext4 without ordered data);
 * - the line's end, its line feed included, behind zeros: the medium wrote its later sectors first. Where the line ends in the
 *   sector it began in, this cannot be.
 *
 * Whatever else does not verify was acknowledged once and changed later. To take it for a crash's work would hide a payment.
 * An acknowledged last line that lost its line feed and more, or a whole sector to zeros, cannot be told from a line cut off.
 */
import { decodeUtf8, encodeUtf8 } from "../../base/bytes.js";
import { crc32 } from "../../base/crc32.js";
import { PosCryptoError } from "../../base/errors.js";
import type { JournalRecord } from "./records.js";

const CHECKSUM_DIGITS = 8;
const LINE_FEED = 0x0a;
/** No record comes near it: the longest of its members, the idempotency key, has 255 characters. */
const LONGEST_LINE = 4096;
/** The least that a medium writes at once. */
const SECTOR = 512;
const PART = 1 << 16;

export interface Log {
  readonly lines: number;
  /** Where the last whole line ends. */
  readonly end: number;
}

export function encodeLine(value: unknown): Uint8Array {
  const json = encodeUtf8(JSON.stringify(value));
  const sum = crc32(json).toString(16).padStart(CHECKSUM_DIGITS, "0");
  return encodeUtf8(`${sum} ${decodeUtf8(json)!}\n`);
}

/** The value of a line without its line feed; `undefined` where it is damaged. JSON is never `undefined`. */
function decodeLine(line: Uint8Array): unknown {
  const json = line.subarray(CHECKSUM_DIGITS + 1);
  const sum = decodeUtf8(line.subarray(0, CHECKSUM_DIGITS + 1));
  if (sum !== `${crc32(json).toString(16).padStart(CHECKSUM_DIGITS, "0")} `) return undefined;
  const text = decodeUtf8(json);
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The value of a file of one line; `undefined` where it is damaged. */
export function decodeItem(bytes: Uint8Array): unknown {
  return bytes.at(-1) === LINE_FEED ? decodeLine(bytes.subarray(0, -1)) : undefined;
}

/** Many lines in parts of about `PART` bytes: a write for each line of a long journal would take long. */
export function* encodeLines(values: readonly unknown[]): Generator<Uint8Array> {
  let part: Uint8Array[] = [];
  let length = 0;
  for (const value of values) {
    const line = encodeLine(value);
    part.push(line);
    length += line.length;
    if (length < PART) continue;
    yield joined(part, length);
    part = [];
    length = 0;
  }
  if (length > 0) yield joined(part, length);
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Gives each line's record to `each`, in order. Errors: `ERR_STORE` for damage that is not an append cut off. */
export function readLog(bytes: Uint8Array, each: (record: JournalRecord) => void): Log {
  let lines = 0;
  let end = 0;
  while (end < bytes.length) {
    const feed = bytes.indexOf(LINE_FEED, end);
    const record = feed < 0 ? undefined : (decodeLine(bytes.subarray(end, feed)) as JournalRecord | undefined);
    if (record === undefined) {
      if (isCutOff(bytes, end)) break;
      throw new PosCryptoError("ERR_STORE", "the journal is damaged", { details: { line: lines + 1 } });
    }
    each(record);
    lines += 1;
    end = feed + 1;
  }
  return { lines, end };
}

/** Whether what follows the last good line can be an append that a crash cut off. */
function isCutOff(bytes: Uint8Array, start: number): boolean {
  const tail = bytes.subarray(start);
  if (tail.length > LONGEST_LINE) return false;
  const feed = tail.indexOf(LINE_FEED);
  if (feed >= 0) return feed === tail.length - 1 && lacksSector(bytes, start);
  // A whole line with another byte in the place of its line feed was not cut off.
  return tail.at(-1) === 0 || decodeLine(tail.subarray(0, -1)) === undefined;
}

/** Whether a sector from `start` on, or the part of it that the file has there, is all zeros. */
function lacksSector(bytes: Uint8Array, start: number): boolean {
  for (let from = start, to = 0; from < bytes.length; from = to) {
    to = from - (from % SECTOR) + SECTOR;
    if (bytes.subarray(from, to).every((byte) => byte === 0)) return true;
  }
  return false;
}
