/**
 * Key blocks of versions A to E for the noble backend (TR-31:2018, ANSI X9.143, ISO 20038), behind the syntax checks of core.
 *
 * The block is ASCII: header text, HEX(ciphertext), HEX(MAC). Payload = length in bits (2 bytes), key, padding. The MAC verdict
 * comes before anything that depends on plaintext; KBEK, KBAK and payload are wiped.
 */
import { concatBytes, encodeHex, wipe } from "../../base/bytes.js";
import { invalidArgument } from "../../base/errors.js";
import { cbcMac, createBlockCipher } from "./block-cipher.js";
import type { BlockCipher } from "./cipher.js";
import { MAC_LENGTHS } from "../abi.gen.js";
import type { KeyBlockVersion, SlotKind } from "../contract.js";
import { wrongKind } from "../refusals.js";

interface WrappingKey {
  readonly kind: SlotKind;
  readonly material: Uint8Array;
  readonly cipher: BlockCipher | undefined;
}

interface BlockKeys {
  /** KBEK: protects the payload. */
  encryption: BlockCipher;
  /** KBAK: authenticates. */
  authentication: BlockCipher;
  destroy(): void;
}

/** X9.143 variants of versions A and C. */
const VARIANT_ENCRYPTION = 0x45;
const VARIANT_AUTHENTICATION = 0x4d;

/** The "key usage indicator" of the derivation input: what the derived key is for. */
const USAGE_ENCRYPTION_CBC = 0;
const USAGE_MAC = 1;
const USAGE_ENCRYPTION_CTR = 2;

/** The key, in an array the caller wipes, and the number of payload bytes behind it; or which check failed. */
export function unwrapKeyBlock(
  kbpk: WrappingKey,
  version: KeyBlockVersion,
  block: string,
  headerLength: number,
): { key: Uint8Array; paddingLength: number } | "mac" | "length" {
  const algorithm = checkKbpk(kbpk, version);
  const header = asciiBytes(block.slice(0, headerLength));
  const body = decodeHexDigits(block.slice(headerLength));
  const macLength = MAC_LENGTHS[version];
  const ciphertextLength = body === undefined ? 0 : body.length - macLength;
  if (body === undefined || !lengthsFit(version, headerLength, ciphertextLength)) return "mac";
  const ciphertext = body.subarray(0, ciphertextLength);
  const received = body.subarray(ciphertextLength);
  const keys = deriveKeys(kbpk, version, algorithm);
  let payload: Uint8Array | undefined;
  let expected: Uint8Array | undefined;
  try {
    payload = decryptPayload(keys, version, header, ciphertext, received);
    expected = computeMac(keys, version, header, payload, ciphertext);
    return equalBytes(expected, received) ? splitPayload(payload) : "mac";
  } finally {
    keys.destroy();
    wipe(payload, expected);
  }
}

/** HEX(ciphertext) then HEX(MAC). */
export function wrapKeyBlock(
  kbpk: WrappingKey,
  version: KeyBlockVersion,
  header: string,
  key: Uint8Array,
  padding: Uint8Array,
): string {
  const algorithm = checkKbpk(kbpk, version);
  if (!lengthsFit(version, header.length, 2 + key.length + padding.length)) {
    throw invalidArgument("padding", "as long as the version's cipher blocks ask for", padding.length);
  }
  const headerBytes = asciiBytes(header);
  const bits = key.length * 8;
  const payload = concatBytes([Uint8Array.of(bits >> 8, bits & 0xff), key, padding]);
  const keys = deriveKeys(kbpk, version, algorithm);
  try {
    if (isVariant(version)) {
      const ciphertext = keys.encryption.cbcEncrypt(headerBytes.subarray(0, 8), payload);
      return encodeHex(ciphertext) + encodeHex(computeMac(keys, version, headerBytes, payload, ciphertext));
    }
    const mac = computeMac(keys, version, headerBytes, payload, payload);
    const ciphertext = version === "E" ? keys.encryption.ctr!(mac, payload) : keys.encryption.cbcEncrypt(mac, payload);
    return encodeHex(ciphertext) + encodeHex(mac);
  } finally {
    keys.destroy();
    wipe(payload);
  }
}

function isVariant(version: KeyBlockVersion): boolean {
  return version === "A" || version === "C";
}

/** Whether lengths fit the version: `ciphertextLength` is the ciphertext's, in bytes. */
function lengthsFit(version: KeyBlockVersion, headerLength: number, ciphertextLength: number): boolean {
  const block = version === "E" ? 1 : version === "D" ? 16 : 8;
  return headerLength >= 16 && headerLength % 8 === 0 && ciphertextLength >= 2 && ciphertextLength % block === 0;
}

