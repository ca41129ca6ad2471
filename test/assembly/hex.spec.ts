import { hexByte, hexDecode, hexEncode, hexMask } from "../../assembly/hex";
import { IO } from "../../assembly/layout";
import { wipe } from "../../assembly/word";

/** The definition, with branches: -1 for anything but a digit. */
function valueOf(c: i32): i32 {
  if (c >= 48 && c <= 57) return c - 48;
  if (c >= 65 && c <= 70) return c - 55;
  if (c >= 97 && c <= 102) return c - 87;
  return -1;
}

describe("hexEncode", () => {
  it("writes upper-case digits of every byte, in place and apart, at every length", () => {
    let wrong = 0;
    for (let length = 0; length <= 300; length++) {
      for (let i = 0; i < length; i++) {
        store<u8>(IO + i, i * 7 + length);
        store<u8>(IO + 1000 + i, i * 7 + length);
      }
      store<u8>(IO + 1000 + 2 * length, 0xee);
      hexEncode(IO + 2000, IO, length);
      hexEncode(IO + 1000, IO + 1000, length);
      for (let i = 0; i < length; i++) {
        const byte: i32 = load<u8>(IO + i);
        const high: i32 = load<u8>(IO + 1000 + 2 * i);
        const low: i32 = load<u8>(IO + 1000 + 2 * i, 1);
        wrong += i32(valueOf(high) != byte >> 4 || valueOf(low) != (byte & 15) || high > 70 || low > 70);
        wrong += i32(load<u16>(IO + 1000 + 2 * i) != load<u16>(IO + 2000 + 2 * i));
      }
      wrong += i32(load<u8>(IO + 1000 + 2 * length) != 0xee);
    }
    wipe(IO, 4096);
    expect<i32>(wrong).toBe(0);
  });
});

describe("hexDecode", () => {
  it("decodes what was encoded, in place, at every length", () => {
    let wrong = 0;
    for (let length = 0; length <= 300; length++) {
      for (let i = 0; i < length; i++) store<u8>(IO + i, i * 11 + length);
      hexEncode(IO + 1000, IO, length);
      wrong += i32(hexMask(IO + 1000, 2 * length) != -1);
      wrong += i32(hexDecode(IO + 1000, IO + 1000, 2 * length) != -1);
      for (let i = 0; i < length; i++) wrong += i32(load<u8>(IO + i) != load<u8>(IO + 1000 + i));
    }
    wipe(IO, 4096);
    expect<i32>(wrong).toBe(0);
  });

  it("judges every character, at every place of a vector and of the tail", () => {
    let wrong = 0;
    for (let place = 0; place < 70; place++) {
      for (let c = 0; c < 256; c++) {
        for (let i = 0; i < 70; i++) store<u8>(IO + i, 0x41 + (i % 6));
        store<u8>(IO + place, c);
        const value = valueOf(c);
        const expected = value < 0 ? 0 : -1;
        wrong += i32(hexMask(IO, 70) != expected);
        wrong += i32(hexDecode(IO + 256, IO, 70) != expected);
        const byte: i32 = load<u8>(IO + 256 + (place >> 1));
        const got = place & 1 ? byte & 15 : byte >> 4;
        wrong += i32(value >= 0 && got != value);
      }
    }
    wipe(IO, 512);
    expect<i32>(wrong).toBe(0);
  });

  it("hexByte reads both cases", () => {
    let wrong = 0;
    for (let byte = 0; byte < 256; byte++) {
      store<u8>(IO + 8, byte);
      hexEncode(IO, IO + 8, 1);
      wrong += i32(hexByte(IO) != byte);
      store<u8>(IO, load<u8>(IO) | 0x20);
      wrong += i32(hexByte(IO) != byte);
    }
    wipe(IO, 16);
    expect<i32>(wrong).toBe(0);
  });
});
