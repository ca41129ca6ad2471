/**
 * The working keys of a transaction: which there are, how they are derived (X9.24-3:2017 6.3.2 table 2, annex C table C.1), and what
 * each may do on which side. A terminal sends requests and receives responses, a host the other way round, so that of each pair
 * one side's key only makes what the other side's key only checks. Attributes are those of X9.143; nothing here is secret.
 */
import { assertObject, choice, flag, own, wordList, wordRefusal } from "../../base/arguments.js";
import { invalidArgument, PosCryptoError } from "../../base/errors.js";
import type { Backend, Slot } from "../../backend/contract.js";
import { resolveAttributes, type ResolvedKeyAttributes } from "../keys/attributes.js";
import { makeKey, type SecretKey } from "../keys/handle.js";
import type { KeyRequest } from "./calls.js";
import type { Ksn } from "./ksn.js";

/** What a working key is: algorithm and bits. HMAC keys are for HMAC-SHA-256. */
export type DukptKeyType = "TDES-128" | "TDES-192" | "AES-128" | "AES-192" | "AES-256" | "HMAC-128" | "HMAC-192" | "HMAC-256";

/** The working keys that are wanted. `true`: TDES-128 of a TDES key, AES of the key's own length of an AES key. */
export interface DukptWanted {
  /** PIN encryption: usage P0. */
  pin?: DukptKeyType | true;
  /** MACs of what the terminal sends. */
  macRequest?: DukptKeyType | true;
  /** MACs of what the host answers. */
  macResponse?: DukptKeyType | true;
  /** One MAC key both ways. TDES: the request's. */
  macBoth?: DukptKeyType | true;
  /** Encryption of what the terminal sends: usage D0. */
  dataRequest?: DukptKeyType | true;
  /** Encryption of what the host answers: usage D0. */
  dataResponse?: DukptKeyType | true;
  /** One data key both ways. TDES: the request's. */
  dataBoth?: DukptKeyType | true;
  /** Encryption of keys that the host sends: usage K0. AES only. */
  keyEncryption?: DukptKeyType | true;
}

/** How working keys are derived where there is more than one way, and what their handles allow. */
export interface DukptKeyOptions {
  /**
   * TDES only. `standard` (default): the data variant goes through the one-way step of annex C. Field dialects: `no-one-way`
   * leaves that step out; `pin-variant` encrypts data under the PIN key's variant, as readers of magnetic stripes do.
   */
  dataKeys?: "standard" | "no-one-way" | "pin-variant";
  /** TDES MAC keys: `M3` retail MAC (default for TDES-128), `M1` CBC-MAC, `M6` CMAC (default for TDES-192). */
  macUsage?: "M1" | "M3" | "M6";
  /** Whether `exposeKeyBytes` gives the keys out. Default false. */
  extractable?: boolean;
}

/** The keys that were asked for, and the KSN that goes with them. */
export type DukptKeys<W extends DukptWanted> = { readonly ksn: string } & {
  readonly [K in keyof W & keyof DukptWanted]: SecretKey;
};

/** Whose keys they are: each side gets those of its part of the protocol. */
export type DukptSide = "host" | "terminal";

interface Member {
  /** 6.3.2, table 2. */
  readonly aes: number;
  /** 8 times the place of FF in the variant, from the right: annex C, table C.1. */
  readonly tdes: number;
  readonly purpose: "pin" | "mac" | "data" | "kek";
  readonly terminal: string;
  readonly host: string;
}

const member = (aes: number, tdes: number, purpose: Member["purpose"], terminal: string, host: string): Member => ({
  aes,
  tdes,
  purpose,
  terminal,
  host,
});

const MEMBERS: Readonly<Record<keyof DukptWanted, Member>> = {
  pin: member(0x1000, 0, "pin", "E", "D"),
  macRequest: member(0x2000, 8, "mac", "G", "V"),
  macResponse: member(0x2001, 24, "mac", "V", "G"),
  macBoth: member(0x2002, 8, "mac", "C", "C"),
  dataRequest: member(0x3000, 16, "data", "E", "D"),
  dataResponse: member(0x3001, 32, "data", "D", "E"),
  dataBoth: member(0x3002, 16, "data", "B", "B"),
  keyEncryption: member(0x0002, 0, "kek", "D", "E"),
};
const NAMES = Object.keys(MEMBERS) as (keyof DukptWanted)[];

/** Added to the use of a TDES data key: the one-way step. */
const ONE_WAY = 0x100;

/** The key from which working keys come. */
export interface Chain {
  readonly algorithm: "AES" | "TDES";
  readonly bits: number;
}

interface CheckedOptions {
  readonly dataKeys: "standard" | "no-one-way" | "pin-variant";
  readonly macUsage: "M1" | "M3" | "M6" | undefined;
  readonly extractable: boolean;
}

/** A key that is to be derived: under which name, how, and what it may do. */
interface Planned {
  readonly name: keyof DukptWanted;
  readonly request: KeyRequest;
  readonly attributes: ResolvedKeyAttributes;
}

/** What one call derives, checked as a whole before anything is. */
export type Plan = readonly Planned[];

