/**
 * SHA-1 (FIPS 180-4 clause 6.1), only for HMAC check values of keys whose key block names it: small rather than fast.
 *
 * The running state is five 32-bit words in native order (20 bytes). The message schedule is sixteen words in HASH_SCHEDULE,
 * wiped after every call. Padding and digest format are SHA-256's.
 */
import { HASH_SCHEDULE } from "../layout";
import { load32be, wipe } from "../word";

export function sha1Start(state: usize): void {
  store<u32>(state, 0x67452301);
  store<u32>(state, 0xefcdab89, 4);
  store<u32>(state, 0x98badcfe, 8);
  store<u32>(state, 0x10325476, 12);
  store<u32>(state, 0xc3d2e1f0, 16);
}

// @ts-ignore: decorator
@inline
function word(t: usize): usize {
  return HASH_SCHEDULE + ((t & 15) << 2);
}

// @ts-ignore: decorator
@inline
function nextWord(t: usize): u32 {
  return rotl<u32>(load<u32>(word(t - 3)) ^ load<u32>(word(t - 8)) ^ load<u32>(word(t - 14)) ^ load<u32>(word(t)), 1);
}

/** Clause 4.1.1 and 4.2.1: f and K of the twenty steps that `t` lies in. */
// @ts-ignore: decorator
@inline
function step(t: usize, b: u32, c: u32, d: u32): u32 {
  if (t < 20) return (d ^ (b & (c ^ d))) + 0x5a827999;
  if (t < 40) return (b ^ c ^ d) + 0x6ed9eba1;
  if (t < 60) return ((b & c) | (d & (b | c))) + 0x8f1bbcdc;
  return (b ^ c ^ d) + 0xca62c1d6;
}

/** Clause 6.1.2 over `blocks` blocks of 64 bytes at `data`. */
export function sha1Compress(state: usize, data: usize, blocks: i32): void {
  for (; blocks > 0; blocks--) {
    let a = load<u32>(state);
    let b = load<u32>(state, 4);
    let c = load<u32>(state, 8);
    let d = load<u32>(state, 12);
    let e = load<u32>(state, 16);
    for (let t: usize = 0; t < 80; t++) {
      const w = t < 16 ? load32be(data + (t << 2)) : nextWord(t);
      store<u32>(word(t), w);
      const next = rotl<u32>(a, 5) + step(t, b, c, d) + e + w;
      e = d;
      d = c;
      c = rotl<u32>(b, 30);
      b = a;
      a = next;
    }
    store<u32>(state, load<u32>(state) + a);
    store<u32>(state, load<u32>(state, 4) + b, 4);
    store<u32>(state, load<u32>(state, 8) + c, 8);
    store<u32>(state, load<u32>(state, 12) + d, 12);
    store<u32>(state, load<u32>(state, 16) + e, 16);
    data += 64;
  }
  wipe(HASH_SCHEDULE, 64);
}
