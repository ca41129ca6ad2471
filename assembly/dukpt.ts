/**
 * DUKPT on both sides (ANSI X9.24-3:2017; derivations: dukpt-derivation.ts). What goes in and out is public: identities, counters,
 * requests, handles. No initial key, register or transaction key ever leaves the module; a terminal's state leaves it in a key
 * block only.
 *
 * A request is 4 bytes: kind of slot, bytes of the key, and its use (2 bytes; deriveWorking says which). Results are handles of 4
 * bytes each, big-endian as all numbers here.
 *
 * A terminal is a slot of kind DUKPT, whose material is its whole state:
 *
 * | offset | size  | content                                                                               |
 * |--------|-------|---------------------------------------------------------------------------------------|
 * | 0      | 4     | kind of the keys (AES or TDES), bytes of a key, bits of the counter (21 or 32), 1      |
 * | 4      | 4     | counter of the next transaction; all ones: there is none                              |
 * | 8      | 4     | bit i: register i holds a key                                                         |
 * | 12     | 12    | identity                                                                              |
 * | 24     | 8     | zero                                                                                  |
 * | 32     | 32    | AES: the key of counter FFFFFFFF, from which update keys are derived (6.5.3)          |
 * | 64     | n * k | registers: the key of the next counter whose lowest one is bit i, in register i       |
 *
 * What may lead back to a spent key is wiped before the key is used. Secret: registers and keys. Public: all else, on which alone
 * branches and addresses depend.
 */
import {
  DERIVED,
  deriveInitial,
  deriveWorking,
  IDENTITY,
  IDENTITY_SIZE,
  KEY,
  mostOnes,
  prepare,
  step,
  walk,
  wipeDukpt,
} from "./dukpt-derivation";
import { equalMask } from "./constant-time";
import { createKey, keyLengthSuits } from "./keys";
import {
  DUKPT_RESULTS,
  IO,
  KIND_AES,
  KIND_DUKPT,
  KIND_HMAC,
  KIND_TDES,
  SLOT_BLOCK_MATERIAL,
  SLOT_BYTES_MATERIAL,
} from "./layout";
import { BAD_LENGTH, FAILED, slotAllocate, slotFree, slotKindAt, slotLengthAt, slotPointer, STALE, WRONG_KIND } from "./slots";
import { copy, load32be, store32be, wipe } from "./word";

const FORMAT: i32 = 1;
const NEXT: usize = 4;
const FULL: usize = 8;
const STATE_IDENTITY: usize = 12;
const UPDATE: usize = 32;
const REGISTERS: usize = 64;
/** Bytes of the head that say what a state is, and where the next transaction stands: all public. */
const PUBLIC_SIZE: i32 = 24;

const REQUEST: i32 = 4;
const MOST_REQUESTS: i32 = 8;

/** X9.24-3:2017 6.3.2: a key encryption key, here the update key. */
const USE_KEY_ENCRYPTION: i32 = 0x0002;
/** What the update key is derived at: never a transaction. */
const LAST: u32 = 0xffff_ffff;

// @ts-ignore: decorator
@inline
function ones(counter: u32): i32 {
  return i32(popcnt(counter));
}

// @ts-ignore: decorator
@inline
function registers(kind: i32): i32 {
  return kind == KIND_TDES ? 21 : 32;
}

/** The highest counter there may be, all ones, which is never a transaction. */
// @ts-ignore: decorator
@inline
function ending(bits: i32): u32 {
  return bits == 21 ? 0x1f_ffff : LAST;
}

/** The next counter with at most `most` ones, or the ending. */
function successor(counter: u32, bits: i32, most: i32): u32 {
  const end = u64(ending(bits));
  let next = u64(counter) + 1;
  while (i32(popcnt(next)) > most) next += next & (0 - next);
  return next < end ? u32(next) : u32(end);
}

