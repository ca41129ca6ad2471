/**
 * The roles of a key set, one row each: what its key is for, what `installKeySet` accepts in its place, and how `issueKeySet` makes
 * it. "Step 6, Download keys" of the end-to-end example; usages and modes of use are those of ANSI X9.143:2021 tables 2 and 4.
 * Everything here is public.
 */
import { assertObject } from "../../base/arguments.js";
import { invalidArgument } from "../../base/errors.js";
import type { KeyAlgorithm } from "../keys/key.js";

/**
 * The six keys of a set: TMK, KEK (both wrap keys), MSK (payloads), TPK (PINs), TDK (auxiliary data), MAC (request signatures).
 */
export type KeyRole = "tmk" | "kek" | "msk" | "tpk" | "tdk" | "mac";

/** What the answer says a key is for. */
export type KeySetUsage = "key-encryption" | "data-encryption" | "pin-encryption" | "message-authentication";

/** One row of `ROLES`. */
export interface RoleProfile {
  readonly role: KeyRole;
  /** The key that its block is wrapped under. */
  readonly parent: "zmk" | KeyRole;
  readonly statedUsage: KeySetUsage;
  /** Accepted: usages, algorithms, and the modes of use that let a terminal do its part. */
  readonly usages: readonly string[];
  readonly algorithms: readonly KeyAlgorithm[];
  readonly terminalModes: string;
  /** Issued: the usage by algorithm, the default first. */
  readonly usage: Readonly<Partial<Record<KeyAlgorithm, string>>>;
  /** Issued: the mode of use before wrapping, when the key may do what either side does with it. */
  readonly generatedMode: string;
  /** Issued: the mode of use that the terminal's block states. */
  readonly terminalMode: string;
}

/** TMK and KEK differ in name and place alone. */
function transport(role: KeyRole, parent: RoleProfile["parent"]): RoleProfile {
  return {
    role,
    parent,
    statedUsage: "key-encryption",
    usages: ["K0", "K1", "K4"],
    algorithms: ["AES", "TDES"],
    terminalModes: "BDN",
    usage: { AES: "K1" },
    generatedMode: "B",
    terminalMode: "D",
  };
}

/** In the order of installation. */
export const ROLES: readonly RoleProfile[] = [
  /* @__PURE__ */ transport("tmk", "zmk"),
  /* @__PURE__ */ transport("kek", "tmk"),
  {
    role: "msk",
    parent: "kek",
    statedUsage: "data-encryption",
    usages: ["D0"],
    algorithms: ["AES"],
    terminalModes: "BN",
    usage: { AES: "D0" },
    generatedMode: "B",
    terminalMode: "B",
  },
  {
    role: "tpk",
    parent: "kek",
    statedUsage: "pin-encryption",
    usages: ["P0"],
    algorithms: ["AES", "TDES"],
    terminalModes: "BEN",
    usage: { AES: "P0", TDES: "P0" },
    generatedMode: "B",
    terminalMode: "E",
  },
  {
    role: "tdk",
    parent: "kek",
    statedUsage: "data-encryption",
    usages: ["D0"],
    algorithms: ["AES", "TDES"],
    terminalModes: "BDEN",
    usage: { AES: "D0", TDES: "D0" },
    generatedMode: "B",
    terminalMode: "B",
  },
  {
    role: "mac",
    parent: "kek",
    statedUsage: "message-authentication",
    usages: ["M7", "M1", "M3", "M6"],
    algorithms: ["HMAC", "AES"],
    terminalModes: "CGN",
    usage: { HMAC: "M7", AES: "M6" },
    generatedMode: "C",
    terminalMode: "G",
  },
];

/** Whether the key only carries others: destroyed after the installation unless its holder wants it. */
export function isTransport({ statedUsage }: RoleProfile): boolean {
  return statedUsage === "key-encryption";
}

/** The mode of use that the other side of the protocol needs: X9.143:2021 table 4. */
export function complementaryMode(modeOfUse: string): string {
  const complement: Readonly<Record<string, string>> = { E: "D", D: "E", G: "V", V: "G" };
  return complement[modeOfUse] ?? modeOfUse;
}

/** A value for each role. */
export function byRole<T>(value: (profile: RoleProfile) => T): Record<KeyRole, T> {
  const made: Partial<Record<KeyRole, T>> = Object.create(null);
  for (const profile of ROLES) made[profile.role] = value(profile);
  return made as Record<KeyRole, T>;
}

/** An option with members for roles alone. Throws `ERR_INVALID_ARGUMENT`. */
export function readRoles<T>(name: string, value: Partial<Record<KeyRole, T>> | undefined): Partial<Record<KeyRole, T>> {
  if (value === undefined) return Object.create(null);
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
