/**
 * Key blocks of versions A to E (TR-31:2018, ANSI X9.143, ISO 20038) from KBPK slot to key slot and back: material never leaves
 * the module.
 *
 * At IO stands ASCII: header text, HEX(ciphertext), HEX(MAC). Payload = length in bits (2 bytes), key, padding.
 * A, C: CBC under KBEK from the first 8 characters of the header, then CBC-MAC under KBAK of header text and ciphertext, 4 bytes.
 * B, D: CMAC under KBAK of header text and payload, which is also the IV of CBC under KBEK. E: the same with counter mode.
 *
 * Versions, lengths and the MAC verdict are public. KBPK, KBEK, KBAK, payload and the MAC computed are secret; nothing branches on
 * them before the verdict, and first on the length field after it. KBEK, KBAK, CHAIN, DIGEST and IO are wiped on every way out.
 */
import { aesCbcDecrypt, aesCbcEncrypt, aesCmac, aesCmacSubkeys, aesCtr, aesExpandKey } from "./aes/aes";
import { equalMask } from "./constant-time";
import { tdesCbcDecrypt, tdesCbcEncrypt, tdesCmac, tdesCmacSubkeys, tdesCmacUpdate, tdesExpandKey } from "./des/tdes";
import { hexDecode, hexEncode } from "./hex";
import { createKey, keyLengthSuits, materialOffset } from "./keys";
import {
  CHAIN,
  CHAIN_SIZE,
  DIGEST,
  DIGEST_SIZE,
  IO,
  KBAK,
  KBEK,
  KIND_AES,
  KIND_OPAQUE,
  KIND_TDES,
  SLOT_BLOCK_MATERIAL,
  SLOT_SCHEDULE,
  SLOT_SIZE,
  SLOT_SUBKEYS,
} from "./layout";
import { BAD_LENGTH, FAILED, slotKindAt, slotLengthAt, slotPointer, STALE, WRONG_KIND } from "./slots";
import { copy, wipe } from "./word";

/** Version characters. */
const A: i32 = 0x41;
const B: i32 = 0x42;
const C: i32 = 0x43;
const D: i32 = 0x44;
const E: i32 = 0x45;

/** Variants of the KBPK in versions A and C, over every byte. */
const VARIANT_ENCRYPTION: u64 = 0x4545_4545_4545_4545;
const VARIANT_AUTHENTICATION: u64 = 0x4d4d_4d4d_4d4d_4d4d;

/** What a derived key is for, as the derivation input says it. */
const PURPOSE_CBC: i32 = 0;
const PURPOSE_AUTHENTICATION: i32 = 1;
const PURPOSE_CTR: i32 = 2;

/** Where the derivation input is built. */
const INPUT: usize = DIGEST + 32;

const SHORTEST_HEADER: i32 = 16;
/** More than the 9999 characters of a block; keeps what is written within IO. */
const LONGEST: i32 = 16384;

// @ts-ignore: decorator
@inline
function isVariant(version: i32): bool {
  return version == A || version == C;
}

/** Bytes of the MAC. */
function macLength(version: i32): i32 {
  return isVariant(version) ? 4 : version == B ? 8 : 16;
}

/** 0 if the slot at `kbpk` can protect blocks of `version`, else a status. Single DES cannot. */
function kbpkStatus(kbpk: usize, version: i32): i32 {
  if (!kbpk) return STALE;
  const kind = slotKindAt(kbpk);
  if (version == D || version == E) return kind == KIND_AES ? 0 : WRONG_KIND;
  const suits = kind == KIND_TDES && slotLengthAt(kbpk) >= 16 && version >= A && version <= C;
  return suits ? 0 : WRONG_KIND;
}

/** Whether lengths fit the version: `text` is the ciphertext's, in bytes. */
function lengthsFit(version: i32, header: i32, text: i32): bool {
  const block = version == E ? 1 : version == D ? 16 : 8;
  return header >= SHORTEST_HEADER && header <= LONGEST && (header & 7) == 0 && text >= 2 && text <= LONGEST && text % block == 0;
}

/** A length of the host's as one that stays within IO. */
function clamp(length: i32): i32 {
  return min(max(length, 0), LONGEST);
}

function deriveVariant(kbpk: usize, variant: u64, out: usize): void {
  const length = slotLengthAt(kbpk);
  const from = kbpk + SLOT_BLOCK_MATERIAL;
  const to = out + SLOT_BLOCK_MATERIAL;
  for (let i = 0; i < length; i += 8) store<u64>(to + i, load<u64>(from + i) ^ variant);
  tdesExpandKey(to, length, out + SLOT_SCHEDULE);
}

