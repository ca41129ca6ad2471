/**
 * Compression to deflate streams, RFC 1951: matches by hash chains with one step of lazy evaluation, blocks with codes of their own,
 * the fixed ones, or stored, whichever is shortest. Equal input gives equal output.
 *
 * The data is plaintext of envelopes: working copies are wiped, the result belongs to the caller. Run time and length of the result
 * depend on the data; do not compress secrets together with text that somebody else chooses.
 */
import { wipe } from "../bytes.js";
import { type WordTable, wordLengths, wordTable } from "./huffman.js";
import {
  CODE_LENGTH_ORDER,
  DISTANCE_CODES,
  distances,
  END_OF_BLOCK,
  fixedDistanceLengths,
  fixedLengthLengths,
  LENGTH_CODES,
  LONGEST_CODE,
  LONGEST_LENGTH_CODE,
  lengths,
  type Ranges,
} from "./tables.js";

const WINDOW = 32768;
const SHORTEST_MATCH = 3;
const LONGEST_MATCH = 258;
/** Candidates looked at for one match, and a length that is good enough to stop at. */
const CHAIN = 32;
const GOOD_MATCH = 64;
/** Tokens a block: more adapt less, fewer send more codes. */
const BLOCK_TOKENS = 16384;
const LONGEST_STORED = 65535;

/** The deflate stream of `data`. */
export function deflate(data: Uint8Array): Uint8Array {
  const output = new BitWriter(data.length);
  const block = new Block(data);
  const finder = new MatchFinder(data);
  let at = 0;
  while (at < data.length) {
    let match = finder.find(at);
    // A longer match one byte on is worth a literal.
    while (match !== 0 && match >> 16 < GOOD_MATCH && at + 1 < data.length) {
      const next = finder.find(at + 1);
      if (next >> 16 <= match >> 16) break;
      block.add(data[at]!, 0);
      at++;
      match = next;
    }
    if (match === 0) {
      block.add(data[at]!, 0);
      at++;
    } else {
      block.add(match >> 16, match & 0xffff);
      at += match >> 16;
    }
    if (block.tokens >= BLOCK_TOKENS && at < data.length) block.flush(output, at, false);
  }
  block.flush(output, data.length, true);
  block.wipe();
  finder.wipe();
  return output.finish();
}

/** Finds earlier occurrences of what begins at a position: the last ones by hash of three bytes, nearest first. */
class MatchFinder {
  private readonly data: Uint8Array;
  /** The last position of each hash, plus one; and, for each position in the window, the one before with the same hash. */
  private readonly head = new Int32Array(WINDOW);
  private readonly previous = new Int32Array(WINDOW);
  private entered = 0;

  constructor(data: Uint8Array) {
    this.data = data;
  }

  /** `length << 16 | distance`, or 0. Positions are asked for in ascending order. */
  find(at: number): number {
    const { data, head, previous } = this;
    const longest = Math.min(LONGEST_MATCH, data.length - at);
    if (longest < SHORTEST_MATCH) return 0;
    for (; this.entered < at; this.entered++) this.enter(this.entered);
    let best = SHORTEST_MATCH - 1;
    let distance = 0;
    let candidate = head[this.hash(at)]! - 1;
    const oldest = Math.max(0, at - WINDOW + 1);
    for (let tries = CHAIN; tries > 0 && candidate >= oldest; tries--) {
      if (data[candidate + best] === data[at + best]) {
        let length = 0;
        while (length < longest && data[candidate + length] === data[at + length]) length++;
        if (length > best) {
          best = length;
          distance = at - candidate;
          if (length === longest || length >= GOOD_MATCH) break;
        }
      }
      candidate = previous[candidate & (WINDOW - 1)]! - 1;
    }
    return distance === 0 ? 0 : (best << 16) | distance;
  }

  wipe(): void {
    this.head.fill(0);
    this.previous.fill(0);
  }

  private hash(at: number): number {
    const { data } = this;
    const three = data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16);
    return Math.imul(three, 0x9e3779b1) >>> 17;
  }

  private enter(at: number): void {
    if (at + SHORTEST_MATCH > this.data.length) return;
    const hash = this.hash(at);
    this.previous[at & (WINDOW - 1)] = this.head[hash]!;
    this.head[hash] = at + 1;
  }
}

