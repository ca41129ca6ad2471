/**
 * Turns the S-box circuits of `assembly/aes/sbox-circuits.txt` into straight-line AssemblyScript.
 * assembly/aes/gen/bitslice-rounds.gen.ts has planes of 128 bits, assembly/aes/gen/plane-rounds.gen.ts planes of 64 bits.
 *
 * Before anything is written, both circuits are run on all 256 bytes at once and compared with the S-box computed from the
 * definition (reciprocal modulo 0x11B, affine map). WebAssembly has no arrays of registers, so eight planes have to be eight
 * variables, and a round is generated rather than written; the variables are emitted in an order that keeps few of them alive.
 */
import { AFFINE_CONSTANT, BYTES, SBOX } from "./gf256.js";
import { readSource } from "./output.js";

// Reading the description

function readSections(text) {
  const sections = new Map();
  let current = [];
  for (const line of text.split("\n")) {
    if (line.startsWith("#") || line.trim() === "") continue;
    if (/^\S/.test(line)) {
      current = [];
      sections.set(line.trim(), current);
    } else {
      current.push(line);
    }
  }
  return sections;
}

const sections = readSections(readSource("assembly/aes/sbox-circuits.txt"));

function words(name) {
  const section = sections.get(name);
  if (section === undefined) throw new Error(`section "${name}" is missing`);
  return section.join(" ").trim().split(/\s+/);
}

function equations(name) {
  const tokens = words(name);
  const result = [];
  for (let at = 0; at < tokens.length; at += 5) {
    const [target, equals, left, operator, right] = tokens.slice(at, at + 5);
    if (equals !== "=" || !["&", "|", "^"].includes(operator)) throw new Error(`section "${name}", near ${target}`);
    result.push({ target, left, operator, right });
  }
  return result;
}

/** One direction as a list of gates `{ target, left, operator, right }` over inputs x0..x7, and the names of its outputs. */
function circuit(direction) {
  const gates = [];
  const gate = (target, left, operator, right) => {
    gates.push({ target, left, operator, right });
    return target;
  };
  const stage = (name, prefix, inputs) => {
    const names = new Map(inputs.map((input, index) => [`i${index}`, input]));
    return stageWith(equations(name), prefix, names);
  };
  const stageWith = (list, prefix, names) => {
    for (const { target, left, operator, right } of list) {
      const [from, to] = [names.get(left), names.get(right)];
      if (from === undefined || to === undefined) throw new Error(`${target} uses a name that does not exist`);
      names.set(target, gate(prefix + target, from, operator, to));
    }
    return names;
  };
  const pick = (names, outputs) => outputs.map((output) => names.get(output));

  const inputs = [0, 1, 2, 3, 4, 5, 6, 7].map((bit) => `x${bit}`);
  const forms = pick(stage(`${direction} top`, "", inputs), words(`${direction} top outputs`));
  const first = forms.slice(0, 9);
  const second = forms.slice(9, 18);
  const disjunctions = new Set(words(`${direction} or`).map(Number));
  const products = first.map((form, k) => gate(`p${k}`, form, disjunctions.has(k) ? "|" : "&", second[k]));
  const norm = pick(stage(`${direction} rec`, "", [...products, ...forms.slice(18)]), words(`${direction} rec outputs`));
  const nibble = stageWith(
    equations("inversion"),
    "",
    new Map(words(`${direction} norm`).map((name, index) => [name, norm[index]])),
  );
  const [e0, e1, e2, e3] = pick(nibble, words(`${direction} reciprocal`));
  const e01 = gate("e01", e0, "^", e1);
  const e23 = gate("e23", e2, "^", e3);
  const e02 = gate("e02", e0, "^", e2);
  const e13 = gate("e13", e1, "^", e3);
  const all = gate("e0123", e01, "^", e23);
  const factors = [e0, e1, e01, e2, e3, e23, e02, e13, all];
  const results = [...first, ...second].map((form, k) => gate(`q${k}`, factors[k % 9], "&", form));
  const outputs = pick(stage(`${direction} bottom`, "", results), words(`${direction} bottom outputs`));
  return { inputs, gates, outputs };
}

// Proof

