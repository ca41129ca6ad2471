/**
 * DUKPT on the host (X9.24-3:2017): initial keys and working keys out of a base derivation key.
 *
 * Initial and transaction keys exist inside the backend only, for the time of a call; constant-time where the backend is. A KSN that
 * is well-formed always gives keys: that it came from the terminal shows when a PIN block, MAC or padding is right.
 */
import { assertObject, flag } from "../../base/arguments.js";
import { PosCryptoError } from "../../base/errors.js";
import { resolveAttributes } from "../keys/attributes.js";
import { attributesOf, type KeyInternals, type KeyNeed, makeKey, requireUse, type SecretKey } from "../keys/key.js";
import { wrapKeyBlock } from "../key-block/wrap.js";
import { initialKeySlot, tryDukpt, workingSlots } from "./calls.js";
import { checkCounter, type Ksn, ksnAt, parseKsn } from "./ksn.js";
import {
  type Chain,
  type DukptKeyOptions,
  type DukptKeys,
  type DukptSide,
  type DukptWanted,
  handlesOf,
  planKeys,
  readSide,
  requestsOf,
} from "./working-keys.js";

/** Options of `deriveInitialKey`. */
export interface InitialKeyOptions {
  /** Whether `exposeKeyBytes` gives the initial key out. Default false. */
  extractable?: boolean;
}

/** Options of `deriveDukptKeys`. */
export interface DeriveDukptKeysOptions extends DukptKeyOptions {
  /** Whose keys: `host` (default) verifies and decrypts requests, `terminal` makes them. */
  side?: DukptSide;
  /**
   * Whether AES counters of 17 ones are refused, as the standard's text does. Default true. Some terminals follow the standard's
   * pseudo-code, which uses one of them after each counter of 16 ones.
   */
  strictCounter?: boolean;
}

const BDK: KeyNeed = { operation: "derive", usages: ["B0"], algorithms: ["AES", "TDES"] };
const BDK_OR_INITIAL: KeyNeed = { operation: "derive", usages: ["B0", "B1"], algorithms: ["AES", "TDES"] };
const INITIAL: KeyNeed = { operation: "derive", usages: ["B1"], algorithms: ["AES", "TDES"] };

/** A key that starts a chain. */
export interface ChainKey extends KeyInternals {
  readonly chain: Chain;
}

function requireChain(key: SecretKey, name: string, need: KeyNeed): ChainKey {
  const { backend, slot } = requireUse(key, name, need);
  const chain = { algorithm: key.algorithm as "AES" | "TDES", bits: key.bits };
  if (chain.algorithm === "TDES" && chain.bits !== 128) {
    throw new PosCryptoError("ERR_KEY_USAGE", `"${name}" has ${chain.bits} bits; TDES DUKPT has keys of 128`);
  }
  tryDukpt(backend);
  return { backend, slot, chain };
}

/** An initial key, usage B1. Throws `ERR_KEY_USAGE`, `ERR_KEY_DESTROYED`, `ERR_INVALID_ARGUMENT`. Internal. */
export function requireInitialKey(key: SecretKey, name: string): ChainKey {
  return requireChain(key, name, INITIAL);
}

/**
 * The initial key of a terminal (TDES: also IPEK): what is loaded into it, once. The counter of the KSN plays no part.
 *
 * Source: X9.24-3:2017 clause 6.3.3 (AES), annex C (TDES).
 *
 * @param bdk base derivation key: usage B0, mode of use X or N, AES or TDES of 128 bits
 * @param ksn of the terminal: 24 digits (20 in the compatibility form) for AES, 20 (16 or 18) for TDES; or bytes
 * @param options whether the key can be exposed
 * @returns usage B1, mode X, exportability E, as long as the base derivation key
 * @throws `ERR_KSN` for a KSN that is none, or not of the key's algorithm
 * @throws `ERR_KEY_USAGE` for a key that is no BDK, `ERR_KEY_DESTROYED`, `ERR_KEY_CAPACITY`, `ERR_INVALID_ARGUMENT`
 * @example
 * ```ts
 * import { exposeKeyBytes, importKey } from "viopay-pos-crypto";
 * import { deriveInitialKey } from "viopay-pos-crypto/dukpt";
 *
 * const bdk = importKey("0123456789ABCDEFFEDCBA9876543210", { algorithm: "TDES", usage: "B0", modeOfUse: "X" });
 * const ik = deriveInitialKey(bdk, "FFFF9876543210E00000", { extractable: true });
 * console.log(Buffer.from(exposeKeyBytes(ik)).toString("hex")); // prints 6ac292faa1315b4d858ab3a3d7d5933a
 * for (const made of [bdk, ik]) made.destroy();
 * ```
 */
export function deriveInitialKey(bdk: SecretKey, ksn: string | Uint8Array, options: InitialKeyOptions = {}): SecretKey {
  assertObject("options", options);
  const extractable = flag(options, "extractable");
  const { backend, slot, chain } = requireChain(bdk, "bdk", BDK);
  const parsed = parseKsn(ksn, chain.algorithm);
  const attributes = resolveAttributes(
    { algorithm: chain.algorithm, usage: "B1", modeOfUse: "X", exportability: "E", extractable },
    false,
  );
  return makeKey(backend, initialKeySlot(backend, slot, parsed), attributes);
}

