/**
 * A check value that does not fit, explained: every method's value beside the expected one, and near misses in words.
 *
 * The values of the whole key are public by intent. Those of its halves and variants are not: each half of a TDEA key could be
 * searched by its own check value. They are compared in constant time and never shown. Copies of the material that variants are made
 * of live for one call and are wiped.
 */
import type { Backend, HashName, SlotKind } from "../../backend/contract.js";
import { encodeHex, wipe } from "../../base/bytes.js";
import { HASH_NAMES, type KeyAlgorithm, type ResolvedKeyAttributes, suitsAlgorithm } from "./attributes.js";
import { methodFor, readCheckValue } from "./check-value.js";
import { checkValueBytes, type KcvMethod, methodsFor } from "./check-value-methods.js";
import { attributesOf, internals, type SecretKey } from "./handle.js";
import { setOddParity } from "./parity.js";

/** One method's value of the key. */
export interface ExplainedCheckValue {
  method: KcvMethod;
  /** As many digits as the expected one has, or a whole block where that is shorter. */
  value: string;
  /** Whether it is the expected one. */
  equal: boolean;
}

/** A check value beside the key's own. */
export interface KeyCheckValueExplanation {
  /** The expected value as it was read: upper case, without spaces. */
  expected: string;
  /** Every method that the key's algorithm has. */
  methods: ExplainedCheckValue[];
  /** What the expected value is instead, in words; empty where nothing was found. Never a value of a half or a variant. */
  nearMisses: string[];
  /** All of it as lines of text. */
  text: string;
}

/** Bytes that may be the key whose check value was stated, what to compute with, and how that is called. */
interface Variant {
  readonly what: string;
  readonly kind: SlotKind;
  readonly material: Uint8Array;
  readonly values: (backend: Backend, slot: number) => readonly (readonly [how: string, value: Uint8Array])[];
}

const asAlgorithm = (algorithm: KeyAlgorithm, length: number, hash?: HashName): Variant["values"] => {
  return (backend, slot) =>
    methodsFor(algorithm).map((method) => [method, checkValueBytes(backend, slot, algorithm, method, hash, length)] as const);
};

/** Methods of private agreements, X9.24's aside: all over the key itself. */
function privateValues(algorithm: "AES" | "TDES", length: number): Variant["values"] {
  const block = algorithm === "AES" ? 16 : 8;
  return (backend, slot) => [
    ["the CMAC of the empty message", backend.cmac(slot, new Uint8Array(0)).slice(0, length)],
    ["encryption of a block of bytes FF", backend.encryptBlock(slot, new Uint8Array(block).fill(0xff)).slice(0, length)],
  ];
}

function hashValues(length: number, own: HashName | undefined): Variant["values"] {
  return (backend, slot) => {
    const others = HASH_NAMES.filter((hash) => hash !== own).map((hash) => {
      return [`HMAC with ${hash}`, backend.hmacWith(hash, slot, new Uint8Array(0)).slice(0, length)] as const;
    });
    const zeros = [8, 16].map((size) => {
      const value = backend.hmacWith(own ?? "SHA-256", slot, new Uint8Array(size)).slice(0, length);
      return [`HMAC with ${own ?? "SHA-256"} over ${size} zero bytes`, value] as const;
    });
    return [...others, ...zeros];
  };
}

/** The same bytes as other keys: another algorithm, a private method, parity adjusted, a half. */
function variantsOf(
  { algorithm, hash }: Pick<ResolvedKeyAttributes, "algorithm" | "hash">,
  material: Uint8Array,
  adjusted: Uint8Array,
  length: number,
): Variant[] {
  const found: Variant[] = [];
  const add = (what: string, kind: SlotKind, bytes: Uint8Array, values: Variant["values"]) => {
    found.push({ what, kind, material: bytes, values });
  };
  for (const other of ["AES", "TDES", "DES"] as const) {
    if (!suitsAlgorithm(other, material.length)) continue;
    const kind = other === "AES" ? "AES" : "TDES";
    if (other !== algorithm) add(`the same bytes as a key of algorithm ${other}`, kind, material, asAlgorithm(other, length));
    if (other !== "DES") add(`the same bytes as a key of algorithm ${other}`, kind, material, privateValues(other, length));
    if (other === "AES") add("the bytes with odd parity as an AES key", "AES", adjusted, asAlgorithm("AES", length));
  }
  add("the same bytes as an HMAC key", "HMAC", material, hashValues(length, algorithm === "HMAC" ? hash : undefined));
  if (algorithm === "HMAC") add("the bytes with odd parity", "HMAC", adjusted, asAlgorithm("HMAC", length, hash));
  const parts = (size: number, of: "AES" | "TDES" | "DES") => {
    if (material.length <= size || material.length % 8 !== 0) return;
    for (let at = 0; at + size <= material.length; at += of === "AES" ? 16 : 8) {
      const place = `bytes ${at + 1} to ${at + size} alone as a key of algorithm ${of}`;
      add(place, of === "AES" ? "AES" : "TDES", material.subarray(at, at + size), asAlgorithm(of, length));
    }
  };
  if (algorithm !== "HMAC") parts(8, "DES");
  if (algorithm === "TDES") parts(16, "TDES");
  if (algorithm === "AES") parts(16, "AES");
  return found;
}

