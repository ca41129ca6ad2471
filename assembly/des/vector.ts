/**
 * The rounds of DES with vectors, without look-up by secrets. Each byte lane stands for one output bit of the round function,
 * permutation P included, and holds what the S-box gives for eight values of input bits 4 to 6; a tree of selections by bits 1 to 3
 * of that S-box's input picks the byte, a mask by bits 4 to 6 the bit. Two vectors are the 32 bits (tables.ts).
 *
 * Halves and round keys are secret; every round runs the same instructions on the same addresses.
 */
import { BIT_VALUES } from "./permute";
import { LANES, VECTOR_LEAVES, WINDOW_BYTES, WINDOW_FACTORS } from "./gen/tables.gen";

/** Input bits 1 to 3 in every lane, then all of bits 4 to 6: kept in memory, since V8 builds a constant anew in every round. */
const INPUT_BITS: usize = memory.data<u64>(
  [
    0x2020_2020_2020_2020, 0x2020_2020_2020_2020, 0x1010_1010_1010_1010, 0x1010_1010_1010_1010, 0x0808_0808_0808_0808,
    0x0808_0808_0808_0808, 0x0707_0707_0707_0707, 0x0707_0707_0707_0707,
  ],
  16,
);

/** -1 in lanes where `bit` is set. */
// @ts-ignore: decorator
@inline
function maskOf(x: v128, bit: v128): v128 {
  return i8x16.eq(v128.and(x, bit), bit);
}

/** `b` where `mask` is set, `a` elsewhere. */
// @ts-ignore: decorator
@inline
function choose(mask: v128, a: v128, b: v128): v128 {
  return v128.xor(a, v128.and(mask, v128.xor(a, b)));
}

// @ts-ignore: decorator
@inline
function leaf(pair: usize, bit3: v128): v128 {
  return v128.xor(v128.load(pair), v128.and(bit3, v128.load(pair, 16)));
}

/** 16 bits of the round function; `x` has the input of each lane's S-box. */
// @ts-ignore: decorator
@inline
function substitute16(x: v128, leaves: usize, bits: v128, first: v128, second: v128, third: v128, rest: v128): u32 {
  const bit = i8x16.swizzle(bits, v128.and(x, rest));
  const bit1 = maskOf(x, first);
  const bit2 = maskOf(x, second);
  const bit3 = maskOf(x, third);
  const low = choose(bit2, leaf(leaves, bit3), leaf(leaves + 32, bit3));
  const high = choose(bit2, leaf(leaves + 64, bit3), leaf(leaves + 96, bit3));
  return i8x16.bitmask(maskOf(choose(bit1, low, high), bit));
}

/** `stages` times 16 rounds over a block behind its initial permutation, with the round keys from `key` on in steps of `step`. */
export function vectorRounds(block: u64, key: usize, step: isize, stages: i32): u64 {
  let l = u32(block >> 32);
  let r = u32(block);
  const windows = v128.load(WINDOW_BYTES);
  const factors = v128.load(WINDOW_FACTORS);
  const lowLanes = v128.load(LANES);
  const highLanes = v128.load(LANES + 16);
  const bits = v128.load(BIT_VALUES);
  const first = v128.load(INPUT_BITS);
  const second = v128.load(INPUT_BITS, 16);
  const third = v128.load(INPUT_BITS, 32);
  const rest = v128.load(INPUT_BITS, 48);
  for (let stage = 0; stage < stages; stage++) {
    for (let round = 0; round < 16; round++) {
      const window = i16x8.mul(i8x16.swizzle(i32x4.splat(r), windows), factors);
      const input = v128.xor(i16x8.shr_u(window, 10), v128.load_ext<u8>(key));
      const low = substitute16(i8x16.swizzle(input, lowLanes), VECTOR_LEAVES, bits, first, second, third, rest);
      const high = substitute16(i8x16.swizzle(input, highLanes), VECTOR_LEAVES + 128, bits, first, second, third, rest);
      const next = l ^ low ^ (high << 16);
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
