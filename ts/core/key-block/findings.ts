/**
 * What a finding about a key block is, and the knobs that decide whether it refuses the block. Public: header, lengths, verdicts.
 */
import { PosCryptoError } from "../../base/errors.js";

/** What a finding is about. Stable, like error codes. */
export type FindingCode =
  | "usage"
  | "algorithm"
  | "mode-of-use"
  | "exportability"
  | "key-component"
  | "hash-missing"
  | "hash-unknown"
  | "derivations"
  | "grammar"
  | "hex-case"
  | "length-hiding"
  | "surplus-padding"
  | "key-length"
  | "strength"
  | "weak-key"
  | "key-check-value"
  | "kbpk-check-value";

/** How strictly a key block is judged. */
export interface KeyBlockKnobs {
  /** `required`: the ciphertext must not show the key's length (X9.143:2021 clause 6.4). Default `any`. */
  lengthHiding?: "any" | "required";
  /** `upper`: a hex digit in lower case, wherever in the block, is `ERR_KEY_BLOCK_SYNTAX`. Default `any`: case changes no meaning. */
  hexCase?: "any" | "upper";
  /** `strict`: optional blocks must follow X9.143:2021 table 7 exactly, PB and payload padding included. Default `lenient`. */
  grammar?: "lenient" | "strict";
  /**
   * `enforce` (default): the first violation throws `ERR_KEY_BLOCK_POLICY`. `report`: violations are returned; a combination or a
   * length outside the tables, or a component, makes the key an opaque one. The MAC is checked either way.
   */
  policy?: "enforce" | "report";
}

/** The name of a knob. */
export type KeyBlockKnob = keyof KeyBlockKnobs;

/** Every knob, defaults filled in. */
export type SetKnobs = Required<KeyBlockKnobs>;

/** One thing about a block that the standards do not allow, or that is worth knowing, though its MAC verifies. */
export interface PolicyFinding {
  /** What programs compare. */
  code: FindingCode;
  /** `violation`: `enforce` refuses the block under these knobs. `notice`: it opens. */
  severity: "violation" | "notice";
  /** A header field as in `KeyBlockHeader`, the id of an optional block, `ciphertext`, `key` or `kbpk`. */
  field: string;
  /** A sentence for people; no secrets. */
  message: string;
  /** Where the rule is from. */
  clause: string;
  /** The knob that decides about it; absent where none refuses it. */
  knob?: KeyBlockKnob;
}

/** A clause of the standard that most rules are from. */
export function x9143(clause: string): string {
  return `ANSI X9.143:2021 ${clause}`;
}

/** A finding that `policy: "enforce"` refuses. */
export function violation(code: FindingCode, field: string, clause: string, message: string): PolicyFinding {
  return { code, severity: "violation", field, message, clause, knob: "policy" };
}

/** Which setting opens the block all the same. */
const REMEDIES: Readonly<Record<KeyBlockKnob, string>> = {
  policy: 'ask the sender, or pass policy: "report" to open it with a finding',
  grammar: 'grammar: "lenient" opens it',
  lengthHiding: 'lengthHiding: "any" opens it',
  hexCase: 'hexCase: "any" opens it',
};

/** Throws `ERR_KEY_BLOCK_POLICY` for the first violation; `details.findings` lists all of them. */
export function enforce(findings: readonly PolicyFinding[]): void {
  const violations = findings.filter(({ severity }) => severity === "violation");
  const first = violations[0];
  if (first === undefined) return;
  const more = violations.length > 1 ? ` (and ${violations.length - 1} more)` : "";
  throw new PosCryptoError("ERR_KEY_BLOCK_POLICY", `Key block: ${first.message}; ${REMEDIES[first.knob ?? "policy"]}${more}`, {
    details: { findings: violations.map(({ code, field }) => ({ code, field })) },
  });
}
