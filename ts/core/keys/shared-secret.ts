/**
 * A key out of a shared secret of elliptic curves (ECDH): SP 800-56A r3 clause 5.8.1 (the concatenation KDF, SP 800-56C's one-step
 * KDF with a hash), and ANSI X9.63 clause 3.6.1.
 *
 * The agreement itself is the platform's: Android Keystore, WebCrypto, node:crypto, PKCS#11. It authenticates nobody: the peer's public
 * key must come from a certificate that the caller has checked. The shared secret and the key's bytes are secret; copies made here are
 * wiped before return, the caller's array on request.
 */
import type { Backend, HashName } from "../../backend/contract.js";
import { resolveBackend } from "../../backend/select.js";
import { assertObject, choice, flag, own, refusal } from "../../base/arguments.js";
import { isBytes } from "../../base/byte-array.js";
import { assertBytes, decodeHex, wipe } from "../../base/bytes.js";
import { invalidArgument } from "../../base/errors.js";
import { type KeyAlgorithm, resolveAttributes, slotKindOf } from "./attributes.js";
import { makeKey, type SecretKey } from "./handle.js";

/** How a key is made of a shared secret: both sides must say the same. */
export interface SharedSecretOptions {
  /** The curve that the secret comes from. */
  curve: "P-256" | "P-384" | "P-521";
  /** `NIST_SP800`: the concatenation KDF of SP 800-56A. `ANSI_X963`: that of X9.63. */
  kdf: "NIST_SP800" | "ANSI_X963";
  /** The KDF's hash, which need not be the curve's. */
  hash: "SHA-256" | "SHA-384" | "SHA-512";
  /** Bytes, or hex text, that both sides know, as they are; may be empty. */
  sharedInfo: Uint8Array | string;
  /** AES, TDES or HMAC. */
  algorithm: KeyAlgorithm;
  /** AES 128, 192 or 256; TDES 128 or 192; HMAC 128, 192 or 256. */
  bits: 128 | 192 | 256;
  /** Key encryption (K0, K1, K4), PIN (P0), data (D0) or a MAC (M0 to M8). */
  usage: string;
  /** A letter of X9.143:2021 table 4. Default `N`. */
  modeOfUse?: string;
  /** Overwrites the caller's shared secret with zeros, also where the call fails after reading it. Default false. */
  wipe?: boolean;
  /** Whether `exposeKeyBytes` gives the key out. Default false. */
  extractable?: boolean;
}

/** Bytes of a field element, and strength in bits (SP 800-57 part 1 r5 table 2). */
const CURVES = {
  "P-256": { bytes: 32, strength: 128 },
  "P-384": { bytes: 48, strength: 192 },
  "P-521": { bytes: 66, strength: 256 },
} as const;

const USAGES = /^(?:K[014]|P0|D0|M[0-8])$/;

function readInfo(info: unknown): Uint8Array {
  if (typeof info === "string") return decodeHex("sharedInfo", info);
  if (!isBytes(info)) throw refusal("sharedInfo", "bytes or hex text", info);
  assertBytes("sharedInfo", info);
  return Uint8Array.from(info);
}

/** The KDF: block i is H(i, z, info) or H(z, i, info), i four bytes from 1. The caller wipes the result. Internal. */
export function deriveKeyBytes(
  backend: Backend,
  kdf: SharedSecretOptions["kdf"],
  hash: HashName,
  z: Uint8Array,
  info: Uint8Array,
  length: number,
): Uint8Array {
  const at = kdf === "ANSI_X963" ? z.length : 0;
  const message = new Uint8Array(4 + z.length + info.length);
  message.set(z, at === 0 ? 4 : 0);
  message.set(info, 4 + z.length);
  const out = new Uint8Array(length);
  try {
    for (let done = 0, i = 1; done < length; i++) {
      new DataView(message.buffer).setUint32(at, i);
      const block = backend.digest(hash, message);
      out.set(block.subarray(0, length - done), done);
      done += block.length;
      wipe(block);
    }
  } finally {
    wipe(message);
  }
  return out;
}

