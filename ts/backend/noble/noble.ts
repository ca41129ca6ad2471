/**
 * The backend for engines without WebAssembly: @noble/ciphers, @noble/hashes, and our own DES.
 *
 * Not constant-time: AES and DES look tables up by secret bytes, and the engine may branch on any number. Material lives in the
 * JS heap as long as its key does and is wiped by `destroySlot`, as is the keyed state of an HMAC; AES schedules that noble expands
 * are wiped at the end of each call.
 * Results and the order of verdicts are those of the WebAssembly backends.
 *
 * @module viopay-pos-crypto/backend/noble
 */
import { hmac } from "@noble/hashes/hmac.js";
import { sha1 } from "@noble/hashes/legacy.js";
import { sha224, sha256, sha384, sha512 } from "@noble/hashes/sha2.js";
import { fixedBytes, isBytes } from "../../base/byte-array.js";
import { decodeUtf8, encodeBase64, encodeHex, encodeUtf8, wipe } from "../../base/bytes.js";
import { invalidArgument } from "../../base/errors.js";
import { cbcMac, createBlockCipher, pkcs7Length, pkcs7Pad } from "./block-cipher.js";
import type { BlockCipher } from "./cipher.js";
import { LONGEST_KEY } from "../abi.gen.js";
import type { Backend, BlockPadding, HashName, MessagePart, OpenEncoding, Slot, SlotKind } from "../contract.js";
import { startsLikeMessage } from "../message-start.js";
import { desParts } from "./des-parts.js";
import { dukptCall, stateLengthSuits } from "./dukpt.js";
import { decodeHexDigits, equalBytes, unwrapKeyBlock, wrapKeyBlock } from "./key-block.js";
import { METHODS, type Method } from "../methods.js";
import { brokenCall, destroyedKey, noCapacity, wrongKind, wrongMaterialLength } from "../refusals.js";

interface Entry {
  readonly kind: SlotKind;
  readonly material: Uint8Array;
  /** AES and TDES only. */
  readonly cipher: BlockCipher | undefined;
  /** HMAC only: the state behind the two key blocks, to be cloned. */
  readonly mac: ReturnType<typeof hmac.create> | undefined;
}

/** As many as the WebAssembly backends hold. */
const SLOT_LIMIT = 65536;

