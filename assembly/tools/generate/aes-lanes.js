/**
 * Makes assembly/aes/gen/lane-rounds.gen.ts: AES encryption of one block on two 64-bit words, without look-ups, for the build
 * without SIMD.
 *
 * A byte is s (u + v t) with t = 02, s = 0D and u, v in GF(16). Both coordinates are kept in the normal basis b, b^2, b^4, b^8 of a
 * fifth root of unity b. A block is two words, one of all u and one of all v: four lanes of 16 bits, lane l the coefficients of
 * b^(2^l), bit k of a lane from byte k. Squaring then rotates lanes, and so does every step from a formula for lane 0 to one for all
 * lanes: a multiplication of sixteen pairs in GF(16) is four ANDs, a reciprocal six gates. With these s and t, of all 3600, the
 * linear maps need the fewest operations.
 *
 * Everything emitted is built as a list of operations first, run on all bytes in every layout of ShiftRows, and compared with
 * SubBytes, ShiftRows and MixColumns computed from their definitions (FIPS 197 clause 5.1).
 */
import { affineLinear, BYTES, leastByte, multiply, power, reciprocal } from "./gf256.js";

// The two bases

const T = 0x02;
const S = 0x0d;
const root = leastByte((x) => power(x, 5) === 1);
const normal = [1, 2, 4, 8].map((exponent) => power(root, exponent));
/** The basis of u and v for bytes scale (u + v factor). */
const basisOf = (scale, factor) => [...normal, ...normal.map((x) => multiply(x, factor))].map((x) => multiply(scale, x));

/** Coordinates in `basis` of every byte. */
function coordinates(basis) {
  const result = new Array(256);
  for (const value of BYTES) result[basis.reduce((sum, x, i) => sum ^ ((value >> i) & 1 ? x : 0), 0)] = value;
  return result;
}

const trace = T ^ power(T, 16);
const norm = power(T, 17);

/** Bits as the exchanges of `toLanes` leave them: even ones in the first word, odd ones in the second. */
const BITS = [1, 4, 16, 64, 2, 8, 32, 128];
const TOWER = basisOf(S, T);
/** The reciprocal from its two products p = u/d and q = v/d, where d = N/trace: (p + q t^16) / (trace s). */
const PRODUCTS = basisOf(reciprocal(multiply(trace, S)), power(T, 16));

/** A linear map of bytes from one basis to another: for both words of the result and of the argument, the lanes that get the lane j above. */
function laneMap(from, to, map) {
  const result = coordinates(to);
  const images = from.map((x) => result[map(x)]);
  const masks = [0, 4].map(() => [0, 4].map(() => [0, 0, 0, 0]));
  for (let k = 0; k < 8; k++) {
    for (let l = 0; l < 8; l++) {
      if ((images[k] >> l) & 1) masks[l >> 2][k >> 2][(k - l) & 3] |= 1 << (l & 3);
    }
  }
  return masks;
}

/** x to `factor` x^2 in GF(16), in the same form for one word. */
function scaledSquare(factor) {
  return laneMap(basisOf(1, T), basisOf(1, T), (x) => multiply(factor, multiply(x, x)))[0][0];
}

// Programs: lists of operations on 64-bit words

const ALL = (1n << 64n) - 1n;

/** Operations in order, equal ones once. An operand is a name or a constant. */
class Program {
  constructor(prefix) {
    this.prefix = prefix;
    this.operations = [];
    this.names = new Map();
    this.depths = new Map();
  }

  operation(kind, a, b) {
    const [first, second] = "^&|+".includes(kind) && typeof b === "string" && a > b ? [b, a] : [a, b];
    const key = `${first} ${kind} ${second}`;
    let name = this.names.get(key);
    if (name === undefined) {
      name = `${this.prefix}${this.operations.length}`;
      this.names.set(key, name);
      this.operations.push({ name, kind, a: first, b: second });
      this.depths.set(name, 1 + Math.max(this.depth(first), this.depth(second)));
    }
    return name;
  }