/** Whether all bytes are zero, without a branch on any of them. */
function isZero(bytes: Uint8Array): boolean {
  let all = 0;
  for (const byte of bytes) all |= byte;
  return all === 0;
}

/**
 * A key out of the shared secret of an ECDH agreement, such as the key block protection key under which two sides then exchange one
 * key block. Its strength is that of the curve, where that is less than its length: AES-256 out of P-256 protects keys of 128 bits.
 *
 * The same secret and information give a prefix of the same bytes for every type of key: never derive two keys from one agreement.
 *
 * @param z the x coordinate of the common point, leading zeros included: 32, 48 or 66 bytes, as `computeSecret`, `deriveBits` and
 *   `KeyAgreement` give it
 * @param options curve, KDF, hash and information as agreed, and what the key is for
 * @returns exportability N
 * @throws `ERR_INVALID_ARGUMENT` for a secret of another length or of zeros, or for options that do not exist or go together
 * @throws `ERR_KEY_CAPACITY`, `ERR_NOT_LOADED`
 * @example
 * ```ts
 * import { createECDH } from "node:crypto";
 * import { deriveKeyFromSharedSecret, keyCheckValue } from "viopay-pos-crypto";
 *
 * const [terminal, host] = [createECDH("prime256v1"), createECDH("prime256v1")];
 * terminal.generateKeys();
 * host.generateKeys();
 * const agreed = {
 *   curve: "P-256", kdf: "NIST_SP800", hash: "SHA-256", sharedInfo: "A1B2C3D4",
 *   algorithm: "AES", bits: 128, usage: "K1", wipe: true,
 * } as const;
 * const mine = deriveKeyFromSharedSecret(terminal.computeSecret(host.getPublicKey()), agreed);
 * const theirs = deriveKeyFromSharedSecret(host.computeSecret(terminal.getPublicKey()), agreed);
 * console.log(keyCheckValue(mine) === keyCheckValue(theirs)); // prints true
 * for (const made of [mine, theirs]) made.destroy();
 * ```
 */
export function deriveKeyFromSharedSecret(z: Uint8Array, options: SharedSecretOptions): SecretKey {
  assertObject("options", options);
  const { bytes: fieldBytes, strength } = CURVES[choice(options, "curve", ["P-256", "P-384", "P-521"])];
  const kdf = choice(options, "kdf", ["NIST_SP800", "ANSI_X963"]);
  const hash = choice(options, "hash", ["SHA-256", "SHA-384", "SHA-512"]);
  const algorithm = choice(options, "algorithm", ["AES", "TDES", "HMAC"]);
  const bits = own(options, "bits");
  if (bits !== 128 && bits !== 192 && (bits !== 256 || algorithm === "TDES")) {
    throw invalidArgument(
      "bits",
      algorithm === "TDES" ? "128 or 192" : "128, 192 or 256",
      typeof bits === "number" ? "another number" : "none",
    );
  }
  const { usage, modeOfUse } = { usage: own(options, "usage"), modeOfUse: own(options, "modeOfUse") };
  if (typeof usage !== "string" || !USAGES.test(usage))
    throw invalidArgument("usage", "K0, K1, K4, P0, D0 or M0 to M8", "another usage");
  const extractable = flag(options, "extractable");
  const attributes = resolveAttributes(
    { algorithm, usage, extractable, ...(modeOfUse === undefined ? {} : { modeOfUse }) },
    false,
  );
  const erase = flag(options, "wipe");
  const info = readInfo(own(options, "sharedInfo"));
  assertBytes("z", z, fieldBytes);
  const backend = resolveBackend(undefined);
  const secret = Uint8Array.from(z);
  let key: Uint8Array | undefined;
  try {
    if (isZero(secret)) throw invalidArgument("z", "a shared secret", "zeros only");
    key = deriveKeyBytes(backend, kdf, hash, secret, info, bits / 8);
    return makeKey(backend, backend.createSlot(slotKindOf(algorithm), key), { ...attributes, strength });
  } finally {
    wipe(secret, key);
    if (erase) wipe(z);
  }
}
