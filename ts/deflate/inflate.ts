/**
 * Decompression of deflate streams, RFC 1951, strictly: what the format forbids is refused (block type 3, a stored length whose
 * complement differs, codes that are over-subscribed or incomplete, a missing end of block, distances beyond the beginning), the
 * stream must end within the input, and output stops exactly at its limit.
 *
 * The data is plaintext of envelopes. Run time depends on it; buffers that are outgrown are wiped, the last one is the caller's to
 * wipe.
 */
import { wipe } from "../bytes.js";
import { reversed } from "./huffman.js";
import {
  CODE_LENGTH_ORDER,
  DISTANCE_CODES,
  distances,
  END_OF_BLOCK,
  fixedDistanceLengths,
  fixedLengthLengths,
  LENGTH_CODES,
  LONGEST_CODE,
  lengths,
} from "./tables.js";

/** Output that grows by doubling, never beyond its limit. */
export class Output {
  bytes: Uint8Array;
  length = 0;
  readonly limit: number;

  constructor(limit: number, expected: number) {
    this.limit = limit;
    this.bytes = new Uint8Array(Math.min(limit, expected));
  }

  /** Makes room for `more` bytes, or answers `false` where the limit does not allow them. */
  reserve(more: number): boolean {
    const needed = this.length + more;
    if (needed <= this.bytes.length) return true;
    if (needed > this.limit) return false;
    const grown = new Uint8Array(Math.min(this.limit, Math.max(needed, 2 * this.bytes.length, 1024)));
    grown.set(this.bytes.subarray(0, this.length));
    wipe(this.bytes);
    this.bytes = grown;
    return true;
  }
}

/** What is wrong with a stream; it never leaves `inflate`. */
class Damaged extends Error {}

/**
 * Appends what the stream at `start` of `data` holds to `output`. Returns the offset of the first byte behind the stream, or -1 if
 * the stream is damaged, does not end, or exceeds the output's limit; the output then holds whatever came before.
 */
export function inflate(data: Uint8Array, start: number, output: Output): number {
  const input = new Bits(data, start);
  const from = output.length;
  try {
    for (let last = false; !last; ) {
      last = input.take(1) === 1;
      const type = input.take(2);
      if (type === 0) copyStored(input, output);
      else if (type === 1) inflateBlock(input, output, from, fixedCodes());
      else if (type === 2) inflateBlock(input, output, from, readCodes(input));
      else throw new Damaged();
    }
    return input.endOfByte();
  } catch (error) {
    if (error instanceof Damaged) return -1;
    throw error;
  }
}

/** A word is at most 15 bits, and looked for in 20 or more: how many bytes behind the input may be asked for at its very end. */
const OVERRUN = 4;

/** Bits from the input, least significant first. Behind its end come zeros, which `endOfByte` notices at the latest. */
class Bits {
  readonly data: Uint8Array;
  /** The next byte to load. */
  at: number;
  /** Bits that were loaded and not yet taken. */
  hold = 0;
  count = 0;

  constructor(data: Uint8Array, at: number) {
    this.data = data;
    this.at = at;
  }

  /** Loads until there are `need` bits, 24 at most. Throws when nothing but zeros would follow. */
  load(need: number): void {
    while (this.count < need) {
      if (this.at >= this.data.length + OVERRUN) throw new Damaged();
      this.hold |= (this.at < this.data.length ? this.data[this.at]! : 0) << this.count;
      this.at++;
      this.count += 8;
    }
  }

  take(bits: number): number {
    this.load(bits);
    const value = this.hold & ((1 << bits) - 1);
    this.hold >>>= bits;
    this.count -= bits;
    return value;
  }

  /** The offset behind the last byte of which a bit was taken; whole bytes that were loaded are given back. */
  endOfByte(): number {
    this.at -= this.count >> 3;
    this.hold = 0;
    this.count = 0;
    if (this.at > this.data.length) throw new Damaged();
    return this.at;
  }
}

