/**
 * SHA-224 and SHA-256 (FIPS 180-4 clause 6.2).
 *
 * The running state is eight 32-bit words in native order (32 bytes); messages may be secret, their lengths are public. With SIMD
 * the message schedule is computed four words at a time between the rounds of the words before; the rounds read W+K back from
 * HASH_SCHEDULE as scalars. Maj(a, b, c) is b ^ ((a ^ b) & (b ^ c)), whose b ^ c is the a ^ b of the round before.
 * `sha256Compress` wipes HASH_SCHEDULE.
 */
import { HASH_SCHEDULE } from "../layout";
import { SHA224_H, SHA256_H, SHA256_K } from "./gen/constants.gen";
import { bigSigma0, roundE, sha256CompressScalar } from "./sha256-scalar";
import { copy, load32be, store32be, wipe } from "../word";

export const SHA256_BLOCK: i32 = 64;

export function sha224Start(state: usize): void {
  copy(state, SHA224_H, 32);
}

export function sha256Start(state: usize): void {
  copy(state, SHA256_H, 32);
}

// @ts-ignore: decorator
@inline
function wk(index: usize): u32 {
  return load<u32>(HASH_SCHEDULE + (index << 2));
}

/** sigma1 of the two words that `doubled` holds twice each, in its lanes 0 and 2: 64-bit shifts of a doubled word rotate. */
// @ts-ignore: decorator
@inline
function sigma1(doubled: v128): v128 {
  return v128.xor(v128.xor(i64x2.shr_u(doubled, 17), i64x2.shr_u(doubled, 19)), i32x4.shr_u(doubled, 10));
}

/** The four words after w0..w3 (sixteen words). */
// @ts-ignore: decorator
@inline
function schedule(w0: v128, w1: v128, w2: v128, w3: v128, zero: v128): v128 {
  const x = v128.shuffle<i32>(w0, w1, 1, 2, 3, 4);
  const sigma0 = v128.xor(
    v128.xor(v128.xor(i32x4.shr_u(x, 7), i32x4.shl(x, 25)), v128.xor(i32x4.shr_u(x, 18), i32x4.shl(x, 14))),
    i32x4.shr_u(x, 3),
  );
  const sum = i32x4.add(i32x4.add(w0, v128.shuffle<i32>(w2, w3, 1, 2, 3, 4)), sigma0);
  const low = i32x4.add(sum, v128.shuffle<i32>(sigma1(v128.shuffle<i32>(w3, w3, 2, 2, 3, 3)), zero, 0, 2, 4, 4));
  return i32x4.add(low, v128.shuffle<i32>(sigma1(v128.shuffle<i32>(low, low, 0, 0, 1, 1)), zero, 4, 4, 0, 2));
}

