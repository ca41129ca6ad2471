/**
 * Key check values: ANSI X9.24-1:2017 annex A (legacy, A.2, and CMAC, A.3), HMAC over the empty message, GlobalPlatform's for
 * AES. Raw computation by slot; the public functions are in `check-value.ts`.
 *
 * A check value is public by intent, the block it is cut from is not: that block is wiped here.
 */
import type { Backend, HashName, Slot } from "../../backend/contract.js";
import { wipe } from "../../base/bytes.js";
import type { KeyAlgorithm } from "./attributes.js";

/**
 * `CMAC`: of a zero block, ANSI X9.24-1:2017 A.3. `ANSI_X9_24`: encryption of a zero block, A.2. `HMAC`: over the empty message,
 * with the key's own hash. `GLOBALPLATFORM`: AES encryption of a block of bytes 01.
 */
export type KcvMethod = "CMAC" | "ANSI_X9_24" | "HMAC" | "GLOBALPLATFORM";

/** Every method, for messages. */
export const KCV_METHODS: readonly KcvMethod[] = ["CMAC", "ANSI_X9_24", "HMAC", "GLOBALPLATFORM"];

/** The bytes of the longest check value: one cipher block, and 8 of an HMAC. KC and KP have a table of their own: five at most. */
export function longestCheckValue(algorithm: KeyAlgorithm): number {
  return algorithm === "AES" ? 16 : 8;
}

/** The longest one that people exchange, in bytes: sixteen digits. */
export const LONGEST_EXCHANGED = 8;

/** Methods that exist for an algorithm, the usual one first. Empty where core knows none. */
export function methodsFor(algorithm: KeyAlgorithm): readonly KcvMethod[] {
  if (algorithm === "AES") return ["CMAC", "ANSI_X9_24", "GLOBALPLATFORM"];
  if (algorithm === "TDES") return ["ANSI_X9_24", "CMAC"];
  if (algorithm === "DES") return ["ANSI_X9_24"];
  return algorithm === "HMAC" ? ["HMAC"] : [];
}

/** Methods by which a check value is taken for right where none is named: GlobalPlatform's, for cards, only where it is. */
export function usualMethods(algorithm: KeyAlgorithm): readonly KcvMethod[] {
  return methodsFor(algorithm).filter((method) => method !== "GLOBALPLATFORM");
}

/** The leading `length` bytes of the check value. The method must be one of `methodsFor`. */
export function checkValueBytes(
  backend: Backend,
  slot: Slot,
  algorithm: KeyAlgorithm,
  method: KcvMethod,
  hash: HashName | undefined,
  length: number,
): Uint8Array {
  const block = new Uint8Array(algorithm === "AES" ? 16 : 8);
  let full: Uint8Array;
  if (method === "CMAC") {
    full = backend.cmac(slot, block);
  } else if (method === "HMAC") {
    full = backend.hmacWith(hash ?? "SHA-256", slot, new Uint8Array(0));
  } else {
    full = backend.encryptBlock(slot, method === "GLOBALPLATFORM" ? block.fill(1) : block);
  }
  const value = full.slice(0, length);
  wipe(full);
  return value;
}
