/**
 * AES (noble) and TDES (des.ts) behind one interface, for the noble backend: single block, CBC (SP 800-38A 6.2), CMAC
 * (SP 800-38B), and for TDES the MAC algorithm 3 of ISO 9797-1. Lengths are the caller's concern.
 */
import { cbc, cmac, ctr, ecb } from "@noble/ciphers/aes.js";
import { wipe } from "../../base/bytes.js";
import type { BlockCipher } from "./cipher.js";
import { TripleDes } from "./des.js";

/** Keeps a reference to `material`, which must not change while the cipher is used. */
export function createBlockCipher(algorithm: "AES" | "TDES", material: Uint8Array): BlockCipher {
  return algorithm === "AES" ? createAes(material) : new TripleDes(material);
}

/** noble expands the key anew in every call and wipes the schedule after it. */
function createAes(key: Uint8Array): BlockCipher {
  const whole = { disablePadding: true };
  return {
    blockSize: 16,
    encryptBlock: (block) => ecb(key, whole).encrypt(block),
    decryptBlock: (block) => ecb(key, whole).decrypt(block),
    cbcEncrypt: (iv, data) => (data.length === 0 ? new Uint8Array(0) : cbc(key, iv, whole).encrypt(data)),
    cbcDecrypt: (iv, data) => (data.length === 0 ? new Uint8Array(0) : cbc(key, iv, whole).decrypt(data)),
    cmac: (data) => cmac(data, key),
    ctr: (counter, data) => ctr(key, counter).encrypt(data),
    destroy: () => {},
  };
}

/** ISO 9797-1 algorithm 1: the last block of CBC from a zero IV. `data` is not empty. */
export function cbcMac(cipher: BlockCipher, data: Uint8Array): Uint8Array {
  const blocks = cipher.cbcEncrypt(new Uint8Array(cipher.blockSize), data);
  const mac = blocks.slice(blocks.length - cipher.blockSize);
  wipe(blocks);
  return mac;
}

/** A padded copy (RFC 5652 clause 6.3). */
export function pkcs7Pad(data: Uint8Array, blockSize: number): Uint8Array {
  const padding = blockSize - (data.length % blockSize);
  const padded = new Uint8Array(data.length + padding).fill(padding, data.length);
  padded.set(data);
  return padded;
}

/** Length of the padding at the end of `data`, 1 to `blockSize`, or 0 if it is wrong. Looks at the whole last block. */
export function pkcs7Length(data: Uint8Array, blockSize: number): number {
  const last = data[data.length - 1] ?? 0;
  let wrong = Number(last === 0) | Number(last > blockSize);
  for (let i = 1; i <= blockSize; i++) wrong |= Number(i <= last) & Number(data[data.length - i] !== last);
  return wrong === 0 ? last : 0;
}
