/**
 * Key sets of the POS protocol: six keys in key blocks, installed in the order ZMK, TMK, KEK, then MSK, TPK, TDK and MAC under the
 * KEK, each verified by its check value before the next step.
 *
 * Blocks are held to the strict profile of `unwrapKeyBlock`: hidden lengths, upper-case hex, optional blocks to the letter, every
 * policy enforced. A header that contradicts its role is an error. All or nothing: a failure destroys every key made so far.
 *
 * Material stays in the backends' slots, except where a key changes its attributes (the host's complementary mode of use, an AES
 * `mac` that becomes an HMAC key): there a copy lives for one call and is wiped.
 */
import { assertObject, choice, flag, own } from "../../base/arguments.js";
import { wipe } from "../../base/bytes.js";
import { type HashKcvMethod, type KcvMethod, keyCheckValue, verifyKeyCheckValue } from "../keys/check-value.js";
import { invalidArgument, PosCryptoError } from "../../base/errors.js";
import { attributesOf, internals, makeKey, type ResolvedKeyAttributes, type SecretKey } from "../keys/key.js";
import { slotKindOf } from "../keys/attributes.js";
import { unwrapKeyBlock } from "../key-block/unwrap.js";
import {
  type KeyRole,
  type KeysResponse,
  keySetError,
  type ReadKey,
  ROLES,
  type RoleProfile,
  readKeysResponse,
} from "./format.js";

export type { KeyRole, KeySetUsage, KeysResponse, WrappedKey } from "./format.js";

/** Which side of the protocol holds the keys. */
export type KeySetSide = "terminal" | "host";

/** How `installKeySet` treats the keys. */
export interface InstallOptions {
  /**
   * `terminal` (default): keys as their headers say. `host`: the working keys get the complementary modes of use, so that a
   * terminal's `E` becomes `D` and its `G` becomes `V`.
   */
  side?: KeySetSide | undefined;
  /** The method of a role's check value. Default for every role: `auto`, whichever method of the algorithm matches. */
  kcv?: Partial<Record<KeyRole, KcvMethod | HashKcvMethod>> | undefined;
  /** Whether TMK and KEK stay usable. Default false: they are destroyed after the install. */
  keepTransportKeys?: boolean | undefined;
}

/** Six keys and what the host says about them. Frozen. */
export interface KeySet extends Readonly<Record<KeyRole, SecretKey>> {
  /** As the host calls the set; `undefined` where the answer does not say. */
  readonly keySetId: string | undefined;
  /** `undefined` where the answer does not say. */
  readonly issuedAt: Date | undefined;
  /** After which the host takes the keys no more; `undefined` where the answer does not say. */
  readonly expiresAt: Date | undefined;
  /** As the host names the keys; `mac` is the `X-Key-Id` of requests. */
  readonly keyIds: Readonly<Partial<Record<KeyRole, string>>>;
  /** The check values that were verified, upper case, and the method by which each matched. */
  readonly checkValues: Readonly<Record<KeyRole, { readonly kcv: string; readonly method: KcvMethod | HashKcvMethod }>>;
  /** Destroys every key of the set. */
  destroy(): void;
}

const TRANSPORT_ROLES: readonly KeyRole[] = ["tmk", "kek"];

/** Which mode of use the other side needs: X9.143:2021 table 4. */
const COMPLEMENT: Readonly<Record<string, string>> = { E: "D", D: "E", G: "V", V: "G" };