/** Which variants have exactly the wanted value. Slots that are made for it do not outlive the call. */
function variantMisses(backend: Backend, variants: readonly Variant[], wanted: Uint8Array): string[] {
  const misses = new Set<string>();
  for (const { what, kind, material, values } of variants) {
    const slot = backend.createSlot(kind, material);
    try {
      for (const [how, value] of values(backend, slot)) {
        if (backend.equal(value, wanted)) misses.add(`it is the value of ${what}, by ${how}`);
        wipe(value);
      }
    } finally {
      backend.destroySlot(slot);
    }
  }
  return [...misses];
}

/** How one text becomes the other by a slip of copying; `undefined` if it does not. Both are public. */
function copyError(expected: string, value: string): string | undefined {
  const wrong = Array.from(value, (_digit, i) => i).filter((i) => value[i] !== expected[i]);
  const [first, second] = wrong as [number, number?];
  if (wrong.length === 1) return `digit ${first + 1} is another`;
  if (wrong.length !== 2 || second === undefined) return undefined;
  const swapped = value[first] === expected[second] && value[second] === expected[first];
  return swapped ? `digits ${first + 1} and ${second + 1} are swapped` : undefined;
}

/**
 * Explains a check value that was stated for a key, on a key letter or by a host: the value of every method that the key's algorithm
 * has, and if none is equal what the expected one may be instead. Near misses are the same bytes as another algorithm, methods of
 * private agreements, one half or part of the key, the bytes with parity adjusted, a digit miscopied or two swapped. Halves and
 * variants are compared in constant time and never shown, since each half of a TDES key could be searched by its own check value.
 *
 * @param expected hex of either case: 4 to 16 digits, which spaces may group
 * @throws `ERR_INVALID_ARGUMENT` for what is no check value, `ERR_KEY_USAGE` for algorithms that have none, `ERR_KEY_DESTROYED`
 * @example
 * ```ts
 * import { explainKeyCheckValue, importKey } from "viopay-pos-crypto";
 *
 * const key = importKey("3F419E1CB7079442AA37474C2EFBF8B8", { algorithm: "AES", usage: "P0" });
 * const { methods, nearMisses } = explainKeyCheckValue(key, "57 C4 09");
 * console.log(methods[0]?.method, methods[0]?.value); // prints CMAC 08793E
 * console.log(nearMisses[0]); // prints it is the value of the same bytes as a key of algorithm TDES, by ANSI_X9_24
 * key.destroy();
 * ```
 */
export function explainKeyCheckValue(key: SecretKey, expected: string): KeyCheckValueExplanation {
  const { backend, slot } = internals(key, "key");
  const attributes = attributesOf(key, "key");
  const { algorithm, hash } = attributes;
  methodFor(algorithm, undefined);
  const wanted = readCheckValue("expected", expected);
  const shown = encodeHex(wanted);
  const methods = methodsFor(algorithm).map((method): ExplainedCheckValue => {
    const value = checkValueBytes(backend, slot, algorithm, method, hash, wanted.length);
    return { method, value: encodeHex(value), equal: backend.equal(value, wanted) };
  });
  const nearMisses: string[] = [];
  if (!methods.some(({ equal }) => equal)) {
    for (const { method, value } of methods) {
      const slip = copyError(shown, value);
      if (slip !== undefined) nearMisses.push(`it is the value by ${method} with a slip of copying: ${slip}`);
    }
    const material = backend.readSlot(slot);
    const adjusted = material.slice();
    try {
      setOddParity(adjusted);
      nearMisses.push(...variantMisses(backend, variantsOf(attributes, material, adjusted, wanted.length), wanted));
    } finally {
      wipe(material, adjusted);
    }
  }
  return { expected: shown, methods, nearMisses, text: render(shown, methods, nearMisses) };
}

function render(expected: string, methods: readonly ExplainedCheckValue[], nearMisses: readonly string[]): string {
  const lines = methods.map(({ method, value, equal }) => `${method.padEnd(14)}  ${value}${equal ? "  equal" : ""}`);
  const found = methods.some(({ equal }) => equal) || nearMisses.length > 0;
  const verdict = found
    ? nearMisses
    : ["no near miss: another key, or a method that is agreed on in private; ask the sender for it"];
  return [`${"expected".padEnd(14)}  ${expected}`, ...lines, ...verdict].join("\n");
}