/** 0 if the slot can be a base derivation key or an initial key, else why not; FAILED: a TDEA key of two equal halves. */
function derivationStatus(slot: usize): i32 {
  if (!slot) return STALE;
  const kind = slotKindAt(slot);
  if (kind == KIND_AES) return 0;
  if (kind != KIND_TDES || slotLengthAt(slot) != 16) return WRONG_KIND;
  const material = slot + SLOT_BLOCK_MATERIAL;
  let difference: u64 = load<u64>(material) ^ load<u64>(material, 8);
  store<u64>(KEY, difference & 0xfefe_fefe_fefe_fefe);
  store<u64>(DERIVED, 0);
  const halves = equalMask(KEY, DERIVED, 8);
  wipeDukpt();
  return halves ? FAILED : 0;
}

/** Takes the identity at IO; whether the key beside it is a base derivation key. */
function takeIdentity(): bool {
  copy(IDENTITY, IO, IDENTITY_SIZE);
  return load<u8>(IDENTITY, 11) == 1;
}

/** The initial key to KEY: derived from a base derivation key, or copied. */
function initialKey(slot: usize, base: bool): void {
  const length = slotLengthAt(slot);
  if (base) deriveInitial(slotKindAt(slot), slot + SLOT_BLOCK_MATERIAL, length);
  else copy(KEY, slot + SLOT_BLOCK_MATERIAL, length);
}

/** Wipes what was derived; the handle of the new slot goes to IO. A status passes. */
function answer(handle: i32): i32 {
  wipeDukpt();
  if (handle < 0) return handle;
  store32be(IO, handle);
  return 4;
}

/** The initial key of the identity at IO, in a new slot: 4 bytes. */
export function dukptInitialKey(bdk: i32, _counter: u32, length: i32): i32 {
  const slot = slotPointer(bdk);
  const status = length == IDENTITY_SIZE ? derivationStatus(slot) : BAD_LENGTH;
  if (status < 0) return status;
  takeIdentity();
  initialKey(slot, true);
  return answer(createKey(slotKindAt(slot), KEY, slotLengthAt(slot)));
}

/** Whether the request may be of a transaction key of `kind`. */
function requestSuits(kind: i32, wanted: i32, bytes: i32): bool {
  if (kind == KIND_TDES) return wanted == KIND_TDES && bytes == 16;
  if (wanted == KIND_HMAC) return bytes == 16 || bytes == 24 || bytes == 32;
  return (wanted == KIND_AES || (wanted == KIND_TDES && bytes >= 16)) && keyLengthSuits(wanted, bytes);
}

/** Whether `length` bytes of requests at `from` may be of a transaction key of `kind`. */
function requestsSuit(kind: i32, from: usize, length: i32): bool {
  if (length <= 0 || length > MOST_REQUESTS * REQUEST || (length & 3) != 0) return false;
  for (let at: usize = from; at < from + length; at += REQUEST) {
    if (!requestSuits(kind, load<u8>(at), load<u8>(at, 1))) return false;
  }
  return true;
}

/** The working keys of the transaction key in KEY, by the requests at `from`: their handles to IO. All of them, or none. */
function workingKeys(kind: i32, keyBytes: i32, counter: u32, from: usize, length: i32): i32 {
  let status = 0;
  let made: usize = 0;
  if (kind == KIND_AES) prepare(kind, KEY, keyBytes);
  for (let at: usize = from; at < from + length && status >= 0; at += REQUEST) {
    const wanted: i32 = load<u8>(at);
    const bytes: i32 = load<u8>(at, 1);
    deriveWorking(kind, bswap<u16>(load<u16>(at, 2)), wanted, bytes, counter);
    status = createKey(wanted, DERIVED, bytes);
    if (status < 0) break;
    store<i32>(DUKPT_RESULTS + made, status);
    made += 4;
  }
  if (status < 0) {
    for (let at: usize = 0; at < made; at += 4) slotFree(load<i32>(DUKPT_RESULTS + at));
  } else {
    for (let at: usize = 0; at < made; at += 4) store32be(IO + at, load<i32>(DUKPT_RESULTS + at));
    status = i32(made);
  }
  wipeDukpt();
  return status;
}

