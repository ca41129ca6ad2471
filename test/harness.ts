/**
 * The suite's own small test interface: cases in `test/cases` take a `Suite`, so that the same cases run under vitest, in a
 * browser, and in engines no test framework knows. Runners supply `test`; assertions live here and throw.
 */
import type { BackendName } from "../ts/backend/contract.js";
import type { PosErrorCode } from "../ts/base/errors.js";

export interface Suite {
  /** The backend that is loaded while the cases run. */
  readonly backend: BackendName;
  /** The engine has no compiler (`--jitless`): cases do fewer repetitions, not others. */
  readonly interpreted?: boolean;
  group(name: string, body: () => void): void;
  test(name: string, body: () => void | Promise<void>): void;
}

export type Cases = (suite: Suite) => void;

function show(value: unknown): string {
  if (value instanceof Uint8Array) return `bytes ${toHex(value)}`;
  return typeof value === "string" ? JSON.stringify(value) : (JSON.stringify(value) ?? String(value));
}

function normalise(value: unknown): string {
  if (value instanceof Uint8Array) return `bytes ${toHex(value)}`;
  return JSON.stringify(value, (_key, v) => (v instanceof Uint8Array ? `bytes ${toHex(v)}` : v)) ?? String(value);
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

/** Deep equality of JSON-like values and bytes. Key order counts. */
export function same(actual: unknown, expected: unknown, what = "value"): void {
  if (actual instanceof Uint8Array && expected instanceof Uint8Array && sameBytes(actual, expected)) return;
  if (normalise(actual) !== normalise(expected)) {
    throw new Error(`${what}: expected ${show(expected)}, got ${show(actual)}`);
  }
}

export function ok(condition: unknown, what = "condition"): void {
  if (!condition) throw new Error(`${what} does not hold`);
}

/** Asserts that `body` throws a PosCryptoError with `code`; returns the error for further looks. */
export function throwsCode(body: () => unknown, code: PosErrorCode | readonly PosErrorCode[], message?: RegExp | string): Error {
  let caught: unknown;
  try {
    body();
  } catch (error) {
    caught = error;
  }
  return checkError(caught, code, message);
}

export async function rejectsCode(
  promise: Promise<unknown>,
  code: PosErrorCode | readonly PosErrorCode[],
  message?: RegExp | string,
): Promise<Error> {
  let caught: unknown;
  try {
    await promise;
  } catch (error) {
    caught = error;
  }
  return checkError(caught, code, message);
}

function checkError(caught: unknown, code: PosErrorCode | readonly PosErrorCode[], message?: RegExp | string): Error {
  const codes = typeof code === "string" ? [code] : code;
  if (caught === undefined) throw new Error(`expected ${codes.join(" or ")}, but nothing was thrown`);
  const error = caught as Error & { code?: string };
  if (error.name !== "PosCryptoError" || !codes.includes(error.code as PosErrorCode)) {
    throw new Error(`expected ${codes.join(" or ")}, got ${error.name} ${error.code ?? ""}: ${error.message}`);
  }
  const matches =
    message === undefined || (typeof message === "string" ? error.message === message : message.test(error.message));
  if (!matches) throw new Error(`unexpected message: ${error.message}`);
  return error;
}

export function hex(text: string): Uint8Array {
  const clean = text.replace(/\s+/g, "");
  if (clean.length % 2 !== 0 || /[^0-9A-Fa-f]/.test(clean)) throw new Error("bad hex in a test");
  const bytes = new Uint8Array(clean.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(clean.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0").toUpperCase();
  return text;
}

export function ascii(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** A deterministic byte stream for tests (xorshift32), so that failures repeat. */
export function pseudoRandom(seed: number): (length: number) => Uint8Array {
  let state = seed | 0 || 1;
  return (length) => {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      bytes[i] = state & 0xff;
    }
    return bytes;
  };
}
