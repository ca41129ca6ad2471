/**
 * Ciphers and MACs over bytes, each bound to its key usages of X9.143:2021 table 2:
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
import { assertObject, choice, wholeNumber } from "../base/arguments.js";
import type { BlockPadding } from "../backend/contract.js";
import { assertBytes, type ByteLength, wipe } from "../base/bytes.js";
import { PosCryptoError } from "../base/errors.js";
import { internals, type KeyInternals, type KeyNeed, requireUse, type SecretKey } from "./keys/key.js";

/** How CBC fills the last block. */
export interface CbcOptions {
  /** `pkcs7` always adds 1 to a block of bytes (RFC 5652 clause 6.3); `none` needs whole blocks. */
  padding: BlockPadding;
}

/** How a CBC-MAC fills the last block. */
export interface MacPaddingOptions {
  /**
   * ISO 9797-1 clause 6.3: `method1` fills the last block with zeros (an empty message becomes one block of zeros), `method2`
   * adds the byte 80 first; `none` needs a non-empty number of whole blocks.
   */
  padding: "method1" | "method2" | "none";
}

/** The default of `cbcMac` and `retailMac`: zeros up to a whole block, none after whole blocks (ISO 9797-1 clause 6.3). */
const METHOD_1: MacPaddingOptions = { padding: "method1" };

/** What `verifyMac` compares: `padding` for the two CBC-MACs only. */
export type VerifyMacOptions = {
  /**
   * The leading bytes that both sides have agreed on, from 4. Default: the whole MAC. It is the verifier's to say: were it the length
   * of what was sent, the sender would choose how much is compared.
   */
  length?: number;
} & ({ algorithm: "CMAC" | "HMAC-SHA-256" } | ({ algorithm: "CBC-MAC" | "RETAIL-MAC" } & MacPaddingOptions));

const CBC_PADDINGS: readonly BlockPadding[] = ["pkcs7", "none"];
const MAC_PADDINGS: readonly MacPaddingOptions["padding"][] = ["method1", "method2", "none"];
const MAC_ALGORITHMS: readonly VerifyMacOptions["algorithm"][] = ["CMAC", "CBC-MAC", "RETAIL-MAC", "HMAC-SHA-256"];

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
 * AES-CBC: SP 800-38A clause 6.2. CBC does not authenticate; `sealEnvelope` is the protocol's own form of it.
 *
 * @param key AES, usage D0, mode of use E, B or N
 * @param iv 16 bytes; must be unpredictable, and never used twice with one key
 * @param data any number of bytes with `pkcs7`, whole blocks of 16 with `none`
 * @returns the ciphertext without the IV: with `pkcs7` 1 to 16 bytes longer than `data`
 * @throws `ERR_INVALID_ARGUMENT` for bytes of a wrong length or an option that does not exist
 * @throws `ERR_KEY_USAGE`, `ERR_KEY_DESTROYED`
 * @example The first block of SP 800-38A F.2.1
 * ```ts
 * import { aesCbcDecrypt, aesCbcEncrypt, importKey } from "viopay-pos-crypto";
 *
 * const key = importKey("2B7E151628AED2A6ABF7158809CF4F3C", { algorithm: "AES", usage: "D0" });
 * const iv = new Uint8Array(16).map((_, i) => i);
 * const data = Uint8Array.of(0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f, 0x96, 0xe9, 0x3d, 0x7e, 0x11, 0x73, 0x93, 0x17, 0x2a);
 * const ciphertext = aesCbcEncrypt(key, iv, data, { padding: "none" });
 * console.log(Buffer.from(ciphertext).toString("hex")); // prints 7649abac8119b246cee98e9b12e9197d
 * console.log(aesCbcDecrypt(key, iv, ciphertext, { padding: "none" }).length); // prints 16
 * key.destroy();
 * ```
 */
export function aesCbcEncrypt(key: SecretKey, iv: Uint8Array, data: Uint8Array, options: CbcOptions): Uint8Array {
  return cbcEncrypt("AES", key, iv, data, options);
}