/** Working keys at `counter` of the identity and by the requests at IO: 4 bytes for each. The key is a BDK or an initial key. */
export function dukptKeys(handle: i32, counter: u32, length: i32): i32 {
  const slot = slotPointer(handle);
  const status = length > IDENTITY_SIZE ? derivationStatus(slot) : BAD_LENGTH;
  if (status < 0) return status;
  const kind = slotKindAt(slot);
  const keyBytes = slotLengthAt(slot);
  if (counter == 0 || !requestsSuit(kind, IO + IDENTITY_SIZE, length - IDENTITY_SIZE)) return BAD_LENGTH;
  const base = takeIdentity();
  initialKey(slot, base);
  walk(kind, keyBytes, counter);
  return workingKeys(kind, keyBytes, counter, IO + IDENTITY_SIZE, length - IDENTITY_SIZE);
}

/** A terminal with the initial key `handle`, of the identity at IO, at counter 1: 4 bytes. The initial key's slot stays. */
export function dukptLoad(handle: i32, _counter: u32, length: i32): i32 {
  const slot = slotPointer(handle);
  const status = length == IDENTITY_SIZE ? derivationStatus(slot) : BAD_LENGTH;
  if (status < 0) return status;
  const kind = slotKindAt(slot);
  const keyBytes = slotLengthAt(slot);
  const terminal = slotAllocate(KIND_DUKPT, i32(REGISTERS) + registers(kind) * keyBytes);
  if (terminal < 0) return terminal;
  const state = slotPointer(terminal) + SLOT_BYTES_MATERIAL;
  takeIdentity();
  const bits = load<u8>(IDENTITY, 10) == 32 && kind == KIND_AES ? 32 : 21;
  store<u8>(IDENTITY, bits, 10);
  store<u8>(IDENTITY, 0, 11);
  store<u8>(state, kind);
  store<u8>(state, keyBytes, 1);
  store<u8>(state, bits, 2);
  store<u8>(state, FORMAT, 3);
  store32be(state + NEXT, 1);
  store32be(state + FULL, ending(bits));
  copy(state + STATE_IDENTITY, IDENTITY, IDENTITY_SIZE);

  prepare(kind, slot + SLOT_BLOCK_MATERIAL, keyBytes);
  for (let i = 0; i < bits; i++) step(kind, keyBytes, u32(1) << i, state + REGISTERS + i * keyBytes);
  if (kind == KIND_AES) {
    copy(KEY, slot + SLOT_BLOCK_MATERIAL, keyBytes);
    walk(kind, keyBytes, LAST);
    copy(state + UPDATE, KEY, keyBytes);
  }
  return answer(terminal);
}

/** Address of the state of a terminal, or 0: the head says what the length of the slot agrees with, and the counter may be. */
function stateAt(slot: usize): usize {
  const state = slot + SLOT_BYTES_MATERIAL;
  const kind: i32 = load<u8>(state);
  const keyBytes: i32 = load<u8>(state, 1);
  const bits: i32 = load<u8>(state, 2);
  const next = load32be(state + NEXT);
  const end = ending(bits);
  const scheme = (kind == KIND_AES && bits == 32) || ((kind == KIND_AES || kind == KIND_TDES) && bits == 21);
  const sizes = keyLengthSuits(kind, keyBytes) && slotLengthAt(slot) == i32(REGISTERS) + registers(kind) * keyBytes;
  const reached = next == end || (next > 0 && next < end && ones(next) <= mostOnes(kind));
  return scheme && sizes && reached && load<u8>(state, 3) == FORMAT ? state : 0;
}

/** 0 if the slot is a terminal, STALE, WRONG_KIND; FAILED: its state cannot be. */
function terminalStatus(slot: usize): i32 {
  if (!slot) return STALE;
  if (slotKindAt(slot) != KIND_DUKPT) return WRONG_KIND;
  return stateAt(slot) ? 0 : FAILED;
}

/** The public head of a terminal's state: 24 bytes. */
export function dukptState(handle: i32, _counter: u32, _length: i32): i32 {
  const slot = slotPointer(handle);
  const status = terminalStatus(slot);
  if (status < 0) return status;
  copy(IO, slot + SLOT_BYTES_MATERIAL, PUBLIC_SIZE);
  return PUBLIC_SIZE;
}

/** Moves register `i` to KEY. */
function takeRegister(state: usize, i: i32, keyBytes: i32): void {
  const register = state + REGISTERS + i * keyBytes;
  copy(KEY, register, keyBytes);
  wipe(register, keyBytes);
}

