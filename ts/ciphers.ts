/**
 * Ciphers and MACs over bytes, each bound to the key usages of X9.143:2021 table 2 that stand for it:
 *
 * | function                              | standard                       | usage  | algorithm     |
 * |---------------------------------------|--------------------------------|--------|---------------|
 * | aesCbcEncrypt, aesCbcDecrypt          | SP 800-38A 6.2                 | D0     | AES           |
 * | tdesCbcEncrypt, tdesCbcDecrypt        | SP 800-67, SP 800-38A 6.2      | D0     | TDES          |
 * | aesCmac, tdesCmac                     | SP 800-38B, ISO 9797-1 alg. 5  | M6     | AES, TDES     |
 * | cbcMac                                | ISO 9797-1 algorithm 1         | M0, M1 | AES, TDES     |
 * | retailMac                             | ISO 9797-1 algorithm 3         | M3     | TDES, 2 keys  |
 * | hmacSha256                            | FIPS 198-1, FIPS 180-4         | M7     | HMAC          |
 *
 * M0 is CBC-MAC with TDES only (ISO 16609). M2, M4, M5 and M8 name algorithms that core does not compute.
 *
 * Keys and data are secret; padded copies of the data are wiped here, everything else by the backend. Results belong to the
 * caller.
 */
import type { BlockPadding } from "./backend/contract.js";
import { assertBytes, type ByteLength, wipe } from "./bytes.js";
import { describeType, invalidArgument, PosCryptoError } from "./errors.js";
import { assertObject, own } from "./key-attributes.js";
import { internals, type KeyInternals, type KeyNeed, requireUse, type SecretKey } from "./key.js";

export interface CbcOptions {
  /** `pkcs7` always adds 1 to a block of bytes (RFC 5652 clause 6.3); `none` needs whole blocks. */
  padding: BlockPadding;
}

export interface MacPaddingOptions {
  /**
   * ISO 9797-1 clause 6.3: `method1` fills the last block with zeros (an empty message becomes one block of zeros), `method2`
   * adds the byte 80 first; `none` needs a non-empty number of whole blocks.
   */
  padding: "method1" | "method2" | "none";
}

/** The default of `cbcMac` and `retailMac`: zeros up to a whole block, none behind whole blocks (ISO 9797-1 clause 6.3). */
const METHOD_1: MacPaddingOptions = { padding: "method1" };

/** What `verifyMac` compares: `padding` for the two CBC-MACs only. */
export type VerifyMacOptions =
  | { algorithm: "CMAC" | "HMAC-SHA-256" }
  | ({ algorithm: "CBC-MAC" | "RETAIL-MAC" } & MacPaddingOptions);

type BlockCipher = "AES" | "TDES";

type MacOperation = "macGenerate" | "macVerify";

const CBC_NEEDS: Readonly<Record<BlockCipher, Readonly<Record<"encrypt" | "decrypt", KeyNeed>>>> = {
  AES: {
    encrypt: { operation: "encrypt", usages: ["D0"], algorithms: ["AES"] },
    decrypt: { operation: "decrypt", usages: ["D0"], algorithms: ["AES"] },
  },
  TDES: {
    encrypt: { operation: "encrypt", usages: ["D0"], algorithms: ["TDES"] },
    decrypt: { operation: "decrypt", usages: ["D0"], algorithms: ["TDES"] },
  },
};

const HMAC_NEEDS: Readonly<Record<MacOperation, KeyNeed>> = {
  macGenerate: { operation: "macGenerate", usages: ["M7"], algorithms: ["HMAC"] },
  macVerify: { operation: "macVerify", usages: ["M7"], algorithms: ["HMAC"] },
};

/**
 * AES-CBC. `iv`: 16 bytes; `key`: usage D0, mode of use E, B or N. Returns the ciphertext without the IV.
 * Throws `ERR_INVALID_ARGUMENT`, `ERR_KEY_USAGE`, `ERR_KEY_DESTROYED`.
 */
export function aesCbcEncrypt(key: SecretKey, iv: Uint8Array, data: Uint8Array, options: CbcOptions): Uint8Array {
  return cbcEncrypt("AES", key, iv, data, options);
}

/**
 * The inverse of `aesCbcEncrypt`; mode of use D, B or N. Wrong padding is `ERR_DECRYPT`, the same for every way of being wrong.
 * CBC does not authenticate: whoever may send ciphertexts and see that error can decrypt with it, so verify a MAC first.
 */
export function aesCbcDecrypt(key: SecretKey, iv: Uint8Array, data: Uint8Array, options: CbcOptions): Uint8Array {
  return cbcDecrypt("AES", key, iv, data, options);
}