/**
 * The inverse of {@link aesCbcEncrypt}.
 *
 * CBC does not authenticate: whoever may send ciphertexts and see `ERR_DECRYPT` can decrypt with it, so verify a MAC first.
 *
 * @param key AES, usage D0, mode of use D, B or N
 * @param iv 16 bytes, those of the encryption
 * @param data one or more blocks of 16 bytes; with `none` also no block
 * @returns the plaintext, a fresh array
 * @throws `ERR_DECRYPT` for wrong padding, the same for every way of being wrong
 * @throws `ERR_INVALID_ARGUMENT`, `ERR_KEY_USAGE`, `ERR_KEY_DESTROYED` as `aesCbcEncrypt`
 */
export function aesCbcDecrypt(key: SecretKey, iv: Uint8Array, data: Uint8Array, options: CbcOptions): Uint8Array {
  return cbcDecrypt("AES", key, iv, data, options);
}

/**
 * TDES-CBC: SP 800-67 r2, SP 800-38A clause 6.2.
 *
 * @param key TDES, usage D0, mode of use E, B or N
 * @param iv 8 bytes; must be unpredictable, and never used twice with one key
 * @param data any number of bytes with `pkcs7`, whole blocks of 8 with `none`
 * @returns the ciphertext without the IV: with `pkcs7` 1 to 8 bytes longer than `data`
 * @throws `ERR_INVALID_ARGUMENT`, `ERR_KEY_USAGE`, `ERR_KEY_DESTROYED` as {@link aesCbcEncrypt}
 * @example
 * ```ts
 * import { importKey, tdesCbcDecrypt, tdesCbcEncrypt } from "viopay-pos-crypto";
 *
 * const key = importKey("0123456789ABCDEF23456789ABCDEF01456789ABCDEF0123", { algorithm: "TDES", usage: "D0" });
 * const iv = crypto.getRandomValues(new Uint8Array(8));
 * const ciphertext = tdesCbcEncrypt(key, iv, Uint8Array.of(1, 2, 3), { padding: "pkcs7" });
 * console.log(ciphertext.length); // prints 8
 * console.log(tdesCbcDecrypt(key, iv, ciphertext, { padding: "pkcs7" }).join()); // prints 1,2,3
 * key.destroy();
 * ```
 */
export function tdesCbcEncrypt(key: SecretKey, iv: Uint8Array, data: Uint8Array, options: CbcOptions): Uint8Array {
  return cbcEncrypt("TDES", key, iv, data, options);
}

/**
 * The inverse of {@link tdesCbcEncrypt}; what {@link aesCbcDecrypt} says about padding holds here, too.
 *
 * @param key TDES, usage D0, mode of use D, B or N
 * @param iv 8 bytes, those of the encryption
 * @param data one or more blocks of 8 bytes; with `none` also no block
 * @returns the plaintext, a fresh array
 * @throws `ERR_DECRYPT` for wrong padding, the same for every way of being wrong
 * @throws `ERR_INVALID_ARGUMENT`, `ERR_KEY_USAGE`, `ERR_KEY_DESTROYED`
 */
export function tdesCbcDecrypt(key: SecretKey, iv: Uint8Array, data: Uint8Array, options: CbcOptions): Uint8Array {
  return cbcDecrypt("TDES", key, iv, data, options);
}

/**
 * AES-CMAC: SP 800-38B.
 *
 * @param key AES, usage M6, mode of use G, C or N
 * @param data any number of bytes
 * @returns 16 bytes
 * @throws `ERR_INVALID_ARGUMENT` for anything but bytes
 * @throws `ERR_KEY_USAGE`, `ERR_KEY_DESTROYED`
 * @example RFC 4493, example 1
 * ```ts
 * import { aesCmac, importKey } from "viopay-pos-crypto";
 *
 * const key = importKey("2B7E151628AED2A6ABF7158809CF4F3C", { algorithm: "AES", usage: "M6" });
 * console.log(Buffer.from(aesCmac(key, new Uint8Array(0))).toString("hex")); // prints bb1d6929e95937287fa37d129b756746
 * key.destroy();
 * ```
 */
