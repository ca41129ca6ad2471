/** The known word that a mistyped one resembles. Only known words are ever named: what was typed may be a secret. */

/** The closest of `known`, if one is close: one slip in a short word, two in a longer one. */
function closest(typed: string, known: readonly string[]): string | undefined {
  const [best] = known
    .map((word) => ({ word, slips: slipsBetween(typed.toLowerCase(), word) }))
    .filter(({ word, slips }) => slips <= (word.length < 5 ? 1 : 2))
    .sort((a, b) => a.slips - b.slips);
  return best?.word;
}

/** `; did you mean --key?`, or nothing. */
export function didYouMean(typed: string, known: readonly string[], prefix = ""): string {
  const word = typed.length > 32 ? undefined : closest(typed, known);
  return word === undefined ? "" : `; did you mean ${prefix}${word}?`;
}

/** Insertions, deletions, replacements, and exchanges of two neighbours (optimal string alignment). */
function slipsBetween(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isExchange = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(Math.min(replaced, last[j]! + 1, row[j - 1]! + 1, isExchange ? beforeLast[j - 2]! + 1 : Number.POSITIVE_INFINITY));
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length]!;
}
