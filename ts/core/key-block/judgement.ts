/**
 * The one judgement of a key block by its header alone: ANSI X9.143:2021 clauses 6.1 to 6.4, ISO 20038. `unwrapKeyBlock` refuses by
 * it, `explainKeyBlock` tells it without a key, so that the two cannot disagree.
 *
 * Every departure is found whatever the knobs are; each finding names its knob, and whether that knob makes it count. Nothing here
 * is secret: only the public header and the length of the ciphertext are looked at.
 */
import type { HashName } from "../../backend/contract.js";
import { methodsFor } from "../keys/check-value-methods.js";
import { ALGORITHM_LETTERS, checkCombination, EXPORTABILITY_LETTERS, MODE_LETTERS, usageRule } from "../keys/attribute-tables.js";
import { algorithmOf, hiddenKeyBytes, hmacHash, isHmacLetter, optionalBlock, payloadBytes } from "./algorithm.js";
import { type FindingCode, type KeyBlockKnob, type PolicyFinding, type SetKnobs, violation, x9143 } from "./findings.js";
import { blockSize, kbpkAlgorithm, type KeyBlockHeader, type ScannedKeyBlock } from "./header.js";
import { hasFormat, type OptionalBlock, type OptionalBlockId } from "./optional-read.js";

/** A finding about the header. `told`: `unwrapKeyBlock` reports it even where it refuses nothing. */
export interface HeaderFinding extends PolicyFinding {
  knob: KeyBlockKnob;
  told?: true;
}

function tableFindings({ usage, algorithm, modeOfUse, exportability, keyVersion }: KeyBlockHeader): PolicyFinding[] {
  const found: PolicyFinding[] = [];
  const add = (code: FindingCode, field: string, clause: string, message: string) => {
    found.push(violation(code, field, x9143(clause), message));
  };
  const problem = checkCombination(usage, algorithm, modeOfUse);
  const proprietary = (value: string) => (/^\d/.test(value) ? "proprietary" : "not in the table");
  if (problem === "usage") add("usage", "usage", "6.3.1, table 2", `key usage ${usage} is ${proprietary(usage)}`);
  if (problem === "algorithm" || !ALGORITHM_LETTERS.includes(algorithm)) {
    const message = ALGORITHM_LETTERS.includes(algorithm)
      ? `usage ${usage} does not go with algorithm ${algorithm}`
      : `algorithm ${algorithm} is ${proprietary(algorithm)}`;
    add("algorithm", "algorithm", "6.3.2, table 3", message);
  }
  const modes = usageRule(usage)?.modes;
  if (!MODE_LETTERS.includes(modeOfUse)) {
    add("mode-of-use", "modeOfUse", "6.3.3, table 4", `mode of use ${modeOfUse} is ${proprietary(modeOfUse)}`);
  } else if (modes !== undefined && modeOfUse !== "N" && !modes.includes(modeOfUse)) {
    const message = `mode of use ${modeOfUse} does not go with usage ${usage}, which has ${[...`N${modes}`].join(", ")}`;
    add("mode-of-use", "modeOfUse", "6.3.3, table 4", message);
  }
  if (!EXPORTABILITY_LETTERS.includes(exportability)) {
    add("exportability", "exportability", "6.3.5, table 6", `exportability ${exportability} is not E, N or S`);
  }
  if (keyVersion.startsWith("c")) {
    const message = "this block holds one component of a key, not the key: combine all of them with importKeyComponents";
    add("key-component", "keyVersion", "6.3.4, table 5", message);
  }
  return found;
}

function hmacFindings(header: KeyBlockHeader, hash: HashName | undefined): PolicyFinding[] {
  if (!isHmacLetter(header.algorithm)) return [];
  const clause = x9143("6.3.6.5");
  const block = optionalBlock(header, "HM");
  if (block === undefined) {
    if (hash !== undefined) return [];
    return [violation("hash-missing", "HM", clause, "an HMAC key without HM does not say its hash; pass it as the option hash")];
  }
  return block.value === undefined ? [violation("hash-unknown", "HM", clause, "HM names no hash of the table")] : [];
}

function derivationFindings({ usage, optionalBlocks }: KeyBlockHeader): PolicyFinding[] {
  if (usage === "B3" || !optionalBlocks.some(({ id }) => id === "DA")) return [];
  return [violation("derivations", "DA", x9143("6.3.6.4"), "DA belongs to usage B3 alone")];
}

function brokenFormat({ id, value }: OptionalBlock): string | undefined {
  if (value !== undefined) return undefined;
  if (hasFormat(id)) return `the data of ${id} do not follow their format`;
  return /^\d/.test(id) ? undefined : `optional block ${id} is not in the table`;
}

/** How the length of an optional block departs from the strict form. */
export function unstrictLength({ id, data, form }: Pick<OptionalBlock, "id" | "data" | "form">): string | undefined {
  if (form === "long-bytes") return `the length of ${id} counts length bytes, not digits`;
  return form === "long" && data.length + 4 <= 255 ? `the long length of ${id} is not needed` : undefined;
}

type Placement = (header: Pick<KeyBlockHeader, "usage" | "algorithm">) => string | undefined;

const ANYWHERE: Placement = () => undefined;

