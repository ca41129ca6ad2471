/**
 * From what a caller hands in to the ASCII text of a key block: ANSI X9.143:2021 clause 6.1. A block that begins with A to E is
 * taken as it is; one that begins with Q or R, the first character of the Base64 of those, is decoded once.
 *
 * Nothing here is secret, but no message repeats a character of the block beyond its first.
 */
import { LONGEST_BLOCK } from "../../backend/abi.gen.js";
import { isBytes } from "../../base/byte-array.js";
import { decodeBase64 } from "../../base/bytes.js";
import { describeType, invalidArgument, PosCryptoError, type PosErrorCode } from "../../base/errors.js";

/** Base64 of `LONGEST_BLOCK` bytes. */
const LONGEST_TEXT = 13332;

export interface Problem {
  readonly code: PosErrorCode;
  readonly message: string;
  /** Where in the ASCII text. */
  readonly offset: number;
}

/** What to do with a problem: `parseKeyBlock` throws, `explainKeyBlock` collects and reads on. */
export type OnProblem = (problem: Problem) => void;

export function throwProblem({ code, message }: Problem): never {
  throw new PosCryptoError(code, message);
}

export function syntax(message: string, offset = 0): Problem {
  return { code: "ERR_KEY_BLOCK_SYNTAX", message: `Key block: ${message}`, offset };
}

/** Latin-1, so that every byte keeps its place; what is not ASCII is refused later, with its position. */
function textOf(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 4096) text += String.fromCharCode(...bytes.subarray(at, at + 4096));
  return text;
}

/** The ASCII text of a block, or `undefined` after a problem was reported. Throws `ERR_INVALID_ARGUMENT` for other types. */
export function blockText(block: unknown, problem: OnProblem): string | undefined {
  if (typeof block !== "string" && !isBytes(block)) {
    throw invalidArgument("block", "a string or bytes", describeType(block));
  }
  const input = typeof block === "string" ? block : textOf(block.subarray(0, LONGEST_TEXT));
  const first = input.charAt(0);
  if (block.length > (first === "Q" || first === "R" ? LONGEST_TEXT : LONGEST_BLOCK)) {
    problem(syntax(`longer than the ${LONGEST_BLOCK} characters a block can have`));
    return undefined;
  }
  if (first >= "A" && first <= "E") return input;
  if (first === "Q" || first === "R") {
    const bytes = decodeBase64(input);
    const text = bytes === undefined ? "" : textOf(bytes);
    if (/^[A-E]/.test(text)) return text;
    problem(syntax(notBase64(input)));
    return undefined;
  }
  if (first === "0" || first === "1" || /^S[01]/.test(input)) {
    problem({
      code: "ERR_KEY_BLOCK_PROPRIETARY",
      message:
        "Key block: version 0 or 1 is a Thales key block under an LMK; have the HSM export the key as a TR-31 block (versions A to E)",
      offset: 0,
    });
    return undefined;
  }
  problem(syntax(unknownStart(input)));
  return undefined;
}

function notBase64(input: string): string {
  if (/^R[A-E][0-9]{4}/.test(input)) return "begins with a payShield key scheme tag; drop the R in front of the block";
  return "begins like Base64 of a block, but is not canonical Base64 of one (padding, line breaks, or the URL alphabet)";
}

function unknownStart(input: string): string {
  if (input === "") return "empty";
  if (/^\s|^["'\ufeff]/.test(input)) return "begins with white space, a quotation mark or a byte order mark; drop it";
  if (/^[a-e][0-9]{4}/.test(input)) return "the version is a capital letter; this block begins with a small one";
  if (/^4[1-5](?:3[0-9]){4}/.test(input)) return "this is the hex text of a block; decode it once";
  return "does not begin with a version from A to E (nor with the Base64 of one)";
}
