/**
 * Loads, stores, copies and wipes: the only memory primitives of the module.
 *
 * Own loops instead of `memory.copy` and `memory.fill`, which the build without bulk memory does not have. Lengths and
 * addresses are public; contents may be secret.
 */

// @ts-ignore: decorator
@inline
export function load32be(p: usize): u32 {
  return bswap<u32>(load<u32>(p));
}

// @ts-ignore: decorator
@inline
export function store32be(p: usize, value: u32): void {
  store<u32>(p, bswap<u32>(value));
}

// @ts-ignore: decorator
@inline
export function load64be(p: usize): u64 {
  return bswap<u64>(load<u64>(p));
}

// @ts-ignore: decorator
@inline
export function store64be(p: usize, value: u64): void {
  store<u64>(p, bswap<u64>(value));
}

/** Copies `n` bytes upwards: the areas may overlap only if `dst` is below `src` by at least 16 bytes or equal. */
export function copy(dst: usize, src: usize, n: i32): void {
  const end = dst + n;
  if (ASC_FEATURE_SIMD) {
    while (dst + 16 <= end) {
      v128.store(dst, v128.load(src));
      dst += 16;
      src += 16;
    }
  }
  while (dst + 8 <= end) {
    store<u64>(dst, load<u64>(src));
    dst += 8;
    src += 8;
  }
  while (dst < end) {
    store<u8>(dst, load<u8>(src));
    dst++;
    src++;
  }
}

/** Writes `n` zeros. */
export function wipe(p: usize, n: i32): void {
  const end = p + n;
  if (ASC_FEATURE_SIMD) {
    const zero = i64x2.splat(0);
    while (p + 64 <= end) {
      v128.store(p, zero);
      v128.store(p, zero, 16);
      v128.store(p, zero, 32);
      v128.store(p, zero, 48);
      p += 64;
    }
  }
  while (p + 8 <= end) {
    store<u64>(p, 0);
    p += 8;
  }
  while (p < end) {
    store<u8>(p, 0);
    p++;
  }
}

// @ts-ignore: decorator
@inline
export function copy16(dst: usize, src: usize): void {
  if (ASC_FEATURE_SIMD) {
    v128.store(dst, v128.load(src));
  } else {
    const low = load<u64>(src);
    const high = load<u64>(src, 8);
    store<u64>(dst, low);
    store<u64>(dst, high, 8);
  }
}

// @ts-ignore: decorator
@inline
export function wipe16(p: usize): void {
  store<u64>(p, 0);
  store<u64>(p, 0, 8);
}

/** `dst ^= src`, 16 bytes. */
// @ts-ignore: decorator
@inline
export function xor16(dst: usize, src: usize): void {
  if (ASC_FEATURE_SIMD) {
    v128.store(dst, v128.xor(v128.load(dst), v128.load(src)));
  } else {
    store<u64>(dst, load<u64>(dst) ^ load<u64>(src));
    store<u64>(dst, load<u64>(dst, 8) ^ load<u64>(src, 8), 8);
  }
}

/** `dst ^= src`, 8 bytes. */
// @ts-ignore: decorator
@inline
export function xor8(dst: usize, src: usize): void {
  store<u64>(dst, load<u64>(dst) ^ load<u64>(src));
}

/** `dst ^= src`, `n` bytes. */
export function xorBytes(dst: usize, src: usize, n: i32): void {
  for (let i = 0; i < n; i++) store<u8>(dst + i, load<u8>(dst + i) ^ load<u8>(src + i));
}
