/**
 * Key slots: where material lives while its key does (memory map: layout.ts).
 *
 * Slots fill pages above the compiler's constants. A page holds 102 slots of 640 bytes behind a head of 256 bytes with their
 * generations and the number in use; material longer than a slot takes neighbouring slots of one page. A handle is
 * `generation << 16 | index`, generation 1 to 0x7FFF. A slot that has lived through all its generations is never used again, so
 * that no handle ever names two keys. Slots and their material are secret; generations, kinds and lengths are public. A free slot
 * is zero throughout. Only `slotAllocate` grows memory.
 */
import {
  KIND_FREE,
  PAGE_HEAD_SIZE,
  PAGE_SLOTS,
  PAGE_USED,
  SLOT_BYTES_MATERIAL,
  SLOT_KIND,
  SLOT_LENGTH,
  SLOT_LIMIT,
  SLOT_SIZE,
  SLOT_SPAN,
} from "./layout";
import { wipe } from "./word";
import { Runtime } from "shared/runtime";

/** Results of exported functions below 0. */
export const FAILED: i32 = -1;
export const STALE: i32 = -2;
export const WRONG_KIND: i32 = -3;
export const CAPACITY: i32 = -4;
export const BAD_LENGTH: i32 = -5;

const PAGE: usize = 65536;
const LAST_GENERATION: i32 = 0x7fff;

/** Pages of slots that memory holds so far, and the lowest one that may have a free slot. */
let pages: i32 = 0;
let firstOpenPage: i32 = 0;

/** Far above the heap of a build that has one: the module's unit tests. */
const ABOVE_HEAP: usize = 0x1000000;

/** Address of the first page of slots. */
// @ts-ignore: decorator
@inline
export function slotBase(): usize {
  return ASC_RUNTIME == Runtime.Stub ? (__heap_base + 63) & ~63 : ABOVE_HEAP;
}

// @ts-ignore: decorator
@inline
function pageAddress(page: i32): usize {
  return slotBase() + usize(page) * PAGE;
}

// @ts-ignore: decorator
@inline
function slotAddress(page: i32, position: i32): usize {
  return pageAddress(page) + PAGE_HEAD_SIZE + usize(position) * SLOT_SIZE;
}

/** Number of slots in `page`: the last one is cut off at SLOT_LIMIT. */
// @ts-ignore: decorator
@inline
function pageCapacity(page: i32): i32 {
  return min(PAGE_SLOTS, SLOT_LIMIT - page * PAGE_SLOTS);
}

function spanOf(length: i32): i32 {
  return max(1, (i32(SLOT_BYTES_MATERIAL) + length + SLOT_SIZE - 1) / SLOT_SIZE);
}

/** Position of a free run of `span` slots in `page`, or -1. */
function findRun(page: i32, span: i32): i32 {
  const head = pageAddress(page);
  const capacity = pageCapacity(page);
  let run = 0;
  let position = 0;
  while (position < capacity) {
    const slot = slotAddress(page, position);
    if (load<u8>(slot, SLOT_KIND) != KIND_FREE) {
      position += load<u8>(slot, SLOT_SPAN);
      run = 0;
      continue;
    }
    position++;
    run = i32(load<u16>(head + (usize(position - 1) << 1))) == LAST_GENERATION ? 0 : run + 1;
    if (run == span) return position - span;
  }
  return -1;
}

function addPage(): bool {
  if (pageCapacity(pages) <= 0) return false;
  const end = pageAddress(pages + 1);
  const have = memory.size();
  const need = i32((end + PAGE - 1) / PAGE);
  if (need > have && memory.grow(need - have) < 0) return false;
  pages++;
  return true;
}

function claim(page: i32, position: i32, span: i32, kind: i32, length: i32): i32 {
  const head = pageAddress(page);
  for (let i = position; i < position + span; i++) {
    const generation = head + (usize(i) << 1);
    store<u16>(generation, load<u16>(generation) + 1);
  }
  store<u16>(head, load<u16>(head, PAGE_USED) + span, PAGE_USED);
  const slot = slotAddress(page, position);
  store<u8>(slot, kind, SLOT_KIND);
  store<u8>(slot, span, SLOT_SPAN);
  store<i32>(slot, length, SLOT_LENGTH);
  return (i32(load<u16>(head + (usize(position) << 1))) << 16) | (page * PAGE_SLOTS + position);
}

/** A zeroed slot of `kind` with room for `length` bytes of material (any kind): its handle, or CAPACITY. */
export function slotAllocate(kind: i32, length: i32): i32 {
  const span = spanOf(length);
  for (let page = firstOpenPage; page < pages || addPage(); page++) {
    const used: i32 = load<u16>(pageAddress(page), PAGE_USED);
    const capacity = pageCapacity(page);
    if (used == capacity && page == firstOpenPage) firstOpenPage++;
    if (used + span > capacity) continue;
    const position = findRun(page, span);
    if (position >= 0) return claim(page, position, span, kind, length);
  }
  return CAPACITY;
}

/** Address of a live slot, or 0. */
export function slotPointer(handle: i32): usize {
  const index = handle & 0xffff;
  const page = index / PAGE_SLOTS;
  if (handle <= 0 || page >= pages) return 0;
  const position = index - page * PAGE_SLOTS;
  if (i32(load<u16>(pageAddress(page) + (usize(position) << 1))) != handle >>> 16) return 0;
  const slot = slotAddress(page, position);
  return load<u8>(slot, SLOT_KIND) == KIND_FREE ? 0 : slot;
}

/** Kind of the live slot at `slot`. */
// @ts-ignore: decorator
@inline
export function slotKindAt(slot: usize): i32 {
  return load<u8>(slot, SLOT_KIND);
}

/** Bytes of material of the live slot at `slot`. */
// @ts-ignore: decorator
@inline
export function slotLengthAt(slot: usize): i32 {
  return load<i32>(slot, SLOT_LENGTH);
}

/** Wipes and frees: 0, or STALE if the handle names nothing. */
export function slotFree(handle: i32): i32 {
  const slot = slotPointer(handle);
  if (!slot) return STALE;
  const index = handle & 0xffff;
  const page = index / PAGE_SLOTS;
  const position = index - page * PAGE_SLOTS;
  const head = pageAddress(page);
  const span: i32 = load<u8>(slot, SLOT_SPAN);
  wipe(slot, span * SLOT_SIZE);
  let reusable = 0;
  for (let i = position; i < position + span; i++) {
    reusable += i32(i32(load<u16>(head + (usize(i) << 1))) != LAST_GENERATION);
  }
  store<u16>(head, load<u16>(head, PAGE_USED) - reusable, PAGE_USED);
  if (reusable > 0) firstOpenPage = min(firstOpenPage, page);
  return 0;
}