/** Handles count upwards and are never used twice, so a stale one names nothing. */
function createNobleBackend(): Backend {
  const entries = new Map<Slot, Entry>();
  let lastSlot = 0;

  function entry(slot: Slot): Entry {
    const found = entries.get(slot);
    if (found === undefined) throw destroyedKey();
    return found;
  }

  function cipherOf(slot: Slot): BlockCipher {
    const { cipher } = entry(slot);
    if (cipher === undefined) throw wrongKind();
    return cipher;
  }

  function aesOf(slot: Slot): BlockCipher {
    if (entry(slot).kind !== "AES") throw wrongKind();
    return cipherOf(slot);
  }

  function macOf(slot: Slot, parts: readonly MessagePart[]): Uint8Array {
    const { mac } = entry(slot);
    if (mac === undefined) throw wrongKind();
    const running = mac.clone();
    for (const part of parts) running.update(typeof part === "string" ? encodeUtf8(part) : part);
    return running.digest();
  }

  /** A terminal's state does not come in as clear bytes. */
  function createSlot(kind: SlotKind, material: Uint8Array): Slot {
    if (kind === "DUKPT") throw wrongKind();
    return keep(kind, material);
  }

  function destroySlot(slot: Slot): void {
    const found = entries.get(slot);
    if (found === undefined) return;
    entries.delete(slot);
    wipe(found.material);
    found.cipher?.destroy();
    found.mac?.destroy();
  }

  function keep(kind: SlotKind, material: Uint8Array): Slot {
    if (!suits(kind, material.length)) throw wrongMaterialLength();
    if (entries.size >= SLOT_LIMIT) {
      throw noCapacity();
    }
    const copy = Uint8Array.from(material);
    const cipher = kind === "AES" || kind === "TDES" ? createBlockCipher(kind, copy) : undefined;
    const mac = kind === "HMAC" ? hmac.create(sha256, copy) : undefined;
    lastSlot += 1;
    entries.set(lastSlot, { kind, material: copy, cipher, mac });
    return lastSlot;
  }

  function cbcDecrypt(slot: Slot, iv: Uint8Array, data: Uint8Array, padding: BlockPadding): Uint8Array | undefined {
    const cipher = cipherOf(slot);
    assertBlocks("data", data, cipher);
    assertBlock("iv", iv, cipher);
    const plain = cipher.cbcDecrypt(iv, data);
    if (padding === "none") return plain;
    const length = pkcs7Length(plain, cipher.blockSize);
    const result = length === 0 ? undefined : plain.slice(0, plain.length - length);
    wipe(plain);
    return result;
  }

  function openBytes(slot: Slot, iv: Uint8Array, ciphertext: string, encoding: OpenEncoding): Uint8Array | undefined {
    assertBlock("iv", iv, aesOf(slot));
    const data = ciphertext.length === 0 || ciphertext.length % 32 !== 0 ? undefined : decodeHexDigits(ciphertext);
    const plain = data === undefined ? undefined : cbcDecrypt(slot, iv, data, "pkcs7");
    if (plain === undefined || encoding === "raw") return plain;
    const decoded = decodeHexDigits(plain);
    if (encoding === "auto" && (decoded === undefined || !startsLikeMessage(decoded))) {
      wipe(decoded);
      return plain;
    }
    wipe(plain);
    return decoded;
  }

  return withFixedBytes({
    name: "noble",
    constantTime: false,
    createSlot,
    destroySlot,
    slotIsLive: (slot) => entries.has(slot),
    slotKind: (slot) => entry(slot).kind,
    slotLength: (slot) => entry(slot).material.length,
    slotParts: (slot) => desParts(entry(slot).material),
    readSlot(slot) {
      const { kind, material } = entry(slot);
      if (kind === "DUKPT") throw wrongKind();
      return material.slice();
    },

    encryptBlock(slot, block) {
      const cipher = cipherOf(slot);
      assertBlock("block", block, cipher);
      return cipher.encryptBlock(block);
    },
    decryptBlock(slot, block) {
      const cipher = cipherOf(slot);
      assertBlock("block", block, cipher);
      return cipher.decryptBlock(block);
    },
    cbcEncrypt(slot, iv, data, padding) {
      const cipher = cipherOf(slot);
      assertBlock("iv", iv, cipher);
      if (padding === "none") {
        assertBlocks("data", data, cipher);
        return cipher.cbcEncrypt(iv, data);
      }
      const padded = pkcs7Pad(data, cipher.blockSize);
      const result = cipher.cbcEncrypt(iv, padded);
      wipe(padded);
      return result;
    },
    cbcDecrypt,
    cmac: (slot, data) => cipherOf(slot).cmac(data),
    cbcMac(slot, data) {
      const cipher = cipherOf(slot);
      assertBlocks("data", data, cipher);
      return cbcMac(cipher, data);
    },
    retailMac(slot, data) {
      const cipher = cipherOf(slot);
      if (cipher.retailMac === undefined) throw wrongKind();
      assertBlocks("data", data, cipher);
      if (data.length === 0) throw invalidArgument("data", "at least 8 bytes", 0);
      return cipher.retailMac(data);
    },

    hmac: macOf,
    hmacBase64: (slot, parts) => encodeBase64(macOf(slot, parts)),
    hmacBase64Equals: (slot, parts, expected) => equalText(encodeBase64(macOf(slot, parts)), expected),
    hmacWith(hash, slot, message) {
      const { kind, material } = entry(slot);
      if (kind !== "HMAC" && kind !== "OPAQUE") throw wrongKind();
      return hmac(hashByName(hash), material, message);
    },
    digest: (hash, data) => hashByName(hash)(data),

    unwrapKeyBlock(kbpk, version, block, headerLength, kind) {
      const opened = unwrapKeyBlock(entry(kbpk), version, block, headerLength);
      if (typeof opened === "string") return { verdict: opened };
      try {
        const { key, paddingLength } = opened;
        const fitting = suits(kind, key.length) ? kind : "OPAQUE";
        return { verdict: "opened", slot: keep(fitting, key), kind: fitting, length: key.length, paddingLength };
      } finally {
        wipe(opened.key);
      }
    },
    wrapKeyBlock: (kbpk, version, header, key, padding) =>
      wrapKeyBlock(entry(kbpk), version, header, entry(key).material, padding),

    dukpt: (operation, slot, counter, input) => dukptCall(operation, entry(slot), counter, input, keep, destroySlot),

    seal(slot, iv, plaintext, encoding) {
      const cipher = aesOf(slot);
      assertBlock("iv", iv, cipher);
      const bytes = typeof plaintext === "string" ? encodeUtf8(plaintext) : plaintext;
      const text = encoding === "hex" ? encodeUtf8(encodeHex(bytes)) : undefined;
      const padded = pkcs7Pad(text ?? bytes, cipher.blockSize);
      try {
        return encodeHex(cipher.cbcEncrypt(iv, padded));
      } finally {
        wipe(padded, text, bytes === plaintext ? undefined : bytes);
      }
    },
    open: openBytes,
    openText(slot, iv, ciphertext, encoding) {
      const bytes = openBytes(slot, iv, ciphertext, encoding);
      const text = bytes === undefined ? undefined : decodeUtf8(bytes);
      wipe(bytes);
      return text;
    },

    encodeHex,
    decodeHex: decodeHexDigits,
    equal: equalBytes,
  });
}