/**
 * Installs a key set from the answer of `POST /pos/keys`: TMK under the ZMK, KEK under the TMK, the others under the KEK, each
 * held to the strict profile of `unwrapKeyBlock` and verified by its check value before the next step. All or nothing: after an
 * error no key is left. Whether the set has expired is the caller's to ask: `expiresAt`. Source: "Step 6, Download keys" of the
 * end-to-end example.
 *
 * Roles: TMK and KEK are KBPKs; MSK is D0 AES; TPK is P0 and TDK D0, AES or TDES; MAC is M7 HMAC, or M1, M3 or M6 with AES, which
 * becomes an HMAC-SHA-256 key once its check value is verified as an AES key's.
 *
 * @param zmk a KBPK (usage K0, K1 or K4) that may unwrap
 * @param response as it came out of `JSON.parse`
 * @throws `ERR_KEY_SET` for an answer that is malformed, lacks a check value, or holds a key that contradicts its role;
 *   `details.member` names the place
 * @throws `ERR_KCV_MISMATCH` with the role and both values in `details`
 * @throws `ERR_KEY_BLOCK_SYNTAX`, `ERR_KEY_BLOCK_PROPRIETARY`, `ERR_KEY_BLOCK_KBPK`, `ERR_KEY_BLOCK_MAC`,
 *   `ERR_KEY_BLOCK_PAYLOAD`, `ERR_KEY_BLOCK_POLICY` as `unwrapKeyBlock`, with the role in `details`
 * @throws `ERR_KEY_USAGE`, `ERR_KEY_DESTROYED`, `ERR_KEY_CAPACITY`, `ERR_INVALID_ARGUMENT`
 * @example
 * ```ts
 * import { importKey, installKeySet, issueKeySet } from "viopay-pos-crypto";
 *
 * const zmk = importKey("000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F", { algorithm: "AES", usage: "K0" });
 * const host = issueKeySet(zmk, { keySetId: "ks-1" });
 * const keys = installKeySet(zmk, JSON.parse(JSON.stringify(host.response)));
 * console.log(keys.keySetId, keys.msk.usage, keys.tpk.modeOfUse, keys.mac.algorithm); // prints ks-1 D0 E HMAC
 * console.log(keys.tmk.destroyed, keys.checkValues.msk.method); // prints true CMAC
 * for (const set of [keys, host.keys]) set.destroy();
 * zmk.destroy();
 * ```
 */
export function installKeySet(zmk: SecretKey, response: KeysResponse, options: InstallOptions = {}): KeySet {
  const settings = readInstallOptions(options);
  internals(zmk, "zmk");
  const read = readKeysResponse(response);
  const made: Partial<Record<KeyRole, SecretKey>> = {};
  const checkValues: Partial<Record<KeyRole, KeySet["checkValues"][KeyRole]>> = {};
  try {
    for (const profile of ROLES) {
      const { role, parent } = profile;
      const kbpk = parent === "zmk" ? zmk : made[parent]!;
      const { key, method } = unwrapVerified(kbpk, profile, read.keys[role], settings.kcv[role]);
      made[role] = key;
      checkValues[role] = { kcv: read.keys[role].kcv, method };
    }
    for (const { role } of ROLES) made[role] = settleKey(made[role]!, role, settings);
  } catch (error) {
    destroyAll(made);
    throw error;
  }
  const keyIds: Partial<Record<KeyRole, string>> = {};
  for (const { role } of ROLES) {
    const { keyId } = read.keys[role];
    if (keyId !== undefined) keyIds[role] = keyId;
  }
  return makeKeySet(made as Record<KeyRole, SecretKey>, {
    keySetId: read.keySetId,
    issuedAt: read.issuedAt,
    expiresAt: read.expiresAt,
    keyIds,
    checkValues: checkValues as KeySet["checkValues"],
  });
}

/** Unwraps one key, checks it against its role, and verifies its check value. */
function unwrapVerified(
  kbpk: SecretKey,
  profile: RoleProfile,
  { block, kcv }: ReadKey,
  method: KcvMethod | HashKcvMethod | undefined,
): { key: SecretKey; method: KcvMethod | HashKcvMethod } {
  const { role } = profile;
  const key = naming(role, () => {
    return unwrapKeyBlock(kbpk, block, { lengthHiding: "required", grammar: "strict", hexCase: "upper", policy: "enforce" }).key;
  });
  try {
    assertRole(key, profile);
    return { key, ...naming(role, () => verify(key, kcv, method)) };
  } catch (error) {
    key.destroy();
    throw error;
  }
}

function assertRole(key: SecretKey, { role, usages, algorithms, terminalModes }: RoleProfile): void {
  const fault = (what: string, has: string, takes: readonly string[]) => {
    return keySetError(`keys.${role}.key_block`, `"${role}" has ${what} ${has}, but its role takes ${takes.join(", ")}`);
  };
  const { usage, algorithm, modeOfUse } = key;
  if (!usages.includes(usage)) throw fault("usage", usage, usages);
  if (!algorithms.includes(algorithm)) throw fault("algorithm", algorithm, algorithms);
  if (!terminalModes.includes(modeOfUse)) throw fault("mode of use", modeOfUse, [...terminalModes]);
}

