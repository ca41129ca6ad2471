/**
 * Issuing key sets: the host's half of `POST /pos/keys`, for mock servers, tests and hosts. Six fresh keys in version D blocks, TMK
 * under the ZMK, KEK under the TMK, the others under the KEK.
 *
 * Material is made and stays in the backend's slots, as `keyset.ts` says.
 */
import {
  assertObject,
  choice,
  flag,
  func,
  own,
  numberRefusal,
  readChoice,
  textRefusal,
  wholeNumber,
} from "../../base/arguments.js";
import { encodeBase64, encodeUtf8 } from "../../base/bytes.js";
import { type KcvMethod, keyCheckValue } from "../keys/check-value.js";
import { invalidArgument, PosCryptoError } from "../../base/errors.js";
import { attributesOf, generateKey, internals, type KeyAlgorithm, type SecretKey } from "../keys/key.js";
import { wrapKeyBlock } from "../key-block/wrap.js";
import { destroyAll, type KeySet, makeKeySet, readRoles, settleKey } from "./install.js";
import { isId, type KeyRole, type KeysResponse, ROLES, type WrappedKey } from "./format.js";
import { createNonce } from "../signing.js";
import { formatTimestamp } from "../../base/timestamp.js";

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
  /** How the blocks stand in the answer. Default `ascii`. */
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

/** The modes of use of the terminal's keys. */
const TERMINAL_MODES: Readonly<Record<KeyRole, string>> = { tmk: "D", kek: "D", msk: "B", tpk: "E", tdk: "B", mac: "G" };

/**
 * Makes a fresh key set for a terminal that holds the same ZMK: the host's half of {@link installKeySet}. Blocks are version D;
 * the host's handles have the complementary modes of use (a terminal's TPK enciphers, the host's deciphers). After an error no
 * key is left.
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
  const { backend } = internals(zmk, "zmk");
  const made: Partial<Record<KeyRole, SecretKey>> = {};
  const wrapped: Partial<Record<KeyRole, WrappedKey>> = {};
  const kcvs: Partial<Record<KeyRole, string>> = {};
  try {
    for (const { role, parent, statedUsage } of ROLES) {
      const plan = settings.plans[role];
      const kbpk = parent === "zmk" ? zmk : made[parent]!;
      const key = generateKey({ ...plan.attributes, exportability: "E", backend, bits: plan.bits });
      made[role] = key;
      const block = wrapKeyBlock(kbpk, key, { version: "D", ...stated(role) });
      const text = settings.base64 ? encodeBase64(encodeUtf8(block)) : block;
      wrapped[role] = { key_id: plan.keyId, key_block: text, usage: statedUsage };
      kcvs[role] = keyCheckValue(key, plan.method === undefined ? {} : { method: plan.method });
    }
    for (const { role } of ROLES) {
      made[role] = settleKey(made[role]!, role, { side: "host", keepTransportKeys: settings.keepTransportKeys }, stated(role));
    }
  } catch (error) {
    destroyAll(made);
    throw error;
  }
  const { keySetId, issuedAt, expiresAt } = settings;
  const response: KeysResponse = {
    key_set: { key_set_id: keySetId, issued_at: formatTimestamp(issuedAt), expires_at: formatTimestamp(expiresAt) },
    transport: { format: "TR31", encryption: `AES-${zmk.bits}`, wrapped_under: "kek" },
    keys: wrapped as Record<KeyRole, WrappedKey>,
    verification: { kcv: kcvs as Record<KeyRole, string> },
  };
  const keys = makeKeySet(made as Record<KeyRole, SecretKey>, {
    keySetId,
    issuedAt: new Date(issuedAt),
    expiresAt: new Date(expiresAt),
    keyIds: byRole((role) => settings.plans[role].keyId),
    checkValues: byRole((role) => ({ kcv: kcvs[role]!, method: settings.plans[role].statedMethod })),
  });
  return { response, keys };
}

/** What the block says of a key. */
function stated(role: KeyRole): { modeOfUse: string; exportability: "N" } {
  return { modeOfUse: TERMINAL_MODES[role], exportability: "N" };
}

/** How one key of a set is made. */
interface Plan {
  attributes: { algorithm: KeyAlgorithm; usage: string; modeOfUse: string };
  bits: number;
  method: KcvMethod | undefined;
  statedMethod: KcvMethod;
  keyId: string;
}

