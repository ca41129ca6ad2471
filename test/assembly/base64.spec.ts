import { base64Mac } from "../../assembly/base64";
import { IO } from "../../assembly/layout";
import { wipe } from "../../assembly/word";

const ALPHABET: string = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** Character `at` of the Base64 of the 32 bytes at `src`, by the definition (RFC 4648 clause 4). */
function characterAt(src: usize, at: i32): i32 {
  if (at == 43) return 61;
  let value = 0;
  for (let bit = 6 * at; bit < 6 * at + 6; bit++) {
    value = (value << 1) | (bit < 256 ? (load<u8>(src + (bit >> 3)) >> (7 - (bit & 7))) & 1 : 0);
  }
  return ALPHABET.charCodeAt(value);
}

describe("base64Mac", () => {
  it("gives every 6-bit value at every place its character", () => {
    let wrong = 0;
    for (let value = 0; value < 64; value++) {
      const triple = (value << 18) | (value << 12) | (value << 6) | value;
      wipe(IO, 128);
      for (let i = 0; i < 32; i++) store<u8>(IO + i, triple >> (16 - 8 * (i % 3)));
      base64Mac(IO + 64, IO);
      for (let i = 0; i < 44; i++) wrong += i32(load<u8>(IO + 64 + i) != characterAt(IO, i));
    }
    wipe(IO, 128);
    expect<i32>(wrong).toBe(0);
  });

  it("agrees with the definition on 1000 inputs, and writes 44 characters", () => {
    let wrong = 0;
    let state: u32 = 99;
    for (let round = 0; round < 1000; round++) {
      wipe(IO, 128);
      for (let i = 0; i < 32; i++) {
        state = state * 1664525 + 1013904223;
        store<u8>(IO + i, state >> 24);
      }
      base64Mac(IO + 64, IO);
      for (let i = 0; i < 44; i++) wrong += i32(load<u8>(IO + 64 + i) != characterAt(IO, i));
      wrong += i32(load<u32>(IO + 64 + 44) != 0);
    }
    wipe(IO, 128);
    expect<i32>(wrong).toBe(0);
  });
});
