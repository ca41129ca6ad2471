/** `viopay-pos key`: makes a key, combines the components of a key ceremony, or splits a key into components. */
import { didYouMean } from "./did-you-mean.js";
import type { Io } from "./io.js";
import { usageError } from "./options.js";

export const usage = `usage: viopay-pos key generate --usage U [--bits N] [--kbpk SOURCE] [HEADER]... [--expose] [--json]
       viopay-pos key combine  --usage U [--component SOURCE]... [--kcv VALUE] [--kbpk SOURCE] [HEADER]... [--expose] [--json]
       viopay-pos key split    [--key SOURCE | --kbpk SOURCE BLOCK...] [--algorithm A] [--hash H] [--count N] --expose [--json]

A key comes out as a TR-31 block under a KBPK, and in clear only with --expose. Check values go to standard error.

  SOURCE               a key in hex: file:PATH, env:NAME, or - (standard input); left out on a terminal: you are asked
  --usage U            two characters of ANSI X9.143 table 2, as P0 or K0
  --algorithm A        AES (default), TDES or HMAC
  --bits N             default: AES 256, TDES 128, HMAC 256
  --component SOURCE   a component, once for each; without it, a terminal asks for them one by one
  --kcv VALUE          the check value in the key letter; the key comes out only if it is the key's
  --kbpk SOURCE        the KBPK, for the block that comes out, or for the block that is split
  --count N            components, 2 to 9, default 3
  --expose             print the key (generate and combine need no KBPK then) or the components (split) in clear
  --json               one JSON line

HEADER, as in viopay-pos keyblock --help: --algorithm --hash --mode --version --exportability --key-version --context --label
--with-kcv --block

examples:
  viopay-pos key generate --usage P0 --algorithm TDES --mode E --version B --kbpk file:zmk.hex --block KC > tpk.tr31
  viopay-pos key combine --usage K0 --exportability E     asks for the components, the letter's check value and the KBPK
  viopay-pos key split --kbpk file:kbpk.hex file:zmk.tr31 --count 3 --expose
`;

const ACTIONS: Readonly<Record<string, () => Promise<{ readonly run: (args: readonly string[], io: Io) => Promise<number> }>>> = {
  generate: () => import("./key/generate.js"),
  combine: () => import("./key/combine.js"),
  split: () => import("./key/split.js"),
};

export async function run(args: readonly string[], io: Io): Promise<number> {
  const [action = "", ...rest] = args;
  if (Object.hasOwn(ACTIONS, action)) return await (await ACTIONS[action]!()).run(rest, io);
  throw usageError(`key needs generate, combine or split${didYouMean(action, Object.keys(ACTIONS))}`);
}
