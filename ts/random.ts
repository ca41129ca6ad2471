/**
 * Random bytes: the platform's CSPRNG (Web Cryptography API, `getRandomValues`), or one the host injects where the engine has
 * none (Hermes, QuickJS, Node before 20). There is no fallback: without a source every call fails with `ERR_NO_RANDOM`.
 *
 * The bytes become keys, IVs, padding and nonces; whoever asks for them wipes them.
 */
import { describeType, invalidArgument, PosCryptoError } from "./errors.js";

/** Returns `n` bytes from a CSPRNG, in an array that is not handed out again. */
export type RandomSource = (n: number) => Uint8Array;

/** Web Cryptography API, `getRandomValues`: a request for more is a QuotaExceededError. */
const QUOTA = 65536;

let injected: RandomSource | undefined;

/**
 * Replaces the platform's source; `undefined` goes back to it. Returns what was injected before. Throws `ERR_INVALID_ARGUMENT`.
 */
export function setRandomSource(source: RandomSource | undefined): RandomSource | undefined {
  if (source !== undefined && typeof source !== "function")
    throw invalidArgument("randomBytes", "a function", describeType(source));
  const before = injected;
  injected = source;
  return before;
}

/**
 * `n` random bytes. Throws `ERR_NO_RANDOM` if the engine has no CSPRNG and none was injected, or if the source fails or returns
 * anything but `n` bytes.
 */
export function randomBytes(n: number): Uint8Array {
  if (!Number.isSafeInteger(n) || n < 0) throw invalidArgument("n", "a whole number of bytes", String(n));
  return injected === undefined ? platformBytes(n) : injectedBytes(injected, n);
}

function injectedBytes(source: RandomSource, n: number): Uint8Array {
  let bytes: unknown;
  try {
    bytes = source(n);
  } catch (cause) {
    throw new PosCryptoError("ERR_NO_RANDOM", "the injected randomBytes failed", { cause });
  }
  if (!(bytes instanceof Uint8Array) || bytes.length !== n) {
    const got = bytes instanceof Uint8Array ? `${bytes.length} bytes` : describeType(bytes);
    throw new PosCryptoError("ERR_NO_RANDOM", `the injected randomBytes must return ${n} bytes, got ${got}`);
  }
  return bytes;
}

function platformBytes(n: number): Uint8Array {
  const source = globalThis.crypto as Crypto | undefined;
  if (typeof source?.getRandomValues !== "function") {
    throw new PosCryptoError("ERR_NO_RANDOM", "this engine has no crypto.getRandomValues: pass randomBytes to loadCrypto()");
  }
  const bytes = new Uint8Array(n);
  for (let at = 0; at < n; at += QUOTA) source.getRandomValues(bytes.subarray(at, Math.min(n, at + QUOTA)));
  return bytes;
}