export function aesCmac(key: SecretKey, data: Uint8Array): Uint8Array {
  return cmac(["AES"], key, data, "macGenerate");
}

/**
 * TDES-CMAC: SP 800-38B.
 *
 * @param key TDES, usage M6, mode of use G, C or N
 * @param data any number of bytes
 * @returns 8 bytes
 * @throws `ERR_INVALID_ARGUMENT`, `ERR_KEY_USAGE`, `ERR_KEY_DESTROYED` as `aesCmac`
 * @example SP 800-38B, appendix D.4, example 13
 * ```ts
 * import { importKey, tdesCmac } from "viopay-pos-crypto";
 *
 * const key = importKey("8AA83BF8CBDA10620BC1BF19FBB6CD58BC313D4A371CA8B5", { algorithm: "TDES", usage: "M6" });
 * console.log(Buffer.from(tdesCmac(key, new Uint8Array(0))).toString("hex")); // prints b7a688e122ffaf95
 * key.destroy();
 * ```
 */
export function tdesCmac(key: SecretKey, data: Uint8Array): Uint8Array {
  return cmac(["TDES"], key, data, "macGenerate");
}

/**
 * CBC-MAC: ISO 9797-1 algorithm 1. Safe only for messages of one fixed length, or with a length inside.
 *
 * @param key usage M1, or M0 with TDES; mode of use G, C or N
 * @param data any number of bytes; with padding `none` whole blocks, at least one
 * @param options by default zeros up to a whole block
 * @returns a whole block, 16 bytes with AES and 8 with TDES, of which protocols often take the left half
 * @throws `ERR_INVALID_ARGUMENT`, `ERR_KEY_USAGE`, `ERR_KEY_DESTROYED` as `aesCmac`
 * @example
 * ```ts
 * import { cbcMac, importKey } from "viopay-pos-crypto";
 *
 * const key = importKey("0123456789ABCDEFFEDCBA9876543210", { algorithm: "TDES", usage: "M1" });
 * const data = new TextEncoder().encode("Now is the time for all ");
 * console.log(Buffer.from(cbcMac(key, data, { padding: "none" })).toString("hex")); // prints 93462a6db9b4a4d1
 * key.destroy();
 * ```
 */
export function cbcMac(key: SecretKey, data: Uint8Array, options: MacPaddingOptions = METHOD_1): Uint8Array {
  return cbcMacOf(key, data, options, "macGenerate");
}

/**
 * Retail MAC: ISO 9797-1 algorithm 3, ANSI X9.19.
 *
 * @param key TDES of 128 bits, usage M3, mode of use G, C or N
 * @param data any number of bytes; with padding `none` whole blocks of 8, at least one
 * @param options by default zeros up to a whole block
 * @returns 8 bytes
 * @throws `ERR_INVALID_ARGUMENT`, `ERR_KEY_USAGE`, `ERR_KEY_DESTROYED` as `aesCmac`
 * @example
 * ```ts
 * import { importKey, retailMac } from "viopay-pos-crypto";
 *
 * const key = importKey("0123456789ABCDEFFEDCBA9876543210", { algorithm: "TDES", usage: "M3" });
 * const data = new TextEncoder().encode("Now is the time for all ");
 * console.log(Buffer.from(retailMac(key, data)).toString("hex")); // prints a1c72e74ea3fa9b6
 * key.destroy();
 * ```
 */
export function retailMac(key: SecretKey, data: Uint8Array, options: MacPaddingOptions = METHOD_1): Uint8Array {
  return retailMacOf(key, data, options, "macGenerate");
}

/**
 * HMAC-SHA-256: FIPS 198-1, FIPS 180-4.
 *
 * @param key HMAC with SHA-256, usage M7, mode of use G, C or N
 * @param data any number of bytes
 * @returns 32 bytes
 * @throws `ERR_INVALID_ARGUMENT`, `ERR_KEY_USAGE`, `ERR_KEY_DESTROYED` as `aesCmac`
 * @example RFC 4231, test case 1
 * ```ts
 * import { hmacSha256, importKey } from "viopay-pos-crypto";
 *
 * const key = importKey("0B".repeat(20), { algorithm: "HMAC", usage: "M7" });
 * const mac = hmacSha256(key, new TextEncoder().encode("Hi There"));
 * console.log(Buffer.from(mac).toString("hex", 0, 8)); // prints b0344c61d8db3853
 * key.destroy();
 * ```
 */
