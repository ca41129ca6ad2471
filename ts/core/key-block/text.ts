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
import { joined, lookalike, type MaterialKind, statesItsLength } from "./lookalikes.js";

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
  // A semicolon begins the remedy of one mistake; all others share one.
  const remedy = message.includes("; ") ? "" : "; copy the whole block again, or ask the sender to export it again";
  throw new PosCryptoError(code, message + remedy);
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
  if (statesItsLength(input)) return input;
  if (first === "Q" || first === "R") {
    const bytes = decodeBase64(input);
    const text = bytes === undefined ? "" : textOf(bytes);
    if (/^[A-E]/.test(text)) return text;
  }
  const isLetter = first >= "A" && first <= "E";
  const other = otherText(input, isLetter && (input.length < 16 || /^.[0-9]{4}[A-Z]/.test(input)));
  if (other === undefined && isLetter) return input;
  problem(
    other ?? syntax("does not begin with a version from A to E (nor with the Base64 of one); ask the sender for a TR-31 block"),
  );
  return undefined;
}

/** Key blocks of other vendors. The other kinds are no key blocks at all. */
const PROPRIETARY: readonly MaterialKind[] = ["thales-key-block", "atalla-key-block", "ibm-key-token"];

/** What a text is that is no TR-31 block as it stands. `begins`: like one, so that it is one that was spoilt. */
function otherText(input: string, begins: boolean): Problem | undefined {
  const slip = slipOf(input);
  if (slip !== undefined) return syntax(slip);
  const found = begins ? undefined : lookalike(input);
  if (found === undefined) return undefined;
  const message = `Key block: this is no TR-31 block but looks like ${found.looksLike}; ${found.remedy}`;
  const code = PROPRIETARY.includes(found.kind) ? "ERR_KEY_BLOCK_PROPRIETARY" : "ERR_KEY_BLOCK_SYNTAX";
  return { code, message, offset: 0 };
}

/** How a TR-31 block was spoilt on its way. The library does not mend it: what the MAC covers is not to be guessed. */
function slipOf(input: string): string | undefined {
  if (input === "") return "empty; pass the text of the block";
  if (joined(input) !== undefined && /[^\s]\s+[^\s]/.test(input)) {
    const what = /[\r\n]/.test(input) ? "line breaks" : "spaces";
    return `has ${what} within it or around it; drop them, and it has the length that it states`;
  }
  if (/^\s|^["'`\ufeff]/.test(input)) return "begins with white space, a quotation mark or a byte order mark; drop it";
  if (/^(?:kcv|kvc|tr-?31|key)\b/i.test(input)) return "begins with a label; pass what follows it";
  if (/^[a-e][0-9]{4}/.test(input))
    return "begins with a small letter, but the version is a capital letter; ask the sender for the block as it was exported";
  if (/^R[A-E][0-9]{4}/.test(input)) return "begins with a payShield key scheme tag; drop the R in front of the block";
  if (!/^[QR][A-Za-z0-9+/_=\s-]{20,}$/.test(input)) return undefined;
  return "begins like Base64 of a block, but is not canonical Base64 of one (padding, line breaks, or the URL alphabet); encode it again";
}
