/**
 * The values of the key block header and which of them go together: ANSI X9.143:2021 clause 6.3, with what TR-31:2018 and
 * ISO 20038 allow besides.
 *
 * All of it is public. Letters are those of the header, as text. Rules only: the words that explain them to people are in
 * `names.ts`, so that a program that never explains anything does not carry them.
 */
import { hasOwn } from "../../base/arguments.js";

/** What a usage allows: algorithm letters, and modes of use besides `N`, which every usage allows. */
export interface UsageRule {
  readonly algorithms: string;
  readonly modes: string;
}

const SYMMETRIC = "TA";
const ASYMMETRIC = "RE";
const ENCRYPTION = "BDE";
const AUTHENTICATION = "CGV";

const rule = (algorithms: string, modes: string): UsageRule => ({ algorithms, modes });

/**
 * Key usage: X9.143:2021 clause 6.3.1, table 2. Where public tables differ (B2, P1, S2) the union is taken; B3, D3, E7, K4 and
 * P1 are newer than those tables and follow the rows they resemble.
 */
function usageTable(): Map<string, UsageRule> {
  const derivation = rule(SYMMETRIC, "X");
  const encryption = rule(SYMMETRIC, ENCRYPTION);
  const asymmetricEncryption = rule(ASYMMETRIC, ENCRYPTION);
  const authentication = rule(SYMMETRIC, AUTHENTICATION);
  const iso9797 = rule("TAD", AUTHENTICATION);
  return new Map<string, UsageRule>([
    ["B0", derivation],
    ["B1", derivation],
    ["B2", rule("T", "XY")],
    ["B3", rule("TAH", "X")],
    ["C0", authentication],
    ["D0", encryption],
    ["D1", asymmetricEncryption],
    ["D2", encryption],
    ["D3", encryption],
    ...["E0", "E1", "E2", "E3", "E4", "E5", "E6"].map((usage): [string, UsageRule] => [usage, derivation]),
    ["E7", asymmetricEncryption],
    ["I0", rule("TADHIJRES", "")],
    ["K0", encryption],
    ["K1", encryption],
    ["K2", asymmetricEncryption],
    ["K3", rule(ASYMMETRIC, "BDEX")],
    ["K4", rule("A", ENCRYPTION)],
    ["M0", rule("T", AUTHENTICATION)],
    ...["M1", "M2", "M3", "M4", "M5", "M8"].map((usage): [string, UsageRule] => [usage, iso9797]),
    ["M6", authentication],
    ["M7", rule("HIJ", AUTHENTICATION)],
    ["P0", encryption],
    ["P1", authentication],
    ["S0", rule("RES", "SV")],
    ["S1", rule("RES", "SV")],
    ["S2", rule("RES", "SVTBDE")],
    ...["V0", "V1", "V2", "V3", "V4", "V5"].map((usage): [string, UsageRule] => [usage, authentication]),
  ]);
}

let usages: Map<string, UsageRule> | undefined;

/** The rule of a usage, or `undefined` where the table has none (numeric usages are proprietary). */
export function usageRule(usage: string): UsageRule | undefined {
  usages ??= usageTable();
  return usages.get(usage);
}

/** For messages: the usages that go with an algorithm letter. */
export function usagesOf(letter: string): string {
  usages ??= usageTable();
  const found = [...usages].filter(([, { algorithms }]) => algorithms.includes(letter));
  return found.map(([usage]) => usage).join(", ");
}

/** Algorithm: X9.143:2021 clause 6.3.2, table 3; `I` and `J` are ISO 20038's HMAC-SHA2 and HMAC-SHA3. */
export const ALGORITHM_LETTERS = "ADEHIJRST";

/** Mode of use: X9.143:2021 clause 6.3.3, table 4. */
export const MODE_LETTERS = "BCDEGNSTVXY";

/** Exportability: X9.143:2021 clause 6.3.5, table 6. From the narrowest to the widest. */
export const EXPORTABILITY_LETTERS = "NES";

/** Key context: X9.143:2021 clause 6.2, table 1. */
export const CONTEXT_DIGITS = "012";

/** The mode that restricts nothing: X9.143:2021 table 4. */
export const MODE_ANY = "N";

export type CombinationProblem = "usage" | "algorithm" | "mode";

/** The first of usage, algorithm and mode that the tables do not allow, given the ones before it. */
export function checkCombination(usage: string, algorithm: string, mode: string): CombinationProblem | undefined {
  const allowed = usageRule(usage);
  if (allowed === undefined) return "usage";
  if (!allowed.algorithms.includes(algorithm)) return "algorithm";
  if (mode !== MODE_ANY && !allowed.modes.includes(mode)) return "mode";
  return undefined;
}

/** Modes that each mode includes, itself aside: a key may be passed on under these only. `N` includes every mode of its usage. */
const NARROWER: Readonly<Record<string, string>> = { B: "DE", C: "GV", T: "SDE" };

/** Whether `to` allows nothing that `from` does not. The tables say whether the usage knows `to` at all. */
export function narrowsMode(from: string, to: string): boolean {
  return from === to || from === MODE_ANY || (hasOwn(NARROWER, from) && NARROWER[from]!.includes(to));
}

/** A key encryption key in general may become a key block protection key; no other usage includes another. */
export function narrowsUsage(from: string, to: string): boolean {
  return from === to || (from === "K0" && (to === "K1" || to === "K4"));
}

export function narrowsExportability(from: string, to: string): boolean {
  return EXPORTABILITY_LETTERS.indexOf(to) <= EXPORTABILITY_LETTERS.indexOf(from);
}