/** Code words of up to this many bits are looked up, longer ones are counted out. */
const QUICK_BITS = 9;
const QUICK_MASK = (1 << QUICK_BITS) - 1;

/** A prefix code for decoding. */
interface Code {
  /** By the next `QUICK_BITS` bits: symbol and, in the low four bits, the word's length; 0 where the word is longer or none. */
  readonly quick: Uint16Array;
  /** How many words have each length. */
  readonly counts: Uint16Array;
  /** Symbols in the order of their words. */
  readonly symbols: Uint16Array;
}

/** RFC 1951 clause 3.2.2. Incomplete codes are refused, but for one word of one bit, or none, where `partial` allows that. */
function makeCode(wordLengths: Uint8Array, partial: boolean): Code {
  const counts = new Uint16Array(LONGEST_CODE + 1);
  for (const length of wordLengths) counts[length] = counts[length]! + 1;
  counts[0] = 0;
  let left = 1;
  let longest = 0;
  const offsets = new Uint16Array(LONGEST_CODE + 2);
  const next = new Uint16Array(LONGEST_CODE + 2);
  for (let length = 1; length <= LONGEST_CODE; length++) {
    const count = counts[length]!;
    left = 2 * left - count;
    if (left < 0) throw new Damaged();
    if (count > 0) longest = length;
    offsets[length + 1] = offsets[length]! + count;
    next[length + 1] = (next[length]! + count) << 1;
  }
  if (left > 0 && !(partial && longest <= 1)) throw new Damaged();

  const symbols = new Uint16Array(wordLengths.length);
  const quick = new Uint16Array(1 << QUICK_BITS);
  for (let symbol = 0; symbol < wordLengths.length; symbol++) {
    const length = wordLengths[symbol]!;
    if (length === 0) continue;
    symbols[offsets[length]!] = symbol;
    offsets[length] = offsets[length]! + 1;
    const word = next[length]!;
    next[length] = word + 1;
    if (length > QUICK_BITS) continue;
    const step = 1 << length;
    for (let i = reversed(word, length); i < quick.length; i += step) quick[i] = (symbol << 4) | length;
  }
  return { quick, counts, symbols };
}

function readSymbol(input: Bits, code: Code): number {
  input.load(LONGEST_CODE);
  const entry = code.quick[input.hold & QUICK_MASK]!;
  if (entry === 0) return readLongSymbol(input, code);
  input.hold >>>= entry & 15;
  input.count -= entry & 15;
  return entry >> 4;
}

/** The word bit by bit, against the first word of each length. */
function readLongSymbol(input: Bits, { counts, symbols }: Code): number {
  let word = 0;
  let first = 0;
  let index = 0;
  for (let length = 1; length <= LONGEST_CODE; length++) {
    word |= (input.hold >> (length - 1)) & 1;
    const count = counts[length]!;
    if (word - first < count) {
      input.hold >>>= length;
      input.count -= length;
      return symbols[index + word - first]!;
    }
    index += count;
    first = (first + count) << 1;
    word <<= 1;
  }
  throw new Damaged();
}

interface Codes {
  readonly literals: Code;
  readonly distances: Code;
}

let fixed: Codes | undefined;

function fixedCodes(): Codes {
  fixed ??= { literals: makeCode(fixedLengthLengths(), false), distances: makeCode(fixedDistanceLengths(), false) };
  return fixed;
}