function readOptions(options: DukptKeyOptions, chain: Chain): CheckedOptions {
  assertObject("options", options);
  const dataKeys = choice(options, "dataKeys", ["standard", "no-one-way", "pin-variant"], "standard");
  if (dataKeys !== "standard" && chain.algorithm === "AES")
    throw invalidArgument("dataKeys", "standard with an AES key", dataKeys);
  const macUsage = own(options, "macUsage") === undefined ? undefined : choice(options, "macUsage", ["M1", "M3", "M6"]);
  return { dataKeys, macUsage, extractable: flag(options, "extractable") };
}

const TYPES: readonly DukptKeyType[] = [
  "TDES-128",
  "TDES-192",
  "AES-128",
  "AES-192",
  "AES-256",
  "HMAC-128",
  "HMAC-192",
  "HMAC-256",
];

/** X9.24-3:2017 6.1.3: a key is no stronger than the one it comes from. */
function readType(name: keyof DukptWanted, type: unknown, chain: Chain): { kind: KeyRequest["kind"]; bits: number } {
  if (type === true) return { kind: chain.algorithm, bits: chain.bits };
  if (!TYPES.includes(type as DukptKeyType)) throw wordRefusal(name, `true, ${wordList(TYPES)}`, type);
  const [kind, bits] = (type as DukptKeyType).split("-") as [KeyRequest["kind"], string];
  if (kind === "HMAC" && MEMBERS[name].purpose !== "mac") throw invalidArgument(name, "AES or TDES; HMAC keys make MACs", kind);
  const wide = Number(bits);
  const fits = chain.algorithm === "TDES" ? type === "TDES-128" : kind === "TDES" || wide <= chain.bits;
  if (!fits) {
    const message = `"${name}" cannot be ${type}: a working key of ${chain.algorithm}-${chain.bits} is not stronger than that`;
    throw new PosCryptoError("ERR_KEY_USAGE", message, { details: { algorithm: chain.algorithm, bits: chain.bits } });
  }
  return { kind, bits: wide };
}

function useOf({ aes, tdes, purpose }: Member, chain: Chain, dataKeys: CheckedOptions["dataKeys"]): number {
  if (chain.algorithm === "AES") return aes;
  if (purpose !== "data") return tdes;
  if (dataKeys === "pin-variant") return MEMBERS.pin.tdes;
  return dataKeys === "standard" ? tdes | ONE_WAY : tdes;
}

function usageOf({ purpose }: Member, kind: KeyRequest["kind"], bits: number, { macUsage }: CheckedOptions): string {
  if (purpose === "pin") return "P0";
  if (purpose === "data") return "D0";
  if (purpose === "kek") return "K0";
  if (kind === "HMAC") return "M7";
  return kind === "AES" ? "M6" : (macUsage ?? (bits === 128 ? "M3" : "M6"));
}

/** Checks everything that a caller asks for. Throws `ERR_INVALID_ARGUMENT`, `ERR_KEY_USAGE`. Internal. */
export function planKeys(wanted: DukptWanted, options: DukptKeyOptions, chain: Chain, side: DukptSide): Plan {
  assertObject("wanted", wanted);
  const checked = readOptions(options, chain);
  for (const name of Object.keys(wanted)) {
    if (!NAMES.includes(name as keyof DukptWanted)) throw invalidArgument("wanted", `of ${NAMES.join(", ")}`, "another name");
  }
  const names = NAMES.filter((name) => own(wanted, name) !== undefined);
  if (names.length === 0) throw invalidArgument("wanted", "at least one key", "none");
  return names.map((name) => {
    const found = MEMBERS[name];
    const { kind, bits } = readType(name, own(wanted, name), chain);
    if (name === "keyEncryption" && chain.algorithm === "TDES") {
      throw new PosCryptoError("ERR_KEY_USAGE", '"keyEncryption" is a working key of AES DUKPT only');
    }
    const use = useOf(found, chain, checked.dataKeys);
    const usage = usageOf(found, kind, bits, checked);
    const { extractable } = checked;
    const attributes = resolveAttributes({ algorithm: kind, usage, modeOfUse: found[side], extractable }, false);
    return { name, request: { kind, bytes: bits / 8, use }, attributes };
  });
}

/** What the backend is asked for. Internal. */
export function requestsOf(plan: Plan): KeyRequest[] {
  return plan.map(({ request }) => request);
}

/** The handles of the slots made by the plan. They print the counter: a working key's check value is nobody's need. Internal. */
export function handlesOf<W extends DukptWanted>(plan: Plan, backend: Backend, slots: readonly Slot[], ksn: Ksn): DukptKeys<W> {
  const note = `counter ${ksn.counter
    .toString(16)
    .toUpperCase()
    .padStart(ksn.ksn.length === 24 ? 8 : 6, "0")}`;
  const keys = plan.map(({ name, attributes }, i) => ({ [name]: makeKey(backend, slots[i]!, { ...attributes, note }) }));
  return Object.assign({ ksn: ksn.ksn }, ...keys) as DukptKeys<W>;
}

/** The side of the options: the host's by default. Internal. */
export function readSide(options: { side?: DukptSide }): DukptSide {
  return choice(options, "side", ["host", "terminal"], "host");
}