// @ts-ignore: decorator
@inline
function loadWords(p: usize): v128 {
  const x = v128.load(p);
  return v128.shuffle<i8>(x, x, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
}

// @ts-ignore: decorator
@inline
function storeWk(group: usize, words: v128, constants: usize): void {
  v128.store(HASH_SCHEDULE + (group << 4), i32x4.add(words, v128.load(constants)));
}

/** Clause 6.2.2 over `blocks` blocks of 64 bytes at `data`. */
export function sha256Compress(state: usize, data: usize, blocks: i32): void {
  if (ASC_FEATURE_SIMD) compressVector(state, data, blocks);
  else sha256CompressScalar(state, data, blocks);
}

function compressVector(state: usize, data: usize, blocks: i32): void {
  let h0 = load<u32>(state);
  let h1 = load<u32>(state, 4);
  let h2 = load<u32>(state, 8);
  let h3 = load<u32>(state, 12);
  let h4 = load<u32>(state, 16);
  let h5 = load<u32>(state, 20);
  let h6 = load<u32>(state, 24);
  let h7 = load<u32>(state, 28);
  const zero = i32x4.splat(0);
  for (; blocks > 0; blocks--) {
    let a = h0;
    let b = h1;
    let c = h2;
    let d = h3;
    let e = h4;
    let f = h5;
    let g = h6;
    let h = h7;
    let ab: u32 = 0;
    let bc = b ^ c;
    let w0 = loadWords(data);
    let w1 = loadWords(data + 16);
    let w2 = loadWords(data + 32);
    let w3 = loadWords(data + 48);
    storeWk(0, w0, SHA256_K);
    storeWk(1, w1, SHA256_K + 16);
    storeWk(2, w2, SHA256_K + 32);
    storeWk(3, w3, SHA256_K + 48);
    for (let k: usize = SHA256_K + 64; k < SHA256_K + 256; k += 64) {
      h += roundE(e, f, g, wk(0));
      d += h;
      ab = a ^ b;
      h += bigSigma0(a) + (b ^ (ab & bc));
      bc = ab;
      g += roundE(d, e, f, wk(1));
      c += g;
      ab = h ^ a;
      g += bigSigma0(h) + (a ^ (ab & bc));
      bc = ab;
      f += roundE(c, d, e, wk(2));
      b += f;
      ab = g ^ h;
      f += bigSigma0(g) + (h ^ (ab & bc));
      bc = ab;
      e += roundE(b, c, d, wk(3));
      a += e;
      ab = f ^ g;
      e += bigSigma0(f) + (g ^ (ab & bc));
      bc = ab;
      w0 = schedule(w0, w1, w2, w3, zero);
      storeWk(0, w0, k + 0);
      d += roundE(a, b, c, wk(4));
      h += d;
      ab = e ^ f;
      d += bigSigma0(e) + (f ^ (ab & bc));
      bc = ab;
      c += roundE(h, a, b, wk(5));
      g += c;
      ab = d ^ e;
      c += bigSigma0(d) + (e ^ (ab & bc));
      bc = ab;
      b += roundE(g, h, a, wk(6));
      f += b;
      ab = c ^ d;
      b += bigSigma0(c) + (d ^ (ab & bc));
      bc = ab;
      a += roundE(f, g, h, wk(7));
      e += a;
      ab = b ^ c;
      a += bigSigma0(b) + (c ^ (ab & bc));
      bc = ab;
      w1 = schedule(w1, w2, w3, w0, zero);
      storeWk(1, w1, k + 16);
      h += roundE(e, f, g, wk(8));
      d += h;
      ab = a ^ b;
      h += bigSigma0(a) + (b ^ (ab & bc));
      bc = ab;
      g += roundE(d, e, f, wk(9));
      c += g;
      ab = h ^ a;
      g += bigSigma0(h) + (a ^ (ab & bc));
      bc = ab;
      f += roundE(c, d, e, wk(10));
      b += f;
      ab = g ^ h;
      f += bigSigma0(g) + (h ^ (ab & bc));
      bc = ab;
      e += roundE(b, c, d, wk(11));
      a += e;
      ab = f ^ g;
      e += bigSigma0(f) + (g ^ (ab & bc));
      bc = ab;
      w2 = schedule(w2, w3, w0, w1, zero);
      storeWk(2, w2, k + 32);
      d += roundE(a, b, c, wk(12));
      h += d;
      ab = e ^ f;
      d += bigSigma0(e) + (f ^ (ab & bc));
      bc = ab;
      c += roundE(h, a, b, wk(13));
      g += c;
      ab = d ^ e;
      c += bigSigma0(d) + (e ^ (ab & bc));
      bc = ab;
      b += roundE(g, h, a, wk(14));
      f += b;
      ab = c ^ d;
      b += bigSigma0(c) + (d ^ (ab & bc));
      bc = ab;
      a += roundE(f, g, h, wk(15));
      e += a;
      ab = b ^ c;
      a += bigSigma0(b) + (c ^ (ab & bc));
      bc = ab;
      w3 = schedule(w3, w0, w1, w2, zero);
      storeWk(3, w3, k + 48);
    }
    h += roundE(e, f, g, wk(0));
    d += h;
    ab = a ^ b;
    h += bigSigma0(a) + (b ^ (ab & bc));
    bc = ab;
    g += roundE(d, e, f, wk(1));
    c += g;
    ab = h ^ a;
    g += bigSigma0(h) + (a ^ (ab & bc));
    bc = ab;
    f += roundE(c, d, e, wk(2));
    b += f;
    ab = g ^ h;
    f += bigSigma0(g) + (h ^ (ab & bc));
    bc = ab;
    e += roundE(b, c, d, wk(3));
    a += e;
    ab = f ^ g;
    e += bigSigma0(f) + (g ^ (ab & bc));
    bc = ab;
    d += roundE(a, b, c, wk(4));
    h += d;
    ab = e ^ f;
    d += bigSigma0(e) + (f ^ (ab & bc));
    bc = ab;
    c += roundE(h, a, b, wk(5));
    g += c;
    ab = d ^ e;
    c += bigSigma0(d) + (e ^ (ab & bc));
    bc = ab;
    b += roundE(g, h, a, wk(6));
    f += b;
    ab = c ^ d;
    b += bigSigma0(c) + (d ^ (ab & bc));
    bc = ab;
    a += roundE(f, g, h, wk(7));
    e += a;
    ab = b ^ c;
    a += bigSigma0(b) + (c ^ (ab & bc));
    bc = ab;
    h += roundE(e, f, g, wk(8));
    d += h;
    ab = a ^ b;
    h += bigSigma0(a) + (b ^ (ab & bc));
    bc = ab;
    g += roundE(d, e, f, wk(9));
    c += g;
    ab = h ^ a;
    g += bigSigma0(h) + (a ^ (ab & bc));
    bc = ab;
    f += roundE(c, d, e, wk(10));
    b += f;
    ab = g ^ h;
    f += bigSigma0(g) + (h ^ (ab & bc));
    bc = ab;
    e += roundE(b, c, d, wk(11));
    a += e;
    ab = f ^ g;
    e += bigSigma0(f) + (g ^ (ab & bc));
    bc = ab;
    d += roundE(a, b, c, wk(12));
    h += d;
    ab = e ^ f;
    d += bigSigma0(e) + (f ^ (ab & bc));
    bc = ab;
    c += roundE(h, a, b, wk(13));
    g += c;
    ab = d ^ e;
    c += bigSigma0(d) + (e ^ (ab & bc));
    bc = ab;
    b += roundE(g, h, a, wk(14));
    f += b;
    ab = c ^ d;
    b += bigSigma0(c) + (d ^ (ab & bc));
    bc = ab;
    a += roundE(f, g, h, wk(15));
    e += a;
    ab = b ^ c;
    a += bigSigma0(b) + (c ^ (ab & bc));
    bc = ab;
    h0 += a;
    h1 += b;
    h2 += c;
    h3 += d;
    h4 += e;
    h5 += f;
    h6 += g;
    h7 += h;
    data += 64;
  }
  store<u32>(state, h0);
  store<u32>(state, h1, 4);
  store<u32>(state, h2, 8);
  store<u32>(state, h3, 12);
  store<u32>(state, h4, 16);
  store<u32>(state, h5, 20);
  store<u32>(state, h6, 24);
  store<u32>(state, h7, 28);
  wipe(HASH_SCHEDULE, 64);
}

/** The state as a digest, big-endian: `words` words of it (7 for SHA-224, 8 for SHA-256). */
export function sha256Digest(state: usize, out: usize, words: usize): void {
  if (ASC_FEATURE_SIMD && words == 8) {
    const low = loadWords(state);
    const high = loadWords(state + 16);
    v128.store(out, low);
    v128.store(out, high, 16);
    return;
  }
  for (let i: usize = 0; i < words << 2; i += 4) store32be(out + i, load<u32>(state + i));
}
