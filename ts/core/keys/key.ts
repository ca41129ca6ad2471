/**
 * Making keys out of clear material or randomness, and giving the material out again: ANSI X9.143:2021 clause 6.3 for attributes,
 * SP 800-67 and SP 800-131A for what may be generated.
 *
 * Material is secret: it is copied once into the backend's slot, and every copy made here is wiped before return.
 */
import { LONGEST_KEY } from "../../backend/abi.gen.js";
import type { Backend } from "../../backend/contract.js";
import { resolveBackend } from "../../backend/select.js";
import { isBytes } from "../../base/byte-array.js";
import { assertBytes, wipe } from "../../base/bytes.js";
import { invalidArgument, PosCryptoError } from "../../base/errors.js";
import { numberRefusal, own, refusal } from "../../base/arguments.js";
import {
  describeLengths,
  type KeyAlgorithm,
  type KeyAttributes,
  resolveAttributes,
  SHORTEST_HMAC_BITS,
  slotKindOf,
  suitsAlgorithm,
} from "./attributes.js";
import { attributesOf, internals, makeKey, type SecretKey } from "./handle.js";
import { setOddParity } from "./parity.js";
import { MOST_DRAWS, randomBytes, stuckSource } from "../../base/random.js";

export type { Exportability, KeyAlgorithm, KeyAttributes, KeyInternals, ResolvedKeyAttributes } from "./attributes.js";
export { attributesOf, internals, type KeyNeed, type KeyOperation, makeKey, requireUse, SecretKey } from "./handle.js";

/** A copy of clear material given as bytes or hex. Internal: the caller wipes it. Throws `ERR_INVALID_ARGUMENT`. */
export function readMaterial(backend: Backend, name: string, material: unknown): Uint8Array {
  if (typeof material === "string") {
    const bytes = backend.decodeHex(material);
    if (bytes === undefined) throw invalidArgument(name, "an even number of hex digits", `${material.length} characters`);
    return bytes;
  }
  if (!isBytes(material)) throw refusal(name, "bytes or hex text", material);
  assertBytes(name, material);
  return Uint8Array.from(material);
}

/**
 * Puts clear key material into the backend. The caller's copy stays the caller's to wipe.
 *
 * @param material bytes, or hex text of either case. AES 16, 24 or 32 bytes; TDES 16 or 24; DES 8; others 1 to 8191
 * @param attributes what the key is for; usage, algorithm and mode of use must agree with X9.143:2021 tables 2 to 4
 * @returns the handle; `destroy()` wipes the material
 * @throws `ERR_INVALID_ARGUMENT` for material or attributes that are malformed or do not go together
 * @throws `ERR_KEY_CAPACITY` beyond 65,536 keys a backend
 * @throws `ERR_NOT_LOADED` where no backend is loaded, and none can be at once
 * @throws `ERR_BACKEND_UNAVAILABLE` for a `backend` of the attributes that does not work here
 * @example
 * ```ts
 * import { importKey } from "viopay-pos-crypto";
 *
 * const zmk = importKey("000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F", { algorithm: "AES", usage: "K0" });
 * console.log(`${zmk}`); // prints SecretKey(K0 AES-256 KCV 377822)
 * zmk.destroy();
 * ```
 */
export function importKey(material: Uint8Array | string, attributes: KeyAttributes): SecretKey {
  const resolved = resolveAttributes(attributes, true);
  const backend = resolveBackend(own(attributes, "backend"));
  const bytes = readMaterial(backend, "material", material);
  try {
    if (!suitsAlgorithm(resolved.algorithm, bytes.length)) {
      throw invalidArgument("material", describeLengths(resolved.algorithm), bytes.length);
    }
    return makeKey(backend, backend.createSlot(slotKindOf(resolved.algorithm), bytes), resolved);
  } finally {
    wipe(bytes);
  }
}

