/** `viopay-pos sign`: the signature headers of a request or an attestation, or the check of one. */
import { loadCrypto } from "../backend/select.js";
import {
  createNonce,
  signAttestation,
  signRequest,
  verifyAttestationSignature,
  verifyRequestSignature,
} from "../core/signing.js";
import { formatTimestamp } from "../base/timestamp.js";
import type { Io } from "./io.js";
import { Keys } from "./key-options.js";
import { readOptions, Sources, usageError, withOptionValues } from "./options.js";

export const usage = `usage: viopay-pos sign request     --key SOURCE --path PATH --terminal-id ID [--method POST] [--body INPUT] [options]
       viopay-pos sign attestation --key SOURCE --device-id ID --key-id ID [options]

  --key SOURCE      the HMAC key in hex: file:PATH, env:NAME, or - (standard input)
  --path PATH       the request target as sent
  --body INPUT      the body exactly as sent: the text itself, file:PATH, or - (standard input); left out: no body
  --timestamp TIME  default: now
  --nonce NONCE     default: a fresh one
  --verify v1=...   check this signature instead; exit code 1 if it is another's
  --json            one JSON line
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

export async function run(args: readonly string[], io: Io): Promise<number> {
  const [what, ...rest] = args;
  if (what !== "request" && what !== "attestation") throw usageError("sign needs request or attestation");
  const common = { key: "text", timestamp: "text", nonce: "text", verify: "text", json: "flag" } as const;
  const own = {
    request: { method: "text", path: "text", "terminal-id": "text", body: "text" },
    attestation: { "device-id": "text", "key-id": "text" },
  } as const;
  const options = readOptions(rest, { ...common, ...own[what] });
  const signature = options.text("verify");
  const [givenTime, givenNonce] = [options.text("timestamp"), options.text("nonce")];
  if (signature !== undefined && (givenTime === undefined || givenNonce === undefined)) {
    throw usageError("--verify needs --timestamp and --nonce");
  }
  const timestamp = givenTime ?? formatTimestamp(Date.now());
  const keySource = options.required("key");
  const fields = what === "request" ? { path: options.required("path"), terminalId: options.required("terminal-id") } : undefined;
  const device =
    what === "attestation" ? { deviceId: options.required("device-id"), keyId: options.required("key-id") } : undefined;
  await loadCrypto();
  const nonce = givenNonce ?? createNonce();
  const sources = new Sources(io);
  const keys = new Keys(sources);
  try {
    const key = await keys.read("key", keySource, {
      algorithm: "HMAC",
      usage: "M7",
      modeOfUse: signature === undefined ? "G" : "V",
    });
    const bodySource = options.text("body");
    const body = bodySource === undefined ? "" : await sources.input("--body", bodySource);
    const request = { ...fields, method: options.text("method") ?? "POST", body, timestamp, nonce } as Parameters<
      typeof signRequest
    >[1];
    const attestation = { ...device, timestamp, nonce } as Parameters<typeof signAttestation>[1];
    if (signature !== undefined) {
      const valid =
        what === "request"
          ? verifyRequestSignature(key, signature, request)
          : verifyAttestationSignature(key, signature, attestation);
      io.out(options.flag("json") ? `${JSON.stringify({ valid })}\n` : `${valid ? "valid" : "not valid"}\n`);
      return valid ? 0 : 1;
    }
    const made = await withOptionValues(FIELDS, () =>
      what === "request" ? signRequest(key, request) : signAttestation(key, attestation),
    );
    const headers = { "X-Timestamp": timestamp, "X-Nonce": nonce, "X-Signature": made };
    if (options.flag("json")) io.out(`${JSON.stringify(headers)}\n`);
    else for (const [name, value] of Object.entries(headers)) io.out(`${name}: ${value}\n`);
    return 0;
  } finally {
    keys.destroy();
  }
}
