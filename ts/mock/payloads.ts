/**
 * Payloads under the master session key: opening what terminals send, sealing what they get.
 *
 * CBC without a MAC makes an opener an oracle, so every cryptographic cause of failure (padding, hex text, UTF-8, JSON) is one
 * 400 without details. What is visible from outside (members, lengths, a foreign `key_kcv`) may be named. The key set is the one
 * whose MSK has the envelope's `key_kcv`; without one, the one that signed the request, or the newest.
 */
import {
  type DataEnvelope,
  type Envelope,
  type EnvelopeChunk,
  type JsonValue,
  openEnvelope,
  sealEnvelope,
  sealEnvelopeBytes,
} from "../core/envelope/envelope.js";
import { PosCryptoError } from "../base/errors.js";
import type { SecretKey } from "../core/keys/key.js";
import type { Context } from "./context.js";
import { badRequest } from "./http/errors.js";
import { Fields, isObject } from "./http/fields.js";
import type { ProvisionedDevice } from "./state/provision.js";
import type { DeviceRecord, KeySetRecord } from "./state/devices.js";

const UNOPENABLE = "Envelope cannot be opened";

export interface OpenedRequest {
  value: object;
  keySet: KeySetRecord;
}

/** Limits attempts at opening: `begin` before each, `forgive` after one that is not to count. */
export interface OpeningLimit {
  begin(): Promise<void>;
  forgive(): Promise<void>;
}

/**
 * Opens the body of a request.
 *
 * @param preferred the key set that signed the request, if it was signed
 * @param limit told of each attempt; only an envelope that is well formed and cannot be opened is left to count
 */
export async function openRequest(
  context: Context,
  device: ProvisionedDevice,
  record: DeviceRecord,
  preferred: KeySetRecord | undefined,
  limit?: OpeningLimit,
): Promise<OpenedRequest> {
  const envelope = await context.json();
  checkRequestForm(envelope, "");
  const live = context.services.devices.liveKeySets(record);
  const unnamed = preferred ?? live[0];
  if (unnamed === undefined) throw badRequest("Keys were not fetched");
  // `key_kcv` may be of either method for AES keys: core compares it, so each key set is asked in turn.
  const candidates = Object.hasOwn(envelope, "key_kcv") ? live : [unnamed];
  await limit?.begin();
  let counts = false;
  try {
    for (const keySet of candidates) {
      const { msk } = await context.services.keys.keySet(device, keySet);
      const opened = open(msk, envelope, "");
      if (opened === "another key") continue;
      counts = opened === "unopenable";
      if (opened === "unopenable") throw badRequest(UNOPENABLE);
      const { value } = opened;
      if (!isObject(value)) throw badRequest("Invalid request body", { message: "the payload must be a JSON object" });
      Object.assign(context.exchange, { keyKcv: keySet.mskKcv, keySetId: keySet.id, request: value });
      return { value, keySet };
    }
  } finally {
    if (!counts) await limit?.forgive();
  }
  throw badRequest("Invalid envelope", { fields: { key_kcv: "is not the check value of a valid MSK of this device" } });
}

/** Opens an envelope inside a payload, `name` being its member. Throws 400; the cryptographic causes have one message. */
export function openInner(key: SecretKey, envelope: object, name: string): JsonValue {
  checkRequestForm(envelope, `${name}.`);
  const opened = open(key, envelope, `${name}.`);
  if (opened === "another key") throw badRequest("Invalid envelope", { fields: { [`${name}.key_kcv`]: "is another key's" } });
  if (opened === "unopenable") throw badRequest(UNOPENABLE);
  return opened.value;
}

/** Requests are TR31-DATA, and not compressed. */
function checkRequestForm(envelope: object, path: string): void {
  const form = new Fields(envelope, path);
  if (form.get("format") !== "TR31-DATA") form.defect("format", "must be TR31-DATA");
  if (form.get("content_encoding") !== undefined) form.defect("content_encoding", "is not accepted on requests");
  form.check("Invalid envelope");
}

/** Throws 400 for what is malformed; the verdicts of core otherwise. */
function open(key: SecretKey, envelope: object, path: string): { value: JsonValue } | "another key" | "unopenable" {
  try {
    return { value: openEnvelope(key, envelope) };
  } catch (error) {
    if (!(error instanceof PosCryptoError)) throw error;
    if (error.code === "ERR_ENVELOPE_KEY") return "another key";
    if (error.code === "ERR_ENVELOPE_OPEN") return "unopenable";
    if (error.code !== "ERR_ENVELOPE_FORMAT") throw error;
    throw badRequest("Invalid envelope", {
      fields: { [`${path}${String(error.details?.["member"] ?? "ciphertext")}`]: "is malformed" },
    });
  }
}

/** Seals an answer as TR31-DATA: the body's text. */
export async function sealAnswer(
  context: Context,
  device: ProvisionedDevice,
  keySet: KeySetRecord,
  answer: JsonValue,
): Promise<string> {
  Object.assign(context.exchange, { keyKcv: keySet.mskKcv, keySetId: keySet.id, response: answer });
  const { msk } = await context.services.keys.keySet(device, keySet);
  return JSON.stringify(sealEnvelope(msk, answer, { includeKcv: true }));
}

/** Plaintext bytes of a chunk, after gzip and before hex. */
const CHUNK_BYTES = 2048;

/** What `sealEnvelope` makes with `gzip`, of data that is compressed already. */
export function sealCompressed(msk: SecretKey, kcv: string, compressed: Uint8Array): Envelope {
  const chunks: EnvelopeChunk[] = [];
  for (let from = 0; from < compressed.length; from += CHUNK_BYTES) {
    const sealed = sealEnvelopeBytes(msk, compressed.subarray(from, from + CHUNK_BYTES)) as DataEnvelope;
    chunks.push({ ciphertext: sealed.ciphertext, initialization_vector: sealed.initialization_vector, mode: "CBC" });
  }
  const [only, ...more] = chunks;
  if (only !== undefined && more.length === 0) {
    return { format: "TR31-DATA", ...only, content_encoding: "gzip", key_kcv: kcv };
  }
  return { format: "TR31-DATA-CHUNKED", content_encoding: "gzip", mode: "CBC", key_kcv: kcv, chunks };
}
