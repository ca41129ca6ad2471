/**
 * The header of a key block, read without any key: ANSI X9.143:2021 clauses 6.1 to 6.3 (versions A to D), ISO 20038 (version E).
 * Sixteen characters, optional blocks, then the hex of ciphertext and MAC.
 *
 * Everything read here is public, and nothing is trusted yet: the MAC is checked by `unwrapKeyBlock`. The checks are of form
 * alone; what the values mean is `policy.ts`. Imports neither a backend nor the tables, to stay small where only this is used.
 */
import { MAC_LENGTHS } from "../../backend/abi.gen.js";
import type { KeyBlockVersion } from "../../backend/contract.js";
import { type OptionalBlock, type PlacedOptionalBlock, readOptionalBlock } from "./optional-read.js";
import { blockText, type OnProblem, syntax, throwProblem } from "./text.js";

/** The header as the block states it. Letters are those of X9.143's tables. */
export interface KeyBlockHeader {
  /** `A` and `C` variant binding, `B` derived TDES keys, `D` derived AES keys, `E` the same in counter mode. */
  version: KeyBlockVersion;
  /** Characters of the whole block. */
  length: number;
  /** Two characters of table 2: `P0`. */
  usage: string;
  /** A letter of table 3: `A` AES, `T` TDEA, `H` HMAC, ... */
  algorithm: string;
  /** A letter of table 4. */
  modeOfUse: string;
  /** `00` not used; `c` and a character: this is a component; else a version. */
  keyVersion: string;
  /** `E`, `N` or `S` by table 6. */
  exportability: string;
  /** `0` as the wrapping key says, `1` storage, `2` exchange. */
  context: string;
  /** In the block's order, PB included. */
  optionalBlocks: OptionalBlock[];
}

/** A header with what it takes to open the block. Internal. */
export interface ScannedKeyBlock {
  readonly text: string;
  readonly header: KeyBlockHeader;
  /** Characters before HEX(ciphertext): the header text that the MAC covers. */
  readonly headerLength: number;
  /** Where HEX(MAC) begins. */
  readonly macOffset: number;
  readonly placed: readonly PlacedOptionalBlock[];
  /** The places that have hex digits in lower case, in words. */
  readonly lowerCase: readonly string[];
}

export const HEADER_LENGTH = 16;

/** Characters of HEX(MAC): 4 bytes for variant binding, one cipher block for derived keys. */
export function macCharacters(version: KeyBlockVersion): number {
  return 2 * MAC_LENGTHS[version];
}

/** Bytes of the cipher's block, which is also the unit, in characters, of the optional blocks. */
export function blockSize(version: KeyBlockVersion): number {
  return version === "D" || version === "E" ? 16 : 8;
}

/** A, B and C take a TDEA key of 16 or 24 bytes, D and E an AES key. */
export function kbpkAlgorithm(version: KeyBlockVersion): "AES" | "TDES" {
  return blockSize(version) === 16 ? "AES" : "TDES";
}

function checkCharacters(text: string, problem: OnProblem): void {
  const at = text.search(/[^\x20-\x7e]/);
  if (at < 0) return;
  const trailing = /^\s+$/.test(text.slice(at)) ? "; drop the line break at the end" : "";
  problem(syntax(`a character that is not printable ASCII at ${at}${trailing}`, at));
}

function lengthHint(stated: number, actual: number, version: KeyBlockVersion): string {
  if (stated === 0) return "; this is a template of a header: have its HSM put the key into it";
  if (stated + macCharacters(version) === actual) return ": it may leave out the MAC";
  if (stated + HEADER_LENGTH === actual) return ": it may leave out the header";
  return stated > actual ? ": the block was cut short" : ": something was added to the block, or the field is wrong";
}

const ALPHANUMERIC = /^[0-9A-Za-z]+$/;

/** Offset, length, form, and what to say of another form: X9.143:2021 clause 6.2, table 1. */
export const FIELDS = {
  version: [0, 1, /^[A-E]$/, "version is not one of A to E"],
  length: [1, 4, /^\d{4}$/, "the length field is not four digits"],
  usage: [5, 2, ALPHANUMERIC, "key usage is not alphanumeric"],
  algorithm: [7, 1, ALPHANUMERIC, "algorithm is not alphanumeric"],
  modeOfUse: [8, 1, ALPHANUMERIC, "mode of use is not alphanumeric"],
  keyVersion: [9, 2, ALPHANUMERIC, "key version is not alphanumeric"],
  exportability: [11, 1, ALPHANUMERIC, "exportability is not alphanumeric"],
  optionalBlocks: [12, 2, /^\d\d$/, "number of optional blocks is not two digits"],
  context: [14, 1, /^[0-2]$/, "key context is not 0, 1 or 2"],
  reserved: [15, 1, /^0$/, "reserved character is not 0"],
} as const;

/** The forms of all fields at once: which one is wrong is asked only where this does not fit (measured: 0.3 us of a block's 1.3). */
const WELL_FORMED = /^[A-E]\d{4}[0-9A-Za-z]{7}\d\d[0-2]0/;

/** The characters of a field; fewer where the text ends early. */
export function field(text: string, name: keyof typeof FIELDS): string {
  const [offset, length] = FIELDS[name];
  return text.slice(offset, offset + length);
}

