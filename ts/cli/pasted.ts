/**
 * What a person copied out of a letter, a mail or a screen, as the text that it was: a key block in lines and groups, a check value
 * with its label. The library stays strict about both; whoever uses this says what was dropped.
 */

export interface Pasted {
  readonly text: string;
  /** What was dropped, in words; white space at the ends is not worth one. */
  readonly dropped?: string;
}

/** Whether the four digits behind the version state the length that the text has: X9.143:2021 clause 6.2, table 1. */
function hasItsLength(text: string): boolean {
  return /^[A-E]\d{4}/.test(text) && Number(text.slice(1, 5)) === text.length;
}

/** A block as it was before lines and groups were made of it. Spaces may be part of a block: they go only where its length says so. */
export function pastedBlock(text: string): Pasted {
  const given = text.replace(/^\ufeff/, "").trim();
  const quoted = /^(["'`])(.*)\1$/s.exec(given)?.[2];
  const bare = quoted === undefined ? given : quoted.trim();
  const quotes = quoted === undefined ? [] : ["quotation marks"];
  const dropping = (...what: string[]) => {
    const all = [...quotes, ...what];
    return all.length === 0 ? {} : { dropped: all.join(" and ") };
  };
  const lines = bare.split(/\r\n|\r|\n/);
  const breaks = lines.length > 1 ? ["line breaks"] : [];
  const joined = lines.join("");
  if (hasItsLength(joined)) return { text: joined, ...dropping(...breaks) };
  const closed = lines.map((line) => line.trim()).join("");
  if (closed !== joined && hasItsLength(closed)) return { text: closed, ...dropping(...breaks, "spaces at the ends of lines") };
  const dense = bare.replace(/\s+/g, "");
  const isBase64 = /^[QR][A-Za-z0-9+/]+={0,2}$/.test(dense);
  if (dense !== joined && (hasItsLength(dense) || isBase64)) return { text: dense, ...dropping(...breaks, "spaces") };
  return { text: joined, ...dropping(...breaks) };
}

/** A check value without its label, and without what stands between its digits. */
export function pastedCheckValue(text: string): Pasted {
  const digits = text
    .trim()
    .replace(/^(?:KCV|CHECK VALUE)(?=[\s:=])[\s:=]*/i, "")
    .replace(/[\s-]+/g, "");
  return digits === text ? { text } : { text: digits, dropped: "all but the digits" };
}
