/**
 * What an authentic key block must still satisfy once its key is known: ANSI X9.143:2021 clauses 5.2, 6.3.2, 6.3.6 and 6.4. Every
 * function here runs after the MAC was verified and returns findings; whether they throw is the caller's.
 *
 * Public: lengths and verdicts. Check values are compared in constant time.
 */
import { decodeHex } from "../../base/bytes.js";
import { checkValueBytes, type KcvMethod, methodsFor } from "../keys/check-value-methods.js";
import { type KeyAlgorithm, SHORTEST_HMAC_BITS, suitsAlgorithm } from "../keys/attributes.js";
import { hiddenKeyBytes, optionalBlock, payloadBytes } from "./algorithm.js";
import { type PolicyFinding, violation, x9143 } from "./findings.js";
import type { KeyBlockHeader } from "./header.js";
import { type KeyFacts, strengthOf, weaknessOf } from "./strength.js";

/** Whether a length suits the algorithm; HMAC keys need 112 bits (NIST SP 800-131A r2 clause 10). */
export function keyLengthFindings(algorithm: KeyAlgorithm, bytes: number): PolicyFinding[] {
  if (algorithm === "HMAC" ? 8 * bytes >= SHORTEST_HMAC_BITS : suitsAlgorithm(algorithm, bytes)) return [];
  const clause = algorithm === "HMAC" ? "NIST SP 800-131A r2 clause 10" : x9143("6.3.2, table 3");
  return [violation("key-length", "key", clause, `${bytes} bytes are no length for a key of algorithm ${algorithm}`)];
}

/** X9.143:2021 clause 5.2: the KBPK is at least as strong as the key. */
export function strengthFindings(kbpk: KeyFacts, key: KeyFacts): PolicyFinding[] {
  const available = strengthOf(kbpk);
  const needed = strengthOf(key);
  if (available === undefined || needed === undefined || available >= needed) return [];
  const clause = `${x9143("5.2")}; NIST SP 800-57 part 1 r5 tables 2 and 3`;
  return [violation("strength", "kbpk", clause, `a key of ${needed} bits of strength under a KBPK of ${available}`)];
}

const KEY_ENCRYPTION: readonly string[] = ["K0", "K1", "K4"];

/**
 * Weak and semi-weak DES keys, and TDEA keys of equal parts: SP 800-67 r2 clauses 3.2 and 3.3.2. Refused where they protect other
 * keys; a working key of that kind (a test key, say) is told of.
 */
export function weaknessFindings(kbpk: KeyFacts, key: KeyFacts, usage: string): PolicyFinding[] {
  const found: PolicyFinding[] = [];
  const clause = "NIST SP 800-67 r2 clauses 3.2, 3.3.2";
  const ofKbpk = weaknessOf(kbpk);
  const ofKey = weaknessOf(key);
  if (ofKbpk !== undefined) found.push(violation("weak-key", "kbpk", clause, `the KBPK ${ofKbpk}; have another one exchanged`));
  if (ofKey === undefined) return found;
  const message = `the key ${ofKey}`;
  if (KEY_ENCRYPTION.includes(usage))
    return [...found, violation("weak-key", "key", clause, `${message}; it protects other keys`)];
  return [...found, { code: "weak-key", severity: "notice", field: "key", message, clause }];
}

/** Payload padding beyond what hiding or one cipher block explains. Strict form only: some senders always add a block. */
export function surplusFindings(header: KeyBlockHeader, keyBytes: number, paddingLength: number): PolicyFinding[] {
  const hidden = Math.max(keyBytes, hiddenKeyBytes(header.algorithm) ?? 0);
  if (2 + keyBytes + paddingLength <= payloadBytes(header.version, hidden)) return [];
  const message = "more padding than length hiding explains";
  return [{ ...violation("surplus-padding", "ciphertext", x9143("6.4"), message), knob: "grammar" }];
}

/** KC against the key, KP against the KBPK, where `judgeHeader` finds that they can be compared. */
export function checkValueFindings(header: KeyBlockHeader, id: "KC" | "KP", key: KeyFacts): PolicyFinding[] {
  const value = optionalBlock(header, id)?.value;
  if (value?.id !== id || key.algorithm === "HMAC" || !methodsFor(key.algorithm).includes(value.method)) return [];
  if (matchesCheckValue(key, value.method, value.checkValue)) return [];
  return id === "KC"
    ? [violation("key-check-value", id, x9143("6.3.6.7"), "KC is not the check value of the key")]
    : [violation("kbpk-check-value", id, x9143("6.3.6.8"), "KP is not the check value of the KBPK")];
}

/** Compares a stated check value, in upper-case hex, with the real one in constant time. */
export function matchesCheckValue(key: Omit<KeyFacts, "hash" | "bytes">, method: KcvMethod, text: string): boolean {
  const { backend, slot, algorithm } = key;
  const expected = decodeHex("checkValue", text);
  return backend.equal(checkValueBytes(backend, slot, algorithm, method, undefined, expected.length), expected);
}