/** Ids that belong to one usage or algorithm: X9.143:2021 table 7. DA is not among them: `derivationFindings`. */
const PLACEMENT: Readonly<Record<OptionalBlockId, Placement>> = {
  AL: ANYWHERE,
  BI: ({ usage }) => (usage === "B0" || usage === "B1" ? undefined : "BI belongs to usages B0 and B1"),
  CT: ANYWHERE,
  DA: ANYWHERE,
  FL: ANYWHERE,
  HM: ({ algorithm }) => (isHmacLetter(algorithm) ? undefined : "HM belongs to HMAC keys"),
  IK: ({ algorithm }) => (algorithm === "A" ? undefined : "IK belongs to AES DUKPT keys"),
  KC: ANYWHERE,
  KP: ANYWHERE,
  KS: ({ algorithm }) => (algorithm === "T" ? undefined : "KS belongs to TDEA DUKPT keys; AES DUKPT has IK"),
  KV: ANYWHERE,
  LB: ANYWHERE,
  PB: ANYWHERE,
  PK: ANYWHERE,
  TC: ANYWHERE,
  TS: ANYWHERE,
  WP: ANYWHERE,
};

/** Why an optional block has no place under this usage and algorithm. */
export function misplaced(id: string, header: Pick<KeyBlockHeader, "usage" | "algorithm">): string | undefined {
  return hasFormat(id) ? PLACEMENT[id](header) : undefined;
}

/** A padding block of a whole cipher block or more beyond what is missing: psec, moov-io/tr31 and paysec write one. */
function redundantPadding({ placed, header: { version } }: ScannedKeyBlock): string | undefined {
  const last = placed[placed.length - 1];
  if (last?.block.id !== "PB") return undefined;
  const unit = blockSize(version);
  const others = placed.reduce((sum, { length }) => sum + length, -last.length);
  if (others % unit === 0) return "the padding block PB is not needed";
  return last.length > unit + 3 ? "the padding block PB is longer than needed" : undefined;
}

/** Whether KC or KP can be compared, as far as the header says: undefined, or why not. X9.143 knows methods of AES and DES keys. */
function incomparable({ id, value }: OptionalBlock, header: KeyBlockHeader, hash: HashName | undefined): string | undefined {
  if (id !== "KC" && id !== "KP") return undefined;
  const algorithm = id === "KP" ? kbpkAlgorithm(header.version) : algorithmOf(header.algorithm, hmacHash(header, hash));
  const methods = algorithm === "HMAC" ? [] : methodsFor(algorithm);
  if (methods.length === 0) return `${id} is not defined for a key of algorithm ${algorithm}, and is not compared`;
  if (value?.id !== id) return `the data of ${id} name no known method, and are not compared`;
  return methods.includes(value.method) ? undefined : `${id} has a method that no ${algorithm} key has, and is not compared`;
}

/** Every departure of the optional blocks from the strict form. */
function grammarFindings(scanned: ScannedKeyBlock, hash: HashName | undefined): HeaderFinding[] {
  const { header } = scanned;
  if (header.optionalBlocks.length === 0) return [];
  const found: HeaderFinding[] = [];
  const add = (field: string, message: string | undefined, told: boolean) => {
    if (message === undefined) return;
    const each: HeaderFinding = { ...violation("grammar", field, x9143("6.3.6, table 7"), message), knob: "grammar" };
    found.push(told ? { ...each, told } : each);
  };
  for (const block of header.optionalBlocks) {
    const uncompared = incomparable(block, header, hash);
    add(block.id, uncompared ?? brokenFormat(block), uncompared !== undefined);
    add(block.id, unstrictLength(block), false);
    add(block.id, misplaced(block.id, header), false);
  }
  add("PB", redundantPadding(scanned), false);
  return found;
}

/** Whether the ciphertext is shorter than length hiding makes it. */
function lengthHidingFindings({ header, headerLength, macOffset }: ScannedKeyBlock): HeaderFinding[] {
  const hidden = hiddenKeyBytes(header.algorithm);
  if (hidden === undefined || (macOffset - headerLength) / 2 >= payloadBytes(header.version, hidden)) return [];
  const message = "the ciphertext shows the length of the key";
  return [{ ...violation("length-hiding", "ciphertext", x9143("6.4"), message), knob: "lengthHiding" }];
}

function hexCaseFindings({ lowerCase }: ScannedKeyBlock): HeaderFinding[] {
  if (lowerCase.length === 0) return [];
  const message = `lower-case hex digits in ${lowerCase.join(", ")}; hexCase: "any" accepts them`;
  return [{ ...violation("hex-case", lowerCase[0]!, x9143("6.1"), message), knob: "hexCase" }];
}

const COUNTS: { readonly [Knob in KeyBlockKnob]: SetKnobs[Knob] } = {
  policy: "enforce",
  grammar: "strict",
  lengthHiding: "required",
  hexCase: "upper",
};

/**
 * Everything that any knob objects to. Severity `violation` where these knobs do; `policy` does not change it: under `report` the
 * violations are told instead of thrown. `hash`: what the caller knows of an HMAC key without HM.
 */
export function judgeHeader(
  scanned: ScannedKeyBlock,
  knobs: Omit<SetKnobs, "policy">,
  hash: HashName | undefined,
): HeaderFinding[] {
  const { header } = scanned;
  const tables = [...tableFindings(header), ...hmacFindings(header, hash), ...derivationFindings(header)];
  const found: HeaderFinding[] = [
    ...tables.map((each) => ({ ...each, knob: "policy" as const })),
    ...grammarFindings(scanned, hash),
    ...lengthHidingFindings(scanned),
    ...hexCaseFindings(scanned),
  ];
  if (found.length === 0) return found;
  const settings: SetKnobs = { ...knobs, policy: "enforce" };
  return found.map((each) => (settings[each.knob] === COUNTS[each.knob] ? each : { ...each, severity: "notice" }));
}
