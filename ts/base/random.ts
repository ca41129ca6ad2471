/**
 * Random bytes: the platform's CSPRNG (Web Cryptography API, `getRandomValues`), or one the host injects where the engine has
 * none (Hermes, QuickJS, Node before 20). There is no fallback: without a source every call fails with `ERR_NO_RANDOM`.
 *
 * The bytes become keys, IVs, padding and nonces; whoever asks for them wipes them.
 */
import { isBytes } from "./byte-array.js";
import { describeType, PosCryptoError } from "./errors.js";
import { numberRefusal, refusal } from "./arguments.js";

/** Returns `n` bytes from a CSPRNG, in an array that is not handed out again. */
export type RandomSource = (n: number) => Uint8Array;

/**
 * What is drawn at once for public values. A call of the platform takes microseconds whatever it returns: more than to seal a
 * short message.
 */
const POOL = 512;

/** Web Cryptography API, `getRandomValues`: a request for more is a QuotaExceededError. */
const QUOTA = 65536;

/** Draws after which a source that has not yet yielded what is looked for is broken: no honest one comes near. */
export const MOST_DRAWS = 64;

let injected: RandomSource | undefined;
let pool: Uint8Array | undefined;
/** Bytes of the pool that were given out, all of them wiped. */
let spent = POOL;

/**
 * Replaces the platform's source; `undefined` goes back to it. Returns what was injected before. Throws `ERR_INVALID_ARGUMENT`.
 */
export function setRandomSource(source: RandomSource | undefined): RandomSource | undefined {
  if (source !== undefined && typeof source !== "function") throw refusal("randomBytes", "a function", source);
  const before = injected;
  injected = source;
  return before;
}

/**
 * `n` random bytes. Throws `ERR_NO_RANDOM` if the engine has no CSPRNG and none was injected, or if the source fails or returns
 * anything but `n` bytes.
 */
export function randomBytes(n: number): Uint8Array {
  if (!Number.isSafeInteger(n) || n < 0) throw numberRefusal("n", "a whole number of bytes", n);
  return injected === undefined ? platformBytes(n) : injectedBytes(injected, n);
}

/**
 * `n` random bytes for a value that becomes public, an IV or a nonce: never for keys, padding or anything that stays secret. They
 * come out of a pool, each byte once, wiped as it leaves. A process image restored twice (a snapshot of a virtual machine) would
 * repeat what is left in the pool; a worker or a forked process has its own. An injected source is asked every time. Throws as
 * `randomBytes`.
 */
export function publicRandomBytes(n: number): Uint8Array {
  if (injected !== undefined || n > POOL / 4) return randomBytes(n);
  if (pool === undefined || spent + n > POOL) {
    pool?.fill(0);
    pool = platformBytes(POOL);
    spent = 0;
  }
  const bytes = new Uint8Array(n);
  for (let i = 0; i < n; i++) {
    bytes[i] = pool[spent + i]!;
    pool[spent + i] = 0;
  }
  spent += n;
  return bytes;
}

/** For a loop that has drawn `MOST_DRAWS` times in vain. */
export function stuckSource(): PosCryptoError {
  return new PosCryptoError("ERR_NO_RANDOM", "the source of randomness gives one value again and again");
}

function injectedBytes(source: RandomSource, n: number): Uint8Array {
  let bytes: unknown;
  try {
    bytes = source(n);
  } catch (cause) {
    throw new PosCryptoError("ERR_NO_RANDOM", "the injected randomBytes failed", { cause });
  }
  if (!isBytes(bytes) || bytes.length !== n) {
    const got = isBytes(bytes) ? `${bytes.length} bytes` : describeType(bytes);
    throw new PosCryptoError("ERR_NO_RANDOM", `the injected randomBytes must return ${n} bytes, got ${got}`);
  }
  return bytes;
}

function platformBytes(n: number): Uint8Array {
  // By its bare name: `globalThis` came to engines after WebAssembly did.
  const source = typeof crypto === "object" ? (crypto as Partial<Crypto>) : undefined;
  if (typeof source?.getRandomValues !== "function") {
    throw new PosCryptoError("ERR_NO_RANDOM", "this engine has no crypto.getRandomValues: pass randomBytes to loadCrypto()");
  }
  const bytes = new Uint8Array(n);
  try {
    for (let at = 0; at < n; at += QUOTA) source.getRandomValues(bytes.subarray(at, Math.min(n, at + QUOTA)));
  } catch (cause) {
    throw new PosCryptoError("ERR_NO_RANDOM", "this engine's crypto.getRandomValues failed", { cause });
  }
  return bytes;
}
