/** `viopay-pos pin`: PIN blocks under a key. PINs and card numbers are secrets like keys and come from where keys come from. */
import { loadCrypto } from "../backend/select.js";
import { decryptPinBlock, encryptPinBlock, type PinBlockFormat, translatePinBlock } from "../core/pin-block/pin-block.js";
import type { Io } from "./io.js";
import { Keys } from "./key-options.js";
import { type Options, readOptions, Sources, usageError } from "./options.js";

export const usage = `usage: viopay-pos pin encrypt   --tpk SOURCE --format F --pin SOURCE [--pan SOURCE]
       viopay-pos pin decrypt   --tpk SOURCE --format F [--pan SOURCE] [--expose] BLOCK
       viopay-pos pin translate --tpk SOURCE --to-key SOURCE --format F --to-format F [--pan SOURCE] BLOCK

  SOURCE        file:PATH, env:NAME, or - (standard input)
  --format F    ISO 9564-1 format: 4 (AES key), 0, 1, 2 or 3 (TDES key)
  --pan SOURCE  the card number; formats 0, 3 and 4 need it
  BLOCK         the block in hex, or file:PATH, or - (standard input)
  --expose      decrypt prints the PIN; without it, only whether the block opens
`;

const FORMATS = ["0", "1", "2", "3", "4"] as const;
const NEED_PAN: readonly PinBlockFormat[] = [0, 3, 4];

function format(options: Options, name: string): PinBlockFormat {
  const chosen = options.choice(name, FORMATS);
  if (chosen === undefined) throw usageError(`--${name} is missing`);
  return Number(chosen) as PinBlockFormat;
}

export async function run(args: readonly string[], io: Io): Promise<number> {
  const [action, ...rest] = args;
  if (action !== "encrypt" && action !== "decrypt" && action !== "translate")
    throw usageError("pin needs encrypt, decrypt or translate");
  const common = { tpk: "text", format: "text", pan: "text" } as const;
  const own = {
    encrypt: { pin: "text" },
    decrypt: { expose: "flag" },
    translate: { "to-key": "text", "to-format": "text" },
  } as const;
  const options = readOptions(rest, { ...common, ...own[action] }, action === "encrypt" ? 0 : 1);
  const from = format(options, "format");
  const to = action === "translate" ? format(options, "to-format") : from;
  if (!options.text("pan") && [from, to].some((each) => NEED_PAN.includes(each))) {
    throw usageError("--pan is missing: formats 0, 3 and 4 need it");
  }
  const tpkSource = options.required("tpk");
  const otherSource =
    action === "encrypt" ? options.required("pin") : action === "translate" ? options.required("to-key") : undefined;
  await loadCrypto();
  const sources = new Sources(io);
  const keys = new Keys(sources);
  const panSource = options.text("pan");
  const keyFor = (name: string, source: string, of: PinBlockFormat, modeOfUse: string) =>
    keys.read(name, source, { algorithm: of === 4 ? "AES" : "TDES", usage: "P0", modeOfUse });
  try {
    const tpk = await keyFor("tpk", tpkSource, from, action === "encrypt" ? "E" : "D");
    const pan = panSource === undefined ? {} : { pan: await sources.secret("pan", panSource) };
    if (action === "encrypt") {
      const pin = await sources.secret("pin", otherSource as string);
      io.out(`${encryptPinBlock(tpk, { format: from, pin, ...pan })}\n`);
      return 0;
    }
    const block = (await sources.input("BLOCK", options.positionals[0])).trim();
    if (action === "translate") {
      const toKey = await keyFor("to-key", otherSource as string, to, "E");
      io.out(`${translatePinBlock(tpk, toKey, block, { from, to, ...pan })}\n`);
      return 0;
    }
    const pin = decryptPinBlock(tpk, block, { format: from, ...pan });
    io.out(options.flag("expose") ? `${pin}\n` : "the block opens; --expose prints the PIN\n");
    return 0;
  } finally {
    keys.destroy();
  }
}