  depth(operand) {
    return this.depths.get(operand) ?? 0;
  }

  xor = (a, b) => this.operation("^", a, b);
  and = (a, b) => this.operation("&", a, b);
  or = (a, b) => this.operation("|", a, b);
  /** Of words without a bit in common: one instruction with a shift on some machines. */
  add = (a, b) => this.operation("+", a, b);
  left = (a, count) => this.operation("<<", a, count);
  right = (a, count) => this.operation(">>", a, count);
  rotate = (a, count) => (count === 0 ? a : this.operation("rotr", a, count));

  /** Adds first what is ready first. */
  sum(terms) {
    const queue = [...terms];
    while (queue.length > 1) {
      queue.sort((a, b) => this.depth(a) - this.depth(b));
      queue.push(this.xor(queue.shift(), queue.shift()));
    }
    return queue[0];
  }

  run(values) {
    const wires = new Map(Object.entries(values));
    const get = (operand) => (typeof operand === "string" ? wires.get(operand) : operand);
    for (const { name, kind, a, b } of this.operations) {
      const [x, y] = [get(a), get(b)];
      if (kind === "^") wires.set(name, x ^ y);
      else if (kind === "&") wires.set(name, x & y);
      else if (kind === "|") wires.set(name, x | y);
      else if (kind === "+") wires.set(name, (x + y) & ALL);
      else if (kind === "<<") wires.set(name, (x << BigInt(y)) & ALL);
      else if (kind === ">>") wires.set(name, x >> BigInt(y));
      else wires.set(name, ((x >> BigInt(y)) | (x << BigInt(64 - y))) & ALL);
    }
    return get;
  }

  lines() {
    const text = (operand) => (typeof operand === "bigint" ? `0x${operand.toString(16).padStart(16, "0")}` : operand);
    return this.operations.map(({ name, kind, a, b }) =>
      kind === "rotr" ? `const ${name} = rotr<u64>(${a}, ${b});` : `const ${name} = ${text(a)} ${kind} ${text(b)};`,
    );
  }
}

/** A mask of whole lanes, and of the same positions in all lanes. */
const laneMask = (lanes) => [0, 1, 2, 3].reduce((sum, l) => sum | ((lanes >> l) & 1 ? 0xffffn << BigInt(16 * l) : 0n), 0n);
const positionMask = (positions) => BigInt(positions) * 0x0001_0001_0001_0001n;
const rotations = (program, x) => [0, 16, 32, 48].map((count) => program.rotate(x, count));

/** What spans all sets of lanes: every lane, which needs no mask, and three more. */
const spans = [];
for (let a = 1; a < 15; a++) {
  for (let b = a + 1; b < 15; b++) {
    for (let c = b + 1; c < 15; c++) {
      const members = [15, a, b, c];
      const sets = Array.from({ length: 16 }, (_, choice) => members.reduce((sum, x, i) => sum ^ ((choice >> i) & 1 ? x : 0), 0));
      if (new Set(sets).size === 16) spans.push({ members, choices: sets.map((_, set) => sets.indexOf(set)) });
    }
  }
}

const count = (bits) => [0, 1, 2, 3].reduce((sum, i) => sum + ((bits >> i) & 1), 0);

/**
 * Ways to compute one word of a lane map, the ones with few operations first. A term takes lanes from j above: a rotation under a
 * mask; those with the same mask are added first, and masks may be split over a span. Lanes at an end can come by a plain shift.
 */
