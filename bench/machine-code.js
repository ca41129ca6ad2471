/**
 * `node bench/machine-code.js`: what bounds AES-CBC decryption and SHA-256. Counts the instructions that V8 makes of the two kernels,
 * and holds the cycles they need at the least against the cycles that are measured.
 *
 * A batch of 8 blocks runs 14 rounds of AES-256 (FIPS 197), the last of them without InvMixColumns. Every instruction counted is an
 * addition, permutation or logical operation of 128 bits; a core starts three of those in a cycle (Intel) or four (AMD since
 * Zen), whatever their order. Loads, stores and what V8 spills run beside them and are not counted. A cycle is measured, too: a
 * third of a multiplication in a chain of them, each of which waits for the one before.
 *
 * A block of SHA-256 is 64 rounds (FIPS 180-4 clause 6.2.2): a loop of 16, run three times and computing the message schedule beside
 * them, and 16 more. There all instructions count, since a core starts six in a cycle at the most, of whatever kind.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { median } from "./measure.js";

const moduleFile = fileURLToPath(import.meta.resolve("viopay-pos-crypto/viopay-pos-crypto.simd.wasm"));
const SIZE = 65536;
const BLOCKS = 8;
const ROUNDS = 14;
const VECTOR = /^v(?:px?or|pand|pandn|paddusb|pshufb|pshufd|shufps|pcmpeqb)$/;

/** @typedef {Record<string, number>} Counts instructions by name */

/** The machine code of every function of the module, as V8's optimising compiler makes it. @returns {string[][]} */
function disassemble() {
  const compile = `new WebAssembly.Module(require("node:fs").readFileSync(${JSON.stringify(moduleFile)}))`;
  const flags = ["--no-liftoff", "--no-wasm-lazy-compilation", "--no-wasm-dynamic-tiering", "--print-wasm-code"];
  const { stdout } = spawnSync(process.execPath, [...flags, "-e", compile], { encoding: "utf8", maxBuffer: 1 << 28 });
  return stdout.split(/^name: wasm-function/m).map((text) => text.split("\n"));
}

/** @param {string} line */
function vectorInstruction(line) {
  return line.split(/\s+/).find((word) => VECTOR.test(word));
}

