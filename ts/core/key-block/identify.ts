/**
 * Names what somebody has pasted in the place of key material. For consoles and support tools: a guess by form alone, nothing is
 * decrypted or verified.
 *
 * The text may be a clear key: it is handed back to the caller alone, and no sentence here repeats any of it.
 */
import { isBytes } from "../../base/byte-array.js";
import { decodeBase64 } from "../../base/bytes.js";
import { refusal } from "../../base/arguments.js";
import { type Confidence, lookalike, type MaterialKind, statesItsLength, joined } from "./lookalikes.js";

/** What a text looks like. */
export interface IdentifiedMaterial {
  kind: MaterialKind;
  /** `certain`: no other format has this form. `likely`, `possible`: others may have it, too. */
  confidence: Confidence;
  /** What was around or between the characters and is not part of `text`: `line breaks`, `spaces`, `quotation marks`, ... */
  stripped: string[];
  /** What is left; for a TR-31 block what `parseKeyBlock` takes. */
  text: string;
  /** What it looks like, why it is no TR-31 block, and what to do or to ask the sender for. */
  advice: string;
}

/** Labels, quotation marks and white space around each other: more layers than a person makes, and an end for text of nothing else. */
const MOST_LAYERS = 8;

/** Takes labels, quotation marks and white space off both ends, and notes what. */
function unwrapPaste(input: string, stripped: Set<string>): string {
  let text = input;
  const strip = (what: string, form: RegExp) => {
    const rest = text.replace(form, "");
    if (rest !== text) stripped.add(what);
    text = rest;
  };
  for (let before = "", layer = 0; before !== text && layer < MOST_LAYERS; layer++) {
    before = text;
    strip("a byte order mark", /^\ufeff/);
    strip("line breaks", /^[\r\n]+|[\r\n]+$/g);
    strip("spaces", /^[ \t]+|[ \t]+$/g);
    strip("quotation marks", /^["'`\u201c\u2018]+|["'`\u201d\u2019,;]+$/g);
    strip("a label", /^(?:key[ -]?block|tr-?31|kcv|kvc|check[ -]?value|ksn|pin[ -]?block|key)\s*[:= ]\s*/i);
  }
  return text;
}

/** Digits that a person has grouped: by spaces, line breaks, or hyphens and colons between pairs. */
function joinGroups(text: string, stripped: Set<string>): string {
  const dense = joined(text) ?? (/^[0-9A-Fa-f\s:-]+$/.test(text) ? text.replace(/[\s:-]+/g, "") : text);
  if (dense === text) return text;
  if (/[\r\n]/.test(text)) stripped.add("line breaks");
  if (/[ \t]/.test(text)) stripped.add("spaces");
  if (/[:-]/.test(text) && !/[:-]/.test(dense)) stripped.add("separators");
  return dense;
}

function textOf(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 4096) text += String.fromCharCode(...bytes.subarray(at, at + 4096));
  return text;
}

/** A label that was stripped decides between a check value and a serial number of the same form. */
function labelled(input: string, text: string): MaterialKind | undefined {
  if (!/^[0-9A-Fa-f]+$/.test(text)) return undefined;
  if (/^\W*(?:kcv|kvc|check)/i.test(input) && text.length >= 4 && text.length <= 16) return "check-value";
  if (/^\W*ksn/i.test(input)) return "ksn";
  return /^\W*pin/i.test(input) && text.length === 16 ? "pin-block" : undefined;
}

/**
 * Names what a text is that somebody pasted as key material: a TR-31 key block, also with line breaks, spaces, quotation marks or a
 * label around it; a Thales, Atalla or IBM key block; a payShield cryptogram; a bare key or cryptogram; PEM or DER (a certificate,
 * TR-34); an envelope; a JWT; a check value; a PIN block; a key serial number. By form alone: nothing is decrypted or verified.
 *
 * @param material text, or bytes of it
 * @returns kind, confidence, what was stripped, the text that is left, and a sentence of advice, which repeats nothing of the text
 * @throws `ERR_INVALID_ARGUMENT` for anything but a string or bytes
 * @example
 * ```ts
 * import { identifyMaterial } from "viopay-pos-crypto";
 *
 * const { kind, confidence, advice } = identifyMaterial("U0123456789ABCDEFFEDCBA9876543210");
 * console.log(kind, confidence); // prints payshield-cryptogram certain
 * console.log(advice); // prints this looks like a payShield cryptogram without header and MAC; ask the sender for the key as a TR-31 block
 * console.log(identifyMaterial("KCV: 08 79 3E").text); // prints 08793E
 * ```
 */
export function identifyMaterial(material: string | Uint8Array): IdentifiedMaterial {
  if (typeof material !== "string" && !isBytes(material)) throw refusal("material", "a string or bytes", material);
  const input = typeof material === "string" ? material : textOf(material);
  const stripped = new Set<string>();
  const text = joinGroups(unwrapPaste(input, stripped), stripped);
  const result = (kind: MaterialKind, confidence: Confidence, advice: string): IdentifiedMaterial => {
    return { kind, confidence, stripped: [...stripped], text, advice };
  };
  if (isKeyBlock(text))
    return result("tr31-key-block", "certain", "this is a TR-31 key block; unwrapKeyBlock opens it under its KBPK");
  if (/^[A-E][0-9]{4}[A-Z][0-9][A-Z]{2}/.test(text)) {
    return result("tr31-key-block", "likely", "this begins like a TR-31 key block, but its length is not the one that it states");
  }
  const found = lookalike(text);
  const kind = labelled(input, text);
  if (kind !== undefined && kind !== found?.kind) return result(kind, "likely", "the label in front of it says what it is");
  if (found === undefined) return result("unknown", "possible", "this has no known form; ask the sender what it is");
  return result(
    found.kind,
    kind === undefined ? found.confidence : "likely",
    `this looks like ${found.looksLike}; ${found.remedy}`,
  );
}

/** As text, or as canonical Base64 of it. */
function isKeyBlock(text: string): boolean {
  if (statesItsLength(text)) return true;
  const bytes = /^[QR]/.test(text) ? decodeBase64(text) : undefined;
  return bytes !== undefined && statesItsLength(textOf(bytes));
}