/** Runs the gates on planes of 256 bits, lane v holding byte `argument(v)`. */
function prove({ inputs, gates, outputs }, argument, expected, what) {
  const plane = (values, bit) => values.reduce((sum, value, lane) => sum | (BigInt((value >> bit) & 1) << BigInt(lane)), 0n);
  const values = BYTES.map(argument);
  const wires = new Map(inputs.map((name, bit) => [name, plane(values, bit)]));
  for (const { target, left, operator, right } of gates) {
    const [a, b] = [wires.get(left), wires.get(right)];
    wires.set(target, operator === "^" ? a ^ b : operator === "&" ? a & b : a | b);
  }
  outputs.forEach((name, bit) => {
    if (wires.get(name) !== plane(BYTES.map(expected), bit)) throw new Error(`${what}: bit ${bit} is wrong`);
  });
  if (gates.length !== 112) throw new Error(`${what}: ${gates.length} gates instead of 112`);
}

const encryption = circuit("encrypt");
const decryption = circuit("decrypt");
prove(
  encryption,
  (v) => v,
  (v) => SBOX[v] ^ AFFINE_CONSTANT,
  "S-box",
);
prove(
  decryption,
  (v) => v ^ AFFINE_CONSTANT,
  (v) => SBOX.indexOf(v),
  "inverse S-box",
);

// Emission

/** Planes of eight blocks: a row is a 32-bit lane. `below(x, n)` brings up the row n below. */
const VECTOR = {
  size: 16,
  "^": (a, b) => `v128.xor(${a}, ${b})`,
  "&": (a, b) => `v128.and(${a}, ${b})`,
  "|": (a, b) => `v128.or(${a}, ${b})`,
  load: (base, offset) => `v128.load(${base}, ${offset})`,
  store: (base, value, offset) => `v128.store(${base}, ${value}, ${offset});`,
  shiftRows: (x) => `select(${x}, shift)`,
  below: (x, rows) => `v128.shuffle<i32>(${x}, ${x}, ${[0, 1, 2, 3].map((lane) => (lane + rows) & 3).join(", ")})`,
};

/**
 * Planes of four blocks: a row is 16 bits. InvShiftRows is executed every other round, for two: odd rows change halves. In the rounds
 * between, the byte (r, c) is at (r, c - r).
 */
const WORD = {
  size: 8,
  "^": (a, b) => `(${a} ^ ${b})`,
  "&": (a, b) => `(${a} & ${b})`,
  "|": (a, b) => `(${a} | ${b})`,
  load: (base, offset) => `load<u64>(${base}, ${offset})`,
  store: (base, value, offset) => `store<u64>(${base}, ${value}, ${offset});`,
  shiftRows: (x) => `shiftTwice(${x})`,
  below: (x, rows) => `rotr<u64>(${x}, ${16 * rows})`,
};
const SKEWED_WORD = { ...WORD, shiftRows: (x) => x, below: (x, rows) => (rows === 1 ? `below(${x})` : `twoBelow(${x})`) };

/** Without the parentheses around a whole expression. */
const bare = (text) => (/^\([^()]*\)$/.test(text) ? text.slice(1, -1) : text);

function emit({ gates }, operators, load) {
  const lines = [];
  const loaded = new Set();
  const use = (name) => {
    if (/^x\d$/.test(name) && !loaded.has(name)) {
      loaded.add(name);
      lines.push(load(name));
    }
    return name;
  };
  for (const { target, left, operator, right } of gates) {
    use(left);
    use(right);
    lines.push(`const ${target} = ${bare(operators[operator](left, right))};`);
  }
  return lines;
}

/**
 * InvMixColumns on planes and the addition of the round key: s = x + row below, D = x + 2s, M = s + 4D, out = D + M + M two below.
 * Doubling moves bit b to b+1 and bit 7 to 0, 1, 3 and 4. Bits 7 to 5 come first, since D6 and D7 go into most of M; then every
 * plane is stored as soon as it can be.
 */
function emitInverseMixColumns(x, planes) {
  const lines = [];
  const xor = (...terms) => terms.reduce((a, b) => planes["^"](a, b));
  const set = (name, ...terms) => lines.push(`const ${name} = ${bare(xor(...terms))};`);
  const sum = (b) => set(`s${b}`, x[b], planes.below(x[b], 1));
  const twice = [["s7"], ["s0", "s7"], ["s1"], ["s2", "s7"], ["s3", "s7"], ["s4"], ["s5"], ["s6"]];
  const fourTimes = [["d6"], ["d67"], ["d0", "d7"], ["d1", "d6"], ["d2", "d67"], ["d3", "d7"], ["d4"], ["d5"]];
  for (const b of [7, 6, 5]) sum(b);
  for (const b of [7, 6]) set(`d${b}`, x[b], ...twice[b]);
  set("d67", "d6", "d7");
  for (const b of [0, 1, 2, 3, 4, 5, 6, 7]) {
    if (b < 5) sum(b);
    if (b < 6) set(`d${b}`, x[b], ...twice[b]);
    set(`m${b}`, `s${b}`, ...fourTimes[b]);
    const out = xor(`d${b}`, planes.load("key", planes.size * b), `m${b}`, planes.below(`m${b}`, 2));
    lines.push(planes.store("at", bare(out), planes.size * b));
  }
  return lines;
}