function checkFields(text: string, version: KeyBlockVersion, problem: OnProblem): void {
  if (!WELL_FORMED.test(text)) {
    for (const name of Object.keys(FIELDS) as (keyof typeof FIELDS)[]) {
      const [offset, , form, message] = FIELDS[name];
      if (!form.test(field(text, name))) problem(syntax(message, offset));
    }
  }
  const stated = field(text, "length");
  if (Number(stated) === text.length || !/^\d{4}$/.test(stated)) return;
  const hint = text.endsWith(" ") ? "; drop the spaces at the end" : lengthHint(Number(stated), text.length, version);
  problem(syntax(`the length field says ${Number(stated)}, but there are ${text.length} characters${hint}`, 1));
}

/** What leaves no doubt how the blocks are to be read. A padding block that is too long, or not needed, is a matter of grammar. */
function checkOptionalBlocks(placed: readonly PlacedOptionalBlock[], unit: number, problem: OnProblem): void {
  let total = 0;
  const seen = new Set<string>();
  placed.forEach(({ block, offset, length }, i) => {
    if (seen.has(block.id)) problem(syntax(`there are two optional blocks ${block.id}`, offset));
    seen.add(block.id);
    if (block.id === "PB" && i < placed.length - 1)
      problem(syntax("the padding block PB is not the last optional block", offset));
    total += length;
  });
  if (total % unit !== 0) {
    problem(
      syntax(
        `the optional blocks together are not a multiple of ${unit} characters: a padding block PB is missing`,
        HEADER_LENGTH,
      ),
    );
  }
}

function checkBody(text: string, start: number, version: KeyBlockVersion, problem: OnProblem): void {
  const characters = text.length - macCharacters(version) - start;
  const unit = 2 * blockSize(version);
  const nonHex = text.slice(start).search(/[^0-9A-Fa-f]/);
  if (nonHex >= 0)
    problem(syntax(`ciphertext or MAC has a character that is not a hex digit at ${start + nonHex}`, start + nonHex));
  if (version === "E" ? characters < 6 || characters % 2 !== 0 : characters < unit || characters % unit !== 0) {
    const needed = version === "E" ? "at least 3 whole bytes" : `whole blocks of ${unit} hex digits, at least one`;
    problem(syntax(`the ciphertext is not ${needed}`, start));
  }
}

/**
 * Reads a block's text. Problems go to `problem`, which may throw; if it returns, reading goes on where that makes sense, and the
 * result is `undefined` where it does not. Internal.
 */
export function scanKeyBlock(text: string, problem: OnProblem): ScannedKeyBlock | undefined {
  checkCharacters(text, problem);
  if (text.length < HEADER_LENGTH) {
    problem(syntax(`${text.length} characters are less than the header's ${HEADER_LENGTH}`));
    return undefined;
  }
  const version = field(text, "version") as KeyBlockVersion;
  checkFields(text, version, problem);
  const end = text.length - macCharacters(version);
  const placed: PlacedOptionalBlock[] = [];
  let at = HEADER_LENGTH;
  for (let left = Number(field(text, "optionalBlocks")); left > 0; left--) {
    const next = readOptionalBlock(text, at, end, problem);
    if (next === undefined) return undefined;
    placed.push(next);
    at += next.length;
  }
  checkOptionalBlocks(placed, blockSize(version), problem);
  checkBody(text, at, version, problem);
  if (end < at) return undefined;
  const header: KeyBlockHeader = {
    version,
    length: text.length,
    usage: field(text, "usage"),
    algorithm: field(text, "algorithm"),
    modeOfUse: field(text, "modeOfUse"),
    keyVersion: field(text, "keyVersion"),
    exportability: field(text, "exportability"),
    context: field(text, "context"),
    optionalBlocks: placed.map(({ block }) => block),
  };
  const lowerCase = placed.filter((each) => each.lowerCase).map(({ block }) => `optional block ${block.id}`);
  if (/[a-f]/.test(text.slice(at))) lowerCase.push("ciphertext or MAC");
  return { text, header, headerLength: at, macOffset: end, placed, lowerCase };
}

/** Reads a block of any input form, throwing at the first problem. Internal. */
export function readKeyBlock(block: unknown): ScannedKeyBlock {
  const text = blockText(block, throwProblem) as string;
  return scanKeyBlock(text, throwProblem) as ScannedKeyBlock;
}

/**
 * Reads the header of a key block. Needs no key and checks no MAC, so nothing it returns is authentic. Source: ANSI X9.143:2021
 * clause 6, for version E ISO 20038.
 *
 * @param block ASCII text, bytes of it, or canonical Base64 of it
 * @throws `ERR_KEY_BLOCK_SYNTAX` with a sentence on the likely mistake
 * @throws `ERR_KEY_BLOCK_PROPRIETARY` for a vendor's own format (Thales blocks begin with 0, 1, S0 or S1)
 * @throws `ERR_INVALID_ARGUMENT` for anything but a string or bytes
 * @example
 * ```ts
 * import { parseKeyBlock } from "viopay-pos-crypto";
 *
 * const block =
 *   "D0112P0AE00E0000B82679114F470F540165EDFBF7E250FCEA43F810D215F8D207E2E417C07156A27E8E31DA05F7425509593D03A457DC34";
 * const { version, usage, algorithm, modeOfUse, exportability } = parseKeyBlock(block);
 * console.log(version, usage, algorithm, modeOfUse, exportability); // prints D P0 A E E
 * ```
 */
export function parseKeyBlock(block: string | Uint8Array): KeyBlockHeader {
  return readKeyBlock(block).header;
}