/** The tokens of one block: literals, and copies of a length and a distance. */
class Block {
  tokens = 0;
  private readonly data: Uint8Array;
  private readonly values = new Uint16Array(BLOCK_TOKENS + LONGEST_MATCH);
  private readonly reaches = new Uint16Array(BLOCK_TOKENS + LONGEST_MATCH);
  private readonly literalCounts = new Uint32Array(LENGTH_CODES);
  private readonly distanceCounts = new Uint32Array(DISTANCE_CODES);
  /** Where the block's data begins. */
  private start = 0;

  constructor(data: Uint8Array) {
    this.data = data;
  }

  /** A literal (`reach` 0), or a copy of `value` bytes from `reach` bytes back. */
  add(value: number, reach: number): void {
    this.values[this.tokens] = value;
    this.reaches[this.tokens] = reach;
    this.tokens++;
    const symbol = reach === 0 ? value : 257 + codeOf(lengths(), value);
    this.literalCounts[symbol] = this.literalCounts[symbol]! + 1;
    if (reach === 0) return;
    const far = codeOf(distances(), reach);
    this.distanceCounts[far] = this.distanceCounts[far]! + 1;
  }

  /** Writes the block, which ends before `end`, in its shortest form. */
  flush(output: BitWriter, end: number, last: boolean): void {
    this.literalCounts[END_OF_BLOCK] = 1;
    const literals = wordLengths(this.literalCounts, LONGEST_CODE);
    const distanceLengths = wordLengths(this.distanceCounts, LONGEST_CODE);
    const head = describeCodes(literals, distanceLengths);
    const own = head.bits + this.bitsWith(literals, distanceLengths);
    const fixed = this.bitsWith(fixedLengthLengths(), fixedDistanceLengths());
    const length = end - this.start;
    const stored = 8 * (length + 5 * Math.max(1, Math.ceil(length / LONGEST_STORED)));
    if (stored < Math.min(own, fixed)) {
      writeStored(output, this.data.subarray(this.start, end), last);
    } else {
      const useOwn = own < fixed;
      output.write((last ? 1 : 0) | (useOwn ? 4 : 2), 3);
      if (useOwn) head.write(output);
      this.write(
        output,
        wordTable(useOwn ? literals : fixedLengthLengths()),
        wordTable(useOwn ? distanceLengths : fixedDistanceLengths()),
      );
    }
    this.start = end;
    this.tokens = 0;
    this.literalCounts.fill(0);
    this.distanceCounts.fill(0);
  }

  wipe(): void {
    this.values.fill(0);
    this.reaches.fill(0);
  }

  private bitsWith(literalLengths: Uint8Array, distanceLengths: Uint8Array): number {
    let bits = 0;
    this.literalCounts.forEach((count, symbol) => {
      const extra = symbol > END_OF_BLOCK ? lengths().extra[symbol - 257]! : 0;
      bits += count * (literalLengths[symbol]! + extra);
    });
    this.distanceCounts.forEach((count, symbol) => {
      bits += count * (distanceLengths[symbol]! + distances().extra[symbol]!);
    });
    return bits;
  }

  private write(output: BitWriter, literals: WordTable, far: WordTable): void {
    for (let i = 0; i < this.tokens; i++) {
      const value = this.values[i]!;
      const reach = this.reaches[i]!;
      if (reach === 0) {
        output.write(literals.words[value]!, literals.lengths[value]!);
        continue;
      }
      writeRanged(output, literals, lengths(), 257, value);
      writeRanged(output, far, distances(), 0, reach);
    }
    output.write(literals.words[END_OF_BLOCK]!, literals.lengths[END_OF_BLOCK]!);
  }
}

function writeRanged(output: BitWriter, table: WordTable, ranges: Ranges, first: number, value: number): void {
  const code = codeOf(ranges, value);
  output.write(table.words[first + code]!, table.lengths[first + code]!);
  output.write(value - ranges.base[code]!, ranges.extra[code]!);
}

