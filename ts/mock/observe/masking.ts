/**
 * What may be shown of an opened payload. Card numbers keep their first six and last four digits (PCI DSS 4.0, 3.4.1), wherever and
 * however grouped they stand. What must not be kept after authorisation (3.3.1: PINs, PIN blocks, card verification codes, tracks) is
 * withheld by the name of its member; so are envelopes inside payloads and EMV data, which repeat the card number.
 */
import type { JsonValue } from "../../core/envelope/envelope.js";

const WITHHELD = "(withheld)";
const WITHHELD_NAMES = ["auxiliary_data", "emv_data"];
/** Members whose digits are no card number. */
const PUBLIC_NAMES = ["key_block", "rrn", "key_set_id"];

/** One word of a name, as in `pin_block`, `cardCvv`, `track2`, `Track2Data`, `cvc2`. */
const SENSITIVE_WORD =
  /^(?:(?:e?pin|cvv|cvc|cvn|cav|csc|cid)\d?|tracks?\d?|mag(?:netic)?stripe)(?:data|block|code|value|number)?$/;
/** Names whose words say it together. */
const SENSITIVE_NAME = /securitycode|verification(?:code|value)|trackdata|track[123]|magneticstripe|stripedata/;

/** Deeper than any payload of the protocol, and shallow enough for every engine's stack. */
const DEEPEST = 64;
const TOO_DEEP = "(nested too deeply to show)";

/** Masked throughout; members that must not be shown are `(withheld)`, what is nested too deeply is left out and says so. */
export function mask(value: JsonValue, depth = 0): JsonValue {
  if (typeof value === "string") return maskText(value);
  if (typeof value === "number") return Math.abs(value) < 1e11 ? value : maskText(String(value));
  if (typeof value !== "object" || value === null) return value;
  if (depth === DEEPEST) return TOO_DEEP;
  if (Array.isArray(value)) return value.map((item) => mask(item as JsonValue, depth + 1));
  const entries = Object.entries(value).map(([name, item]): [string, JsonValue] => {
    if (isWithheld(name, item as JsonValue)) return [name, WITHHELD];
    return [maskText(name), PUBLIC_NAMES.includes(name) && typeof item !== "object" ? item : mask(item as JsonValue, depth + 1)];
  });
  return Object.fromEntries(entries);
}

/** `pin_required: true` says nothing of a PIN. */
function isWithheld(name: string, value: JsonValue): boolean {
  if (typeof value === "boolean" || value === null) return false;
  if (WITHHELD_NAMES.includes(name)) return true;
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z0-9]+/);
  return words.some((word) => SENSITIVE_WORD.test(word)) || SENSITIVE_NAME.test(words.join(""));
}

/**
 * Whatever a member is called, 12 to 19 digits may be a card number, with spaces or dashes between them or without, and longer runs
 * may hold one. What follows on a track (ISO/IEC 7813: after `=`, `D` or `^`) goes with the number.
 */
export function maskText(text: string): string {
  return text.replace(/([0-9](?:[\s\p{Pd}]*[0-9]){11,})(\^[^?]*|[=Dd][0-9=]*)?/gu, (_all, run: string, track?: string) => {
    const digits = run.replace(/[^0-9]/g, "").length;
    let place = 0;
    const shown = run.replace(/[0-9]/g, (digit) => {
      place += 1;
      return place <= 6 || place > digits - 4 ? digit : "*";
    });
    if (track === undefined) return shown;
    return shown + (/[0-9]/.test(track) ? track.charAt(0) + WITHHELD : track);
  });
}
