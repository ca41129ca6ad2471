/**
 * Installing key sets of the POS protocol: six keys in key blocks, in the order ZMK, TMK, KEK, then MSK, TPK, TDK and MAC under the
 * KEK, each verified by its check value before the next step.
 *
 * Blocks are held to the strict profile of `unwrapKeyBlock`: hidden lengths, upper-case hex, optional blocks as X9.143 writes them,
 * every policy enforced. A header that contradicts its role is an error. All or nothing: a failure destroys every key made so far.
 *
 * Material stays in the backends' slots, but for the short-lived copies that `binding.ts` and `key-set.ts` make and wipe.
 */
import { assertObject, choice, flag, own, refusal } from "../../base/arguments.js";
import { PosCryptoError } from "../../base/errors.js";
import { type HashKcvMethod, type KcvMethod, keyCheckValue, verifyKeyCheckValue } from "../keys/check-value.js";
import { attributesOf, internals, type SecretKey } from "../keys/key.js";
import { unwrapKeyBlock } from "../key-block/unwrap.js";
import { type Binding, earliestTime, readBinding, requireDifferentKeys, requireOneSet } from "./binding.js";
import { type KeysResponse, keySetError, type ReadKey, type ReadKeySet, readKeysResponse } from "./format.js";
import { destroyAll, type KeySet, type KeySetSide, makeKeySet, settleRole } from "./key-set.js";
import { byRole, type KeyRole, readRoles, ROLES, type RoleProfile } from "./roles.js";

export type { KeysResponse, WrappedKey } from "./format.js";
export type { KeySet, KeySetSide } from "./key-set.js";
export type { KeyRole, KeySetUsage } from "./roles.js";

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
  /**
   * The `wrappedAt` of the last set: a set whose blocks state an earlier time is refused. Sets that state none are accepted. Default:
   * none is refused.
   */
  notBefore?: Date | undefined;
}

/**
 * Installs a key set from the answer of `POST /pos/keys`: TMK under the ZMK, KEK under the TMK, the others under the KEK, each
 * held to the strict profile of `unwrapKeyBlock` and verified by its check value before the next step. All or nothing: after an
 * error no key is left. Expiry is not checked: see `expiresAt`. Source: "Step 6, Download keys" of the end-to-end example.
 *
 * Roles: TMK and KEK are KBPKs; MSK is D0 AES; TPK is P0 and TDK D0, AES or TDES; MAC is M7 HMAC, or M1, M3 or M6 with AES, which
 * becomes an HMAC-SHA-256 key once its check value is verified as an AES key's.
 *
 * No key may serve two roles. Where a block has a label (LB) that `issueKeySet` wrote, role and key set id must be those of its
 * place; where it has a time stamp (TS), it must not be earlier than `notBefore`.
 *
 * @param zmk a KBPK (usage K0, K1 or K4) that may unwrap
 * @param response as it came out of `JSON.parse`
 * @throws `ERR_KEY_SET` for an answer that is malformed, lacks a check value, holds a key that contradicts its role or serves another
 *   one, too, or is older than `notBefore`; `details.member` names the place
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
  const made: Partial<Record<KeyRole, SecretKey>> = Object.create(null);
  try {
    const verified = byRole((profile) => {
      const kbpk = profile.parent === "zmk" ? zmk : made[profile.parent]!;
      const one = unwrapVerified(kbpk, profile, read.keys[profile.role], settings.kcv[profile.role]);
      made[profile.role] = one.key;
      return one;
    });
    const wrappedAt = checkBindings(read, verified, settings.notBefore);
    for (const profile of ROLES) {
      const key = made[profile.role]!;
      made[profile.role] = settleRole(key, profile, settings, attributesOf(key, "key"));
    }
    return makeKeySet(made as Record<KeyRole, SecretKey>, { ...factsOf(read, verified), wrappedAt });
  } catch (error) {
    destroyAll(made);
    throw error;
  }
}

/** One key of a set, unwrapped, and what its block says under its MAC. */
interface VerifiedKey {
  readonly key: SecretKey;
  readonly method: KcvMethod | HashKcvMethod;
  readonly binding: Binding;
}