/**
 * Spends the next counter, whose key goes to KEY: the registers of those that follow from it are filled, the one it was in is
 * empty, and the counter is that of the transaction after it. FAILED: its register holds no key.
 */
function spend(state: usize): i32 {
  const kind: i32 = load<u8>(state);
  const keyBytes: i32 = load<u8>(state, 1);
  const counter = load32be(state + NEXT);
  const lowest = ctz(counter);
  const full = load32be(state + FULL);
  if (!((full >> lowest) & 1)) return FAILED;
  takeRegister(state, lowest, keyBytes);
  let filled = full & ~(u32(1) << lowest);
  copy(IDENTITY, state + STATE_IDENTITY, IDENTITY_SIZE);
  if (ones(counter) < mostOnes(kind) && lowest > 0) {
    prepare(kind, KEY, keyBytes);
    for (let j = 0; j < i32(lowest); j++) step(kind, keyBytes, counter | (u32(1) << j), state + REGISTERS + j * keyBytes);
    filled |= (u32(1) << lowest) - 1;
  }
  store32be(state + FULL, filled);
  store32be(state + NEXT, successor(counter, load<u8>(state, 2), mostOnes(kind)));
  return 0;
}

/**
 * The working keys of the next transaction by the requests at IO: 4 bytes for each. FAILED: there is none any more, or the state
 * cannot be. Where slots run out, the transaction is spent without them.
 */
export function dukptNext(handle: i32, _counter: u32, length: i32): i32 {
  const slot = slotPointer(handle);
  let status = terminalStatus(slot);
  if (status < 0) return status;
  const state = slot + SLOT_BYTES_MATERIAL;
  const counter = load32be(state + NEXT);
  const kind: i32 = load<u8>(state);
  if (counter == ending(load<u8>(state, 2))) return FAILED;
  if (!requestsSuit(kind, IO, length)) return BAD_LENGTH;
  status = spend(state);
  return status < 0 ? status : workingKeys(kind, load<u8>(state, 1), counter, IO, length);
}

/** Spends every counter before `counter`, which is one that the terminal may still use, or its end: 0, or FAILED. */
export function dukptSkip(handle: i32, counter: u32, _length: i32): i32 {
  const slot = slotPointer(handle);
  let status = terminalStatus(slot);
  if (status < 0) return status;
  const state = slot + SLOT_BYTES_MATERIAL;
  const keyBytes: i32 = load<u8>(state, 1);
  const end = ending(load<u8>(state, 2));
  let next = load32be(state + NEXT);
  if (counter < next || counter > end || (counter < end && ones(counter) > mostOnes(load<u8>(state)))) return FAILED;
  while (next < counter && status == 0) {
    const lowest = u32(1) << ctz(next);
    if (counter - next < lowest) {
      status = spend(state);
      next = load32be(state + NEXT);
      continue;
    }
    // The whole of what this register leads to lies before.
    wipe(state + REGISTERS + ctz(next) * keyBytes, keyBytes);
    store32be(state + FULL, load32be(state + FULL) & ~lowest);
    const after = u64(next) + u64(lowest);
    next = after < u64(end) ? u32(after) : end;
    store32be(state + NEXT, next);
  }
  wipeDukpt();
  return status;
}

/** The update key (6.5.3) by the request at IO, whose use does not count, in a new slot: 4 bytes. AES terminals only. */
export function dukptUpdateKey(handle: i32, _counter: u32, length: i32): i32 {
  const slot = slotPointer(handle);
  const status = terminalStatus(slot);
  if (status < 0) return status;
  const state = slot + SLOT_BYTES_MATERIAL;
  const wanted: i32 = load<u8>(IO);
  const bytes: i32 = load<u8>(IO, 1);
  if (load<u8>(state) != KIND_AES) return WRONG_KIND;
  if (length != REQUEST || wanted == KIND_HMAC || !requestSuits(KIND_AES, wanted, bytes)) return BAD_LENGTH;
  copy(IDENTITY, state + STATE_IDENTITY, IDENTITY_SIZE);
  prepare(KIND_AES, state + UPDATE, load<u8>(state, 1));
  deriveWorking(KIND_AES, USE_KEY_ENCRYPTION, wanted, bytes, LAST);
  return answer(createKey(wanted, DERIVED, bytes));
}