function waysOf(row) {
  const terms = row.flatMap((masks, word) => masks.map((lanes, j) => ({ word, j, lanes }))).filter(({ lanes }) => lanes !== 0);
  const atEnd = terms.filter(({ j, lanes }) => j > 0 && (lanes === 15 >> j || lanes === (15 ^ (15 >> j))));
  const ways = [];
  for (let choice = 0; choice < 1 << atEnd.length; choice++) {
    const shifted = atEnd.filter((_, i) => (choice >> i) & 1);
    const masked = terms.filter((term) => !shifted.includes(term));
    for (const span of spans) {
      const used = masked.reduce((sum, { lanes }) => sum | span.choices[lanes], 0);
      const added = masked.reduce((sum, { lanes }) => sum + count(span.choices[lanes]), 0);
      ways.push({ cost: added + 2 * count(used & 14) + 3 * shifted.length, shifted, masked, span });
    }
  }
  return ways.sort((a, b) => a.cost - b.cost).slice(0, 12);
}

/** The terms of a word of a lane map in one way. `together`: the same lanes of both words are added before they are rotated. */
function termsOf(program, words, { shifted, masked, span }, together) {
  const rotated = (terms) =>
    [0, 1, 2, 3].flatMap((j) => {
      const here = terms.filter((term) => term.j === j).map(({ word }) => words[word]);
      return together && here.length === 2
        ? [program.rotate(program.xor(...here), 16 * j)]
        : here.map((x) => program.rotate(x, 16 * j));
    });
  const groups = span.members.map((lanes, i) => ({
    lanes,
    terms: rotated(masked.filter((t) => (span.choices[t.lanes] >> i) & 1)),
  }));
  return [
    ...shifted.map(({ word, j, lanes }) =>
      lanes === 15 >> j ? program.right(words[word], 16 * j) : program.left(words[word], 64 - 16 * j),
    ),
    ...groups.flatMap(({ lanes, terms }) => {
      if (lanes === 15 || terms.length === 0) return terms;
      return [program.and(program.sum(terms), laneMask(lanes))];
    }),
  ];
}

/** The way for both words that needs the fewest operations, where a mask is one as well. */
function planOf(masks) {
  let best;
  const [firsts, seconds] = masks.map(waysOf);
  for (const first of firsts) {
    for (const second of seconds) {
      for (const together of [false, true]) {
        const program = new Program("");
        for (const way of [first, second]) program.sum(termsOf(program, ["u", "v"], way, together));
        const cost = program.operations.length + program.operations.filter(({ kind }) => kind === "&").length;
        if (best === undefined || cost < best.cost) best = { cost, ways: [first, second], together };
      }
    }
  }
  return best;
}

/** The terms of both words of a lane map. */
const laneTerms = (program, plan, words) => plan.ways.map((way) => termsOf(program, words, way, plan.together));
const applyLaneMap = (program, plan, words) => laneTerms(program, plan, words).map((terms) => program.sum(terms));

const plans = {
  toTower: planOf(laneMap(BITS, TOWER, (x) => x)),
  affineToTower: planOf(laneMap(PRODUCTS, TOWER, affineLinear)),
  affineToBits: planOf(laneMap(PRODUCTS, BITS, affineLinear)),
  twice: planOf(laneMap(TOWER, TOWER, (x) => multiply(2, x))),
};

/** For the second factor of a multiplication: lane 0 of a b is a0 b2 + a1 (b2 + b3) + a2 (b0 + b1) + a3 (b1 + b3). */
const sums = (program, /** @type {string[]} */ [b0, b1, b2, b3]) => [
  b2,
  program.xor(b2, b3),
  program.xor(b0, b1),
  program.xor(b1, b3),
];

/**
 * The products p = u/d and q = v/d with d = N/trace = u v + u^2/trace + v^2 norm/trace, N = u^2 + trace u v + norm v^2.
 *
 * Linear terms join a product by what its factors are added to: (a + m)(b + n) = a b + n a + m b + m n.
 */
