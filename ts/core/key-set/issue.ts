/**
 * Issuing key sets: the host's half of `POST /pos/keys`, for mock servers, tests and hosts. Six fresh keys in version D blocks, TMK
 * under the ZMK, KEK under the TMK, the others under the KEK.
 *
 * Material is made and stays in the backend's slots, as `key-set.ts` says. Every block says under its MAC what it is for and when it
 * was made: `binding.ts`.
 */
import {
  assertObject,
  choice,
  flag,
  func,
  numberRefusal,
  own,
  readChoice,
  textRefusal,
  wholeNumber,
} from "../../base/arguments.js";
import { encodeBase64, encodeUtf8 } from "../../base/bytes.js";
import { invalidArgument, PosCryptoError } from "../../base/errors.js";
import { formatTimestamp } from "../../base/timestamp.js";
import { wrapKeyBlock } from "../key-block/wrap.js";
import { type KcvMethod, keyCheckValue } from "../keys/check-value.js";
import { methodsFor } from "../keys/check-value-methods.js";
import { attributesOf, generateKey, internals, type KeyAlgorithm, type SecretKey } from "../keys/key.js";
import { createNonce } from "../signing.js";
import { bindingBlocks } from "./binding.js";
import { isId, type KeysResponse, type WrappedKey } from "./format.js";
import { destroyAll, type KeySet, makeKeySet, settleRole } from "./key-set.js";
import { byRole, type KeyRole, readRoles, ROLES, type RoleProfile } from "./roles.js";

/** What the key set is to be. Everything has a default. */
export interface IssueOptions {
  /** `tpk` and `tdk`: AES (default) or TDES. `mac`: HMAC (default), or AES for hosts that know no HMAC keys. */
  algorithms?: { tpk?: "AES" | "TDES"; tdk?: "AES" | "TDES"; mac?: "HMAC" | "AES" } | undefined;
  /** Key lengths. Default: the ZMK's, and 192 for TDES. No key may be stronger than the one it is wrapped under. */
  bits?: Partial<Record<KeyRole, number>> | undefined;
  /** The method of a role's check value. Default: CMAC for AES, ANSI_X9_24 for TDES, HMAC for HMAC. */
  kcv?: Partial<Record<KeyRole, KcvMethod>> | undefined;
  /** Default: a random id. */
  keySetId?: string | undefined;
  /** Default: the role and the key set's id. */
  keyIds?: Partial<Record<KeyRole, string>> | undefined;
  /** Milliseconds since 1970. Default: the engine's clock. */
  now?: (() => number) | undefined;
  /** How long the set is valid. Default 90 days. */
  lifetimeSeconds?: number | undefined;
  /** How the blocks are written in the answer. Default `ascii`. */
  blockEncoding?: "ascii" | "base64" | undefined;
  /** As in `InstallOptions`. */
  keepTransportKeys?: boolean | undefined;
}

/** Both sides of one key set. */
export interface IssuedKeySet {
  /** For the terminal. */
  response: KeysResponse;
  /** The host's own side of the same keys. */
  keys: KeySet;
}

const DEFAULT_LIFETIME = 90 * 24 * 3600;

/** The last second of year 9999: RFC 3339 writes years of four digits. */
const LATEST = 253_402_300_799_000;

/**
 * Makes a fresh key set for a terminal that holds the same ZMK: the host's half of {@link installKeySet}. Blocks are version D;
 * the host's handles have the complementary modes of use (a terminal's TPK encrypts, the host's decrypts). Every block states its
 * role and the key set's id (LB) and the time (TS) under its MAC. After an error no key is left.
 *
 * @param zmk AES, a KBPK that may wrap
 * @returns the answer of `POST /pos/keys`, and the host's keys
 * @throws `ERR_INVALID_ARGUMENT` for options, and for a length or method that an algorithm does not have
 * @throws `ERR_KEY_BLOCK_POLICY` for a key stronger than the one it is wrapped under
 * @throws `ERR_KEY_USAGE`, `ERR_KEY_DESTROYED`, `ERR_NO_RANDOM`, `ERR_KEY_CAPACITY`
 * @example
 * ```ts
 * import { generateKey, issueKeySet } from "viopay-pos-crypto";
 *
 * const zmk = generateKey({ algorithm: "AES", usage: "K0", bits: 256 });
 * const { response, keys } = issueKeySet(zmk, { algorithms: { tpk: "TDES" } });
 * console.log(Object.keys(response.keys).join()); // prints tmk,kek,msk,tpk,tdk,mac
 * console.log(keys.tpk.algorithm, keys.tpk.modeOfUse); // prints TDES D
 * keys.destroy();
 * zmk.destroy();
 * ```
 */
export function issueKeySet(zmk: SecretKey, options: IssueOptions = {}): IssuedKeySet {
  const settings = readIssueOptions(zmk, options);
  const made: Partial<Record<KeyRole, SecretKey>> = Object.create(null);
  try {
    const wrapped = byRole((profile) => {
      const kbpk = profile.parent === "zmk" ? zmk : made[profile.parent]!;
      const { key, entry } = makeWrapped(kbpk, profile, settings);
      made[profile.role] = key;
      return entry;
    });
    const kcvs = byRole(({ role }) => keyCheckValue(made[role]!, { method: settings.plans[role].method }));
    for (const profile of ROLES) {
      const holder = { side: "host", keepTransportKeys: settings.keepTransportKeys } as const;
      made[profile.role] = settleRole(made[profile.role]!, profile, holder, statedBy(profile));
    }
    return bothSides(zmk, settings, made as Record<KeyRole, SecretKey>, wrapped, kcvs);
  } catch (error) {
    destroyAll(made);
    throw error;
  }
}