/** Exchanges bit b of vector k with bit k of vector b, for eight vectors, by three layers of exchanges between pairs. */
function emitTransposition() {
  const lines = [0, 1, 2, 3, 4, 5, 6, 7].map((k) => `let x${k} = v128.load(at, ${16 * k});`);
  lines.push("let t: v128;");
  for (const { shift, mask } of [
    { shift: 1, mask: "pairs" },
    { shift: 2, mask: "quads" },
    { shift: 4, mask: "octets" },
  ]) {
    for (let k = 0; k < 8; k++) {
      if (k & shift) continue;
      const [a, b] = [`x${k}`, `x${k + shift}`];
      lines.push(`t = v128.and(v128.xor(i64x2.shr_u(${a}, ${shift}), ${b}), ${mask});`);
      for (const { name, value, index } of [
        { name: b, value: `v128.xor(${b}, t)`, index: k + shift },
        { name: a, value: `v128.xor(${a}, i64x2.shl(t, ${shift}))`, index: k },
      ]) {
        lines.push(shift === 4 ? `v128.store(at, ${value}, ${16 * index});` : `${name} = ${value};`);
      }
    }
  }
  return lines;
}

/** Four blocks, as eight words in their order (block k, half h: word 2k + h), and how their bits change places to become planes. */
const wordExchanges = [
  // [word bit, place]: bit `place` of the index inside a word changes places with that bit of the word's number.
  [2, 1],
  [1, 0],
  [0, 3],
  [0, 4],
  [0, 5],
  [0, 2],
];

/** Where the exchanges take the bit of the word `word` at `place`, as [word, place]. */
function exchanged(word, place) {
  for (const [w, p] of wordExchanges) {
    const [a, b] = [(word >> w) & 1, (place >> p) & 1];
    word = (word & ~(1 << w)) | (b << w);
    place = (place & ~(1 << p)) | (a << p);
  }
  return [word, place];
}

/** Which plane a word becomes: checks that bit b of block k, row r, column c ends up in plane b at 16 r + 4 c + k. */
function planeNumbers() {
  const numbers = [];
  for (let word = 0; word < 8; word++) {
    for (let place = 0; place < 64; place++) {
      const [block, byte, bit] = [word >> 1, (word & 1) * 8 + (place >> 3), place & 7];
      const [to, at] = exchanged(word, place);
      numbers[to] ??= bit;
      if (numbers[to] !== bit || at !== 16 * (byte & 3) + 4 * (byte >> 2) + block) throw new Error("the exchanges go wrong");
    }
  }
  return numbers;
}

function emitExchanges(list) {
  const lines = ["let t: u64;"];
  for (const [w, p] of list) {
    const distance = 1 << p;
    let mask = 0n;
    for (let place = 0; place < 64; place++) if (!((place >> p) & 1)) mask |= 1n << BigInt(place);
    for (let word = 0; word < 8; word++) {
      if ((word >> w) & 1) continue;
      const [low, high] = [`w${word}`, `w${word + (1 << w)}`];
      lines.push(`t = ((${low} >> ${distance}) ^ ${high}) & 0x${mask.toString(16).padStart(16, "0")};`);
      lines.push(`${high} ^= t;`, `${low} ^= t << ${distance};`);
    }
  }
  return lines;
}

const loadWords = (index) => [0, 1, 2, 3, 4, 5, 6, 7].map((word) => `let w${word} = load<u64>(at, ${8 * index(word)});`);
const storeWords = (index) => [0, 1, 2, 3, 4, 5, 6, 7].map((word) => `store<u64>(at, w${word}, ${8 * index(word)});`);

const indent = (lines, depth) => lines.map((line) => " ".repeat(depth) + line).join("\n");
const inputOf = (planes) => (name) => `const ${name} = ${planes.shiftRows(planes.load("at", planes.size * Number(name[1])))};`;
const roundOf = (planes) => emit(decryption, planes, inputOf(planes));
const lastOf = (planes) => decryption.outputs.map((name, b) => planes.store("at", name, planes.size * b));
const numbers = planeNumbers();