/** As `aesCbcEncrypt` with a TDES key and an IV of 8 bytes. */
export function tdesCbcEncrypt(key: SecretKey, iv: Uint8Array, data: Uint8Array, options: CbcOptions): Uint8Array {
  return cbcEncrypt("TDES", key, iv, data, options);
}

/** As `aesCbcDecrypt` with a TDES key and an IV of 8 bytes. */
export function tdesCbcDecrypt(key: SecretKey, iv: Uint8Array, data: Uint8Array, options: CbcOptions): Uint8Array {
  return cbcDecrypt("TDES", key, iv, data, options);
}

/** AES-CMAC: 16 bytes. `key`: usage M6, mode of use G, C or N. Throws `ERR_INVALID_ARGUMENT`, `ERR_KEY_USAGE`, `ERR_KEY_DESTROYED`. */
export function aesCmac(key: SecretKey, data: Uint8Array): Uint8Array {
  return cmac(["AES"], key, data, "macGenerate");
}

/** TDES-CMAC: 8 bytes. As `aesCmac` with a TDES key. */
export function tdesCmac(key: SecretKey, data: Uint8Array): Uint8Array {
  return cmac(["TDES"], key, data, "macGenerate");
}

/**
 * CBC-MAC: a whole block (16 bytes with AES, 8 with TDES), of which protocols often take the left half. `key`: usage M1, or M0 with
 * TDES; mode of use G, C or N. Safe only for messages of one fixed length, or with a length inside.
 * Throws `ERR_INVALID_ARGUMENT`, `ERR_KEY_USAGE`, `ERR_KEY_DESTROYED`.
 */
export function cbcMac(key: SecretKey, data: Uint8Array, options: MacPaddingOptions = METHOD_1): Uint8Array {
  return chainMac(key, data, options, "macGenerate");
}

/** Retail MAC (ANSI X9.19): 8 bytes. `key`: TDES of 128 bits, usage M3, mode of use G, C or N. Errors as `cbcMac`. */
export function retailMac(key: SecretKey, data: Uint8Array, options: MacPaddingOptions = METHOD_1): Uint8Array {
  return doubleMac(key, data, options, "macGenerate");
}

/** HMAC-SHA-256: 32 bytes. `key`: HMAC with SHA-256, usage M7, mode of use G, C or N. Errors as `aesCmac`. */
export function hmacSha256(key: SecretKey, data: Uint8Array): Uint8Array {
  return hmac(key, data, "macGenerate");
}

/**
 * Whether `mac` is the leading 4 bytes or more of the message's MAC, compared in constant time: for keys that may verify and not
 * generate (mode of use V, C or N). Throws `ERR_INVALID_ARGUMENT`, `ERR_KEY_USAGE`, `ERR_KEY_DESTROYED`.
 */
export function verifyMac(key: SecretKey, data: Uint8Array, mac: Uint8Array, options: VerifyMacOptions): boolean {
  assertObject("options", options);
  const full = macToVerify(key, data, options);
  try {
    assertBytes("mac", mac, { min: 4, max: full.length });
    return internals(key, "key").backend.equal(mac, full.subarray(0, mac.length));
  } finally {
    wipe(full);
  }
}

/** An HMAC key that may be used with SHA-256. Internal; throws as `requireUse`. */
export function requireHmacSha256(key: SecretKey, name: string, operation: MacOperation): KeyInternals {
  const found = requireUse(key, name, HMAC_NEEDS[operation]);
  if (key.hash !== "SHA-256") {
    throw new PosCryptoError("ERR_KEY_USAGE", `"${name}" is an HMAC key for ${key.hash}; this takes SHA-256`);
  }
  return found;
}

function macToVerify(key: SecretKey, data: Uint8Array, options: VerifyMacOptions): Uint8Array {
  switch (own(options, "algorithm")) {
    case "CMAC":
      return cmac(["AES", "TDES"], key, data, "macVerify");
    case "CBC-MAC":
      return chainMac(key, data, options as MacPaddingOptions, "macVerify");
    case "RETAIL-MAC":
      return doubleMac(key, data, options as MacPaddingOptions, "macVerify");
    case "HMAC-SHA-256":
      return hmac(key, data, "macVerify");
    default:
      throw invalidArgument("algorithm", "CMAC, CBC-MAC, RETAIL-MAC or HMAC-SHA-256", choice(own(options, "algorithm")));
  }
}