function products(program, u, v) {
  const us = rotations(program, u);
  const vs = rotations(program, v);
  const vSums = sums(program, vs);
  const ofU = scaledSquare(reciprocal(trace));
  const ofV = scaledSquare(multiply(norm, reciprocal(trace)));
  // As a sum over v2, v2 + v3, v0 + v1, v1 + v3: v0 is in the third alone, v1 else in the fourth, v3 else in the second.
  const third = ofV[0];
  const fourth = ofV[1] ^ third;
  const second = ofV[3] ^ fourth;
  const ofSums = [ofV[2] ^ second, second, third, fourth];
  const plus = (x, lanes) => (lanes === 0 ? x : program.xor(x, laneMask(lanes)));
  const constant = ofU.reduce((sum, lanes, i) => sum ^ (lanes & ofSums[i]), 0);
  const terms = us.map((x, i) => program.and(plus(x, ofSums[i]), plus(vSums[i], ofU[i])));
  if (constant !== 0) terms[0] = program.xor(terms[0], laneMask(constant));
  const d = rotations(program, program.sum(terms));
  const e = program.or(program.and(program.or(d[1], d[2]), program.xor(d[3], program.xor(d[0], d[2]))), program.and(d[2], d[3]));
  const es = rotations(program, e);
  const times = (factors) => program.sum(factors.map((x, i) => program.and(es[i], x)));
  return [times(sums(program, us)), times(vSums)];
}

// Positions: bit 4 c + r of a lane is row r, column c of a state in layout 0; layout n has (r, c) at (r, c + n r)

/** The terms of the state `rows` below in layout n, at (r + rows, c + n rows). */
function below(program, x, rows, layout) {
  const byShift = new Map();
  for (let position = 0; position < 16; position++) {
    const [r, c] = [position & 3, position >> 2];
    const shift = 4 * ((c + layout * rows) & 3) + ((r + rows) & 3) - position;
    byShift.set(shift, (byShift.get(shift) ?? 0) | (1 << position));
  }
  return [...byShift].map(([shift, positions]) =>
    program.and(shift > 0 ? program.right(x, shift) : program.left(x, -shift), positionMask(positions)),
  );
}

/** y + the state two below y, for both, where that is the same columns: half of the sums, twice. */
function sumOfHalves(program, x) {
  const half = program.and(program.xor(program.right(x, 2), x), positionMask(0x3333));
  return program.add(half, program.left(half, 2));
}

/**
 * SubBytes without 0x63 gives y; MixColumns is 2 s + y below + s two below with s = y + y below, and y below + s two below is
 * y + (s + s two below); then the key k0, k1. In layout n.
 */
function round(layout) {
  const program = new Program(`r${layout}_`);
  const substituted = applyLaneMap(program, plans.affineToTower, products(program, "u", "v"));
  const one = substituted.map((y) => program.sum(below(program, y, 1, layout)));
  const pairs = substituted.map((y, i) => program.xor(y, one[i]));
  const doubled = laneTerms(program, plans.twice, pairs);
  const rest = pairs.map((s, i) =>
    layout % 2 === 0 ? [substituted[i], sumOfHalves(program, s)] : [one[i], ...below(program, s, 2, layout)],
  );
  return { program, outputs: doubled.map((terms, i) => program.sum([`k${i}`, ...rest[i], ...terms])) };
}

/** The last round: SubBytes without 0x63, as bits. */
function lastRound() {
  const program = new Program("e");
  return { program, outputs: applyLaneMap(program, plans.affineToBits, products(program, "u", "v")) };
}

/** Layout 2 to layout 0: odd rows change halves. */
function straighten() {
  const program = new Program("f");
  return { program, outputs: ["x0", "x1"].map((x) => exchange(program, x, 8, positionMask(0x00aa))) };
}

function enterTower() {
  const program = new Program("m");
  return { program, outputs: applyLaneMap(program, plans.toTower, ["x0", "x1"]) };
}

/** Exchanges the bits of `x` under `mask` with those `distance` above. */
function exchange(program, x, distance, mask) {
  const t = program.and(program.xor(program.right(x, distance), x), mask);
  return program.xor(program.xor(x, t), program.left(t, distance));
}