/** The last code whose base does not exceed `value`. */
function codeOf({ base }: Ranges, value: number): number {
  let low = 0;
  let high = base.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (base[middle]! <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}

function writeStored(output: BitWriter, data: Uint8Array, last: boolean): void {
  let at = 0;
  do {
    const part = data.subarray(at, at + LONGEST_STORED);
    at += part.length;
    output.write(last && at === data.length ? 1 : 0, 3);
    output.writeBytes(part);
  } while (at < data.length);
}

/** The head of a block with codes of its own, RFC 1951 clause 3.2.7: its length in bits, and how to write it. */
function describeCodes(literals: Uint8Array, distanceLengths: Uint8Array): { bits: number; write: (output: BitWriter) => void } {
  const literalWords = Math.max(257, usedLength(literals));
  const distanceWords = Math.max(1, usedLength(distanceLengths));
  const all = new Uint8Array(literalWords + distanceWords);
  all.set(literals.subarray(0, literalWords));
  all.set(distanceLengths.subarray(0, distanceWords), literalWords);
  const runs = runLengths(all);
  const counts = new Uint32Array(CODE_LENGTH_ORDER.length);
  for (const { symbol } of runs) counts[symbol] = counts[symbol]! + 1;
  const lengthLengths = completed(wordLengths(counts, LONGEST_LENGTH_CODE));
  let sent = CODE_LENGTH_ORDER.length;
  while (sent > 4 && lengthLengths[CODE_LENGTH_ORDER[sent - 1]!] === 0) sent--;
  let bits = 14 + 3 * sent;
  for (const { symbol, extraBits } of runs) bits += lengthLengths[symbol]! + extraBits;
  const write = (output: BitWriter) => {
    output.write(literalWords - 257, 5);
    output.write(distanceWords - 1, 5);
    output.write(sent - 4, 4);
    for (let i = 0; i < sent; i++) output.write(lengthLengths[CODE_LENGTH_ORDER[i]!]!, 3);
    const { words } = wordTable(lengthLengths);
    for (const { symbol, extra, extraBits } of runs) {
      output.write(words[symbol]!, lengthLengths[symbol]!);
      output.write(extra, extraBits);
    }
  };
  return { bits, write };
}

/** A code length code must be complete: one word alone gets a second one beside it. */
function completed(lengthLengths: Uint8Array): Uint8Array {
  if (lengthLengths.reduce((words, length) => words + (length > 0 ? 1 : 0), 0) === 1) {
    lengthLengths[lengthLengths[0] === 0 ? 0 : 1] = 1;
  }
  return lengthLengths;
}

function usedLength(wordLengths: Uint8Array): number {
  let length = wordLengths.length;
  while (length > 0 && wordLengths[length - 1] === 0) length--;
  return length;
}

interface Run {
  symbol: number;
  extra: number;
  extraBits: number;
}

/** Word lengths with repetitions folded: 16 repeats the one before, 17 and 18 stand for zeros. */
function runLengths(all: Uint8Array): Run[] {
  const runs: Run[] = [];
  for (let at = 0; at < all.length; ) {
    const value = all[at]!;
    let end = at + 1;
    while (end < all.length && all[end] === value) end++;
    let count = end - at;
    at = end;
    if (value !== 0) {
      runs.push({ symbol: value, extra: 0, extraBits: 0 });
      count--;
    }
    while (count >= 3) {
      const most = value !== 0 ? 6 : count >= 11 ? 138 : 10;
      const repeated = Math.min(count, most);
      if (value !== 0) runs.push({ symbol: 16, extra: repeated - 3, extraBits: 2 });
      else if (repeated >= 11) runs.push({ symbol: 18, extra: repeated - 11, extraBits: 7 });
      else runs.push({ symbol: 17, extra: repeated - 3, extraBits: 3 });
      count -= repeated;
    }
    for (; count > 0; count--) runs.push({ symbol: value, extra: 0, extraBits: 0 });
  }
  return runs;
}

/** Bits, least significant first, into a buffer that grows. */
class BitWriter {
  private bytes: Uint8Array;
  private at = 0;
  private hold = 0;
  private count = 0;

  constructor(expected: number) {
    this.bytes = new Uint8Array(64 + (expected >> 1));
  }

  /** `bits` is 16 at most. */
  write(value: number, bits: number): void {
    this.hold |= value << this.count;
    this.count += bits;
    if (this.at + 4 > this.bytes.length) this.grow(4);
    while (this.count >= 8) {
      this.bytes[this.at++] = this.hold;
      this.hold >>>= 8;
      this.count -= 8;
    }
  }

  /** Length, its complement, and the bytes, from the next byte on. */
  writeBytes(data: Uint8Array): void {
    this.write(0, -this.count & 7);
    this.write(data.length, 16);
    this.write(data.length ^ 0xffff, 16);
    this.grow(data.length);
    this.bytes.set(data, this.at);
    this.at += data.length;
  }

  /** The bytes, the last one filled with zeros. */
  finish(): Uint8Array {
    this.write(0, -this.count & 7);
    const result = this.bytes.slice(0, this.at);
    wipe(this.bytes);
    return result;
  }

  private grow(more: number): void {
    if (this.at + more <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.at + more, 2 * this.bytes.length));
    grown.set(this.bytes.subarray(0, this.at));
    wipe(this.bytes);
    this.bytes = grown;
  }
}
