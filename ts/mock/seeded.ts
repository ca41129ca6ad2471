/** Reproducible numbers, for made-up data and scripted faults; never for keys, IVs, nonces or tokens. */

/** A whole number from 0 to `bound` - 1. */
export type SeededRandom = (bound: number) => number;

/**
 * xorshift32 (Marsaglia, "Xorshift RNGs", 2003).
 *
 * @param seed 32 bits, not all of them 0
 */
export function seededRandom(seed: number): SeededRandom {
  let state = seed;
  return (bound) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
}

/** A seed of its own for the `index`th of several sequences: the finalizer of MurmurHash3, never 0. */
export function seedOf(seed: number, index: number): number {
  let hash = (seed ^ Math.imul(index + 1, 0x9e3779b9)) | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  hash ^= hash >>> 16;
  return hash === 0 ? 1 : hash;
}
