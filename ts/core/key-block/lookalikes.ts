/**
 * What is pasted in the place of a TR-31 block, by its form: other vendors' key blocks, bare keys, cryptograms, certificates, tokens.
 *
 * Each row says what the text looks like, and what to do or to ask the sender for. Nothing of the text itself is repeated: it may be
 * a clear key.
 */

/** What a text may be. */
export type MaterialKind =
  | "tr31-key-block"
  | "thales-key-block"
  | "atalla-key-block"
  | "ibm-key-token"
  | "payshield-cryptogram"
  | "hex-of-key-block"
  | "key-or-cryptogram"
  | "pem"
  | "der"
  | "envelope"
  | "jwt"
  | "check-value"
  | "pin-block"
  | "ksn"
  | "unknown";

/** How sure the form of a text makes its kind. */
export type Confidence = "certain" | "likely" | "possible";

/** A form, how sure it is, what it looks like, and the remedy. */
export interface Lookalike {
  readonly kind: MaterialKind;
  readonly confidence: Confidence;
  readonly looksLike: string;
  readonly remedy: string;
}

const EXPORT = "have its HSM export the key as a TR-31 block (versions A to E)";
const ASK = "ask the sender for the key as a TR-31 block";

type Row = readonly [MaterialKind, Confidence, RegExp, looksLike: string, remedy: string];

const ROWS: readonly Row[] = [
  ["atalla-key-block", "certain", /^[01][!-~]{7},[0-9A-F]{16,},/i, "an Atalla key block (AKB), which only its HSM opens", EXPORT],
  ["pem", "certain", /^-----BEGIN /, "PEM: a certificate, a public key or a TR-34 message", ASK],
  ["jwt", "certain", /^eyJ[\w-]*\.[\w-]+\.[\w-]*$/, "a JSON web token", ASK],
  ["envelope", "likely", /^\{[\s\S]*"TR31-DATA/, "an envelope of the protocol, not a key", "openEnvelope opens it"],
  ["hex-of-key-block", "likely", /^4[1-5](?:3[0-9]){4}/, "the hex text of a TR-31 block", "decode it once"],
  ["der", "likely", /^(?:MI[IGHC]|308[0-3][0-9A-F]{12}|0\x82|0\x80)/i, "DER: a certificate or a TR-34 message", ASK],
  [
    "payshield-cryptogram",
    "certain",
    /^(?:[UX][0-9A-F]{32}|[TY][0-9A-F]{48})$/i,
    "a payShield cryptogram without header and MAC",
    ASK,
  ],
  [
    "ibm-key-token",
    "likely",
    /^0[12](?:00[0-9A-F]{4}05[0-9A-F]{48,}|[0-9A-F]{126})$/i,
    "an IBM CCA key token, which only its HSM opens",
    EXPORT,
  ],
  [
    "key-or-cryptogram",
    "likely",
    /^(?:[0-9A-F]{16}){2,4}$/i,
    "a bare key or cryptogram in hex, without header and MAC",
    `if it is a clear key, importKey takes it; else ${ASK}`,
  ],
  ["ksn", "likely", /^(?:FFFF[0-9A-F]{16}|[0-9A-F]{20}|[0-9A-F]{24})$/i, "a key serial number (KSN), which is no key", ASK],
  ["pin-block", "possible", /^[0-9A-F]{16}$/i, "a PIN block, or a single DES key or cryptogram", ASK],
  ["check-value", "possible", /^(?:[0-9A-F]{2}){3,5}$/i, "a check value, which is no key", ASK],
];

/** Version 0 or 1, then four digits that state the length, as TR-31 has it: payShield writes S in front. */
function isThales(text: string): boolean {
  const block = text.replace(/^S/, "");
  return /^[01][0-9]{4}[0-9A-Z]/.test(block) && Number(block.slice(1, 5)) === block.length;
}

/** What a text that is no TR-31 block looks like, if anything known. */
export function lookalike(text: string): Lookalike | undefined {
  if (isThales(text)) {
    const looksLike = "a Thales key block under an LMK, which only its HSM opens";
    return { kind: "thales-key-block", confidence: "certain", looksLike, remedy: EXPORT };
  }
  const row = ROWS.find(([, , form]) => form.test(text));
  if (row === undefined) return undefined;
  const [kind, confidence, , looksLike, remedy] = row;
  return { kind, confidence, looksLike, remedy };
}

/** A TR-31 block that was broken into lines or groups, joined again; spaces of its own stay where its length says so. */
export function joined(text: string): string | undefined {
  const lines = text.split(/[\r\n]+/);
  const ways = [lines.join(""), lines.map((line) => line.trim()).join(""), text.replace(/\s+/g, "")];
  return statesItsLength(text) ? undefined : ways.find(statesItsLength);
}

/** Whether the length field of a TR-31 block is right. */
export function statesItsLength(text: string): boolean {
  return /^[A-E][0-9]{4}/.test(text) && Number(text.slice(1, 5)) === text.length;
}