interface IssueSettings {
  plans: Record<KeyRole, Plan>;
  keySetId: string;
  issuedAt: number;
  expiresAt: number;
  base64: boolean;
  keepTransportKeys: boolean;
}

const DEFAULT_METHODS: Readonly<Partial<Record<KeyAlgorithm, KcvMethod>>> = { AES: "CMAC", TDES: "ANSI_X9_24", HMAC: "HMAC" };

/** Before wrapping, a key may do what either side does with it. */
const MADE_AS: Readonly<Record<KeyRole, { usage: string; modeOfUse: string }>> = {
  tmk: { usage: "K1", modeOfUse: "B" },
  kek: { usage: "K1", modeOfUse: "B" },
  msk: { usage: "D0", modeOfUse: "B" },
  tpk: { usage: "P0", modeOfUse: "B" },
  tdk: { usage: "D0", modeOfUse: "B" },
  mac: { usage: "M7", modeOfUse: "C" },
};

function readIssueOptions(zmk: SecretKey, options: IssueOptions): IssueSettings {
  assertObject("options", options);
  const { algorithm } = attributesOf(zmk, "zmk");
  if (algorithm !== "AES")
    throw new PosCryptoError("ERR_KEY_USAGE", `"zmk" has algorithm ${algorithm}; key sets are issued under AES`);
  const chosen = readRoles("algorithms", own(options, "algorithms")) as Partial<Record<KeyRole, KeyAlgorithm>>;
  for (const role of Object.keys(chosen) as KeyRole[]) assertAlgorithm(role, chosen[role]);
  const bits = readRoles("bits", own(options, "bits"));
  const methods = readRoles("kcv", own(options, "kcv"));
  const keyIds = readRoles("keyIds", own(options, "keyIds"));
  const keySetId = own(options, "keySetId") ?? `ks_${createNonce()}`;
  assertId("keySetId", keySetId);
  for (const role of Object.keys(keyIds) as KeyRole[]) assertId(`keyIds.${role}`, keyIds[role]);
  const now = func(options, "now");
  const issuedAt = now === undefined ? Date.now() : now();
  if (!(typeof issuedAt === "number" && issuedAt >= 0 && issuedAt <= LATEST)) {
    throw invalidArgument("now", "a function that returns milliseconds since 1970", "one that returns something else");
  }
  const lifetime = wholeNumber(options, "lifetimeSeconds", { min: 1, unit: "seconds", fallback: DEFAULT_LIFETIME });
  if (issuedAt + lifetime * 1000 > LATEST) {
    throw numberRefusal("lifetimeSeconds", "a whole number of seconds from 1 that ends before year 10000", lifetime);
  }
  const encoding = choice(options, "blockEncoding", ["ascii", "base64"], "ascii");
  const plans = byRole((role): Plan => {
    const algorithm = chosen[role] ?? (role === "mac" ? "HMAC" : "AES");
    const usage = role === "mac" && algorithm === "AES" ? "M6" : MADE_AS[role].usage;
    const method = methods[role];
    return {
      attributes: { algorithm, usage, modeOfUse: MADE_AS[role].modeOfUse },
      bits: bits[role] ?? (algorithm === "TDES" ? 192 : zmk.bits),
      method,
      statedMethod: method ?? DEFAULT_METHODS[algorithm]!,
      keyId: keyIds[role] ?? `${role}-${keySetId}`,
    };
  });
  return {
    plans,
    keySetId,
    issuedAt,
    expiresAt: issuedAt + lifetime * 1000,
    base64: encoding === "base64",
    keepTransportKeys: flag(options, "keepTransportKeys"),
  };
}

function assertId(name: string, id: unknown): void {
  if (!isId(id)) throw textRefusal(name, "1 to 255 printable characters", id);
}

function assertAlgorithm(role: KeyRole, algorithm: unknown): void {
  const choices: Partial<Record<KeyRole, readonly string[]>> = {
    tpk: ["AES", "TDES"],
    tdk: ["AES", "TDES"],
    mac: ["HMAC", "AES"],
  };
  readChoice(`algorithms.${role}`, algorithm, own(choices, role, ["AES"]));
}

function byRole<T>(value: (role: KeyRole) => T): Record<KeyRole, T> {
  const made: Partial<Record<KeyRole, T>> = {};
  for (const { role } of ROLES) made[role] = value(role);
  return made as Record<KeyRole, T>;
}
