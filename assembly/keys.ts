/**
 * From material to a usable key: allocates a slot, copies the material and expands it once.
 *
 * Kinds and lengths are public, material is secret. The caller wipes its own copy.
 */
import { aesExpandKey } from "./aes/cipher";
import { aesCmacSubkeys } from "./aes/modes";
import { tdesCmacSubkeys, tdesExpandKey } from "./des/tdes";
import { hmacExpandKey } from "./hmac";
import {
  KIND_AES,
  KIND_DUKPT,
  KIND_FREE,
  KIND_HMAC,
  KIND_OPAQUE,
  KIND_TDES,
  SLOT_BLOCK_MATERIAL,
  SLOT_BYTES_MATERIAL,
  SLOT_SCHEDULE,
  SLOT_SUBKEYS,
} from "./layout";
import { BAD_LENGTH, slotAllocate, slotPointer } from "./slots";
import { copy } from "./word";

/** The longest key that the 16-bit length of a key block can state. */
export const LONGEST_KEY: i32 = 8191;

/** Whether keys of `kind` can have `length` bytes. A terminal's state: 64 bytes and 21 or 32 registers (dukpt.ts). */
export function keyLengthSuits(kind: i32, length: i32): bool {
  if (kind == KIND_AES) return length == 16 || length == 24 || length == 32;
  if (kind == KIND_TDES) return length == 8 || length == 16 || length == 24;
  if (kind == KIND_DUKPT) return length == 400 || length == 576 || length == 832 || length == 1088;
  return kind > KIND_FREE && kind <= KIND_OPAQUE && length >= 1 && length <= LONGEST_KEY;
}

/** Where a slot of `kind` keeps its material, relative to the slot. */
export function materialOffset(kind: i32): usize {
  return kind == KIND_AES || kind == KIND_TDES ? SLOT_BLOCK_MATERIAL : SLOT_BYTES_MATERIAL;
}

/** A new key of `length` bytes at `material`: its handle, CAPACITY, or BAD_LENGTH where the length does not suit the kind. */
export function createKey(kind: i32, material: usize, length: i32): i32 {
  if (!keyLengthSuits(kind, length)) return BAD_LENGTH;
  const handle = slotAllocate(kind, length);
  if (handle < 0) return handle;
  const slot = slotPointer(handle);
  copy(slot + materialOffset(kind), material, length);
  if (kind == KIND_AES) {
    aesExpandKey(slot + SLOT_BLOCK_MATERIAL, length, slot + SLOT_SCHEDULE);
    aesCmacSubkeys(slot + SLOT_SCHEDULE, slot + SLOT_SUBKEYS);
  } else if (kind == KIND_TDES) {
    tdesExpandKey(slot + SLOT_BLOCK_MATERIAL, length, slot + SLOT_SCHEDULE);
    tdesCmacSubkeys(slot + SLOT_SCHEDULE, slot + SLOT_SUBKEYS);
  } else if (kind == KIND_HMAC) {
    hmacExpandKey(slot);
  }
  return handle;
}
