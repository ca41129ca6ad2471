/**
 * Which key may protect which version of key block: ANSI X9.143:2021 clause 5, ISO 20038. Public facts about the handle only.
 */
import type { KeyBlockVersion } from "../../backend/contract.js";
import { PosCryptoError } from "../../base/errors.js";
import { kbpkAlgorithm } from "./header.js";
import { attributesOf, requireUse, type SecretKey } from "../keys/handle.js";
import type { KeyFacts } from "./strength.js";

function remedy(algorithm: string): string {
  if (algorithm === "AES") return "an AES key protects versions D and E";
  if (algorithm === "TDES") return "a TDES key protects versions A, B and C";
  return "only AES and TDES keys protect key blocks";
}

/**
 * The KBPK, if algorithm, usage (K0, K1; K4 in D and E) and mode of use suit. Throws `ERR_KEY_BLOCK_KBPK` for the algorithm,
 * `ERR_KEY_USAGE` for the rest.
 */
export function requireKbpk(kbpk: SecretKey, version: KeyBlockVersion, operation: "wrap" | "unwrap"): KeyFacts {
  const { algorithm, strength: limit } = attributesOf(kbpk, "kbpk");
  const needed = kbpkAlgorithm(version);
  if (algorithm !== needed) {
    const message = `Key block: version ${version} needs a KBPK of algorithm ${needed}, but this one is ${algorithm}: ${remedy(algorithm)}`;
    throw new PosCryptoError("ERR_KEY_BLOCK_KBPK", message, { details: { version, algorithm } });
  }
  const usages = needed === "AES" ? ["K0", "K1", "K4"] : ["K0", "K1"];
  const { backend, slot } = requireUse(kbpk, "kbpk", { operation, usages, algorithms: [needed] });
  return { backend, slot, algorithm, hash: undefined, bytes: backend.slotLength(slot), limit };
}