/** The KBPK's algorithm, which the version fixes. */
function checkKbpk(kbpk: WrappingKey, version: KeyBlockVersion): "AES" | "TDES" {
  const algorithm = version === "D" || version === "E" ? "AES" : "TDES";
  if (kbpk.kind !== algorithm || kbpk.material.length < 16) {
    throw wrongKind();
  }
  return algorithm;
}

function deriveKeys(kbpk: WrappingKey, version: KeyBlockVersion, algorithm: "AES" | "TDES"): BlockKeys {
  let forEncryption: Uint8Array;
  let forAuthentication: Uint8Array;
  if (isVariant(version)) {
    forEncryption = kbpk.material.map((byte) => byte ^ VARIANT_ENCRYPTION);
    forAuthentication = kbpk.material.map((byte) => byte ^ VARIANT_AUTHENTICATION);
  } else {
    forEncryption = derive(kbpk, version === "E" ? USAGE_ENCRYPTION_CTR : USAGE_ENCRYPTION_CBC);
    forAuthentication = derive(kbpk, USAGE_MAC);
  }
  const encryption = createBlockCipher(algorithm, forEncryption);
  const authentication = createBlockCipher(algorithm, forAuthentication);
  return {
    encryption,
    authentication,
    destroy() {
      encryption.destroy();
      authentication.destroy();
      wipe(forEncryption, forAuthentication);
    },
  };
}

/** CMAC in counter mode over (counter, usage, 00, algorithm, bits): as many leftmost bytes as the KBPK has. */
function derive(kbpk: WrappingKey, usage: number): Uint8Array {
  const cipher = kbpk.cipher!;
  const length = kbpk.material.length;
  const type = cipher.blockSize === 16 ? length / 8 : length / 8 - 2;
  const derived = new Uint8Array(length);
  for (let at = 0, counter = 1; at < length; at += cipher.blockSize, counter++) {
    const part = cipher.cmac(Uint8Array.of(counter, 0, usage, 0, 0, type, (length * 8) >> 8, (length * 8) & 0xff));
    derived.set(part.subarray(0, Math.min(part.length, length - at)), at);
    wipe(part);
  }
  return derived;
}

function decryptPayload(keys: BlockKeys, version: KeyBlockVersion, header: Uint8Array, ciphertext: Uint8Array, mac: Uint8Array) {
  if (isVariant(version)) return keys.encryption.cbcDecrypt(header.subarray(0, 8), ciphertext);
  return version === "E" ? keys.encryption.ctr!(mac, ciphertext) : keys.encryption.cbcDecrypt(mac, ciphertext);
}

/** A and C authenticate the ciphertext (CBC-MAC, 4 bytes); B, D and E the payload (CMAC). */
function computeMac(
  keys: BlockKeys,
  version: KeyBlockVersion,
  header: Uint8Array,
  payload: Uint8Array,
  ciphertext: Uint8Array,
): Uint8Array {
  const input = concatBytes([header, isVariant(version) ? ciphertext : payload]);
  try {
    return isVariant(version)
      ? cbcMac(keys.authentication, input).slice(0, MAC_LENGTHS[version])
      : keys.authentication.cmac(input);
  } finally {
    wipe(input);
  }
}

function splitPayload(payload: Uint8Array): { key: Uint8Array; paddingLength: number } | "length" {
  const bits = (payload[0]! << 8) | payload[1]!;
  const length = bits >> 3;
  if (bits === 0 || bits % 8 !== 0 || length > payload.length - 2) return "length";
  return { key: payload.slice(2, 2 + length), paddingLength: payload.length - 2 - length };
}

function asciiBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** Bytes of hexadecimal digits in either case, given as text or as its ASCII; `undefined` for anything else. */
export function decodeHexDigits(digits: string | Uint8Array): Uint8Array | undefined {
  if (digits.length % 2 !== 0) return undefined;
  const bytes = new Uint8Array(digits.length / 2);
  let wrong = 0;
  for (let i = 0; i < digits.length; i++) {
    const code = typeof digits === "string" ? digits.charCodeAt(i) : digits[i]!;
    const decimal = code - 0x30;
    const letter = (code | 0x20) - 0x61;
    const isDecimal = Number(decimal >= 0 && decimal < 10);
    const isLetter = Number(letter >= 0 && letter < 6);
    wrong |= 1 - (isDecimal | isLetter);
    bytes[i >> 1]! |= (decimal * isDecimal + (letter + 10) * isLetter) << (i % 2 === 0 ? 4 : 0);
  }
  if (wrong === 0) return bytes;
  wipe(bytes);
  return undefined;
}

/** Reads all bytes before it answers. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}
