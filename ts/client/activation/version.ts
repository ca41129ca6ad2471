/**
 * Comparison of app versions: up to four dotted numbers, missing ones count as 0, and a pre-release suffix (`-beta.1`) makes a
 * version older than the same numbers without one. Two pre-releases of the same numbers compare as equal.
 */
const FORM = /^(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?(-[0-9A-Za-z.-]{1,32})?$/;

function parse(text: string): number[] | undefined {
  const match = FORM.exec(text);
  if (match === null) return undefined;
  return [1, 2, 3, 4].map((i) => Number(match[i] ?? "0")).concat(match[5] === undefined ? 1 : 0);
}

/** Whether `version` is older than `minimum`; `undefined` where one of them is no version. */
export function isOlderVersion(version: string, minimum: string): boolean | undefined {
  const a = parse(version);
  const b = parse(minimum);
  if (a === undefined || b === undefined) return undefined;
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i]) return a[i]! < b[i]!;
  }
  return false;
}
