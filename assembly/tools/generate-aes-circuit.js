#!/usr/bin/env node
/**
 * Turns the S-box circuits of `assembly/aes/sbox-circuits.txt` into straight-line AssemblyScript.
 *
 *   node assembly/tools/generate-aes-circuit.js            writes assembly/aes/bitslice-rounds.ts
 *   node assembly/tools/generate-aes-circuit.js --check    fails if the file differs from what would be written
 *
 * Before anything is written, both circuits are run on all 256 bytes at once and compared with the S-box computed from the
 * definition (reciprocal modulo 0x11B, affine map). WebAssembly has no arrays of registers, so eight planes have to be eight
 * variables, and a round is generated rather than written; the variables are emitted in an order that keeps few of them alive.
 */
import { readFileSync, writeFileSync } from "node:fs";

const SOURCE = new URL("../aes/sbox-circuits.txt", import.meta.url);
const OUTPUT = new URL("../aes/bitslice-rounds.ts", import.meta.url);

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

const sections = readSections(readFileSync(SOURCE, "utf8"));

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

function multiply(a, b) {
  let product = 0;
  for (let bit = 0; bit < 8; bit++) {
    if ((b >> bit) & 1) product ^= a << bit;
  }
  for (let bit = 14; bit >= 8; bit--) {
    if ((product >> bit) & 1) product ^= 0x11b << (bit - 8);
  }
  return product;
}

const bytes = Array.from({ length: 256 }, (_, value) => value);
const sbox = bytes.map((value) => {
  const inverse = bytes.find((other) => multiply(value, other) === 1) ?? 0;
  let result = 0x63;
  for (const turn of [0, 1, 2, 3, 4]) result ^= ((inverse << turn) | (inverse >> (8 - turn))) & 0xff;
  return result;
});

/** Runs the gates on planes of 256 bits, lane v holding byte `argument(v)`. */
function prove({ inputs, gates, outputs }, argument, expected, what) {
  const plane = (values, bit) => values.reduce((sum, value, lane) => sum | (BigInt((value >> bit) & 1) << BigInt(lane)), 0n);
  const values = bytes.map(argument);
  const wires = new Map(inputs.map((name, bit) => [name, plane(values, bit)]));
  for (const { target, left, operator, right } of gates) {
    const [a, b] = [wires.get(left), wires.get(right)];
    wires.set(target, operator === "^" ? a ^ b : operator === "&" ? a & b : a | b);
  }
  outputs.forEach((name, bit) => {
    if (wires.get(name) !== plane(bytes.map(expected), bit)) throw new Error(`${what}: bit ${bit} is wrong`);
  });
  if (gates.length !== 112) throw new Error(`${what}: ${gates.length} gates instead of 112`);
}

const encryption = circuit("encrypt");
const decryption = circuit("decrypt");
prove(
  encryption,
  (v) => v,
  (v) => sbox[v] ^ 0x63,
  "S-box",
);
prove(
  decryption,
  (v) => v ^ 0x63,
  (v) => sbox.indexOf(v),
  "inverse S-box",
);

// Emission

const VECTOR = {
  "^": (a, b) => `v128.xor(${a}, ${b})`,
  "&": (a, b) => `v128.and(${a}, ${b})`,
  "|": (a, b) => `v128.or(${a}, ${b})`,
};

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
    lines.push(`const ${target} = ${operators[operator](left, right)};`);
  }
  return lines;
}

/**
 * InvMixColumns on planes and the addition of the round key: s = x + row below, D = x + 2s, M = s + 4D, out = D + M + M two below.
 * Doubling moves bit b to b+1 and bit 7 to 0, 1, 3 and 4. Bits 7 to 5 come first, since D6 and D7 go into most of M; then every
 * plane is stored as soon as it can be.
 */
function emitInverseMixColumns(x, store) {
  const lines = [];
  const xor = (...terms) => terms.reduce((a, b) => VECTOR["^"](a, b));
  const set = (name, ...terms) => lines.push(`const ${name} = ${xor(...terms)};`);
  const sum = (b) => set(`s${b}`, x[b], `v128.shuffle<i32>(${x[b]}, ${x[b]}, 1, 2, 3, 0)`);
  const twice = [["s7"], ["s0", "s7"], ["s1"], ["s2", "s7"], ["s3", "s7"], ["s4"], ["s5"], ["s6"]];
  const fourTimes = [["d6"], ["d67"], ["d0", "d7"], ["d1", "d6"], ["d2", "d67"], ["d3", "d7"], ["d4"], ["d5"]];
  for (const b of [7, 6, 5]) sum(b);
  for (const b of [7, 6]) set(`d${b}`, x[b], ...twice[b]);
  set("d67", "d6", "d7");
  for (const b of [0, 1, 2, 3, 4, 5, 6, 7]) {
    if (b < 5) sum(b);
    if (b < 6) set(`d${b}`, x[b], ...twice[b]);
    set(`m${b}`, `s${b}`, ...fourTimes[b]);
    lines.push(store(b, xor(`d${b}`, `v128.load(key, ${16 * b})`, `m${b}`, `v128.shuffle<i32>(m${b}, m${b}, 2, 3, 0, 1)`)));
  }
  return lines;
}

/** Exchanges bit b of vector k with bit k of vector b, for eight vectors, by three layers of exchanges between pairs. */
function emitTransposition() {
  const lines = [0, 1, 2, 3, 4, 5, 6, 7].map((k) => `let x${k} = v128.load(at, ${16 * k});`);
  lines.push("let t: v128;");
  for (const [shift, mask] of [
    [1, "pairs"],
    [2, "quads"],
    [4, "octets"],
  ]) {
    for (let k = 0; k < 8; k++) {
      if (k & shift) continue;
      const [a, b] = [`x${k}`, `x${k + shift}`];
      lines.push(`t = v128.and(v128.xor(i64x2.shr_u(${a}, ${shift}), ${b}), ${mask});`);
      for (const [name, value, index] of [
        [b, `v128.xor(${b}, t)`, k + shift],
        [a, `v128.xor(${a}, i64x2.shl(t, ${shift}))`, k],
      ]) {
        lines.push(shift === 4 ? `v128.store(at, ${value}, ${16 * index});` : `${name} = ${value};`);
      }
    }
  }
  return lines;
}

const indent = (lines, depth) => lines.map((line) => " ".repeat(depth) + line).join("\n");
const storeAt = (b, value) => `v128.store(at, ${value}, ${16 * b});`;
const round = emit(decryption, VECTOR, (name) => `const ${name} = select(v128.load(at, ${16 * Number(name[1])}), shift);`);

const text = `/**
 * The rounds of bitsliced AES decryption on v128 planes, generated by assembly/tools/generate-aes-circuit.js from
 * sbox-circuits.txt, both checked there for all bytes. Do not edit. bitslice.ts says what planes are and calls this.
 */
import { LOW_NIBBLES, PAIRS, QUADS, ROW_MAJOR_SHIFT } from "./tables";
import { row, select } from "./tower";

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
${indent(round, 6)}
      if (left == 0) {
${indent(
  decryption.outputs.map((name, b) => storeAt(b, name)),
  8,
)}
        continue;
      }
      // InvMixColumns, AddRoundKey
${indent(emitInverseMixColumns(decryption.outputs, storeAt), 6)}
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

if (process.argv.includes("--check")) {
  let present = "";
  try {
    present = readFileSync(OUTPUT, "utf8");
  } catch {}
  if (present !== text) {
    console.error("assembly/aes/bitslice-rounds.ts is not what generate-aes-circuit.js writes");
    process.exit(1);
  }
} else {
  writeFileSync(OUTPUT, text);
}
