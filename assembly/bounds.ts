/**
 * Lengths that the host passes: each is held against its area (layout.ts) before anything is read or written. Lengths are public.
 */
import { IO_SIZE, WINDOW } from "./layout";

/** Room for one padded block beyond the window. */
const PADDED_WINDOW: i32 = WINDOW + 16;

/** Whether a length is below 0 or above `limit`. */
// @ts-ignore: decorator
@inline
export function outside(length: i32, limit: i32): bool {
  return u32(length) > u32(limit);
}

/** Whether `length` bytes are more than the host may put into IO. */
// @ts-ignore: decorator
@inline
export function outsideWindow(length: i32): bool {
  return outside(length, WINDOW);
}

/** The same for ciphertext, which may be a block longer than a window of plaintext. */
// @ts-ignore: decorator
@inline
export function outsidePaddedWindow(length: i32): bool {
  return outside(length, PADDED_WINDOW);
}

/** A length as one that is within IO: all of IO where it is not. */
export function withinIo(length: i32): i32 {
  return outside(length, IO_SIZE) ? IO_SIZE : length;
}