/** CMAC in counter mode: (counter, purpose, 00, algorithm, bits) until there is as much material as the KBPK has. */
function deriveCmac(kbpk: usize, purpose: i32, out: usize): void {
  const length = slotLengthAt(kbpk);
  const isAes = slotKindAt(kbpk) == KIND_AES;
  const algorithm = (length >> 3) - (isAes ? 0 : 2);
  const step = isAes ? 16 : 8;
  const to = out + SLOT_BLOCK_MATERIAL;
  for (let at = 0, counter = 1; at < length; at += step, counter++) {
    store<u64>(INPUT, bswap<u64>((u64(counter) << 56) | (u64(purpose) << 40) | (u64(algorithm) << 16) | (u64(length) << 3)));
    if (isAes) aesCmac(kbpk + SLOT_SCHEDULE, kbpk + SLOT_SUBKEYS, INPUT, 8, to + at);
    else tdesCmac(kbpk + SLOT_SCHEDULE, kbpk + SLOT_SUBKEYS, INPUT, 8, to + at);
  }
  if (isAes) aesExpandKey(to, length, out + SLOT_SCHEDULE);
  else tdesExpandKey(to, length, out + SLOT_SCHEDULE);
}

/** KBEK and KBAK, expanded, with KBAK's CMAC subkeys where the version uses CMAC. */
function deriveKeys(kbpk: usize, version: i32): void {
  if (isVariant(version)) {
    deriveVariant(kbpk, VARIANT_ENCRYPTION, KBEK);
    deriveVariant(kbpk, VARIANT_AUTHENTICATION, KBAK);
    return;
  }
  deriveCmac(kbpk, version == E ? PURPOSE_CTR : PURPOSE_CBC, KBEK);
  deriveCmac(kbpk, PURPOSE_AUTHENTICATION, KBAK);
  if (version == B) tdesCmacSubkeys(KBAK + SLOT_SCHEDULE, KBAK + SLOT_SUBKEYS);
  else aesCmacSubkeys(KBAK + SLOT_SCHEDULE, KBAK + SLOT_SUBKEYS);
}

/** The MAC of the `length` bytes at IO, to DIGEST. */
function authenticate(version: i32, length: i32): void {
  if (isVariant(version)) {
    store<u64>(DIGEST, 0);
    tdesCmacUpdate(KBAK + SLOT_SCHEDULE, DIGEST, IO, length >> 3);
  } else if (version == B) {
    tdesCmac(KBAK + SLOT_SCHEDULE, KBAK + SLOT_SUBKEYS, IO, length, DIGEST);
  } else {
    aesCmac(KBAK + SLOT_SCHEDULE, KBAK + SLOT_SUBKEYS, IO, length, DIGEST);
  }
}

/** Decrypts `length` bytes at `text` in place; `mac` is the one received. */
function decrypt(version: i32, text: usize, length: i32, mac: usize): void {
  copy(CHAIN, isVariant(version) ? IO : mac, version == D || version == E ? 16 : 8);
  if (version == E) aesCtr(KBEK + SLOT_SCHEDULE, CHAIN, text, length);
  else if (version == D) aesCbcDecrypt(KBEK + SLOT_SCHEDULE, CHAIN, text, length >> 4);
  else tdesCbcDecrypt(KBEK + SLOT_SCHEDULE, CHAIN, text, length >> 3);
}

/** Encrypts `length` bytes at `text` in place; `mac` is the payload's. */
function encrypt(version: i32, text: usize, length: i32, mac: usize): void {
  copy(CHAIN, isVariant(version) ? IO : mac, version == D || version == E ? 16 : 8);
  if (version == E) aesCtr(KBEK + SLOT_SCHEDULE, CHAIN, text, length);
  else if (version == D) aesCbcEncrypt(KBEK + SLOT_SCHEDULE, CHAIN, text, length >> 4);
  else tdesCbcEncrypt(KBEK + SLOT_SCHEDULE, CHAIN, text, length >> 3);
}

function wipeDerived(): void {
  wipe(KBEK, SLOT_SIZE);
  wipe(KBAK, SLOT_SIZE);
  wipe(CHAIN, CHAIN_SIZE);
  wipe(DIGEST, DIGEST_SIZE);
}