/** Makes one key and its block. */
function makeWrapped(kbpk: SecretKey, profile: RoleProfile, settings: IssueSettings): { key: SecretKey; entry: WrappedKey } {
  const { role, statedUsage } = profile;
  const { attributes, bits, keyId } = settings.plans[role];
  const { backend } = internals(kbpk, "zmk");
  const key = generateKey({ ...attributes, exportability: "E", backend, bits });
  try {
    const optionalBlocks = bindingBlocks(role, settings.keySetId, settings.issuedAt);
    const block = wrapKeyBlock(kbpk, key, { version: "D", ...statedBy(profile), optionalBlocks });
    const text = settings.base64 ? encodeBase64(encodeUtf8(block)) : block;
    return { key, entry: { key_id: keyId, key_block: text, usage: statedUsage } };
  } catch (error) {
    key.destroy();
    throw error;
  }
}

/** What the terminal's block says of its key. */
function statedBy({ terminalMode }: RoleProfile): { modeOfUse: string; exportability: "N" } {
  return { modeOfUse: terminalMode, exportability: "N" };
}

function bothSides(
  zmk: SecretKey,
  { keySetId, issuedAt, expiresAt, plans }: IssueSettings,
  made: Record<KeyRole, SecretKey>,
  wrapped: Record<KeyRole, WrappedKey>,
  kcvs: Record<KeyRole, string>,
): IssuedKeySet {
  const response: KeysResponse = {
    key_set: { key_set_id: keySetId, issued_at: formatTimestamp(issuedAt), expires_at: formatTimestamp(expiresAt) },
    transport: { format: "TR31", encryption: `AES-${zmk.bits}`, wrapped_under: "kek" },
    keys: wrapped,
    verification: { kcv: kcvs },
  };
  const keys = makeKeySet(made, {
    keySetId,
    issuedAt: new Date(issuedAt),
    expiresAt: new Date(expiresAt),
    wrappedAt: new Date(issuedAt - (issuedAt % 1000)),
    keyIds: byRole(({ role }) => plans[role].keyId),
    checkValues: byRole(({ role }) => ({ kcv: kcvs[role], method: plans[role].method })),
  });
  return { response, keys };
}

/** How one key of a set is made. */
interface Plan {
  readonly attributes: { algorithm: KeyAlgorithm; usage: string; modeOfUse: string };
  readonly bits: number;
  readonly method: KcvMethod;
  readonly keyId: string;
}

interface IssueSettings {
  readonly plans: Readonly<Record<KeyRole, Plan>>;
  readonly keySetId: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly base64: boolean;
  readonly keepTransportKeys: boolean;
}

function readIssueOptions(zmk: SecretKey, options: IssueOptions): IssueSettings {
  assertObject("options", options);
  const { algorithm } = attributesOf(zmk, "zmk");
  if (algorithm !== "AES")
    throw new PosCryptoError("ERR_KEY_USAGE", `"zmk" has algorithm ${algorithm}; key sets are issued under AES`);
  const plans = readPlans(zmk, options);
  const keySetId = own(options, "keySetId") ?? `ks_${createNonce()}`;
  assertId("keySetId", keySetId);
  const issuedAt = readClock(options);
  return {
    plans: byRole(({ role }) => ({ ...plans[role], keyId: plans[role].keyId ?? `${role}-${keySetId}` })),
    keySetId,
    issuedAt,
    expiresAt: issuedAt + readLifetime(options, issuedAt),
    base64: choice(options, "blockEncoding", ["ascii", "base64"], "ascii") === "base64",
    keepTransportKeys: flag(options, "keepTransportKeys"),
  };
}

/** Milliseconds since 1970. */
function readClock(options: IssueOptions): number {
  const now = func(options, "now");
  const time = now === undefined ? Date.now() : now();
  if (!(typeof time === "number" && time >= 0 && time <= LATEST)) {
    throw invalidArgument("now", "a function that returns milliseconds since 1970", "one that returns something else");
  }
  return time;
}

/** Milliseconds. */
function readLifetime(options: IssueOptions, issuedAt: number): number {
  const lifetime = wholeNumber(options, "lifetimeSeconds", { min: 1, unit: "seconds", fallback: DEFAULT_LIFETIME });
  if (issuedAt + lifetime * 1000 > LATEST) {
    throw numberRefusal("lifetimeSeconds", "a whole number of seconds from 1 that ends before year 10000", lifetime);
  }
  return lifetime * 1000;
}

type OpenPlan = Omit<Plan, "keyId"> & { readonly keyId: string | undefined };

function readPlans(zmk: SecretKey, options: IssueOptions): Record<KeyRole, OpenPlan> {
  const algorithms = readRoles("algorithms", own(options, "algorithms")) as Partial<Record<KeyRole, KeyAlgorithm>>;
  const bits = readRoles("bits", own(options, "bits"));
  const methods = readRoles("kcv", own(options, "kcv"));
  const keyIds = readRoles("keyIds", own(options, "keyIds"));
  return byRole(({ role, usage: usages, generatedMode }): OpenPlan => {
    const choices = Object.keys(usages) as KeyAlgorithm[];
    const algorithm = readChoice(`algorithms.${role}`, algorithms[role] ?? choices[0], choices);
    const keyId = keyIds[role];
    if (keyId !== undefined) assertId(`keyIds.${role}`, keyId);
    return {
      attributes: { algorithm, usage: usages[algorithm]!, modeOfUse: generatedMode },
      bits: bits[role] ?? (algorithm === "TDES" ? 192 : zmk.bits),
      method: methods[role] ?? methodsFor(algorithm)[0]!,
      keyId,
    };
  });
}

function assertId(name: string, id: unknown): void {
  if (!isId(id)) throw textRefusal(name, "1 to 255 printable characters", id);
}
