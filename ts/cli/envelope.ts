/** `viopay-pos envelope`: seals JSON under an MSK or TDK, or opens an envelope. */
import { loadCrypto } from "../backend/select.js";
import { encodeHex, encodeUtf8 } from "../base/bytes.js";
import { PosCryptoError } from "../base/errors.js";
import { type JsonValue, openEnvelope, openEnvelopeBytes, sealEnvelope, sealEnvelopeBytes } from "../core/envelope/envelope.js";
import { didYouMean } from "./did-you-mean.js";
import type { Io } from "./io.js";
import { Keys } from "./key-options.js";
import { type Options, readOptions, usageError } from "./options.js";
import { Sources } from "./sources.js";

export const usage = `usage: viopay-pos envelope seal [--key SOURCE] [--encoding hex|raw] [--gzip] [--chunk-bytes N] [--kcv] [--bytes] [INPUT]
       viopay-pos envelope open [--key SOURCE] [--encoding auto|hex|raw] [--bytes] [--json] [INPUT]

  --key SOURCE       the AES key in hex: file:PATH, env:NAME, or - (standard input); left out on a terminal: you are asked
  INPUT              seal: JSON; open: an envelope. The text itself, file:PATH, or - (standard input, the default)
  --encoding         how the plaintext carries its bytes; default hex on sealing, auto on opening (with --bytes: hex)
  --gzip             compress first; what exceeds --chunk-bytes (default 2048) becomes several chunks
  --kcv              seal adds key_kcv
  --bytes            the plaintext is any text (seal) or is printed in hex (open), instead of JSON
  --json             one JSON line; an envelope is one already

examples:
  viopay-pos envelope seal --key file:msk.hex '{"amount":{"value":"1500"}}'
  viopay-pos envelope open --key file:msk.hex file:answer.json
`;

const ACTIONS = ["seal", "open"] as const;

export async function run(args: readonly string[], io: Io): Promise<number> {
  const [typed = "", ...rest] = args;
  const action = ACTIONS.find((name) => name === typed);
  if (action === undefined) throw usageError(`envelope needs seal or open${didYouMean(typed, ACTIONS)}`);
  const common = { key: "text", encoding: "text", bytes: "flag", json: "flag" } as const;
  const own = { seal: { gzip: "flag", "chunk-bytes": "text", kcv: "flag" }, open: {} } as const;
  const options = readOptions(rest, { ...common, ...own[action] }, 1);
  const transform = action === "seal" ? sealing(options) : opening(options);
  const sources = new Sources(io);
  const keys = new Keys(sources);
  await loadCrypto();
  try {
    const attributes = { algorithm: "AES", usage: "D0", modeOfUse: action === "seal" ? "E" : "D" } as const;
    const key = await keys.read("key", options.text("key"), attributes);
    io.out(`${transform(key, await sources.input("INPUT", options.positionals[0]))}\n`);
    return 0;
  } finally {
    keys.destroy();
  }
}

/** From the input to what is printed. */
type Transform = (key: Parameters<typeof sealEnvelope>[0], input: string) => string;

function sealing(options: Options): Transform {
  const plaintextEncoding = options.choice("encoding", ["hex", "raw"]) ?? "hex";
  const gzip = options.flag("gzip");
  const chunkBytes = options.wholeNumber("chunk-bytes", 1, 1 << 24);
  if (chunkBytes !== undefined && !gzip) throw usageError("--chunk-bytes needs --gzip");
  const how = { plaintextEncoding, gzip, includeKcv: options.flag("kcv"), ...(chunkBytes === undefined ? {} : { chunkBytes }) };
  return options.flag("bytes")
    ? (key, input) => JSON.stringify(sealEnvelopeBytes(key, encodeUtf8(input), how))
    : (key, input) => JSON.stringify(sealEnvelope(key, asJson("INPUT", input), how));
}

function opening(options: Options): Transform {
  const asLine = options.flag("json");
  if (options.flag("bytes")) {
    const plaintextEncoding = options.choice("encoding", ["hex", "raw"]) ?? "hex";
    return (key, input) => {
      const bytes = encodeHex(openEnvelopeBytes(key, asJson("INPUT", input), { plaintextEncoding }));
      return asLine ? JSON.stringify({ bytes }) : bytes;
    };
  }
  const plaintextEncoding = options.choice("encoding", ["auto", "hex", "raw"]) ?? "auto";
  return (key, input) => {
    return JSON.stringify(openEnvelope(key, asJson("INPUT", input), { plaintextEncoding }), null, asLine ? 0 : 2);
  };
}

/** The parser's own message would quote the text. */
function asJson(what: string, text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    throw new PosCryptoError("ERR_INVALID_ARGUMENT", `"${what}" must be JSON, got other text`);
  }
}