/**
 * A fresh key from the CSPRNG. TDES keys have odd parity, and no two neighbouring parts are equal (SP 800-67 r2 clause 3.2).
 *
 * @param attributes what the key is for, and `bits`: AES 128, 192 or 256; TDES 128 or 192, parity included; HMAC and OPAQUE a
 *   multiple of 8 from 112 to 65,528. Other algorithms are not generated
 * @throws `ERR_INVALID_ARGUMENT` for a length or a combination that does not exist
 * @throws `ERR_NO_RANDOM` where the engine has no CSPRNG and none was given, or the one given fails
 * @throws `ERR_KEY_CAPACITY`, `ERR_NOT_LOADED`, `ERR_BACKEND_UNAVAILABLE` as `importKey`
 * @example
 * ```ts
 * import { generateKey } from "viopay-pos-crypto";
 *
 * const mac = generateKey({ algorithm: "HMAC", usage: "M7", bits: 256 });
 * console.log(mac.bits, mac.hash, mac.extractable); // prints 256 SHA-256 false
 * mac.destroy();
 * ```
 */
export function generateKey(attributes: KeyAttributes & { bits: number }): SecretKey {
  const resolved = resolveAttributes(attributes, false);
  const backend = resolveBackend(own(attributes, "backend"));
  const { algorithm } = resolved;
  if (algorithm === "DES" || algorithm === "RSA" || algorithm === "EC" || algorithm === "DSA") {
    throw invalidArgument("algorithm", "AES, TDES, HMAC or OPAQUE to be generated", algorithm);
  }
  const bits = own(attributes, "bits");
  const shortest = algorithm === "HMAC" || algorithm === "OPAQUE" ? SHORTEST_HMAC_BITS : 0;
  if (typeof bits !== "number" || bits % 8 !== 0 || bits < shortest || !suitsAlgorithm(algorithm, bits / 8)) {
    throw numberRefusal("bits", describeBits(algorithm), bits);
  }
  const bytes = algorithm === "TDES" ? randomTdeaKey(backend, bits / 8) : randomBytes(bits / 8);
  try {
    return makeKey(backend, backend.createSlot(slotKindOf(algorithm), bytes), resolved);
  } finally {
    wipe(bytes);
  }
}

function describeBits(algorithm: KeyAlgorithm): string {
  if (algorithm === "AES") return "128, 192 or 256";
  return algorithm === "TDES" ? "128 or 192" : `a multiple of 8 from ${SHORTEST_HMAC_BITS} to ${8 * LONGEST_KEY}`;
}

function randomTdeaKey(backend: Backend, length: number): Uint8Array {
  for (let draws = 0; draws < MOST_DRAWS; draws++) {
    const bytes = randomBytes(length);
    setOddParity(bytes);
    if (!isDegenerate(backend, bytes)) return bytes;
    wipe(bytes);
  }
  throw stuckSource();
}

/**
 * Whether two neighbouring parts of a TDEA key are the same single-DES key, parity aside, so that the bundle is worth no more than
 * single DES: SP 800-67 r2 clause 3.2. Internal.
 */
export function isDegenerate(backend: Backend, bytes: Uint8Array): boolean {
  const bare = bytes.map((byte) => byte & 0xfe);
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bare.length; at += 8) parts.push(bare.subarray(at, at + 8));
  const degenerate = parts.some((part, i) => i > 0 && backend.equal(part, parts[i - 1]!));
  wipe(bare);
  return degenerate;
}

/**
 * A copy of the material, which the caller wipes. `extractable` alone decides; exportability has no say in this.
 *
 * @throws `ERR_KEY_NOT_EXTRACTABLE` unless the key was made with `extractable: true`
 * @throws `ERR_KEY_DESTROYED`
 * @throws `ERR_INVALID_ARGUMENT` for anything but a key
 * @example
 * ```ts
 * import { exposeKeyBytes, generateKey } from "viopay-pos-crypto";
 *
 * const key = generateKey({ algorithm: "AES", usage: "D0", bits: 128, extractable: true });
 * const bytes = exposeKeyBytes(key);
 * console.log(bytes.length); // prints 16
 * bytes.fill(0);
 * key.destroy();
 * ```
 */
export function exposeKeyBytes(key: SecretKey): Uint8Array {
  const { backend, slot } = internals(key, "key");
  if (!attributesOf(key, "key").extractable)
    throw new PosCryptoError("ERR_KEY_NOT_EXTRACTABLE", '"key" was not made extractable');
  return backend.readSlot(slot);
}