export function hmacSha256(key: SecretKey, data: Uint8Array): Uint8Array {
  return hmac(key, data, "macGenerate");
}

/**
 * Whether `mac` is the message's MAC, or the leading bytes of it that `length` says, compared in constant time: for keys that may
 * verify and need not generate.
 *
 * @param key of the usage that the algorithm takes (the functions above), mode of use V, C or N
 * @param mac the whole MAC (CMAC 16 bytes with AES and 8 with TDES, CBC-MAC and retail MAC 8, HMAC 32), or `length` bytes
 * @param options the algorithm, for the two CBC-MACs the padding, and where only a part was sent its length
 * @throws `ERR_INVALID_ARGUMENT` for a MAC of another length, and a length below 4 or beyond the MAC
 * @throws `ERR_KEY_USAGE`, `ERR_KEY_DESTROYED`
 * @example
 * ```ts
 * import { importKey, verifyMac } from "viopay-pos-crypto";
 *
 * const key = importKey("2B7E151628AED2A6ABF7158809CF4F3C", { algorithm: "AES", usage: "M6", modeOfUse: "V" });
 * const mac = Uint8Array.of(0xbb, 0x1d, 0x69, 0x29, 0xe9, 0x59, 0x37, 0x28);
 * console.log(verifyMac(key, new Uint8Array(0), mac, { algorithm: "CMAC", length: 8 })); // prints true
 * key.destroy();
 * ```
 */
export function verifyMac(key: SecretKey, data: Uint8Array, mac: Uint8Array, options: VerifyMacOptions): boolean {
  assertObject("options", options);
  const full = macToVerify(key, data, options);
  try {
    const length = wholeNumber(options, "length", { min: 4, max: full.length, unit: "bytes", fallback: full.length });
    assertBytes("mac", mac, length);
    return internals(key, "key").backend.equal(mac, full.subarray(0, length));
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
  switch (choice(options, "algorithm", MAC_ALGORITHMS)) {
    case "CMAC":
      return cmac(["AES", "TDES"], key, data, "macVerify");
    case "CBC-MAC":
      return cbcMacOf(key, data, options as MacPaddingOptions, "macVerify");
    case "RETAIL-MAC":
      return retailMacOf(key, data, options as MacPaddingOptions, "macVerify");
    case "HMAC-SHA-256":
      return hmac(key, data, "macVerify");
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

function cbcMacOf(key: SecretKey, data: Uint8Array, options: MacPaddingOptions, operation: MacOperation): Uint8Array {
  const { backend, slot } = requireUse(key, "key", { operation, usages: ["M0", "M1"], algorithms: ["AES", "TDES"] });
  return withPadding(data, blockSize(key.algorithm), options, (padded) => backend.cbcMac(slot, padded));
}

function retailMacOf(key: SecretKey, data: Uint8Array, options: MacPaddingOptions, operation: MacOperation): Uint8Array {
  const { backend, slot } = requireUse(key, "key", { operation, usages: ["M3"], algorithms: ["TDES"] });
  if (key.bits !== 128) {
    throw new PosCryptoError("ERR_KEY_USAGE", `"key" has ${key.bits} bits; algorithm 3 of ISO 9797-1 takes 128`);
  }
  return withPadding(data, blockSize("TDES"), options, (padded) => backend.retailMac(slot, padded));
}

function hmac(key: SecretKey, data: Uint8Array, operation: MacOperation): Uint8Array {
  const { backend, slot } = requireHmacSha256(key, "key", operation);
  assertBytes("data", data);
  return backend.hmac(slot, [data]);
}

function withPadding(
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
  return choice(options, "padding", CBC_PADDINGS);
}

function readMacPadding(options: MacPaddingOptions): MacPaddingOptions["padding"] {
  assertObject("options", options);
  return choice(options, "padding", MAC_PADDINGS);
}