/** Exchanges the bits of `high` under `mask` with those of `low` that are `distance` above. */
function exchangeWords(program, [low, high], distance, mask) {
  const t = program.and(program.xor(program.right(low, distance), high), mask);
  return [program.xor(low, program.left(t, distance)), program.xor(high, t)];
}

/** Sixteen bytes as two words to lanes, or back: four exchanges of places in the index of a bit. */
function transpose(prefix, inputs, back) {
  const program = new Program(prefix);
  const both = (distance, mask) => (words) => words.map((x) => exchange(program, x, distance, mask));
  const between = (distance, mask) => (words) => exchangeWords(program, words, distance, mask);
  const steps = [
    between(8, 0x00ff00ff00ff00ffn),
    both(28, 0x00000000f0f0f0f0n),
    both(14, 0x0000cccc0000ccccn),
    between(1, 0x5555555555555555n),
  ];
  const outputs = (back ? steps.reverse() : steps).reduce((words, step) => step(words), inputs);
  return { program, outputs };
}

const toLanes = transpose("i", ["low", "high"], false);
const fromLanes = transpose("o", ["x0", "x1"], true);
const tower = enterTower();
const last = lastRound();
const straight = straighten();
const rounds = [0, 1, 2, 3].map(round);

// Proof

const run = ({ program, outputs }, values) => outputs.map(program.run(values));
const toWords = (block) => [0, 8].map((from) => block.slice(from, from + 8).reduceRight((sum, x) => (sum << 8n) | BigInt(x), 0n));
const toBlock = (words) => words.flatMap((word) => [0, 1, 2, 3, 4, 5, 6, 7].map((i) => Number((word >> BigInt(8 * i)) & 255n)));
const bitLanes = (block) => run(toLanes, Object.fromEntries(toWords(block).map((word, i) => [["low", "high"][i], word])));
const towerLanes = (block) => run(tower, Object.fromEntries(bitLanes(block).map((word, i) => [`x${i}`, word])));
const blockOf = (lanes) => toBlock(run(fromLanes, { x0: lanes[0], x1: lanes[1] }));
/** The state as layout n has it. */
const inLayout = (state, n) => state.map((_, at) => state[4 * (((at >> 2) - n * (at & 3)) & 3) + (at & 3)]);

function mixColumns(state) {
  return state.map((x, at) => {
    const under = (rows) => state[(at & 12) + ((at + rows) & 3)];
    return multiply(2, x) ^ multiply(3, under(1)) ^ under(2) ^ under(3);
  });
}

function check(what, got, expected) {
  if (got.join() !== expected.join()) throw new Error(`${what} is wrong`);
}

for (let first = 0; first < 256; first += 16) {
  const state = Array.from({ length: 16 }, (_, at) => (first + 7 * at) & 255);
  const key = Array.from({ length: 16 }, (_, at) => (first * 5 + 29 * at) & 255);
  const substituted = state.map((x) => affineLinear(reciprocal(x)));
  check("the transposition", blockOf(bitLanes(state)), state);
  const [u, v] = towerLanes(state);
  check("the last round", blockOf(run(last, { u, v })), substituted);
  const [x0, x1] = bitLanes(inLayout(state, 2));
  check("straightening", blockOf(run(straight, { x0, x1 })), state);
  rounds.forEach((program, layout) => {
    // A state in layout n - 1 is one in layout n once ShiftRows is taken as done.
    const before = towerLanes(inLayout(state, layout - 1));
    const shifted = substituted.map((_, at) => substituted[4 * (((at >> 2) + (at & 3)) & 3) + (at & 3)]);
    const after = mixColumns(shifted).map((x, at) => x ^ key[at]);
    const [k0, k1] = towerLanes(inLayout(key, layout));
    const got = run(program, { u: before[0], v: before[1], k0, k1 });
    check(`the round in layout ${layout}`, got, towerLanes(inLayout(after, layout)));
  });
}

// Emission

const indent = (lines, depth) => lines.map((line) => " ".repeat(depth) + line).join("\n");

