/**
 * A key set in the hands of its holder: six handles, frozen together with what the host says about them.
 *
 * Material stays in the backends' slots, except where a key changes its attributes (the host's complementary mode of use, an AES
 * `mac` that becomes an HMAC key): there a copy lives for one call and is wiped.
 */
import { wipe } from "../../base/bytes.js";
import type { HashKcvMethod, KcvMethod } from "../keys/check-value.js";
import { slotKindOf } from "../keys/attributes.js";
import { attributesOf, internals, makeKey, type ResolvedKeyAttributes, type SecretKey } from "../keys/key.js";
import { complementaryMode, isTransport, type KeyRole, ROLES, type RoleProfile } from "./roles.js";

/** Which side of the protocol holds the keys. */
export type KeySetSide = "terminal" | "host";

/** Six keys and what the host says about them. Frozen. */
export interface KeySet extends Readonly<Record<KeyRole, SecretKey>> {
  /** As the host calls the set; `undefined` where the answer does not say. */
  readonly keySetId: string | undefined;
  /** As the answer says; not authenticated. `undefined` where the answer does not say. */
  readonly issuedAt: Date | undefined;
  /** When the host stops accepting the keys; `undefined` where the answer does not say. */
  readonly expiresAt: Date | undefined;
  /** The earliest time that a block of the set states in TS: authenticated, unlike `issuedAt`. `undefined` where none does. */
  readonly wrappedAt: Date | undefined;
  /** As the host names the keys; `mac` is the `X-Key-Id` of requests. */
  readonly keyIds: Readonly<Partial<Record<KeyRole, string>>>;
  /** The check values that were verified, upper case, and the method by which each matched. */
  readonly checkValues: Readonly<Record<KeyRole, { readonly kcv: string; readonly method: KcvMethod | HashKcvMethod }>>;
  /** Destroys every key of the set. */
  destroy(): void;
}

/** Who keeps the keys, and whether TMK and KEK are among them. */
export interface Holder {
  readonly side: KeySetSide;
  readonly keepTransportKeys: boolean;
}

/**
 * The handle as its holder keeps it, given the mode of use and exportability that the terminal's block states. `key` is used up,
 * whatever happens. @internal
 */
export function settleRole(
  key: SecretKey,
  profile: RoleProfile,
  { side, keepTransportKeys }: Holder,
  stated: Pick<ResolvedKeyAttributes, "modeOfUse" | "exportability">,
): SecretKey {
  if (isTransport(profile) && !keepTransportKeys) {
    key.destroy();
    return key;
  }
  const modeOfUse = side === "host" ? complementaryMode(stated.modeOfUse) : stated.modeOfUse;
  const { exportability } = stated;
  if (profile.role === "mac" && key.algorithm === "AES") {
    return withAttributes(key, { algorithm: "HMAC", usage: "M7", hash: "SHA-256", letter: "H", modeOfUse, exportability });
  }
  const unchanged = modeOfUse === key.modeOfUse && exportability === key.exportability;
  return unchanged ? key : withAttributes(key, { modeOfUse, exportability });
}

/** The same material with other attributes; `key` is destroyed, whatever happens. */
function withAttributes(key: SecretKey, changes: Partial<ResolvedKeyAttributes>): SecretKey {
  try {
    return copyWithAttributes(key, changes);
  } finally {
    key.destroy();
  }
}

/** The same material with other attributes, in a slot of its own. @internal */
export function copyWithAttributes(key: SecretKey, changes: Partial<ResolvedKeyAttributes>): SecretKey {
  const { backend, slot } = internals(key, "key");
  const attributes = { ...attributesOf(key, "key"), ...changes };
  const material = backend.readSlot(slot);
  try {
    return makeKey(backend, backend.createSlot(slotKindOf(attributes.algorithm), material), attributes);
  } finally {
    wipe(material);
  }
}

/** @internal */
export function makeKeySet(keys: Record<KeyRole, SecretKey>, facts: Omit<KeySet, KeyRole | "destroy">): KeySet {
  Object.freeze(facts.keyIds);
  for (const checked of Object.values(facts.checkValues)) Object.freeze(checked);
  Object.freeze(facts.checkValues);
  return Object.freeze({ ...keys, ...facts, destroy: () => destroyAll(keys) });
}

/** @internal */
export function destroyAll(keys: Partial<Record<KeyRole, SecretKey>>): void {
  for (const { role } of ROLES) keys[role]?.destroy();
}
