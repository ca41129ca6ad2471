/** `viopay-pos sign`: the signature headers of a request or an attestation, or the check of one. */
import { loadCrypto } from "../backend/select.js";
import { formatTimestamp } from "../base/timestamp.js";
import type { SecretKey } from "../core/keys/key.js";
import { createNonce, signAttestation, signRequest, verifyAttestationSignature } from "../core/signing.js";
import { explainRequestSignature, type RequestNearMiss } from "../core/signing/near-misses.js";
import { didYouMean } from "./did-you-mean.js";
import type { Io } from "./io.js";
import { Keys } from "./key-options.js";
import { type Options, readOptions, usageError, withOptionValues } from "./options.js";
import { Sources } from "./sources.js";
import { createStyle } from "./style.js";

export const usage = `usage: viopay-pos sign request     [--key SOURCE] --path PATH --terminal-id ID [--method POST] [--body INPUT] [options]
       viopay-pos sign attestation [--key SOURCE] --device-id ID --key-id ID [options]

  --key SOURCE      the HMAC key in hex: file:PATH, env:NAME, or - (standard input); left out on a terminal: you are asked
  --path PATH       the request target as sent
  --body INPUT      the body exactly as sent: the text itself, file:PATH, or - (standard input); left out: no body
  --timestamp TIME  default: now
  --nonce NONCE     default: a fresh one
  --verify v1=...   check this signature instead; exit code 1 if it is another's, with the mistake that explains it, if one does
  --json            one JSON line

examples:
  viopay-pos sign request --key file:mac.hex --path /pos/charge --terminal-id TID-004812 --body file:envelope.json
  viopay-pos sign request --key file:mac.hex --path /pos/charge --terminal-id TID-004812 --body file:envelope.json \\
    --timestamp 2025-12-13T14:35:00Z --nonce f9e8d7c6b5a4 --verify v1=...
`;

/** Options by the fields that the signature covers. */
const FIELDS = {
  method: "method",
  path: "path",
  terminalId: "terminal-id",
  deviceId: "device-id",
  keyId: "key-id",
  timestamp: "timestamp",
  nonce: "nonce",
} as const;

/** What is signed: how to make the signature, and how to check one. */
interface Subject {
  sign(key: SecretKey): string;
  verify(key: SecretKey, signature: string): Verdict;
}

interface Verdict {
  readonly valid: boolean;
  /** What was signed instead, where that can be told. */
  readonly nearMisses: readonly RequestNearMiss[];
}

interface Freshness {
  readonly timestamp: string;
  readonly nonce: string;
}

const TABLES = {
  request: { method: "text", path: "text", "terminal-id": "text", body: "text" },
  attestation: { "device-id": "text", "key-id": "text" },
} as const;

export async function run(args: readonly string[], io: Io): Promise<number> {
  const [typed = "", ...rest] = args;
  if (typed !== "request" && typed !== "attestation") {
    throw usageError(`sign needs request or attestation${didYouMean(typed, Object.keys(TABLES))}`);
  }
  const common = { key: "text", timestamp: "text", nonce: "text", verify: "text", json: "flag" } as const;
  const options = readOptions(rest, { ...common, ...TABLES[typed] });
  const signature = options.text("verify");
  const [givenTime, givenNonce] = [options.text("timestamp"), options.text("nonce")];
  if (signature !== undefined && (givenTime === undefined || givenNonce === undefined)) {
    throw usageError("--verify needs --timestamp and --nonce");
  }
  const make = typed === "request" ? request(options) : attestation(options);
  await loadCrypto();
  const fresh = { timestamp: givenTime ?? formatTimestamp(Date.now()), nonce: givenNonce ?? createNonce() };
  const sources = new Sources(io);
  const keys = new Keys(sources);
  try {
    const modeOfUse = signature === undefined ? "G" : "V";
    const key = await keys.read("key", options.text("key"), { algorithm: "HMAC", usage: "M7", modeOfUse });
    const subject = await make(fresh, sources);
    return signature === undefined
      ? await printHeaders(subject, key, fresh, options, io)
      : printVerdict(subject.verify(key, signature), options, io);
  } finally {
    keys.destroy();
  }
}

function request(options: Options): (fresh: Freshness, sources: Sources) => Promise<Subject> {
  const [path, terminalId] = [options.required("path"), options.required("terminal-id")];
  const method = options.text("method") ?? "POST";
  const source = options.text("body");
  return async (fresh, sources) => {
    const body = source === undefined ? "" : await sources.input("--body", source);
    const fields = { method, path, body, terminalId, ...fresh };
    return {
      sign: (key) => signRequest(key, fields),
      verify: (key, signature) => {
        const { verifies, nearMisses } = explainRequestSignature(key, signature, fields);
        return { valid: verifies, nearMisses };
      },
    };
  };
}

function attestation(options: Options): (fresh: Freshness) => Promise<Subject> {
  const [deviceId, keyId] = [options.required("device-id"), options.required("key-id")];
  return async (fresh) => {
    const fields = { deviceId, keyId, ...fresh };
    return {
      sign: (key) => signAttestation(key, fields),
      verify: (key, signature) => ({ valid: verifyAttestationSignature(key, signature, fields), nearMisses: [] }),
    };
  };
}

async function printHeaders(
  subject: Subject,
  key: SecretKey,
  { timestamp, nonce }: Freshness,
  options: Options,
  io: Io,
): Promise<number> {
  const signature = await withOptionValues(FIELDS, () => subject.sign(key));
  const headers = { "X-Timestamp": timestamp, "X-Nonce": nonce, "X-Signature": signature };
  if (options.flag("json")) io.out(`${JSON.stringify(headers)}\n`);
  else for (const [name, value] of Object.entries(headers)) io.out(`${name}: ${value}\n`);
  return 0;
}

/** A near miss is told in words; of the fields, the path alone is worth showing, and the body is not. */
function printVerdict({ valid, nearMisses }: Verdict, options: Options, io: Io): number {
  const style = createStyle(io.color);
  const told = nearMisses.map(({ what, fields: { body: _body, ...fields } }) => ({ what, fields }));
  if (options.flag("json")) {
    io.out(`${JSON.stringify({ valid, ...(told.length === 0 ? {} : { nearMisses: told }) })}\n`);
    return valid ? 0 : 1;
  }
  io.out(`${valid ? style.green("valid") : style.red("not valid")}\n`);
  for (const { what, fields } of told) {
    const path = /\bpath\b/.test(what) ? `: ${fields.path}` : "";
    io.out(`${style.yellow("near miss")}: ${what}${path}\n`);
  }
  return valid ? 0 : 1;
}