/** The operations of a part, then its outputs assigned (or whatever `assign` makes of them). */
function part({ program, outputs }, depth, assign) {
  return indent([...program.lines(), ...assign(outputs)], depth);
}

const setState = ([u, v]) => [`u = ${u};`, `v = ${v};`];
const setBits = ([x0, x1]) => [`x0 = ${x0};`, `x1 = ${x1};`];
const roundText = (layout) => `      {
        const k0 = load<u64>(key);
        const k1 = load<u64>(key, 8);
${part(rounds[layout], 8, setState)}
      }`;
const loadBlock = (pointer) => [`const low = load<u64>(${pointer});`, `const high = load<u64>(${pointer}, 8);`];
const storeBlock =
  (pointer) =>
  ([low, high]) => [`store<u64>(${pointer}, ${low});`, `store<u64>(${pointer}, ${high}, 8);`];

const text = `/**
 * AES encryption on lanes, for portable/lanes.ts. The generator explains it and checks it for all bytes in every layout.
 */

/**
 * \`blocks\` times chaining ^= block, chaining = E(chaining): CBC if \`write\` (each value replaces its block), else CBC-MAC.
 * \`keys\`: one of tower lanes a round, in its layout; the last one as bits.
 */
// prettier-ignore
export function chainLanes(keys: usize, rounds: i32, chaining: usize, data: usize, blocks: i32, write: bool): void {
  let x0: u64;
  let x1: u64;
  {
${indent(loadBlock("chaining"), 4)}
${part(toLanes, 4, setBits)}
  }
  const lastKey = keys + ((<usize>rounds) << 4);
  const end = data + ((<usize>blocks) << 4);
  for (; data < end; data += 16) {
    let u: u64;
    let v: u64;
    {
${indent(loadBlock("data"), 6)}
${part(toLanes, 6, ([a, b]) => [`x0 ^= ${a};`, `x1 ^= ${b};`])}
    }
    {
${part(tower, 6, ([a, b]) => [`u = ${a} ^ load<u64>(keys);`, `v = ${b} ^ load<u64>(keys, 8);`])}
    }
    let key = keys + 16;
    while (true) {
${roundText(1)}
      key += 16;
      if (key == lastKey) break;
${roundText(2)}
      key += 16;
${roundText(3)}
      key += 16;
      if (key == lastKey) break;
${roundText(0)}
      key += 16;
    }
    {
${part(last, 6, setBits)}
    }
    if ((rounds & 2) != 0) {
${part(straight, 6, setBits)}
    }
    x0 ^= load<u64>(lastKey);
    x1 ^= load<u64>(lastKey, 8);
    if (write) {
${part(fromLanes, 6, storeBlock("data"))}
    }
  }
${part(fromLanes, 2, storeBlock("chaining"))}
}

/** Sixteen bytes to lanes of bits, in place. */
// prettier-ignore
export function toBitLanes(at: usize): void {
${indent(loadBlock("at"), 2)}
${part(toLanes, 2, storeBlock("at"))}
}

/** The same to lanes in the tower basis. */
// prettier-ignore
export function toTowerLanes(at: usize): void {
${indent(loadBlock("at"), 2)}
${part(toLanes, 2, ([a, b]) => [`const x0 = ${a};`, `const x1 = ${b};`])}
${part(tower, 2, storeBlock("at"))}
}

/** The S-box without its constant 0x63 of sixteen bytes, in place. */
// prettier-ignore
export function substituteBytes(at: usize): void {
  let x0: u64;
  let x1: u64;
  {
${indent(loadBlock("at"), 4)}
${part(toLanes, 4, setBits)}
  }
${part(tower, 2, ([a, b]) => [`const u = ${a};`, `const v = ${b};`])}
${part(last, 2, setBits)}
${part(fromLanes, 2, storeBlock("at"))}
}
`;

/** @returns {import("./output.js").Generated[]} */
export function generated() {
  return [{ path: "assembly/aes/gen/lane-rounds.gen.ts", text }];
}