/** The codes at the head of a block: RFC 1951 clause 3.2.7. */
function readCodes(input: Bits): Codes {
  const literals = 257 + input.take(5);
  const distanceWords = 1 + input.take(5);
  const sent = 4 + input.take(4);
  if (literals > LENGTH_CODES || distanceWords > DISTANCE_CODES) throw new Damaged();
  const lengthLengths = new Uint8Array(CODE_LENGTH_ORDER.length);
  for (let i = 0; i < sent; i++) lengthLengths[CODE_LENGTH_ORDER[i]!] = input.take(3);
  const lengthCode = makeCode(lengthLengths, false);

  const total = literals + distanceWords;
  const wordLengths = new Uint8Array(total);
  for (let at = 0; at < total; ) {
    const symbol = readSymbol(input, lengthCode);
    if (symbol < 16) {
      wordLengths[at++] = symbol;
      continue;
    }
    if (symbol === 16 && at === 0) throw new Damaged();
    const value = symbol === 16 ? wordLengths[at - 1]! : 0;
    const repeat = symbol === 16 ? 3 + input.take(2) : symbol === 17 ? 3 + input.take(3) : 11 + input.take(7);
    if (at + repeat > total) throw new Damaged();
    wordLengths.fill(value, at, at + repeat);
    at += repeat;
  }
  if (wordLengths[END_OF_BLOCK] === 0) throw new Damaged();
  return {
    literals: makeCode(wordLengths.subarray(0, literals), true),
    distances: makeCode(wordLengths.subarray(literals), true),
  };
}

/** RFC 1951 clause 3.2.4. */
function copyStored(input: Bits, output: Output): void {
  const at = input.endOfByte();
  const { data } = input;
  if (at + 4 > data.length) throw new Damaged();
  const length = data[at]! | (data[at + 1]! << 8);
  const complement = data[at + 2]! | (data[at + 3]! << 8);
  const end = at + 4 + length;
  if ((length ^ complement) !== 0xffff || end > data.length || !output.reserve(length)) throw new Damaged();
  output.bytes.set(data.subarray(at + 4, end), output.length);
  output.length += length;
  input.at = end;
}

/**
 * Literals and copies up to the end of the block. Distances reach back to `from` at most. The state of input and output is kept in
 * variables, which makes the loop twice as fast.
 */
function inflateBlock(input: Bits, output: Output, from: number, codes: Codes): void {
  const { data } = input;
  const { base: lengthBase, extra: lengthExtra } = lengths();
  const { base: distanceBase, extra: distanceExtra } = distances();
  const literalWords = codes.literals.quick;
  const inputEnd = data.length + OVERRUN;
  let { at, hold, count } = input;
  let { bytes, length } = output;
  for (;;) {
    // A literal or length word and its extra bits: 15 and 5.
    while (count < 20) {
      if (at >= inputEnd) throw new Damaged();
      hold |= (at < data.length ? data[at]! : 0) << count;
      at++;
      count += 8;
    }
    let symbol: number;
    const word = literalWords[hold & QUICK_MASK]!;
    if (word !== 0) {
      hold >>>= word & 15;
      count -= word & 15;
      symbol = word >> 4;
    } else {
      input.hold = hold;
      input.count = count;
      symbol = readLongSymbol(input, codes.literals);
      hold = input.hold;
      count = input.count;
    }
    if (symbol < END_OF_BLOCK) {
      if (length === bytes.length) {
        output.length = length;
        if (!output.reserve(1)) throw new Damaged();
        bytes = output.bytes;
      }
      bytes[length++] = symbol;
      continue;
    }
    if (symbol === END_OF_BLOCK) break;
    if (symbol >= LENGTH_CODES) throw new Damaged();
    const copied = lengthBase[symbol - 257]! + (hold & ((1 << lengthExtra[symbol - 257]!) - 1));
    hold >>>= lengthExtra[symbol - 257]!;
    count -= lengthExtra[symbol - 257]!;

    input.at = at;
    input.hold = hold;
    input.count = count;
    const far = readSymbol(input, codes.distances);
    if (far >= DISTANCE_CODES) throw new Damaged();
    const reach = distanceBase[far]! + input.take(distanceExtra[far]!);
    at = input.at;
    hold = input.hold;
    count = input.count;
    output.length = length;
    if (reach > length - from || !output.reserve(copied)) throw new Damaged();
    bytes = output.bytes;
    for (const end = length + copied; length < end; length++) bytes[length] = bytes[length - reach]!;
  }
  input.at = at;
  input.hold = hold;
  input.count = count;
  output.length = length;
}
