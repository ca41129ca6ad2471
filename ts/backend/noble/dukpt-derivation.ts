/**
 * DUKPT's derivations (ANSI X9.24-3:2017) for the noble backend: AES in clause 6.3, TDES in annex C. Not constant-time, as the
 * ciphers under it. Keys are secret; what is derived belongs to the caller, what it is derived from stays the caller's to wipe.
 */
import { wipe } from "../../base/bytes.js";
import { createBlockCipher } from "./block-cipher.js";
import type { BlockCipher } from "./cipher.js";

/** The algorithm of a chain: all its keys are of it, and of one length. */
export type Chain = "AES" | "TDES";

/** Over each half of a TDEA key: annex C. */
const MASK = [0xc0, 0xc0, 0xc0, 0xc0, 0, 0, 0, 0];

/** X9.24-3:2017 6.3.2, table 2. */
const USE_DERIVATION = 0x8000;
const USE_INITIAL = 0x8001;

/** In the use of a TDES working key: the one-way step. */
const ONE_WAY = 0x100;

function xor(bytes: Uint8Array, other: ArrayLike<number>): Uint8Array<ArrayBuffer> {
  return bytes.map((byte, i) => byte ^ other[i % other.length]!);
}

function withCipher<T>(algorithm: Chain, key: Uint8Array, use: (cipher: BlockCipher) => T): T {
  const cipher = createBlockCipher(algorithm, key);
  try {
    return use(cipher);
  } finally {
    cipher.destroy();
  }
}

/** 6.3.2, table 3. */
function algorithmCode(kind: string, bytes: number): number {
  if (kind === "HMAC") return 5;
  return bytes / 8 - (kind === "AES" ? 0 : 2);
}

/** 6.3.1: `bytes` bytes for `use` from an AES key; `tail` are the last 8 bytes of the block. */
function deriveAes(key: Uint8Array, use: number, algorithm: number, bytes: number, tail: Uint8Array): Uint8Array {
  const out = new Uint8Array(32);
  const block = new Uint8Array(16);
  const view = new DataView(block.buffer);
  view.setUint8(0, 1);
  view.setUint16(2, use);
  view.setUint16(4, algorithm);
  view.setUint16(6, 8 * bytes);
  block.set(tail, 8);
  withCipher("AES", key, (cipher) => {
    for (let at = 0; at < bytes; at += 16) {
      view.setUint8(1, at / 16 + 1);
      const part = cipher.encryptBlock(block);
      out.set(part, at);
      wipe(part);
    }
  });
  const derived = out.slice(0, bytes);
  wipe(out);
  return derived;
}

/** The last 4 bytes of the initial key ID, and the counter: 6.3.3. */
function tailOf(identity: Uint8Array, counter: number): Uint8Array {
  const tail = new Uint8Array(8);
  tail.set(identity.subarray(4, 8));
  new DataView(tail.buffer).setUint32(4, counter);
  return tail;
}

/** TDEA-ECB of 8 or 16 bytes. */
function encryptTdea(key: Uint8Array, data: Uint8Array): Uint8Array<ArrayBuffer> {
  return withCipher("TDES", key, (cipher) => {
    const out = new Uint8Array(data.length);
    for (let at = 0; at < data.length; at += 8) out.set(cipher.encryptBlock(data.subarray(at, at + 8)), at);
    return out;
  });
}

/** Half of annex C's non-reversible key generation, with single DES. */
function generateHalf(key: Uint8Array, register: Uint8Array): Uint8Array {
  const right = key.subarray(8);
  const block = xor(register, right);
  const encrypted = encryptTdea(key.subarray(0, 8), block);
  const half = xor(encrypted, right);
  wipe(block, encrypted);
  return half;
}

/** One step from a key to that of the counter `reached`. */
export function step(chain: Chain, key: Uint8Array, identity: Uint8Array, reached: number): Uint8Array {
  if (chain === "AES") {
    return deriveAes(key, USE_DERIVATION, algorithmCode("AES", key.length), key.length, tailOf(identity, reached));
  }
  const register = identity.slice(2, 10);
  register[5] = (register[5]! & 0xe0) | (reached >>> 16);
  register[6] = reached >>> 8;
  register[7] = reached;
  const masked = xor(key, MASK);
  const left = generateHalf(masked, register);
  const right = generateHalf(key, register);
  const out = new Uint8Array(16);
  out.set(left);
  out.set(right, 8);
  wipe(masked, left, right);
  return out;
}

/** The initial key of an identity under a base derivation key. */
export function deriveInitial(chain: Chain, bdk: Uint8Array, identity: Uint8Array): Uint8Array {
  const id = identity.subarray(0, 8);
  if (chain === "AES") return deriveAes(bdk, USE_INITIAL, algorithmCode("AES", bdk.length), bdk.length, id);
  const masked = xor(bdk, MASK);
  const left = encryptTdea(bdk, id);
  const right = encryptTdea(masked, id);
  const out = new Uint8Array(16);
  out.set(left);
  out.set(right, 8);
  wipe(masked, left, right);
  return out;
}

/** The key of `counter`: one step from the initial key for each of its ones, from the highest. Wipes what it passes. */
export function walk(chain: Chain, initial: Uint8Array, identity: Uint8Array, counter: number): Uint8Array {
  let key: Uint8Array = initial.slice();
  let reached = 0;
  for (let i = 31; i >= 0; i--) {
    if (((counter >>> i) & 1) === 0) continue;
    reached = (reached | (1 << i)) >>> 0;
    const next = step(chain, key, identity, reached);
    wipe(key);
    key = next;
  }
  return key;
}

/** What a working key is asked for with: `Backend.dukpt`. */
export interface Request {
  readonly kind: "AES" | "TDES" | "HMAC";
  readonly bytes: number;
  readonly use: number;
}

/** A working key of a transaction key. */
export function deriveWorking(chain: Chain, key: Uint8Array, identity: Uint8Array, counter: number, wanted: Request): Uint8Array {
  const { kind, bytes, use } = wanted;
  if (chain === "AES") return deriveAes(key, use, algorithmCode(kind, bytes), bytes, tailOf(identity, counter));
  const variant = new Uint8Array(8);
  variant[7 - (use & 0x38) / 8] = 0xff;
  const varied = xor(key, variant);
  if ((use & ONE_WAY) === 0) return varied;
  const out = encryptTdea(varied, varied);
  wipe(varied);
  return out;
}
