/**
 * Huffman codes for compression: word lengths from frequencies, limited as RFC 1951 clause 3.2.7 asks, and the canonical words of
 * clause 3.2.2. Frequencies tell something of the data; the caller wipes them.
 */

/** A prefix code for encoding: each symbol's word, first bit lowest, and the word's length (0: the symbol has none). */
export interface WordTable {
  readonly words: Uint16Array;
  readonly lengths: Uint8Array;
}

/**
 * The lengths of an optimal code's words for symbols that occur, none longer than `limit`. A single symbol gets one bit, no symbol
 * none.
 */
export function wordLengths(frequencies: Uint32Array, limit: number): Uint8Array {
  const lengths = new Uint8Array(frequencies.length);
  const used: number[] = [];
  for (let symbol = 0; symbol < frequencies.length; symbol++) if (frequencies[symbol]! > 0) used.push(symbol);
  if (used.length === 0) return lengths;
  used.sort((a, b) => frequencies[a]! - frequencies[b]! || a - b);
  const counts = limited(depthCounts(used.map((symbol) => frequencies[symbol]!)), limit);
  // The rarest symbols come first, and get the longest words.
  let next = 0;
  for (let length = limit; length > 0; length--) {
    for (let i = 0; i < counts[length]!; i++) lengths[used[next++]!] = length;
  }
  return lengths;
}

/** How many leaves Huffman's tree has at each depth, for weights in ascending order. */
function depthCounts(weights: readonly number[]): number[] {
  const leaves = weights.length;
  if (leaves === 1) return [0, 1];
  const weight = weights.slice();
  const parent: number[] = [];
  let leaf = 0;
  let inner = leaves;
  // Inner nodes come into being in ascending order of weight: the lightest node is the next leaf or the next inner node.
  const lightest = () => (inner >= weight.length || (leaf < leaves && weight[leaf]! <= weight[inner]!) ? leaf++ : inner++);
  for (let node = leaves; node < 2 * leaves - 1; node++) {
    const [a, b] = [lightest(), lightest()];
    parent[a] = node;
    parent[b] = node;
    weight.push(weight[a]! + weight[b]!);
  }
  const depth: number[] = new Array(2 * leaves - 1).fill(0);
  const counts: number[] = [];
  for (let node = 2 * leaves - 3; node >= 0; node--) {
    const d = depth[parent[node]!]! + 1;
    depth[node] = d;
    if (node < leaves) counts[d] = (counts[d] ?? 0) + 1;
  }
  return counts;
}

/** The counts with every depth at most `limit`: leaves that are too deep move up, others down, until the code is complete again. */
function limited(counts: readonly (number | undefined)[], limit: number): number[] {
  const result = Array.from({ length: limit + 1 }, (_, depth) => counts[depth] ?? 0);
  for (let depth = limit + 1; depth < counts.length; depth++) result[limit] = result[limit]! + (counts[depth] ?? 0);
  let places = 0;
  for (let depth = 1; depth <= limit; depth++) places += result[depth]! << (limit - depth);
  for (; places > 1 << limit; places--) {
    let depth = limit - 1;
    while (result[depth] === 0) depth--;
    result[limit] = result[limit]! - 1;
    result[depth] = result[depth]! - 1;
    result[depth + 1] = result[depth + 1]! + 2;
  }
  return result;
}

/** The canonical words for lengths. */
export function wordTable(lengths: Uint8Array): WordTable {
  const counts = new Uint16Array(17);
  for (const length of lengths) counts[length] = counts[length]! + 1;
  counts[0] = 0;
  const next = new Uint16Array(17);
  for (let length = 1; length < 16; length++) next[length + 1] = (next[length]! + counts[length]!) << 1;
  const words = new Uint16Array(lengths.length);
  for (let symbol = 0; symbol < lengths.length; symbol++) {
    const length = lengths[symbol]!;
    if (length === 0) continue;
    words[symbol] = reversed(next[length]!, length);
    next[length] = next[length]! + 1;
  }
  return { words, lengths };
}

/** Words are sent with their first bit first, that is in the lowest place. */
export function reversed(word: number, length: number): number {
  let result = 0;
  for (let i = 0; i < length; i++) result |= ((word >> i) & 1) << (length - 1 - i);
  return result;
}
