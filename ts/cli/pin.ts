/** `viopay-pos pin`: PIN blocks under a key. PINs and card numbers are secrets like keys and come from where keys come from. */
import { loadCrypto } from "../backend/select.js";
import { decryptPinBlock, encryptPinBlock, type PinBlockFormat, translatePinBlock } from "../core/pin-block/pin-block.js";
import { didYouMean } from "./did-you-mean.js";
import type { Io } from "./io.js";
import { Keys } from "./key-options.js";
import { type Options, readOptions, usageError } from "./options.js";
import { Sources } from "./sources.js";

export const usage = `usage: viopay-pos pin encrypt   [--tpk SOURCE] --format F [--pin SOURCE] [--pan SOURCE] [--json]
       viopay-pos pin decrypt   [--tpk SOURCE] --format F [--pan SOURCE] [--expose] [--json] [BLOCK]
       viopay-pos pin translate [--tpk SOURCE] [--to-key SOURCE] --format F --to-format F [--pan SOURCE] [--json] [BLOCK]

  SOURCE        file:PATH, env:NAME, or - (standard input); left out on a terminal: you are asked
  --format F    ISO 9564-1 format: 4 (AES key), 0, 1, 2 or 3 (TDES key)
  --pan SOURCE  the whole card number, check digit included; formats 0, 3 and 4 need it
  BLOCK         the block in hex, or file:PATH, or - (standard input, the default)
  --expose      decrypt prints the PIN; without it, only whether the block opens
  --json        one JSON line

examples:
  viopay-pos pin encrypt --format 0                            asks for key, PIN and card number
  viopay-pos pin decrypt --format 0 --tpk file:tpk.hex --pan file:pan 2F6E1D9A0C4B7788
  viopay-pos pin translate --tpk file:tpk.hex --to-key file:zpk.hex --format 0 --to-format 4 --pan file:pan file:block
`;

const FORMATS = ["0", "1", "2", "3", "4"] as const;
const NEED_PAN: readonly PinBlockFormat[] = [0, 3, 4];
const ACTIONS = ["encrypt", "decrypt", "translate"] as const;

function format(options: Options, name: string): PinBlockFormat {
  const chosen = options.choice(name, FORMATS);
  if (chosen === undefined) throw usageError(`--${name} is missing`);
  return Number(chosen) as PinBlockFormat;
}

export async function run(args: readonly string[], io: Io): Promise<number> {
  const [typed = "", ...rest] = args;
  const action = ACTIONS.find((name) => name === typed);
  if (action === undefined) throw usageError(`pin needs encrypt, decrypt or translate${didYouMean(typed, ACTIONS)}`);
  const common = { tpk: "text", format: "text", pan: "text", json: "flag" } as const;
  const own = {
    encrypt: { pin: "text" },
    decrypt: { expose: "flag" },
    translate: { "to-key": "text", "to-format": "text" },
  } as const;
  const options = readOptions(rest, { ...common, ...own[action] }, action === "encrypt" ? 0 : 1);
  const from = format(options, "format");
  const to = action === "translate" ? format(options, "to-format") : from;
  const sources = new Sources(io);
  const needsPan = [from, to].some((each) => NEED_PAN.includes(each));
  if (needsPan && options.text("pan") === undefined && !sources.interactive) {
    throw usageError("--pan is missing: formats 0, 3 and 4 need it");
  }
  await loadCrypto();
  const keys = new Keys(sources);
  const keyFor = (name: string, of: PinBlockFormat, modeOfUse: string) =>
    keys.read(name, options.text(name), { algorithm: of === 4 ? "AES" : "TDES", usage: "P0", modeOfUse });
  const print = (line: object, text: string) => io.out(`${options.flag("json") ? JSON.stringify(line) : text}\n`);
  try {
    const tpk = await keyFor("tpk", from, action === "encrypt" ? "E" : "D");
    const toKey = action === "translate" ? await keyFor("to-key", to, "E") : undefined;
    const isGiven = needsPan || options.text("pan") !== undefined;
    const pan = isGiven ? { pan: await sources.secret("pan", options.text("pan"), "card number") } : {};
    if (action === "encrypt") {
      const pin = await sources.secret("pin", options.text("pin"), "PIN");
      const block = encryptPinBlock(tpk, { format: from, pin, ...pan });
      print({ format: from, block }, block);
      return 0;
    }
    const block = (await sources.input("PIN block", options.positionals[0])).replace(/\s+/g, "");
    if (toKey !== undefined) {
      const translated = translatePinBlock(tpk, toKey, block, { from, to, ...pan });
      print({ format: to, block: translated }, translated);
      return 0;
    }
    const pin = decryptPinBlock(tpk, block, { format: from, ...pan });
    if (options.flag("expose")) print({ opens: true, pin }, pin);
    else print({ opens: true }, "the block opens; --expose prints the PIN");
    return 0;
  } finally {
    keys.destroy();
  }
}