/**
 * The working keys of one transaction, each bound to its use, mode and side: a host's `macRequest` verifies and cannot make MACs.
 * All keys of a call share one derivation. Source: X9.24-3:2017 clause 6.3 (AES), annex C (TDES).
 *
 * @param key base derivation key (usage B0) or initial key (B1), mode of use X or N
 * @param ksn as the terminal sent it
 * @param wanted which keys, of which type
 * @param options side, field dialects, strictness
 * @returns the KSN in 20 or 24 digits, and a key for each name in `wanted`: exportability N
 * @throws `ERR_KSN` for a KSN that is none or not of the key's algorithm, and for counters that are no transaction's: 0, more than
 *   10 ones in TDES, more than 16 in AES (17 with `strictCounter: false`)
 * @throws `ERR_KEY_USAGE` for a key that is neither, and for working keys stronger than it
 * @throws `ERR_INVALID_ARGUMENT`, `ERR_KEY_DESTROYED`, `ERR_KEY_CAPACITY`
 * @example
 * ```ts
 * import { decryptPinBlock, importKey } from "viopay-pos-crypto";
 * import { deriveDukptKeys } from "viopay-pos-crypto/dukpt";
 *
 * const bdk = importKey("FEDCBA9876543210F1F1F1F1F1F1F1F1", { algorithm: "AES", usage: "B0", modeOfUse: "X" });
 * const { ksn, pin } = deriveDukptKeys(bdk, "123456789012345600000001", { pin: true });
 * console.log(`${pin}`, ksn); // prints SecretKey(P0 AES-128 counter 00000001) 123456789012345600000001
 * console.log(decryptPinBlock(pin, "A912150391AB65A67E52883D81CE2D15", { format: 4, pan: "4111111111111111" })); // prints 1234
 * for (const made of [bdk, pin]) made.destroy();
 * ```
 */
export function deriveDukptKeys<const W extends DukptWanted>(
  key: SecretKey,
  ksn: string | Uint8Array,
  wanted: W,
  options: DeriveDukptKeysOptions = {},
): DukptKeys<W> {
  assertObject("options", options);
  const { backend, slot, chain } = requireChain(key, "key", BDK_OR_INITIAL);
  const plan = planKeys(wanted, options, chain, readSide(options));
  const strict = flag(options, "strictCounter", true);
  const parsed = parseKsn(ksn, chain.algorithm);
  checkCounter(parsed, strict || chain.algorithm === "TDES" ? 0 : 1);
  const isBdk = attributesOf(key, "key").usage === "B0";
  return handlesOf(plan, backend, workingSlots(backend, slot, isBdk, parsed, requestsOf(plan)), parsed);
}

/** The optional block that carries a terminal's KSN: IK with an AES key, KS with TDES and with the compatibility form. Internal. */
export function ksnBlock(ksn: Ksn): { id: "IK" | "KS"; data: string } {
  return ksn.ksn.length === 24 ? { id: "IK", data: ksn.initialKeyId } : { id: "KS", data: ksn.ksn };
}

/**
 * A terminal's initial key as a key block: derived and wrapped in one go, usage B1, mode of use X, exportability N. The KSN goes
 * with it: its initial key ID in IK (AES), or the KSN at counter 0 in KS (TDES, and AES in the compatibility form).
 *
 * @param bdk usage B0, mode of use X or N
 * @param ksn of the terminal; its counter plays no part
 * @param kbpk what the terminal opens the block with: as for `wrapKeyBlock`, at least as strong as `bdk`
 * @returns a key block, version D under an AES key, B under a TDES key
 * @throws `ERR_KEY_BLOCK_POLICY` for a KBPK weaker than the key, and whatever else `deriveInitialKey` and `wrapKeyBlock` throw
 * @example
 * ```ts
 * import { importKey, parseKeyBlock, unwrapKeyBlock } from "viopay-pos-crypto";
 * import { DukptTerminal, issueInitialKey } from "viopay-pos-crypto/dukpt";
 *
 * const bdk = importKey("FEDCBA9876543210F1F1F1F1F1F1F1F1", { algorithm: "AES", usage: "B0", modeOfUse: "X" });
 * const zmk = importKey("000102030405060708090A0B0C0D0E0F", { algorithm: "AES", usage: "K0" });
 * const block = issueInitialKey(bdk, "123456789012345600000000", zmk);
 * console.log(parseKeyBlock(block).optionalBlocks[0]?.id); // prints IK
 * const terminal = DukptTerminal.load(unwrapKeyBlock(zmk, block));
 * console.log(terminal.ksn); // prints 123456789012345600000001
 * terminal.destroy();
 * for (const made of [bdk, zmk]) made.destroy();
 * ```
 */
export function issueInitialKey(bdk: SecretKey, ksn: string | Uint8Array, kbpk: SecretKey): string {
  const ik = deriveInitialKey(bdk, ksn);
  try {
    const parsed = parseKsn(ksn, ik.algorithm as "AES" | "TDES");
    const start = { ...parsed, ksn: ksnAt(parsed, 0) };
    // KS beside an AES key is not in X9.143's table, but the only block with room for the compatibility form.
    return wrapKeyBlock(kbpk, ik, { exportability: "N", optionalBlocks: [ksnBlock(start)] }, { grammar: "lenient" });
  } finally {
    ik.destroy();
  }
}