function verify(key: SecretKey, expected: string, method: KcvMethod | HashKcvMethod | undefined) {
  try {
    return verifyKeyCheckValue(key, expected, { method: method === undefined ? "auto" : method });
  } catch (error) {
    if (!(error instanceof PosCryptoError) || error.code !== "ERR_KCV_MISMATCH") throw error;
    const actual =
      typeof method === "object" ? undefined : keyCheckValue(key, { length: expected.length / 2, ...(method && { method }) });
    const has = actual === undefined ? "another" : actual;
    const message = `the answer states check value ${expected}, the key in the block has ${has}`;
    throw new PosCryptoError("ERR_KCV_MISMATCH", message, { details: { expected, actual } });
  }
}

/** Runs `body`; what it throws says which role it was about. */
function naming<T>(role: KeyRole, body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (!(error instanceof PosCryptoError)) throw error;
    // ERR_INVALID_ARGUMENT begins with the argument's name in every case.
    const message = error.code === "ERR_INVALID_ARGUMENT" ? error.message : `key set: "${role}": ${error.message}`;
    throw new PosCryptoError(error.code, message, { details: { ...error.details, role } });
  }
}

/**
 * The handle as its holder keeps it, given the mode of use and exportability that the terminal's block states. `key` is used up,
 * whatever happens. Internal.
 */
export function settleKey(
  key: SecretKey,
  role: KeyRole,
  { side, keepTransportKeys }: { side: KeySetSide; keepTransportKeys: boolean },
  stated: Pick<ResolvedKeyAttributes, "modeOfUse" | "exportability"> = attributesOf(key, "key"),
): SecretKey {
  if (TRANSPORT_ROLES.includes(role) && !keepTransportKeys) {
    key.destroy();
    return key;
  }
  const modeOfUse = side === "host" ? (COMPLEMENT[stated.modeOfUse] ?? stated.modeOfUse) : stated.modeOfUse;
  const { exportability } = stated;
  if (role === "mac" && key.algorithm === "AES") {
    return remake(key, { algorithm: "HMAC", usage: "M7", hash: "SHA-256", letter: "H", modeOfUse, exportability });
  }
  const same = modeOfUse === key.modeOfUse && exportability === key.exportability;
  return same ? key : remake(key, { modeOfUse, exportability });
}

/** The same material with other attributes, in a slot of its own; `key` is destroyed, whatever happens. */
function remake(key: SecretKey, changes: Partial<ResolvedKeyAttributes>): SecretKey {
  const { backend, slot } = internals(key, "key");
  const attributes = { ...attributesOf(key, "key"), ...changes };
  const material = backend.readSlot(slot);
  try {
    return makeKey(backend, backend.createSlot(slotKindOf(attributes.algorithm), material), attributes);
  } finally {
    wipe(material);
    key.destroy();
  }
}

/** Internal. */
export function makeKeySet(keys: Record<KeyRole, SecretKey>, facts: Omit<KeySet, KeyRole | "destroy">): KeySet {
  Object.freeze(facts.keyIds);
  for (const checked of Object.values(facts.checkValues)) Object.freeze(checked);
  Object.freeze(facts.checkValues);
  return Object.freeze({ ...keys, ...facts, destroy: () => destroyAll(keys) });
}

/** Internal. */
export function destroyAll(keys: Partial<Record<KeyRole, SecretKey>>): void {
  for (const { role } of ROLES) keys[role]?.destroy();
}

interface InstallSettings {
  side: KeySetSide;
  kcv: Partial<Record<KeyRole, KcvMethod | HashKcvMethod>>;
  keepTransportKeys: boolean;
}

function readInstallOptions(options: InstallOptions): InstallSettings {
  assertObject("options", options);
  return {
    side: choice(options, "side", ["terminal", "host"], "terminal"),
    kcv: readRoles("kcv", own(options, "kcv")),
    keepTransportKeys: flag(options, "keepTransportKeys"),
  };
}

/** An object with members for roles alone. Internal. */
export function readRoles<T>(name: string, value: Partial<Record<KeyRole, T>> | undefined): Partial<Record<KeyRole, T>> {
  if (value === undefined) return {};
  assertObject(name, value);
  const known: readonly string[] = ROLES.map(({ role }) => role);
  // Without a prototype, since a role that is absent is asked for, too.
  const members: Partial<Record<KeyRole, T>> = Object.create(null);
  for (const role of Object.keys(value)) {
    if (!known.includes(role)) throw invalidArgument(name, `an object with members of ${known.join(", ")}`, "another member");
    const member = value[role as KeyRole];
    if (member !== undefined) members[role as KeyRole] = member;
  }
  return members;
}
