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