/**
 * `backend` that reads the bytes of a caller once: each method gets plain arrays, of one length, that nothing else changes. What another
 * error than ours would be is one of ours, as on WebAssembly.
 */
function withFixedBytes(backend: Backend): Backend {
  const methods: Record<string, unknown> = { name: backend.name, constantTime: backend.constantTime };
  for (const name of Object.keys(METHODS) as Method[]) {
    const call = backend[name] as (...args: unknown[]) => unknown;
    methods[name] = (...args: unknown[]): unknown => {
      try {
        return call(...args.map(fixed));
      } catch (error) {
        throw brokenCall(error);
      }
    };
  }
  return Object.freeze(methods) as unknown as Backend;
}

function fixed(argument: unknown): unknown {
  if (Array.isArray(argument)) return argument.map(fixed);
  return isBytes(argument) ? fixedBytes(argument) : argument;
}

/** Lengths a slot of `kind` takes, in bytes. */
function suits(kind: SlotKind, length: number): boolean {
  if (kind === "AES") return length === 16 || length === 24 || length === 32;
  if (kind === "DUKPT") return stateLengthSuits(length);
  if (kind === "TDES") return length === 8 || length === 16 || length === 24;
  return length >= 1 && length <= LONGEST_KEY;
}

function assertBlock(name: string, bytes: Uint8Array, { blockSize }: BlockCipher): void {
  if (bytes.length !== blockSize) throw invalidArgument(name, `${blockSize} bytes`, bytes.length);
}

function assertBlocks(name: string, bytes: Uint8Array, { blockSize }: BlockCipher): void {
  if (bytes.length % blockSize !== 0) throw invalidArgument(name, `a multiple of ${blockSize} bytes`, bytes.length);
}

function hashByName(name: HashName) {
  switch (name) {
    case "SHA-1":
      return sha1;
    case "SHA-224":
      return sha224;
    case "SHA-256":
      return sha256;
    case "SHA-384":
      return sha384;
    case "SHA-512":
      return sha512;
  }
}

function equalText(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}

/**
 * The backend in JavaScript: for engines without WebAssembly that cannot wait for `loadCrypto`. **Not constant-time**: its AES
 * and DES look tables up by secret bytes, and material lives in the JavaScript heap as long as its key does.
 *
 * @example
 * ```ts
 * import { loadCryptoSync } from "viopay-pos-crypto";
 * import { noble } from "viopay-pos-crypto/backend/noble";
 *
 * console.log(loadCryptoSync({ backend: noble }).constantTime); // prints false
 * ```
 */
export const noble: Backend = /* @__PURE__ */ createNobleBackend();
export default noble;
