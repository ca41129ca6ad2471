/** What backends refuse in the same words, so that a caller cannot tell them apart. */
import { invalidArgument, PosCryptoError } from "../base/errors.js";

export function destroyedKey(): PosCryptoError {
  return new PosCryptoError("ERR_KEY_DESTROYED", "the key was destroyed");
}

export function noCapacity(): PosCryptoError {
  return new PosCryptoError("ERR_KEY_CAPACITY", "no room for another key: destroy keys that are no longer used");
}

export function wrongKind(): PosCryptoError {
  return new PosCryptoError("ERR_KEY_USAGE", "the key's algorithm does not support this operation");
}

export function wrongMaterialLength(): PosCryptoError {
  return invalidArgument("material", "as long as its algorithm's keys are", "another length");
}

/** Bytes whose length changed between the check of core and their use: of shared memory, which another thread grew. */
export function wrongLength(): PosCryptoError {
  return invalidArgument("data", "bytes of one length during the call", "another one");
}

/** What another error than ours becomes: a trap of the module, or bytes that no longer fit where they were read. */
export function brokenCall(cause: unknown): PosCryptoError {
  if (cause instanceof PosCryptoError) return cause;
  const message = "the call failed inside the backend, which forgot it: bytes must not change while a call reads them";
  return new PosCryptoError("ERR_INVALID_ARGUMENT", message, { cause });
}
