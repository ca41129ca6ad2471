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
import { aesCbcDecrypt, aesCbcEncrypt, aesExpandKey } from "./aes/cipher";
import { aesCmac, aesCmacSubkeys, aesCtr } from "./aes/modes";
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

/** Version characters, X9.143 clause 6.2, byte 0. */
const VERSION_A: i32 = 0x41;
const VERSION_B: i32 = 0x42;
const VERSION_C: i32 = 0x43;
const VERSION_D: i32 = 0x44;
const VERSION_E: i32 = 0x45;

/** Bytes of the MAC: half a block of TDES for the variants of the KBPK, else one block of the KBPK's cipher. */
export const MAC_LENGTH_A: i32 = 4;
export const MAC_LENGTH_B: i32 = 8;
export const MAC_LENGTH_C: i32 = 4;
export const MAC_LENGTH_D: i32 = 16;
export const MAC_LENGTH_E: i32 = 16;

/** Variants of the KBPK in versions A and C, over every byte. */
const VARIANT_ENCRYPTION: u64 = 0x4545_4545_4545_4545;
const VARIANT_AUTHENTICATION: u64 = 0x4d4d_4d4d_4d4d_4d4d;

/** The "key usage indicator" of the derivation input: what the derived key is for. */
const USAGE_ENCRYPTION_CBC: i32 = 0;
const USAGE_MAC: i32 = 1;
const USAGE_ENCRYPTION_CTR: i32 = 2;

/** Where the derivation input is built. */
const INPUT: usize = DIGEST + 32;

const SHORTEST_HEADER: i32 = 16;
/** Characters of the longest block that four digits can state. */
export const LONGEST_BLOCK: i32 = 9999;

// @ts-ignore: decorator
@inline
function isVariant(version: i32): bool {
  return version == VERSION_A || version == VERSION_C;
}

/** Bytes of the MAC. */
function macLength(version: i32): i32 {
  if (version == VERSION_A) return MAC_LENGTH_A;
  if (version == VERSION_B) return MAC_LENGTH_B;
  if (version == VERSION_C) return MAC_LENGTH_C;
  return version == VERSION_D ? MAC_LENGTH_D : MAC_LENGTH_E;
}

/** 0 if the slot at `kbpk` can protect blocks of `version`, else a status. Single DES cannot. */
function kbpkStatus(kbpk: usize, version: i32): i32 {
  if (!kbpk) return STALE;
  const kind = slotKindAt(kbpk);
  if (version == VERSION_D || version == VERSION_E) return kind == KIND_AES ? 0 : WRONG_KIND;
  const suits = kind == KIND_TDES && slotLengthAt(kbpk) >= 16 && version >= VERSION_A && version <= VERSION_C;
  return suits ? 0 : WRONG_KIND;
}

/** Whether lengths fit the version: `ciphertext` is the ciphertext's, in bytes. */
function lengthsFit(version: i32, header: i32, ciphertext: i32): bool {
  const block = version == VERSION_E ? 1 : version == VERSION_D ? 16 : 8;
  return (
    header >= SHORTEST_HEADER &&
    header <= LONGEST_BLOCK &&
    (header & 7) == 0 &&
    ciphertext >= 2 &&
    ciphertext <= LONGEST_BLOCK &&
    ciphertext % block == 0
  );
}

/** A length of the host's as one that stays within IO. */
function clamp(length: i32): i32 {
  return min(max(length, 0), LONGEST_BLOCK);
}

function deriveVariant(kbpk: usize, variant: u64, out: usize): void {
  const length = slotLengthAt(kbpk);
  const from = kbpk + SLOT_BLOCK_MATERIAL;
  const to = out + SLOT_BLOCK_MATERIAL;
  for (let i = 0; i < length; i += 8) store<u64>(to + i, load<u64>(from + i) ^ variant);
  tdesExpandKey(to, length, out + SLOT_SCHEDULE);
}

