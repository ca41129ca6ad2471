/**
 * Why a request was refused, for whoever owns the mock: its log, `onRequest`, the portal and the journal. On the wire it goes only with
 * the option `explain`, because a host that explains refused signatures helps whoever forges them.
 *
 * A refusal holds what the sender sent or may know, and no secret: no key, no card number, no opened payload.
 */
import type { ApiError } from "../http/errors.js";
import { maskText } from "./masking.js";

/** Why a request was refused. */
export interface Refusal {
  /** One sentence. */
  readonly reason: string;
  /** The header that it is about. */
  readonly header?: string;
  /** The request's time less the host's, in seconds: negative for a request that comes from the past. */
  readonly clockDifferenceSeconds?: number;
  /** What the sender named, and what the host would have accepted. */
  readonly sent?: string;
  readonly known?: readonly string[];
  /** The text whose signature was verified, each line end shown as `␊`. */
  readonly signedText?: string;
  /** What the signature does fit, in words: the likely mistake. */
  readonly nearMisses?: readonly string[];
}

/** The refusal that the answer itself tells: its message, its header, and the members that it names. */
export function plainRefusal({ message, details = {} }: ApiError): Refusal {
  const { header, fields, ...others } = details;
  const members = typeof fields === "object" && fields !== null ? Object.entries(fields) : [];
  const named = [...members, ...Object.entries(others)].map(([name, text]) => `${name} ${String(text)}`);
  const reason = maskText(named.length === 0 ? message : `${message}: ${named.join("; ")}`);
  return typeof header === "string" ? { reason, header } : { reason };
}

const LONGEST_TEXT = 4000;

/** Line ends as a person can see them; what is too long to show is cut and says so. */
export function withLineEnds(text: string): string {
  const shown = text.replaceAll("\r", "␍").replaceAll("\n", "␊\n");
  return shown.length <= LONGEST_TEXT ? shown : `${shown.slice(0, LONGEST_TEXT)}... (${text.length} characters)`;
}