/** @param {readonly string[]} lines @returns {Counts} */
function count(lines) {
  /** @type {Counts} */
  const counts = {};
  for (const line of lines) {
    const name = vectorInstruction(line);
    if (name !== undefined) counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

/** @param {Counts} counts */
const sum = (counts) => Object.values(counts).reduce((a, b) => a + b, 0);

/**
 * The kernel is the function with most logical operations among those that shuffle 32-bit lanes for InvMixColumns. Between its
 * substitution and InvMixColumns it asks whether the round is the last, and stores eight planes if so.
 */
function roundsOf(/** @type {string[][]} */ functions) {
  const shuffles = (/** @type {string[]} */ lines) => lines.filter((line) => /vpshufd|vshufps/.test(line)).length;
  const [kernel] = functions.filter((lines) => shuffles(lines) >= 16).sort((a, b) => sum(count(b)) - sum(count(a)));
  if (kernel === undefined) throw new Error("no machine code: this shows Node on x86-64 only");
  const firstShuffle = kernel.findIndex((line) => /vpshufd|vshufps/.test(line));
  let branch = firstShuffle;
  while (branch > 0 && !/\s(?:jnz|jz|jne|je)\s/.test(kernel[branch] ?? "")) branch--;
  return { substitution: count(kernel.slice(0, branch)), mixing: count(kernel.slice(branch)) };
}

/**
 * Instructions a block of SHA-256. Of the code between two branches, that with rotations is rounds, and that with 64-bit shifts of
 * vectors, which only the schedule has, is the loop.
 * @param {string[][]} functions
 */
function shaInstructions(functions) {
  const rotations = (/** @type {readonly string[]} */ lines) => lines.filter((line) => /\bror/.test(line)).length;
  const [kernel = []] = [...functions].sort((a, b) => rotations(b) - rotations(a));
  /** @type {string[][]} */
  const straight = [[]];
  for (const line of kernel) {
    if (/^0x/.test(line)) straight.at(-1)?.push(line);
    if (/\s(?:j[a-z]+|ret[a-z]*)\b/.test(line)) straight.push([]);
  }
  const times = (/** @type {string[]} */ lines) => (lines.some((line) => /vpsrlq/.test(line)) ? 3 : 1);
  return straight.filter((lines) => rotations(lines) > 0).reduce((total, lines) => total + times(lines) * lines.length, 0);
}

/** Bytes of a module of one function that squares a number 16 times a turn: `(param i32) (result i64)`. */
function chainModule() {
  const body = [0x01, 0x01, 0x7e, 0x42, 0x03, 0x21, 0x01, 0x03, 0x40];
  for (let i = 0; i < 16; i++) body.push(0x20, 0x01, 0x20, 0x01, 0x7e, 0x21, 0x01);
  body.push(0x20, 0x00, 0x41, 0x01, 0x6b, 0x22, 0x00, 0x0d, 0x00, 0x0b, 0x20, 0x01, 0x0b);
  const length = (/** @type {number} */ n) => [(n & 0x7f) | 0x80, n >> 7];
  const code = [0x01, ...length(body.length), ...body];
  return new Uint8Array(
    [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]
      .concat([1, 6, 1, 0x60, 1, 0x7f, 1, 0x7e], [3, 2, 1, 0], [7, 5, 1, 1, 0x66, 0, 0])
      .concat([10, ...length(code.length), ...code]),
  );
}

/**
 * Cycles a byte of a message of 64 KiB, in the module, without copies.
 * @param {(wasm: any) => () => void} prepare
 */
function measure(prepare) {
  const chain = /** @type {(turns: number) => bigint} */ (
    new WebAssembly.Instance(new WebAssembly.Module(chainModule())).exports["f"]
  );
  const nanosecondsACycle = () => {
    const start = performance.now();
    chain(3000);
    return ((performance.now() - start) * 1e6) / (3000 * 16 * 3);
  };
  const wasm = /** @type {any} */ (new WebAssembly.Instance(new WebAssembly.Module(readFileSync(moduleFile))).exports);
  const run = prepare(wasm);
  const samples = [];
  for (let i = 0; i < 400; i++) {
    const before = nanosecondsACycle();
    const start = performance.now();
    run();
    const time = (performance.now() - start) * 1e6;
    if (i >= 200) samples.push(time / SIZE / ((before + nanosecondsACycle()) / 2));
  }
  return median(samples);
}

const functions = disassemble();
const { substitution, mixing } = roundsOf(functions);
const batch = ROUNDS * sum(substitution) + (ROUNDS - 1) * sum(mixing);
const list = (/** @type {Counts} */ counts) =>
  Object.entries(counts)
    .map(([name, times]) => `${times} ${name}`)
    .join(", ");
const measured = measure((wasm) => {
  const key = wasm.slotCreate(1, 32);
  return () => wasm.cbcDecrypt(key, SIZE, 0, 1);
});
const line = (/** @type {string} */ what, /** @type {string} */ value) => process.stdout.write(`${what.padEnd(44)} ${value}\n`);
line("Node", `${process.version}, V8 ${process.versions.v8}`);
line("InvShiftRows, InvSubBytes of 8 blocks", `${sum(substitution)}: ${list(substitution)}`);
line("InvMixColumns, AddRoundKey", `${sum(mixing)}: ${list(mixing)}`);
line(`vector instructions a batch, ${ROUNDS} rounds`, `${batch}, ${(batch / BLOCKS / 16).toFixed(1)} a byte`);
for (const ports of [3, 4]) {
  const bound = batch / ports / BLOCKS / 16;
  line(
    `cycles a byte, at ${ports} a cycle, at the least`,
    `${bound.toFixed(2)} (${((100 * bound) / measured).toFixed(0)} % of what is measured)`,
  );
}
line("cycles a byte, measured (64 KiB, in the module)", measured.toFixed(2));
const sha = shaInstructions(functions);
const shaMeasured = measure((wasm) => {
  wasm.hashBegin(3);
  return () => wasm.hashPart(3, SIZE);
});
line("instructions a block of SHA-256", `${sha}, ${(sha / 64).toFixed(1)} a byte`);
line(
  "cycles a byte, at 6 a cycle, at the least",
  `${(sha / 6 / 64).toFixed(2)} (${((100 * sha) / 6 / 64 / shaMeasured).toFixed(0)} % of what is measured)`,
);
line("cycles a byte, measured (64 KiB, in the module)", shaMeasured.toFixed(2));
