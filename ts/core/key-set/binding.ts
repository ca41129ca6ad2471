/**
 * What binds the blocks of a key set to their roles, to each other and to a time. A header says that a key is, say, a data key
 * (D0), but MSK and TDK are both; the answer's ids and dates are outside of every MAC. So the issuer writes role and key set id into
 * a label (LB) and the time of issue into a time stamp (TS) of every block (ANSI X9.143:2021 clause 6.3.6), where the block's MAC
 * covers them.
 *
 * Hosts that write neither, or labels of their own, are accepted: then nothing authenticated contradicts the role.
 *
 * Key material is read here to be compared, for one call and in constant time, and wiped.
 */
import { wipe } from "../../base/bytes.js";
import type { PosCryptoError } from "../../base/errors.js";
import { formatTimestamp, parseTimestamp } from "../../base/timestamp.js";
import type { KeyBlockHeader } from "../key-block/header.js";
import type { OptionalBlockValue } from "../key-block/optional-read.js";
import { internals, type SecretKey } from "../keys/key.js";
import { keySetError } from "./format.js";
import { type KeyRole, ROLES } from "./roles.js";

const LABEL = /^(tmk|kek|msk|tpk|tdk|mac) of key set ([\x21-\x7e]{1,255})$/;

/** The optional blocks of one key of a set. `issuedAt`: milliseconds since 1970; X9.143 times have seconds. */
export function bindingBlocks(role: KeyRole, keySetId: string, issuedAt: number): OptionalBlockValue[] {
  return [
    { id: "LB", label: `${role} of key set ${keySetId}` },
    { id: "TS", time: formatTimestamp(issuedAt), compact: false },
  ];
}

/** What a block says about itself, under its MAC. */
export interface Binding {
  /** The id of the key set; `undefined` where the block has no label of ours. */
  readonly keySetId: string | undefined;
  /** Milliseconds since 1970; `undefined` where the block has no readable TS. */
  readonly time: number | undefined;
}

/** Reads the label and the time of an authenticated header. Throws `ERR_KEY_SET` for a block that was made for another role. */
export function readBinding(role: KeyRole, header: KeyBlockHeader): Binding {
  let keySetId: string | undefined;
  let time: number | undefined;
  for (const { value } of header.optionalBlocks) {
    if (value?.id === "TS") time = parseTimestamp(value.time);
    const [, labelled, id] = value?.id === "LB" ? (LABEL.exec(value.label) ?? []) : [];
    if (labelled === undefined) continue;
    if (labelled !== role) throw misplacedBlock(role, `its label says that it is the set's "${labelled}"`);
    keySetId = id;
  }
  return { keySetId, time };
}

/** Throws `ERR_KEY_SET` where blocks of two sets are mixed, or of another set than the answer names. */
export function requireOneSet(bindings: Readonly<Record<KeyRole, Binding>>, stated: string | undefined): void {
  let expected = stated;
  for (const { role } of ROLES) {
    const { keySetId } = bindings[role];
    if (keySetId === undefined) continue;
    expected ??= keySetId;
    if (keySetId !== expected) throw misplacedBlock(role, "its label names another key set");
  }
}

/** The earliest time that a block of the set states, in milliseconds since 1970. */
export function earliestTime(bindings: Readonly<Record<KeyRole, Binding>>): number | undefined {
  const times = ROLES.map(({ role }) => bindings[role].time).filter((time) => time !== undefined);
  return times.length === 0 ? undefined : Math.min(...times);
}

/** Throws `ERR_KEY_SET` where two roles have the same key, which includes one block given twice. */
export function requireDifferentKeys(keys: Readonly<Record<KeyRole, SecretKey>>): void {
  const material = {} as Record<KeyRole, Uint8Array>;
  try {
    for (const { role } of ROLES) material[role] = readForComparison(keys[role]);
    ROLES.forEach(({ role }, i) => {
      const twin = ROLES.slice(0, i).find((earlier) => equalBytes(material[earlier.role], material[role]));
      if (twin !== undefined) throw misplacedBlock(role, `it is the key of "${twin.role}", too: ask the host for a new set`);
    });
  } finally {
    for (const bytes of Object.values(material)) wipe(bytes);
  }
}

/** Without the parity bits of TDES keys, which take no part in encryption. */
function readForComparison(key: SecretKey): Uint8Array {
  const { backend, slot } = internals(key, "key");
  const bytes = backend.readSlot(slot);
  if (key.algorithm === "TDES") for (let i = 0; i < bytes.length; i++) bytes[i] = bytes[i]! & 0xfe;
  return bytes;
}

/** In constant time for equal lengths. */
function equalBytes(one: Uint8Array, other: Uint8Array): boolean {
  let difference = one.length ^ other.length;
  for (let i = 0; i < Math.min(one.length, other.length); i++) difference |= one[i]! ^ other[i]!;
  return difference === 0;
}

function misplacedBlock(role: KeyRole, why: string): PosCryptoError {
  return keySetError(`keys.${role}.key_block`, `the block of "${role}" is not this role's: ${why}`);
}
