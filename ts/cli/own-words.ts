/** The library names its own options as remedies; a person at the command line has others. */

const WORDS: readonly (readonly [of: RegExp, to: string])[] = [
  [/\bhexCase: ["'`](any|upper)["'`]/g, "--hex-case $1"],
  [/\bgrammar: ["'`](lenient|strict)["'`]/g, "--grammar $1"],
  [/\blengthHiding: ["'`](any|required)["'`]/g, "--length-hiding $1"],
  [/\bpolicy: ["'`]report["'`]/g, "--report"],
  [/\bpanDigits: ["'`][a-z0-9-]+["'`]/g, "the whole card number"],
  [/\bextractable: true\b/g, "--expose"],
  [/\bexpectUsage\b/g, "--usage"],
  [/\bexpectModeOfUse\b/g, "--mode"],
  [/\bpass `?hash`?/g, "pass --hash"],
  [/^"kcv"/g, "--kcv"],
];

export function inOwnWords(message: string): string {
  return WORDS.reduce((text, [of, to]) => text.replace(of, to), message);
}