function cbcEncrypt(algorithm: BlockCipher, key: SecretKey, iv: Uint8Array, data: Uint8Array, options: CbcOptions): Uint8Array {
  const { backend, slot } = requireUse(key, "key", CBC_NEEDS[algorithm].encrypt);
  const block = blockSize(algorithm);
  assertBytes("iv", iv, block);
  const padding = readCbcPadding(options);
  assertBytes("data", data, padding === "none" ? BLOCKS[block] : undefined);
  return backend.cbcEncrypt(slot, iv, data, padding);
}

function cbcDecrypt(algorithm: BlockCipher, key: SecretKey, iv: Uint8Array, data: Uint8Array, options: CbcOptions): Uint8Array {
  const { backend, slot } = requireUse(key, "key", CBC_NEEDS[algorithm].decrypt);
  const block = blockSize(algorithm);
  assertBytes("iv", iv, block);
  const padding = readCbcPadding(options);
  assertBytes("data", data, padding === "none" ? BLOCKS[block] : SOME_BLOCKS[block]);
  const plaintext = backend.cbcDecrypt(slot, iv, data, padding);
  if (plaintext === undefined) throw new PosCryptoError("ERR_DECRYPT", "the data cannot be decrypted");
  return plaintext;
}

function cmac(algorithms: readonly BlockCipher[], key: SecretKey, data: Uint8Array, operation: MacOperation): Uint8Array {
  const { backend, slot } = requireUse(key, "key", { operation, usages: ["M6"], algorithms });
  assertBytes("data", data);
  return backend.cmac(slot, data);
}

function chainMac(key: SecretKey, data: Uint8Array, options: MacPaddingOptions, operation: MacOperation): Uint8Array {
  const { backend, slot } = requireUse(key, "key", { operation, usages: ["M0", "M1"], algorithms: ["AES", "TDES"] });
  return overPadded(data, blockSize(key.algorithm), options, (padded) => backend.cbcMac(slot, padded));
}

function doubleMac(key: SecretKey, data: Uint8Array, options: MacPaddingOptions, operation: MacOperation): Uint8Array {
  const { backend, slot } = requireUse(key, "key", { operation, usages: ["M3"], algorithms: ["TDES"] });
  if (key.bits !== 128) {
    throw new PosCryptoError("ERR_KEY_USAGE", `"key" has ${key.bits} bits; algorithm 3 of ISO 9797-1 takes 128`);
  }
  return overPadded(data, blockSize("TDES"), options, (padded) => backend.retailMac(slot, padded));
}

function hmac(key: SecretKey, data: Uint8Array, operation: MacOperation): Uint8Array {
  const { backend, slot } = requireHmacSha256(key, "key", operation);
  assertBytes("data", data);
  return backend.hmac(slot, [data]);
}

function overPadded(
  data: Uint8Array,
  block: 8 | 16,
  options: MacPaddingOptions,
  mac: (padded: Uint8Array) => Uint8Array,
): Uint8Array {
  const padding = readMacPadding(options);
  assertBytes("data", data, padding === "none" ? SOME_BLOCKS[block] : undefined);
  if (padding === "none") return mac(data);
  const marker = padding === "method2" ? 1 : 0;
  const padded = new Uint8Array(Math.max(1, Math.ceil((data.length + marker) / block)) * block);
  padded.set(data);
  if (marker === 1) padded[data.length] = 0x80;
  try {
    return mac(padded);
  } finally {
    wipe(padded);
  }
}

/** Whole blocks, any number of them or at least one. */
const BLOCKS: Readonly<Record<8 | 16, ByteLength>> = { 8: { multipleOf: 8 }, 16: { multipleOf: 16 } };
const SOME_BLOCKS: Readonly<Record<8 | 16, ByteLength>> = { 8: { min: 8, multipleOf: 8 }, 16: { min: 16, multipleOf: 16 } };

function blockSize(algorithm: string): 8 | 16 {
  return algorithm === "AES" ? 16 : 8;
}

function readCbcPadding(options: CbcOptions): BlockPadding {
  assertObject("options", options);
  const padding = Object.hasOwn(options, "padding") ? options.padding : undefined;
  if (padding !== "pkcs7" && padding !== "none") throw invalidArgument("padding", "pkcs7 or none", choice(padding));
  return padding;
}

function readMacPadding(options: MacPaddingOptions): MacPaddingOptions["padding"] {
  assertObject("options", options);
  const padding = own(options, "padding");
  if (padding !== "method1" && padding !== "method2" && padding !== "none") {
    throw invalidArgument("padding", "method1, method2 or none", choice(padding));
  }
  return padding;
}

/** What stood in the place of a known word. */
function choice(value: unknown): string {
  return typeof value === "string" ? "another word" : describeType(value);
}