/** Unwraps one key, checks it against its role, and verifies its check value. */
function unwrapVerified(
  kbpk: SecretKey,
  profile: RoleProfile,
  { block, kcv }: ReadKey,
  method: KcvMethod | HashKcvMethod | undefined,
): VerifiedKey {
  const { role } = profile;
  const { key, header } = withRole(role, () =>
    unwrapKeyBlock(kbpk, block, { lengthHiding: "required", grammar: "strict", hexCase: "upper", policy: "enforce" }),
  );
  try {
    assertRole(key, profile);
    return { key, binding: readBinding(role, header), ...withRole(role, () => verifyRole(key, kcv, method)) };
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

/** Throws `ERR_KCV_MISMATCH` with both values; a key's value by a private method stays unsaid. */
function verifyRole(key: SecretKey, expected: string, method: KcvMethod | HashKcvMethod | undefined) {
  try {
    return verifyKeyCheckValue(key, expected, { method: method === undefined ? "auto" : method });
  } catch (error) {
    if (!(error instanceof PosCryptoError) || error.code !== "ERR_KCV_MISMATCH") throw error;
    const actual =
      typeof method === "object" ? undefined : keyCheckValue(key, { length: expected.length / 2, ...(method && { method }) });
    const has = actual === undefined ? "another" : actual;
    const message = `the answer states check value ${expected}, the key in the block has ${has}`;
    throw new PosCryptoError("ERR_KCV_MISMATCH", message, { details: { ...error.details, expected, actual } });
  }
}

/** Runs `body`; what it throws says which role it was about. */
function withRole<T>(role: KeyRole, body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (!(error instanceof PosCryptoError)) throw error;
    // ERR_INVALID_ARGUMENT begins with the argument's name in every case.
    const message = error.code === "ERR_INVALID_ARGUMENT" ? error.message : `key set: "${role}": ${error.message}`;
    throw new PosCryptoError(error.code, message, { details: { ...error.details, role } });
  }
}

/** Checks what the blocks say of each other and of their time, and returns that time. Throws `ERR_KEY_SET`. */
function checkBindings(
  read: ReadKeySet,
  verified: Readonly<Record<KeyRole, VerifiedKey>>,
  notBefore: Date | undefined,
): Date | undefined {
  requireDifferentKeys(byRole(({ role }) => verified[role].key));
  const bindings = byRole(({ role }) => verified[role].binding);
  requireOneSet(bindings, read.keySetId);
  const time = earliestTime(bindings);
  if (time === undefined) return undefined;
  if (notBefore !== undefined && time < notBefore.getTime()) {
    throw keySetError("keys", "the set is older than one that was installed before, by the time stamps in its blocks");
  }
  return new Date(time);
}

function factsOf(read: ReadKeySet, verified: Readonly<Record<KeyRole, VerifiedKey>>) {
  const keyIds: Partial<Record<KeyRole, string>> = Object.create(null);
  for (const { role } of ROLES) {
    const { keyId } = read.keys[role];
    if (keyId !== undefined) keyIds[role] = keyId;
  }
  const { keySetId, issuedAt, expiresAt } = read;
  const checkValues = byRole(({ role }) => ({ kcv: read.keys[role].kcv, method: verified[role].method }));
  return { keySetId, issuedAt, expiresAt, keyIds, checkValues };
}

interface InstallSettings {
  readonly side: KeySetSide;
  readonly kcv: Partial<Record<KeyRole, KcvMethod | HashKcvMethod>>;
  readonly keepTransportKeys: boolean;
  readonly notBefore: Date | undefined;
}

function readInstallOptions(options: InstallOptions): InstallSettings {
  assertObject("options", options);
  const notBefore = own(options, "notBefore");
  if (notBefore !== undefined && !(notBefore instanceof Date && Number.isFinite(notBefore.getTime()))) {
    throw refusal("notBefore", "a Date", notBefore);
  }
  return {
    side: choice(options, "side", ["terminal", "host"], "terminal"),
    kcv: readRoles("kcv", own(options, "kcv")),
    keepTransportKeys: flag(options, "keepTransportKeys"),
    notBefore,
  };
}
