/**
 * SHA-256's compression without vectors, and what it shares with the one that has them (sha256.ts).
 *
 * The sixteen words of the message schedule in use are variables; nothing is written to memory but the state. State and message may
 * be secret. Maj(a, b, c) is b ^ ((a ^ b) & (b ^ c)), whose b ^ c is the a ^ b of the round before.
 */
import { SHA256_K } from "./gen/constants.gen";
import { load32be } from "../word";

/** Everything of T1 but h: Sigma1(e) + Ch(e, f, g) + W + K. */
// @ts-ignore: decorator
@inline
export function roundE(e: u32, f: u32, g: u32, wk: u32): u32 {
  return (rotr<u32>(e, 6) ^ rotr<u32>(e, 11) ^ rotr<u32>(e, 25)) + (g ^ (e & (f ^ g))) + wk;
}

// @ts-ignore: decorator
@inline
export function bigSigma0(a: u32): u32 {
  return rotr<u32>(a, 2) ^ rotr<u32>(a, 13) ^ rotr<u32>(a, 22);
}

// @ts-ignore: decorator
@inline
function sigma0(x: u32): u32 {
  return rotr<u32>(x, 7) ^ rotr<u32>(x, 18) ^ (x >>> 3);
}

// @ts-ignore: decorator
@inline
function sigma1(x: u32): u32 {
  return rotr<u32>(x, 17) ^ rotr<u32>(x, 19) ^ (x >>> 10);
}

/** Clause 6.2.2 without vectors: sixteen rounds, then the sixteen words of the message schedule for the next ones. */
export function sha256CompressScalar(state: usize, data: usize, blocks: i32): void {
  let h0 = load<u32>(state);
  let h1 = load<u32>(state, 4);
  let h2 = load<u32>(state, 8);
  let h3 = load<u32>(state, 12);
  let h4 = load<u32>(state, 16);
  let h5 = load<u32>(state, 20);
  let h6 = load<u32>(state, 24);
  let h7 = load<u32>(state, 28);
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
    let w0 = load32be(data);
    let w1 = load32be(data + 4);
    let w2 = load32be(data + 8);
    let w3 = load32be(data + 12);
    let w4 = load32be(data + 16);
    let w5 = load32be(data + 20);
    let w6 = load32be(data + 24);
    let w7 = load32be(data + 28);
    let w8 = load32be(data + 32);
    let w9 = load32be(data + 36);
    let w10 = load32be(data + 40);
    let w11 = load32be(data + 44);
    let w12 = load32be(data + 48);
    let w13 = load32be(data + 52);
    let w14 = load32be(data + 56);
    let w15 = load32be(data + 60);
    let k = SHA256_K;
    while (true) {
      h += roundE(e, f, g, w0 + load<u32>(k));
      d += h;
      ab = a ^ b;
      h += bigSigma0(a) + (b ^ (ab & bc));
      bc = ab;
      g += roundE(d, e, f, w1 + load<u32>(k, 4));
      c += g;
      ab = h ^ a;
      g += bigSigma0(h) + (a ^ (ab & bc));
      bc = ab;
      f += roundE(c, d, e, w2 + load<u32>(k, 8));
      b += f;
      ab = g ^ h;
      f += bigSigma0(g) + (h ^ (ab & bc));
      bc = ab;
      e += roundE(b, c, d, w3 + load<u32>(k, 12));
      a += e;
      ab = f ^ g;
      e += bigSigma0(f) + (g ^ (ab & bc));
      bc = ab;
      d += roundE(a, b, c, w4 + load<u32>(k, 16));
      h += d;
      ab = e ^ f;
      d += bigSigma0(e) + (f ^ (ab & bc));
      bc = ab;
      c += roundE(h, a, b, w5 + load<u32>(k, 20));
      g += c;
      ab = d ^ e;
      c += bigSigma0(d) + (e ^ (ab & bc));
      bc = ab;
      b += roundE(g, h, a, w6 + load<u32>(k, 24));
      f += b;
      ab = c ^ d;
      b += bigSigma0(c) + (d ^ (ab & bc));
      bc = ab;
      a += roundE(f, g, h, w7 + load<u32>(k, 28));
      e += a;
      ab = b ^ c;
      a += bigSigma0(b) + (c ^ (ab & bc));
      bc = ab;
      h += roundE(e, f, g, w8 + load<u32>(k, 32));
      d += h;
      ab = a ^ b;
      h += bigSigma0(a) + (b ^ (ab & bc));
      bc = ab;
      g += roundE(d, e, f, w9 + load<u32>(k, 36));
      c += g;
      ab = h ^ a;
      g += bigSigma0(h) + (a ^ (ab & bc));
      bc = ab;
      f += roundE(c, d, e, w10 + load<u32>(k, 40));
      b += f;
      ab = g ^ h;
      f += bigSigma0(g) + (h ^ (ab & bc));
      bc = ab;
      e += roundE(b, c, d, w11 + load<u32>(k, 44));
      a += e;
      ab = f ^ g;
      e += bigSigma0(f) + (g ^ (ab & bc));
      bc = ab;
      d += roundE(a, b, c, w12 + load<u32>(k, 48));
      h += d;
      ab = e ^ f;
      d += bigSigma0(e) + (f ^ (ab & bc));
      bc = ab;
      c += roundE(h, a, b, w13 + load<u32>(k, 52));
      g += c;
      ab = d ^ e;
      c += bigSigma0(d) + (e ^ (ab & bc));
      bc = ab;
      b += roundE(g, h, a, w14 + load<u32>(k, 56));
      f += b;
      ab = c ^ d;
      b += bigSigma0(c) + (d ^ (ab & bc));
      bc = ab;
      a += roundE(f, g, h, w15 + load<u32>(k, 60));
      e += a;
      ab = b ^ c;
      a += bigSigma0(b) + (c ^ (ab & bc));
      bc = ab;
      k += 64;
      if (k == SHA256_K + 256) break;
      w0 += sigma0(w1) + w9 + sigma1(w14);
      w1 += sigma0(w2) + w10 + sigma1(w15);
      w2 += sigma0(w3) + w11 + sigma1(w0);
      w3 += sigma0(w4) + w12 + sigma1(w1);
      w4 += sigma0(w5) + w13 + sigma1(w2);
      w5 += sigma0(w6) + w14 + sigma1(w3);
      w6 += sigma0(w7) + w15 + sigma1(w4);
      w7 += sigma0(w8) + w0 + sigma1(w5);
      w8 += sigma0(w9) + w1 + sigma1(w6);
      w9 += sigma0(w10) + w2 + sigma1(w7);
      w10 += sigma0(w11) + w3 + sigma1(w8);
      w11 += sigma0(w12) + w4 + sigma1(w9);
      w12 += sigma0(w13) + w5 + sigma1(w10);
      w13 += sigma0(w14) + w6 + sigma1(w11);
      w14 += sigma0(w15) + w7 + sigma1(w12);
      w15 += sigma0(w0) + w8 + sigma1(w13);
    }
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
}
