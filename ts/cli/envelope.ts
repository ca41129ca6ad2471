/** `viopay-pos envelope`: seals JSON under an MSK or TDK, or opens an envelope. */
import { loadCrypto } from "../backend/select.js";
import { type JsonValue, openEnvelope, openEnvelopeBytes, sealEnvelope, sealEnvelopeBytes } from "../core/envelope/envelope.js";
import { encodeHex, encodeUtf8 } from "../base/bytes.js";
import { PosCryptoError } from "../base/errors.js";
import type { Io } from "./io.js";
import { Keys } from "./key-options.js";
import { readOptions, Sources, usageError } from "./options.js";

export const usage = `usage: viopay-pos envelope seal --key SOURCE [--encoding hex|raw] [--gzip] [--chunk-bytes N] [--kcv] [--bytes] [INPUT]
       viopay-pos envelope open --key SOURCE [--encoding auto|hex|raw] [--bytes] [INPUT]

  --key SOURCE       the AES key in hex: file:PATH, env:NAME, or - (standard input)
  INPUT              seal: JSON; open: an envelope. The text itself, file:PATH, or - (standard input, the default)
  --encoding         how the plaintext carries its bytes; default hex on sealing, auto on opening (with --bytes: hex)
  --gzip             compress first; what exceeds --chunk-bytes (default 2048) becomes several chunks
  --kcv              seal adds key_kcv
  --bytes            the plaintext is any text (seal) or is printed in hex (open), instead of JSON
`;

export async function run(args: readonly string[], io: Io): Promise<number> {
  const [action, ...rest] = args;
  if (action !== "seal" && action !== "open") throw usageError("envelope needs seal or open");
  const common = { key: "text", encoding: "text", bytes: "flag" } as const;
  const own = { seal: { gzip: "flag", "chunk-bytes": "text", kcv: "flag" }, open: {} } as const;
  const options = readOptions(rest, { ...common, ...own[action] }, 1);
  const keySource = options.required("key");
  const asBytes = options.flag("bytes");
  const chunkBytes = options.wholeNumber("chunk-bytes", 1, 1 << 24);
  if (chunkBytes !== undefined && !options.flag("gzip")) throw usageError("--chunk-bytes needs --gzip");
  const sealing = options.choice("encoding", action === "seal" || asBytes ? ["hex", "raw"] : ["auto", "hex", "raw"]);
  await loadCrypto();
  const sources = new Sources(io);
  const keys = new Keys(sources);
  try {
    const key = await keys.read("key", keySource, { algorithm: "AES", usage: "D0", modeOfUse: action === "seal" ? "E" : "D" });
    const input = await sources.input("INPUT", options.positionals[0]);
    if (action === "seal") {
      const plaintextEncoding = sealing === "raw" ? ("raw" as const) : ("hex" as const);
      const how = { plaintextEncoding, gzip: options.flag("gzip"), includeKcv: options.flag("kcv"), chunkBytes };
      const envelope = asBytes ? sealEnvelopeBytes(key, encodeUtf8(input), how) : sealEnvelope(key, asJson("INPUT", input), how);
      io.out(`${JSON.stringify(envelope)}\n`);
    } else if (asBytes) {
      io.out(
        `${encodeHex(openEnvelopeBytes(key, asJson("INPUT", input), { plaintextEncoding: sealing === "raw" ? "raw" : "hex" }))}\n`,
      );
    } else {
      io.out(`${JSON.stringify(openEnvelope(key, asJson("INPUT", input), { plaintextEncoding: sealing ?? "auto" }), null, 2)}\n`);
    }
    return 0;
  } finally {
    keys.destroy();
  }
}

/** The parser's own message would quote the text. */
function asJson(what: string, text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    throw new PosCryptoError("ERR_INVALID_ARGUMENT", `"${what}" must be JSON, got other text`);
  }
}
