/**
 * The libraries under comparison, each brought to one shape: bytes in, bytes out, as its documentation shows its fastest way.
 * Peers that cannot keep a key schedule get the key bytes every time; that is what using them costs.
 */
import nodeCrypto from "node:crypto";
import { cbc } from "@noble/ciphers/aes.js";
import { hmac as nobleHmac } from "@noble/hashes/hmac.js";
import { sha256 as nobleSha256 } from "@noble/hashes/sha2.js";
import { SHA256 as AsSha256 } from "@chainsafe/as-sha256";
import asmCrypto from "asmcrypto.js";
// biome-ignore lint/suspicious/noTsIgnore: an error only where its types are not installed
// @ts-ignore: it has no types
import CryptoJS from "crypto-js";
import hashWasm from "hash-wasm";
import * as pos from "viopay-pos-crypto";

/** @typedef {import("./measure.js").Candidate} Candidate */
/** @typedef {{ encrypt: (data: Uint8Array) => any, decrypt: (data: Uint8Array) => any, deferred?: boolean }} AesPeer */

/**
 * AES-CBC with PKCS#7.
 * @param {Uint8Array} key
 * @param {Uint8Array} iv
 * @returns {Promise<Record<string, AesPeer>>}
 */
export async function aesPeers(key, iv) {
  const ours = pos.importKey(key, { algorithm: "AES", usage: "D0" });
  const padding = /** @type {const} */ ({ padding: "pkcs7" });
  const algorithm = `aes-${key.length * 8}-cbc`;
  const webKey = await crypto.subtle.importKey("raw", new Uint8Array(key), "AES-CBC", false, ["encrypt", "decrypt"]);
  const webIv = new Uint8Array(iv);
  const jsKey = CryptoJS.lib.WordArray.create(key);
  const jsIv = { iv: CryptoJS.lib.WordArray.create(iv) };
  return {
    ours: {
      encrypt: (data) => pos.aesCbcEncrypt(ours, iv, data, padding),
      decrypt: (data) => pos.aesCbcDecrypt(ours, iv, data, padding),
    },
    noble: {
      encrypt: (data) => cbc(key, iv).encrypt(data),
      decrypt: (data) => cbc(key, iv).decrypt(data),
    },
    "node:crypto": {
      encrypt: (data) => {
        const cipher = nodeCrypto.createCipheriv(algorithm, key, iv);
        return Buffer.concat([cipher.update(data), cipher.final()]);
      },
      decrypt: (data) => {
        const cipher = nodeCrypto.createDecipheriv(algorithm, key, iv);
        return Buffer.concat([cipher.update(data), cipher.final()]);
      },
    },
    WebCrypto: {
      deferred: true,
      encrypt: async (data) =>
        new Uint8Array(await crypto.subtle.encrypt({ name: "AES-CBC", iv: webIv }, webKey, asBufferSource(data))),
      decrypt: async (data) =>
        new Uint8Array(await crypto.subtle.decrypt({ name: "AES-CBC", iv: webIv }, webKey, asBufferSource(data))),
    },
    "crypto-js": {
      encrypt: (data) => fromWords(CryptoJS.AES.encrypt(CryptoJS.lib.WordArray.create(data), jsKey, jsIv).ciphertext),
      decrypt: (data) => fromWords(CryptoJS.AES.decrypt({ ciphertext: CryptoJS.lib.WordArray.create(data) }, jsKey, jsIv)),
    },
    "asmcrypto.js": {
      encrypt: (data) => asmCrypto.AES_CBC.encrypt(data, key, true, iv),
      decrypt: (data) => asmCrypto.AES_CBC.decrypt(data, key, true, iv),
    },
  };
}

/**
 * HMAC-SHA-256 under one key, used again and again.
 * @param {Uint8Array} key
 * @returns {Promise<Record<string, { mac: (data: Uint8Array) => any, deferred?: boolean }>>}
 */
export async function hmacPeers(key) {
  const ours = pos.importKey(key, { algorithm: "HMAC", usage: "M7" });
  const cached = nobleHmac.create(nobleSha256, key);
  const hashWasmHmac = await hashWasm.createHMAC(hashWasm.createSHA256(), key);
  const webKey = await crypto.subtle.importKey("raw", new Uint8Array(key), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return {
    ours: { mac: (data) => pos.hmacSha256(ours, data) },
    noble: { mac: (data) => nobleHmac(nobleSha256, key, data) },
    "noble, cached clone": { mac: (data) => cached.clone().update(data).digest() },
    "hash-wasm": { mac: (data) => hashWasmHmac.init().update(data).digest("binary") },
    "as-sha256": { mac: asSha256Hmac(key) },
    "node:crypto": { mac: (data) => nodeCrypto.createHmac("sha256", key).update(data).digest() },
    WebCrypto: {
      deferred: true,
      mac: async (data) => new Uint8Array(await crypto.subtle.sign("HMAC", webKey, asBufferSource(data))),
    },
    "crypto-js": {
      mac: (data) => fromWords(CryptoJS.HmacSHA256(CryptoJS.lib.WordArray.create(data), CryptoJS.lib.WordArray.create(key))),
    },
  };
}

/**
 * as-sha256 has no HMAC: RFC 2104 over its streaming hash.
 * @param {Uint8Array} key at most 64 bytes
 */
function asSha256Hmac(key) {
  const inner = new Uint8Array(64).fill(0x36);
  const outer = new Uint8Array(64).fill(0x5c);
  for (const [i, byte] of key.entries()) {
    inner[i] = (inner[i] ?? 0) ^ byte;
    outer[i] = (outer[i] ?? 0) ^ byte;
  }
  const hash = new AsSha256();
  return (/** @type {Uint8Array} */ data) => {
    const digest = hash.init().update(inner).update(data).final();
    return hash.init().update(outer).update(digest).final();
  };
}

/** @param {{ words: number[], sigBytes: number }} wordArray */
function fromWords({ words, sigBytes }) {
  const bytes = new Uint8Array(sigBytes);
  for (let i = 0; i < sigBytes; i++) bytes[i] = (words[i >>> 2] ?? 0) >>> (24 - 8 * (i & 3));
  return bytes;
}

/**
 * @param {Uint8Array} data
 * @returns {Uint8Array<ArrayBuffer>}
 */
function asBufferSource(data) {
  return /** @type {Uint8Array<ArrayBuffer>} */ (data);
}
