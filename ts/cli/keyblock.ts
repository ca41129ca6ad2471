/** `viopay-pos keyblock`: reads any TR-31 block without a key, unwraps one, wraps a key, or moves one to another KBPK. */
import { didYouMean } from "./did-you-mean.js";
import type { Io } from "./io.js";
import { usageError } from "./options.js";

export const usage = `usage: viopay-pos keyblock [read] [BLOCK...] [--json] [knobs]
       viopay-pos keyblock unwrap [--kbpk SOURCE] [BLOCK...] [--usage U] [--mode M] [--kcv HEX] [--hash H] [--report] [--expose]
                                  [--json] [knobs]
       viopay-pos keyblock wrap   [--kbpk SOURCE] [--key SOURCE] --usage U [--algorithm A] [--hash H] [--mode M] [--version V]
                                  [--exportability E|N|S] [--key-version XX] [--context 0|1|2] [--label TEXT] [--with-kcv]
                                  [--block ID[=DATA]]... [--json]
       viopay-pos keyblock rewrap [--from-kbpk SOURCE] [--to-kbpk SOURCE] [BLOCK...] [--version V] [--usage U] [--mode M]
                                  [--exportability E|N|S] [--key-version XX] [--context 0|1|2] [--block ID[=DATA]]...
                                  [--without ID]... [--kcv HEX] [--json]

  BLOCK             the key block itself, in groups, too; file:PATH; or - (standard input, the default)
  SOURCE            a key in hex: file:PATH, env:NAME, or - (standard input); left out on a terminal: you are asked
  --usage U         two characters of ANSI X9.143 table 2, as P0; unwrap: what is expected
  --mode M          a letter of table 4; wrap: default N; rewrap: the same or a narrower one
  --algorithm A     AES (default), TDES or HMAC
  --hash H          of an HMAC key: SHA-1, SHA-224, SHA-256, SHA-384 or SHA-512; unwrap: where the block has no HM;
                    wrap: default SHA-256
  --version V       A to E, default D, rewrap: the block's own; A, B and C take a TDES key as KBPK, D and E an AES key
  --kcv HEX         the check value the key must have
  --report          list what breaks the standard's policy instead of refusing the block
  --with-kcv        add the key's and the KBPK's check values: the same as --block KC --block KP
  --block ID=DATA   an optional block: KC and KP without DATA; LB=text, HM=SHA-256, TS=now or a time, TC likewise,
                    KS=20 digits, IK=16 digits, BI=AES:8 digits or BI=TDEA:10 digits, WP=0 to 3, AL=static or ephemeral,
                    DA=K0AEN,D0AEN (usage, algorithm, mode, exportability); others, and all of these, as the header has them
  --without ID      rewrap leaves this optional block out
  --expose          print the key in clear

knobs:
  --hex-case any|upper            upper refuses small hex digits
  --grammar lenient|strict        strict refuses optional blocks that break their format
  --length-hiding any|required    required refuses blocks that show the key's length

examples:
  viopay-pos keyblock D0112P0AE00E0000B826...           what a block says, without any key
  viopay-pos keyblock unwrap file:tpk.tr31 --kcv 08793E   asks for the KBPK, prints what the key is, not the key
  viopay-pos keyblock wrap --usage P0 --mode E --algorithm TDES --version B --kbpk file:zmk.hex --key file:tpk.hex --block KC
  viopay-pos keyblock rewrap --from-kbpk file:old.hex --to-kbpk file:new.hex --version D file:tpk.tr31
`;

/** Loaded when asked for: reading a block needs no backend. */
const ACTIONS: Readonly<Record<string, () => Promise<{ readonly run: (args: readonly string[], io: Io) => Promise<number> }>>> = {
  read: () => import("./keyblock/read.js"),
  unwrap: () => import("./keyblock/unwrap.js"),
  wrap: () => import("./keyblock/wrap.js"),
  rewrap: () => import("./keyblock/rewrap.js"),
};

/** A word is an action or a slip in one; anything else is a block, which is read. */
const WORD = /^[a-z]{2,12}$/;

export async function run(args: readonly string[], io: Io): Promise<number> {
  const [action = "", ...rest] = args;
  if (Object.hasOwn(ACTIONS, action)) return await (await ACTIONS[action]!()).run(rest, io);
  if (WORD.test(action)) {
    throw usageError(`keyblock needs read, unwrap, wrap or rewrap, or a block${didYouMean(action, Object.keys(ACTIONS))}`);
  }
  return await (await ACTIONS["read"]!()).run(args, io);
}
