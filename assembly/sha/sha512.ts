/**
 * SHA-384 and SHA-512 (FIPS 180-4 clause 6.4), for check values of HMAC keys: small rather than fast.
 *
 * The running state is eight 64-bit words in native order (64 bytes). The message schedule is sixteen words in HASH_SCHEDULE,
 * wiped after every call. Messages may be secret, their lengths are public.
 */
import { HASH_SCHEDULE } from "../layout";
import { SHA384_H, SHA512_H, SHA512_K } from "./gen/constants.gen";
import { copy, load64be, store64be, wipe } from "../word";

export function sha384Start(state: usize): void {
  copy(state, SHA384_H, 64);
}

export function sha512Start(state: usize): void {
  copy(state, SHA512_H, 64);
}

// @ts-ignore: decorator
@inline
function word(t: usize): usize {
  return HASH_SCHEDULE + ((t & 15) << 3);
}

/** W of step `t`, from the sixteen before it. */
// @ts-ignore: decorator
@inline
function nextWord(t: usize): u64 {
  const x = load<u64>(word(t - 15));
  const y = load<u64>(word(t - 2));
  const sigma0 = rotr<u64>(x, 1) ^ rotr<u64>(x, 8) ^ (x >>> 7);
  const sigma1 = rotr<u64>(y, 19) ^ rotr<u64>(y, 61) ^ (y >>> 6);
  return load<u64>(word(t)) + sigma0 + load<u64>(word(t - 7)) + sigma1;
}

/** Clause 6.4.2 over `blocks` blocks of 128 bytes at `data`. */
export function sha512Compress(state: usize, data: usize, blocks: i32): void {
  for (; blocks > 0; blocks--) {
    let a = load<u64>(state);
    let b = load<u64>(state, 8);
    let c = load<u64>(state, 16);
    let d = load<u64>(state, 24);
    let e = load<u64>(state, 32);
    let f = load<u64>(state, 40);
    let g = load<u64>(state, 48);
    let h = load<u64>(state, 56);
    for (let t: usize = 0; t < 80; t++) {
      const w = t < 16 ? load64be(data + (t << 3)) : nextWord(t);
      store<u64>(word(t), w);
      const t1 =
        h + (rotr<u64>(e, 14) ^ rotr<u64>(e, 18) ^ rotr<u64>(e, 41)) + (g ^ (e & (f ^ g))) + load<u64>(SHA512_K + (t << 3)) + w;
      const t2 = (rotr<u64>(a, 28) ^ rotr<u64>(a, 34) ^ rotr<u64>(a, 39)) + ((a & b) | (c & (a | b)));
      h = g;
      g = f;
      f = e;
      e = d + t1;
      d = c;
      c = b;
      b = a;
      a = t1 + t2;
    }
    store<u64>(state, load<u64>(state) + a);
    store<u64>(state, load<u64>(state, 8) + b, 8);
    store<u64>(state, load<u64>(state, 16) + c, 16);
    store<u64>(state, load<u64>(state, 24) + d, 24);
    store<u64>(state, load<u64>(state, 32) + e, 32);
    store<u64>(state, load<u64>(state, 40) + f, 40);
    store<u64>(state, load<u64>(state, 48) + g, 48);
    store<u64>(state, load<u64>(state, 56) + h, 56);
    data += 128;
  }
  wipe(HASH_SCHEDULE, 128);
}

/** The state as a digest, big-endian: `words` words of it (6 for SHA-384, 8 for SHA-512). */
export function sha512Digest(state: usize, out: usize, words: usize): void {
  for (let i: usize = 0; i < words << 3; i += 8) store64be(out + i, load<u64>(state + i));
}