/** CMAC in counter mode: (counter, usage, 00, algorithm, bits) until there is as much material as the KBPK has. */
function deriveCmac(kbpk: usize, usage: i32, out: usize): void {
  const length = slotLengthAt(kbpk);
  const isAes = slotKindAt(kbpk) == KIND_AES;
  const algorithm = (length >> 3) - (isAes ? 0 : 2);
  const step = isAes ? 16 : 8;
  const to = out + SLOT_BLOCK_MATERIAL;
  for (let at = 0, counter = 1; at < length; at += step, counter++) {
    store<u64>(INPUT, bswap<u64>((u64(counter) << 56) | (u64(usage) << 40) | (u64(algorithm) << 16) | (u64(length) << 3)));
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
  deriveCmac(kbpk, version == VERSION_E ? USAGE_ENCRYPTION_CTR : USAGE_ENCRYPTION_CBC, KBEK);
  deriveCmac(kbpk, USAGE_MAC, KBAK);
  if (version == VERSION_B) tdesCmacSubkeys(KBAK + SLOT_SCHEDULE, KBAK + SLOT_SUBKEYS);
  else aesCmacSubkeys(KBAK + SLOT_SCHEDULE, KBAK + SLOT_SUBKEYS);
}

/** The MAC of the `length` bytes at IO, to DIGEST. */
function authenticate(version: i32, length: i32): void {
  if (isVariant(version)) {
    store<u64>(DIGEST, 0);
    tdesCmacUpdate(KBAK + SLOT_SCHEDULE, DIGEST, IO, length >> 3);
  } else if (version == VERSION_B) {
    tdesCmac(KBAK + SLOT_SCHEDULE, KBAK + SLOT_SUBKEYS, IO, length, DIGEST);
  } else {
    aesCmac(KBAK + SLOT_SCHEDULE, KBAK + SLOT_SUBKEYS, IO, length, DIGEST);
  }
}

/** Decrypts `length` bytes at `ciphertext` in place; `mac` is the one received. */
function decrypt(version: i32, ciphertext: usize, length: i32, mac: usize): void {
  copy(CHAIN, isVariant(version) ? IO : mac, version == VERSION_D || version == VERSION_E ? 16 : 8);
  if (version == VERSION_E) aesCtr(KBEK + SLOT_SCHEDULE, CHAIN, ciphertext, length);
  else if (version == VERSION_D) aesCbcDecrypt(KBEK + SLOT_SCHEDULE, CHAIN, ciphertext, length >> 4);
  else tdesCbcDecrypt(KBEK + SLOT_SCHEDULE, CHAIN, ciphertext, length >> 3);
}

/** Encrypts `length` bytes at `ciphertext` in place; `mac` is the payload's. */
function encrypt(version: i32, ciphertext: usize, length: i32, mac: usize): void {
  copy(CHAIN, isVariant(version) ? IO : mac, version == VERSION_D || version == VERSION_E ? 16 : 8);
  if (version == VERSION_E) aesCtr(KBEK + SLOT_SCHEDULE, CHAIN, ciphertext, length);
  else if (version == VERSION_D) aesCbcEncrypt(KBEK + SLOT_SCHEDULE, CHAIN, ciphertext, length >> 4);
  else tdesCbcEncrypt(KBEK + SLOT_SCHEDULE, CHAIN, ciphertext, length >> 3);
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

function unwrapBlock(kbpk: usize, version: i32, headerLength: i32, ciphertextLength: i32, kind: i32): i32 {
  const ciphertext = IO + headerLength;
  const mac = ciphertext + ciphertextLength;
  const size = macLength(version);
  if (!hexDecode(ciphertext, ciphertext, (ciphertextLength + size) << 1)) return FAILED;
  deriveKeys(kbpk, version);
  if (isVariant(version)) {
    authenticate(version, headerLength + ciphertextLength);
    if (!equalMask(DIGEST, mac, size)) return FAILED;
    decrypt(version, ciphertext, ciphertextLength, mac);
  } else {
    decrypt(version, ciphertext, ciphertextLength, mac);
    authenticate(version, headerLength + ciphertextLength);
    if (!equalMask(DIGEST, mac, size)) return FAILED;
  }
  return takeKey(ciphertext, ciphertextLength, kind);
}

/**
 * Opens the `blockLength` characters at IO, `headerLength` of them header text, into a new slot of `kind` (or OPAQUE if the
 * length does not suit it): its handle. FAILED: the MAC does not verify, or lengths or hexadecimal digits cannot be a block's;
 * BAD_LENGTH: the MAC verifies but the length field is wrong; STALE, WRONG_KIND: the KBPK; CAPACITY.
 */
export function unwrapKeyBlock(kbpk: i32, version: i32, headerLength: i32, blockLength: i32, kind: i32): i32 {
  const slot = slotPointer(kbpk);
  let status = kbpkStatus(slot, version);
  if (status == 0) {
    const digits = blockLength - headerLength;
    const ciphertextLength = (digits >> 1) - macLength(version);
    const fits = blockLength <= LONGEST_BLOCK && (digits & 1) == 0 && lengthsFit(version, headerLength, ciphertextLength);
    status = fits ? unwrapBlock(slot, version, headerLength, ciphertextLength, kind) : FAILED;
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
export function wrapKeyBlock(kbpk: i32, version: i32, headerLength: i32, key: i32, paddingLength: i32): i32 {
  const slot = slotPointer(kbpk);
  const source = slotPointer(key);
  let status = source ? kbpkStatus(slot, version) : STALE;
  if (status == 0) {
    const ciphertextLength = 2 + slotLengthAt(source) + paddingLength;
    const fits = paddingLength >= 0 && paddingLength <= LONGEST_BLOCK && lengthsFit(version, headerLength, ciphertextLength);
    status = fits ? wrapBlock(slot, version, headerLength, source, paddingLength) : BAD_LENGTH;
    wipeDerived();
  }
  if (status < 0) wipe(IO, clamp(headerLength) + clamp(paddingLength));
  return status;
}

function wrapBlock(kbpk: usize, version: i32, headerLength: i32, key: usize, paddingLength: i32): i32 {
  const ciphertext = IO + headerLength;
  const ciphertextLength = buildPayload(ciphertext, key, paddingLength);
  const mac = ciphertext + ciphertextLength;
  const size = macLength(version);
  deriveKeys(kbpk, version);
  if (isVariant(version)) {
    encrypt(version, ciphertext, ciphertextLength, mac);
    authenticate(version, headerLength + ciphertextLength);
    copy(mac, DIGEST, size);
  } else {
    authenticate(version, headerLength + ciphertextLength);
    copy(mac, DIGEST, size);
    encrypt(version, ciphertext, ciphertextLength, mac);
  }
  const digits = (ciphertextLength + size) << 1;
  hexEncode(ciphertext, ciphertext, ciphertextLength + size);
  copy(IO, ciphertext, digits);
  wipe(IO + digits, headerLength);
  return digits;
}
