/**
 * What counts as bytes: a Uint8Array of any realm (a frame's, a test runner's), a Node Buffer among them. Asked of the object's own
 * slots by the getters of %TypedArray%.prototype (ECMA-262 clause 23.2.3), which neither a prototype, nor an own property, nor a
 * `Symbol.toStringTag` can pretend.
 *
 * Bytes of a caller are read once: another thread may grow or write shared memory between two readings.
 */

type Getter<T> = (this: unknown) => T;

function getter<T>(name: string | symbol): Getter<T> {
  return Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), name)!.get as Getter<T>;
}

const kindOf = /* @__PURE__ */ getter<string | undefined>(Symbol.toStringTag);
const lengthGetter = /* @__PURE__ */ getter<number>("length");
const bufferGetter = /* @__PURE__ */ getter<ArrayBufferLike>("buffer");
const offsetGetter = /* @__PURE__ */ getter<number>("byteOffset");

const plainLength = /* @__PURE__ */ bufferGetterOf("byteLength") as Getter<number>;
const resizable = /* @__PURE__ */ bufferGetterOf("resizable") as Getter<boolean> | undefined;

function bufferGetterOf(name: string): Getter<unknown> | undefined {
  return Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, name)?.get;
}

/** Whether `value` is a Uint8Array whose bytes are there: after a transfer the length is 0, and no view can be made. */
export function isBytes(value: unknown): value is Uint8Array {
  try {
    return kindOf.call(value) === "Uint8Array" && (lengthGetter.call(value) > 0 || isAttached(bufferGetter.call(value)));
  } catch {
    return false;
  }
}

function isAttached(buffer: ArrayBufferLike): boolean {
  return new Uint8Array(buffer) instanceof Uint8Array;
}

/** The number of bytes that `bytes` has now, whatever its property `length` says. */
export function byteCount(bytes: Uint8Array): number {
  return lengthGetter.call(bytes);
}

/**
 * A plain view of the same bytes, whose length is fixed; a copy where another thread or a resize could still change them. For whoever
 * reads bytes more than once. Secrets that were copied are the caller's to wipe, as the shared memory is.
 */
export function fixedBytes(bytes: Uint8Array): Uint8Array {
  const buffer = bufferGetter.call(bytes);
  const view = new Uint8Array(buffer, offsetGetter.call(bytes), lengthGetter.call(bytes));
  return mayChange(buffer) ? new Uint8Array(view) : view;
}

/** Whether a buffer is shared (then it has no slot of an ArrayBuffer) or resizable. */
function mayChange(buffer: ArrayBufferLike): boolean {
  try {
    plainLength.call(buffer);
    return resizable?.call(buffer) ?? false;
  } catch {
    return true;
  }
}
