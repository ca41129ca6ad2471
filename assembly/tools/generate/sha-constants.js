/**
 * Makes assembly/sha/gen/constants.gen.ts: the constants of FIPS 180-4 clauses 4.2.2, 4.2.3, 5.3.2 to 5.3.5, computed from their
 * definition (fractional parts of the square and cube roots of the first primes) in exact integer arithmetic.
 */

function primes(count) {
  const found = [];
  for (let n = 2; found.length < count; n++) if (found.every((p) => n % p !== 0)) found.push(n);
  return found;
}

/** Largest integer whose `degree`-th power is at most `n`. */
function integerRoot(n, degree) {
  let low = 0n;
  let high = 1n << (BigInt(n.toString(2).length) / degree + 1n);
  while (low < high) {
    const middle = (low + high + 1n) >> 1n;
    if (middle ** degree <= n) low = middle;
    else high = middle - 1n;
  }
  return low;
}

/** First 64 bits of the fractional part of the `degree`-th root of `prime`. */
function fraction(prime, degree) {
  return integerRoot(BigInt(prime) << (64n * degree), degree) & 0xffffffffffffffffn;
}

const hex = (value, digits) => `0x${value.toString(16).padStart(digits, "0")}`;

function table(name, type, values, perLine, note) {
  const lines = [];
  for (let i = 0; i < values.length; i += perLine) lines.push(`  ${values.slice(i, i + perLine).join(", ")},`);
  return `/** ${note} */\nexport const ${name}: usize = memory.data<${type}>(\n  // prettier-ignore\n  [\n${lines.map((l) => `  ${l}`).join("\n")}\n  ],\n  16,\n);\n`;
}

function constants() {
  const all = primes(80);
  const cube = all.map((p) => fraction(p, 3n));
  const root = all.slice(0, 16).map((p) => fraction(p, 2n));
  const high = (v) => hex(v >> 32n, 8);
  const low = (v) => hex(v & 0xffffffffn, 8);
  const full = (v) => hex(v, 16);
  const [first, second] = [root.slice(0, 8), root.slice(8)];
  return [
    "/**\n * Constants of SHA-2 (FIPS 180-4): public, never written.\n */\n",
    table(
      "SHA256_K",
      "u32",
      cube.slice(0, 64).map(high),
      8,
      "Clause 4.2.2: cube roots of the first 64 primes, 32 bits of their fractions.",
    ),
    table("SHA512_K", "u64", cube.map(full), 4, "Clause 4.2.3: cube roots of the first 80 primes, 64 bits of their fractions."),
    table(
      "SHA224_H",
      "u32",
      second.map(low),
      8,
      "Clause 5.3.2: square roots of the 9th to 16th primes, the second 32 bits of their fractions.",
    ),
    table("SHA256_H", "u32", first.map(high), 8, "Clause 5.3.3: square roots of the first 8 primes, 32 bits of their fractions."),
    table(
      "SHA384_H",
      "u64",
      second.map(full),
      4,
      "Clause 5.3.4: square roots of the 9th to 16th primes, 64 bits of their fractions.",
    ),
    table("SHA512_H", "u64", first.map(full), 4, "Clause 5.3.5: square roots of the first 8 primes, 64 bits of their fractions."),
  ].join("\n");
}

/** @returns {import("./output.js").Generated[]} */
export function generated() {
  return [{ path: "assembly/sha/gen/constants.gen.ts", text: constants() }];
}
