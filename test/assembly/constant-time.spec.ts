import { equalMask, lessMask, pkcs7Length, zeroMask } from "../../assembly/constant-time";
import { IO } from "../../assembly/layout";
import { copy, wipe, xorBytes } from "../../assembly/word";

describe("masks", () => {
  it("zeroMask tells 0 from everything else", () => {
    expect<i32>(zeroMask(0)).toBe(-1);
    expect<i32>(zeroMask(1)).toBe(0);
    expect<i32>(zeroMask(-1)).toBe(0);
    expect<i32>(zeroMask(i32.MIN_VALUE)).toBe(0);
    expect<i32>(zeroMask(i32.MAX_VALUE)).toBe(0);
  });

  it("lessMask orders", () => {
    expect<i32>(lessMask(3, 4)).toBe(-1);
    expect<i32>(lessMask(4, 4)).toBe(0);
    expect<i32>(lessMask(5, 4)).toBe(0);
    expect<i32>(lessMask(0, i32.MAX_VALUE)).toBe(-1);
  });
});

describe("equalMask", () => {
  it("finds a difference of any bit at any place of any length", () => {
    const a = IO;
    const b = IO + 1000;
    let wrong = 0;
    for (let n = 0; n <= 44; n++) {
      for (let i = 0; i < n; i++) {
        store<u8>(a + i, i * 37 + 11);
        store<u8>(b + i, i * 37 + 11);
      }
      store<u8>(a + n, 1);
      wrong += i32(equalMask(a, b, n) != -1);
      for (let i = 0; i < n; i++) {
        for (let bit = 0; bit < 8; bit++) {
          store<u8>(b + i, i32(load<u8>(b + i)) ^ (1 << bit));
          wrong += i32(equalMask(a, b, n) != 0);
          store<u8>(b + i, i32(load<u8>(b + i)) ^ (1 << bit));
        }
      }
    }
    wipe(IO, 2000);
    expect<i32>(wrong).toBe(0);
  });
});

/** The definition, with branches. */
function paddingOf(block: usize, size: i32): i32 {
  const last: i32 = load<u8>(block + size - 1);
  if (last < 1 || last > size) return 0;
  for (let i = size - last; i < size; i++) if (load<u8>(block + i) != last) return 0;
  return last;
}

describe("pkcs7Length", () => {
  it("agrees with the definition for every last byte and one foreign byte at every place", () => {
    let wrong = 0;
    for (let size = 8; size <= 16; size += 8) {
      for (let last = 0; last < 256; last++) {
        for (let place = -1; place < size; place++) {
          for (let i = 0; i < size; i++) store<u8>(IO + i, last);
          if (place >= 0) store<u8>(IO + place, load<u8>(IO + place) ^ 0x81);
          wrong += i32(pkcs7Length(IO, size) != paddingOf(IO, size));
        }
      }
    }
    wipe(IO, 16);
    expect<i32>(wrong).toBe(0);
  });
});

describe("word", () => {
  it("copies and wipes exactly the bytes asked for, at every length", () => {
    let wrong = 0;
    for (let n = 0; n < 150; n++) {
      for (let i = 0; i < 200; i++) {
        store<u8>(IO + i, i + 1);
        store<u8>(IO + 512 + i, 0xee);
      }
      copy(IO + 512, IO, n);
      for (let i = 0; i < 200; i++) wrong += i32(load<u8>(IO + 512 + i) != (i < n ? u8(i + 1) : 0xee));
      wipe(IO + 512, n);
      for (let i = 0; i < 200; i++) wrong += i32(load<u8>(IO + 512 + i) != (i < n ? 0 : 0xee));
      xorBytes(IO, IO, n);
      for (let i = 0; i < 200; i++) wrong += i32(load<u8>(IO + i) != (i < n ? 0 : u8(i + 1)));
    }
    wipe(IO, 1024);
    expect<i32>(wrong).toBe(0);
  });
});