const vectorText = `/**
 * The rounds of bitsliced AES decryption on v128 planes, from the circuits of sbox-circuits.txt, which the generator checks for all
 * bytes. simd/bitslice.ts says what planes are and calls this.
 */
import { LOW_NIBBLES, PAIRS, QUADS, ROW_MAJOR_SHIFT } from "./tables.gen";
import { row, select } from "../simd/tower";

/**
 * Runs \`rounds\` rounds over the batches of eight planes (128 bytes each) from \`states\` to \`end\`, which take turns so that their
 * latencies overlap. \`keys\`: the planes of the round keys 1 to rounds-1; the last round ends with its S-box.
 */
// prettier-ignore
export function decryptPlanes(states: usize, end: usize, keys: usize, rounds: i32): void {
  const shift = row(ROW_MAJOR_SHIFT);
  let key = keys;
  for (let left = rounds - 1; left >= 0; left--) {
    for (let at = states; at < end; at += 128) {
      // InvShiftRows, InvSubBytes
${indent(roundOf(VECTOR), 6)}
      if (left == 0) {
${indent(lastOf(VECTOR), 8)}
        continue;
      }
      // InvMixColumns, AddRoundKey
${indent(emitInverseMixColumns(decryption.outputs, VECTOR), 6)}
    }
    key += 128;
  }
}

/** Eight vectors of 16 bytes to eight planes, or back, in place: bit b of vector k changes places with bit k of vector b. */
// prettier-ignore
export function transpose(at: usize): void {
  const pairs = row(PAIRS);
  const quads = row(QUADS);
  const octets = row(LOW_NIBBLES);
${indent(emitTransposition(), 2)}
}
`;

const wordText = `/**
 * The rounds of bitsliced AES decryption on planes of 64 bits, from the circuits of sbox-circuits.txt, which the generator checks for
 * all bytes. portable/planes.ts says what planes are and calls this.
 */

/** InvShiftRows (FIPS 197 clause 5.3.1) twice: odd rows of 16 bits change halves. */
// @ts-ignore: decorator
@inline
function shiftTwice(x: u64): u64 {
  const t = ((x >> 8) ^ x) & 0x00ff000000ff0000;
  return x ^ t ^ (t << 8);
}

/** One row below where the byte (r, c) is at (r, c - r). */
// @ts-ignore: decorator
@inline
function below(x: u64): u64 {
  return (rotr<u64>(x, 12) & 0xfff0fff0fff0fff0) | (rotr<u64>(x, 28) & 0x000f000f000f000f);
}

/** Two rows below there. */
// @ts-ignore: decorator
@inline
function twoBelow(x: u64): u64 {
  return (rotr<u64>(x, 24) & 0xff00ff00ff00ff00) | (rotr<u64>(x, 40) & 0x00ff00ff00ff00ff);
}

/**
 * Runs \`rounds\` rounds (an even number) over the eight planes at \`at\`. \`keys\`: the planes of the round keys 1 to rounds-1, those of
 * odd rounds with the byte (r, c) at (r, c - r); the last round ends with its S-box.
 */
// prettier-ignore
export function decryptPlanes(at: usize, keys: usize, rounds: i32): void {
  const end = keys + ((<usize>rounds) << 6);
  let key = keys;
  while (true) {
    {
      // InvSubBytes, InvMixColumns, AddRoundKey of an odd round
${indent([...roundOf(SKEWED_WORD), ...emitInverseMixColumns(decryption.outputs, SKEWED_WORD)], 6)}
    }
    key += 64;
    // InvShiftRows of both, InvSubBytes of an even round
${indent(roundOf(WORD), 4)}
    if (key + 64 == end) {
${indent(lastOf(WORD), 6)}
      return;
    }
    // InvMixColumns, AddRoundKey
${indent(emitInverseMixColumns(decryption.outputs, WORD), 4)}
    key += 64;
  }
}

/** Four blocks in the standard's order to eight planes, in place. */
// prettier-ignore
export function toPlanes(at: usize): void {
${indent([...loadWords((word) => word), ...emitExchanges(wordExchanges), ...storeWords((word) => numbers[word])], 2)}
}

/** Eight planes to four blocks, in place. */
// prettier-ignore
export function fromPlanes(at: usize): void {
${indent([...loadWords((word) => numbers[word]), ...emitExchanges([...wordExchanges].reverse()), ...storeWords((word) => word)], 2)}
}
`;

/** @returns {import("./output.js").Generated[]} */
export function generated() {
  return [
    { path: "assembly/aes/gen/bitslice-rounds.gen.ts", text: vectorText },
    { path: "assembly/aes/gen/plane-rounds.gen.ts", text: wordText },
  ];
}
