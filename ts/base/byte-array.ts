/**
 * What counts as bytes: a Uint8Array of any realm (a frame's, a test runner's), a Node Buffer among them. Asked of the object's own
 * kind, which neither a prototype nor a `Symbol.toStringTag` can pretend (ECMA-262, get %TypedArray%.prototype[@@toStringTag]).
 */

let kindOf: ((this: unknown) => string | undefined) | undefined;

/** Whether `value` is a Uint8Array whose bytes are there: after a transfer the length is 0, and no view can be made. */
export function isBytes(value: unknown): value is Uint8Array {
  kindOf ??= Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)!.get!;
  try {
    const bytes = kindOf.call(value) === "Uint8Array" && (value as Uint8Array);
    return bytes && (bytes.length > 0 || new Uint8Array(bytes.buffer).length >= 0);
  } catch {
    return false;
  }
}
