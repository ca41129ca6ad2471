/**
 * Three leaks, planted on purpose: AssemblyScript that the constant-time test must catch. Compiled by the test itself, with the
 * options of the shipped binary. Each function reads 16 secret bytes at `secret`.
 */

/** Early exit: stops at the first byte that differs. */
export function earlyExit(secret: usize, guess: usize): bool {
  for (let i: usize = 0; i < 16; i++) {
    if (load<u8>(secret + i) != load<u8>(guess + i)) return false;
  }
  return true;
}

/** Table look-up: the address depends on a secret byte. */
export function tableLookUp(secret: usize, table: usize): u32 {
  let sum: u32 = 0;
  for (let i: usize = 0; i < 16; i++) sum += load<u8>(table + load<u8>(secret + i));
  return sum;
}

/** Secret branch: the work done depends on secret bits. */
export function secretBranch(secret: usize, out: usize): void {
  for (let i: usize = 0; i < 16; i++) {
    if ((load<u8>(secret + i) & 1) != 0) store<u8>(out, load<u8>(out) + 1);
  }
}

/** No leak: what the three should have been. The test must let it pass. */
export function constantTime(secret: usize, guess: usize): u32 {
  let difference: u32 = 0;
  for (let i: usize = 0; i < 16; i++) difference |= load<u8>(secret + i) ^ load<u8>(guess + i);
  return difference;
}
