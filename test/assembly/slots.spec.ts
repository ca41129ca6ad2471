import { createKey } from "../../assembly/keys";
import {
  IO,
  KIND_AES,
  KIND_HMAC,
  KIND_OPAQUE,
  KIND_TDES,
  PAGE_HEAD_SIZE,
  PAGE_SLOTS,
  SLOT_LIMIT,
  SLOT_SIZE,
} from "../../assembly/layout";
import { BAD_LENGTH, slotAllocate, slotBase, slotFree, slotKindAt, slotLengthAt, slotPointer, STALE } from "../../assembly/slots";

const PAGE: usize = 65536;

/** Number of bytes that are not zero in the slots (not the heads) of `pages` pages. */
function residue(pages: i32): i32 {
  let count = 0;
  for (let page = 0; page < pages; page++) {
    const from = slotBase() + usize(page) * PAGE + PAGE_HEAD_SIZE;
    for (let i: usize = 0; i < usize(PAGE_SLOTS * SLOT_SIZE); i++) count += i32(load<u8>(from + i) != 0);
  }
  return count;
}

describe("slots", () => {
  it("allocates, tells kind and length, and forgets", () => {
    const handle = slotAllocate(KIND_AES, 32);
    expect<i32>(handle).toBeGreaterThan(0xffff, "a generation above the index");
    expect<i32>(slotKindAt(slotPointer(handle))).toBe(KIND_AES);
    expect<i32>(slotLengthAt(slotPointer(handle))).toBe(32);
    expect<i32>(slotFree(handle)).toBe(0);
    expect<i32>(slotFree(handle)).toBe(STALE, "freeing twice");
    expect<bool>(slotPointer(handle) == 0).toBe(true);
  });

  it("refuses handles that nobody gave out", () => {
    const handle = slotAllocate(KIND_AES, 16);
    const others = StaticArray.fromArray<i32>([
      0,
      1,
      -1,
      i32.MIN_VALUE,
      i32.MAX_VALUE,
      handle + 0x10000,
      handle - 0x10000,
      handle + 1,
    ]);
    for (let i = 0; i < others.length; i++) expect<bool>(slotPointer(others[i]) == 0).toBe(true);
    slotFree(handle);
  });

  it("gives a reused slot a new handle, through all generations, and then another slot", () => {
    const first = slotAllocate(KIND_AES, 16);
    const index = first & 0xffff;
    let previous = first;
    let stale = 0;
    slotFree(first);
    let handle = slotAllocate(KIND_AES, 16);
    while ((handle & 0xffff) == index) {
      stale += i32(slotPointer(previous) != 0) + i32(slotPointer(first) != 0) + i32(handle == previous);
      slotFree(handle);
      previous = handle;
      handle = slotAllocate(KIND_AES, 16);
    }
    expect<i32>(stale).toBe(0, "no old handle ever names the new key");
    expect<i32>(previous >>> 16).toBe(0x7fff, "the last generation");
    expect<bool>(slotPointer(previous) == 0).toBe(true);
    slotFree(handle);
  });

  it("keeps runs of slots apart and within a page", () => {
    const lengths = StaticArray.fromArray<i32>([1, 560, 561, 1200, 1201, 8191, 16, 32, 8191, 5000]);
    const handles = new StaticArray<i32>(40);
    for (let i = 0; i < 40; i++) {
      const length = lengths[i % 10];
      handles[i] = slotAllocate(KIND_OPAQUE, length);
      const slot = slotPointer(handles[i]);
      const inPage = (slot - slotBase()) % PAGE;
      expect<bool>(inPage >= usize(PAGE_HEAD_SIZE) && inPage + 80 + length <= PAGE).toBe(true);
      memory.fill(slot + 80, u8(i + 1), length);
    }
    let damaged = 0;
    for (let i = 0; i < 40; i++) {
      const slot = slotPointer(handles[i]);
      for (let j = 0; j < lengths[i % 10]; j++) damaged += i32(load<u8>(slot + 80 + j) != u8(i + 1));
    }
    expect<i32>(damaged).toBe(0);
    for (let i = 0; i < 40; i += 2) slotFree(handles[i]);
    for (let i = 1; i < 40; i += 2) slotFree(handles[i]);
    expect<i32>(residue(2)).toBe(0, "free slots are zero");
  });

  it("makes stale what was in the slots a run covers", () => {
    const a = slotAllocate(KIND_AES, 16);
    const b = slotAllocate(KIND_AES, 16);
    slotFree(a);
    slotFree(b);
    const run = slotAllocate(KIND_OPAQUE, 3000);
    memory.fill(slotPointer(run) + 80, 0xff, 3000);
    expect<bool>(slotPointer(a) == 0 && slotPointer(b) == 0).toBe(true);
    slotFree(run);
  });

  it("fills up to the limit, says so, and goes on when there is room again", () => {
    let count = 0;
    let last = 0;
    let handle = slotAllocate(KIND_AES, 16);
    const first = handle;
    while (handle > 0) {
      count++;
      last = handle;
      handle = slotAllocate(KIND_AES, 16);
    }
    expect<i32>(handle).toBe(-4);
    expect<i32>(count).toBe(SLOT_LIMIT - 1, "one slot has used up its generations above");
    expect<i32>(slotAllocate(KIND_OPAQUE, 8191)).toBe(-4);
    slotFree(last);
    const again = slotAllocate(KIND_AES, 16);
    expect<i32>(again & 0xffff).toBe(last & 0xffff);
    expect<bool>(again != last).toBe(true);
    expect<bool>(slotPointer(first) != 0).toBe(true);
  });
});

describe("keys", () => {
  it("refuses lengths that do not suit the kind", () => {
    expect<i32>(createKey(KIND_AES, IO, 8)).toBe(BAD_LENGTH);
    expect<i32>(createKey(KIND_AES, IO, 33)).toBe(BAD_LENGTH);
    expect<i32>(createKey(KIND_TDES, IO, 32)).toBe(BAD_LENGTH);
    expect<i32>(createKey(KIND_HMAC, IO, 0)).toBe(BAD_LENGTH);
    expect<i32>(createKey(KIND_OPAQUE, IO, 8192)).toBe(BAD_LENGTH);
    expect<i32>(createKey(0, IO, 16)).toBe(BAD_LENGTH);
    expect<i32>(createKey(5, IO, 16)).toBe(BAD_LENGTH);
  });
});
