/**
 * The rounds of DES without vectors and without look-up by secrets. The outputs of all eight S-boxes share a 32-bit word, a nibble
 * each; a tree of selections by the six input bits, each spread over the nibble of its S-box, picks one word out of 64 (tables.ts).
 *
 * Halves and round keys are secret; every round runs the same instructions on the same addresses.
 */
import { permuteP, SCALAR_LEAVES } from "./gen/tables.gen";

/** `b` where `mask` is set, `a` elsewhere. */
// @ts-ignore: decorator
@inline
function choose(mask: u64, a: u64, b: u64): u64 {
  return a ^ (mask & (a ^ b));
}

/** Bit 0 of each nibble, spread over the nibble. */
// @ts-ignore: decorator
@inline
function spread(x: u64): u64 {
  const bits = x & 0x1111_1111_1111_1111;
  return (bits << 4) - bits;
}

// @ts-ignore: decorator
@inline
function leaf(pair: usize, bit5: u64): u64 {
  return load<u64>(SCALAR_LEAVES + 16 * pair) ^ (bit5 & load<u64>(SCALAR_LEAVES + 16 * pair + 8));
}

// @ts-ignore: decorator
@inline
function leaves2(pair: usize, bit5: u64, bit4: u64): u64 {
  return choose(bit4, leaf(pair, bit5), leaf(pair + 1, bit5));
}

// @ts-ignore: decorator
@inline
function leaves4(pair: usize, bit5: u64, bit4: u64, bit3: u64): u64 {
  return choose(bit3, leaves2(pair, bit5, bit4), leaves2(pair + 2, bit5, bit4));
}

// @ts-ignore: decorator
@inline
function leaves8(pair: usize, bit5: u64, bit4: u64, bit3: u64, bit2: u64): u64 {
  return choose(bit2, leaves4(pair, bit5, bit4, bit3), leaves4(pair + 4, bit5, bit4, bit3));
}

/** The S-boxes' outputs for the half block `r` and a round key. Both halves of the 64-bit words hold the 32 bits. */
// @ts-ignore: decorator
@inline
function substitute(r: u32, roundKey: u64): u32 {
  const half = u64(r) | (u64(r) << 32);
  const middleKey = (roundKey & 0xffff_ffff) | (roundKey << 32);
  const edgeKey = (roundKey >> 32) | (roundKey & 0xffff_ffff_0000_0000);
  const middle = half ^ middleKey;
  const bit1 = spread(rotr<u64>(half, 4) ^ edgeKey);
  const bit2 = spread(middle >> 3);
  const bit3 = spread(middle >> 2);
  const bit4 = spread(middle >> 1);
  const bit5 = spread(middle);
  const bit6 = spread(rotl<u64>(half, 1) ^ (edgeKey >> 1));
  const both = choose(bit1, leaves8(0, bit5, bit4, bit3, bit2), leaves8(8, bit5, bit4, bit3, bit2));
  return u32(choose(bit6, both, both >> 32));
}

/** `stages` times 16 rounds over a block behind its initial permutation, with the round keys from `key` on in steps of `step`. */
export function scalarRounds(block: u64, key: usize, step: isize, stages: i32): u64 {
  let l = u32(block >> 32);
  let r = u32(block);
  for (let stage = 0; stage < stages; stage++) {
    for (let round = 0; round < 16; round++) {
      const next = l ^ permuteP(substitute(r, load<u64>(key)));
      l = r;
      r = next;
      key += step;
    }
    // A stage ends with its halves exchanged; final and initial permutation of neighbouring stages cancel out.
    const swapped = l;
    l = r;
    r = swapped;
  }
  return (u64(l) << 32) | u64(r);
}
