/**
 * What counts as bytes: a Uint8Array of any realm (a frame's, a test runner's), a Node Buffer among them. Asked of the object's own
 * kind, which neither a prototype nor a `Symbol.toStringTag` can pretend (ECMA-262, get %TypedArray%.prototype[@@toStringTag]).
 */

let kindOf: ((this: unknown) => string | undefined) | undefined;

function isUint8Array(value: unknown): value is Uint8Array {
  kindOf ??= Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)!.get!;
  return typeof value === "object" && kindOf.call(value) === "Uint8Array";
}

/** Whether a transfer has taken the bytes away: then the length is 0, and no view can be made. */
export function isDetached(value: unknown): boolean {
  if (!isUint8Array(value) || value.length > 0) return false;
  try {
    return new Uint8Array(value.buffer).length < 0;
  } catch {
    return true;
  }
}

/** A Uint8Array whose bytes are there. */
export function isBytes(value: unknown): value is Uint8Array {
  return isUint8Array(value) && (value.length > 0 || !isDetached(value));
}