/** Makes the key's slot from the authentic payload: OPAQUE if its length does not suit `kind`. */
function takeKey(payload: usize, length: i32, kind: i32): i32 {
  const bits = i32(bswap<u16>(load<u16>(payload)));
  const bytes = bits >> 3;
  if (bits == 0 || (bits & 7) != 0 || bytes > length - 2) return BAD_LENGTH;
  return createKey(keyLengthSuits(kind, bytes) ? kind : KIND_OPAQUE, payload + 2, bytes);
}

function openBlock(kbpk: usize, version: i32, headerLength: i32, textLength: i32, kind: i32): i32 {
  const text = IO + headerLength;
  const mac = text + textLength;
  const size = macLength(version);
  if (!hexDecode(text, text, (textLength + size) << 1)) return FAILED;
  deriveKeys(kbpk, version);
  if (isVariant(version)) {
    authenticate(version, headerLength + textLength);
    if (!equalMask(DIGEST, mac, size)) return FAILED;
    decrypt(version, text, textLength, mac);
  } else {
    decrypt(version, text, textLength, mac);
    authenticate(version, headerLength + textLength);
    if (!equalMask(DIGEST, mac, size)) return FAILED;
  }
  return takeKey(text, textLength, kind);
}

/**
 * Opens the `blockLength` characters at IO, `headerLength` of them header text, into a new slot of `kind` (or OPAQUE if the
 * length does not suit it): its handle. FAILED: the MAC does not verify, or lengths or hexadecimal digits cannot be a block's;
 * BAD_LENGTH: the MAC verifies but the length field is wrong; STALE, WRONG_KIND: the KBPK; CAPACITY.
 */
export function keyBlockUnwrap(kbpk: i32, version: i32, headerLength: i32, blockLength: i32, kind: i32): i32 {
  const slot = slotPointer(kbpk);
  let status = kbpkStatus(slot, version);
  if (status == 0) {
    const digits = blockLength - headerLength;
    const textLength = (digits >> 1) - macLength(version);
    const fits = blockLength <= LONGEST && (digits & 1) == 0 && lengthsFit(version, headerLength, textLength);
    status = fits ? openBlock(slot, version, headerLength, textLength, kind) : FAILED;
    wipeDerived();
  }
  wipe(IO, clamp(blockLength));
  return status;
}

/** Builds the payload behind the header text: the padding, which stands there, moves up behind the key. Returns its length. */
function buildPayload(payload: usize, key: usize, paddingLength: i32): i32 {
  const length = slotLengthAt(key);
  const padding = payload + 2 + length;
  for (let i = paddingLength - 1; i >= 0; i--) store<u8>(padding + i, load<u8>(payload + i));
  store<u16>(payload, bswap<u16>(u16(length << 3)));
  copy(payload + 2, key + materialOffset(slotKindAt(key)), length);
  return 2 + length + paddingLength;
}

/**
 * Wraps `key` behind the header text at IO, which holds the total length already; the padding follows it. Leaves HEX(ciphertext),
 * HEX(MAC) at IO: number of characters. STALE: either slot; WRONG_KIND: the KBPK; BAD_LENGTH: lengths that do not fit the
 * version.
 */
export function keyBlockWrap(kbpk: i32, version: i32, headerLength: i32, key: i32, paddingLength: i32): i32 {
  const slot = slotPointer(kbpk);
  const source = slotPointer(key);
  let status = source ? kbpkStatus(slot, version) : STALE;
  if (status == 0) {
    const textLength = 2 + slotLengthAt(source) + paddingLength;
    const fits = paddingLength >= 0 && paddingLength <= LONGEST && lengthsFit(version, headerLength, textLength);
    status = fits ? wrapBlock(slot, version, headerLength, source, paddingLength) : BAD_LENGTH;
    wipeDerived();
  }
  if (status < 0) wipe(IO, clamp(headerLength) + clamp(paddingLength));
  return status;
}

function wrapBlock(kbpk: usize, version: i32, headerLength: i32, key: usize, paddingLength: i32): i32 {
  const text = IO + headerLength;
  const textLength = buildPayload(text, key, paddingLength);
  const mac = text + textLength;
  const size = macLength(version);
  deriveKeys(kbpk, version);
  if (isVariant(version)) {
    encrypt(version, text, textLength, mac);
    authenticate(version, headerLength + textLength);
    copy(mac, DIGEST, size);
  } else {
    authenticate(version, headerLength + textLength);
    copy(mac, DIGEST, size);
    encrypt(version, text, textLength, mac);
  }
  const digits = (textLength + size) << 1;
  hexEncode(text, text, textLength + size);
  copy(IO, text, digits);
  wipe(IO + digits, headerLength);
  return digits;
}
