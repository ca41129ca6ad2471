/**
 * What became of a settled payment, kept beside its record until the record is pruned: the host's opened answer, gateway data included,
 * or why the host refused it. Sealed under the store key, since an answer may name parts of a card.
 *
 * An outcome is written before its record is settled. So a record that is still open and has an outcome was answered by the host, and
 * the process ended in between.
 *
 * The request is not kept. Whether a later call means the same one is told by an HMAC of its plaintext under a random key, both of
 * them inside the envelope.
 */
import { decodeHex, encodeHex, encodeUtf8, wipe } from "../../base/bytes.js";
import { PosCryptoError, type PosErrorCode } from "../../base/errors.js";
import { randomBytes } from "../../base/random.js";
import { hmacSha256 } from "../../core/ciphers.js";
import { type JsonValue, openEnvelope, sealEnvelope } from "../../core/envelope/envelope.js";
import { importKey } from "../../core/keys/key.js";
import { isJsonObject, type JsonObject, ownValue } from "../http/json-fields.js";
import type { Context } from "../session.js";
import type { JournalRecord } from "../store/records.js";
import { readStoreKey, storeKey } from "../store-key.js";
import { readCharge, readRefund } from "./answers.js";
import type { KeyedOutcome } from "./outcomes.js";
import type { Payment } from "./requests.js";

/** An outcome that is no question any more. */
export type SettledOutcome = Exclude<KeyedOutcome, { readonly outcome: "unknown" }>;

/** An outcome as it was kept. */
export interface KeptOutcome {
  readonly outcome: SettledOutcome;
  /** Whether the payment was made by a request of this plaintext. */
  isOf(plaintext: JsonObject): boolean;
}

const CONTENT_KEY_BYTES = 32;

/** Makes the outcome durable. A terminal whose ZMK cannot carry a store key keeps none. Throws what the store throws. */
export async function keepOutcome(context: Context, payment: Payment, outcome: SettledOutcome): Promise<void> {
  const key = await storeKey(context);
  if (key === undefined) return;
  const { idempotencyKey, plaintext } = payment;
  const salt = randomBytes(CONTENT_KEY_BYTES);
  const value: JsonValue = {
    idempotency_key: idempotencyKey,
    content_key: encodeHex(salt),
    content_mac: contentMac(salt, plaintext),
    ...(outcome.status === "refused" ? { refusal: writeRefusal(outcome.cause) } : { response: outcome.response }),
  };
  await context.store.putOutcome(idempotencyKey, sealEnvelope(key, value, { includeKcv: true }) as unknown as JsonValue);
}

/** `undefined` where none was kept, or what was kept does not open any more. Throws what the store throws. */
export async function readKept(context: Context, record: JournalRecord): Promise<KeptOutcome | undefined> {
  const sealed = await context.store.getOutcome(record.idempotencyKey);
  const key = sealed === undefined ? undefined : await readStoreKey(context);
  if (key === undefined) return undefined;
  try {
    const value = openEnvelope(key, sealed);
    if (!isJsonObject(value) || ownValue(value, "idempotency_key") !== record.idempotencyKey) return undefined;
    const salt = decodeHex("content_key", ownValue(value, "content_key"));
    const isOf = (plaintext: JsonObject) => ownValue(value, "content_mac") === contentMac(salt, plaintext);
    return { outcome: readOutcome(value, record), isOf };
  } catch {
    return undefined;
  }
}

function contentMac(salt: Uint8Array, plaintext: JsonObject): string {
  const key = importKey(salt, { algorithm: "HMAC", usage: "M7", modeOfUse: "G" });
  const bytes = encodeUtf8(JSON.stringify(plaintext));
  try {
    return encodeHex(hmacSha256(key, bytes));
  } finally {
    wipe(bytes);
    key.destroy();
  }
}

function readOutcome(value: JsonObject, record: JournalRecord): SettledOutcome {
  const { idempotencyKey, kind, chargeId } = record;
  const refusal = ownValue(value, "refusal");
  if (refusal !== undefined) return { outcome: "declined", status: "refused", idempotencyKey, cause: readRefusal(refusal) };
  const response = ownValue(value, "response") as JsonObject;
  const amount = { value: record.amount, currency: record.currency };
  const payment = { kind, chargeId, idempotencyKey, amount, plaintext: {} };
  return kind === "charge" ? readCharge(response, payment) : readRefund(response, payment);
}

/** Code, message and details of an error are public. */
function writeRefusal({ code, message, details }: PosCryptoError): JsonObject {
  return { code, message, details: JSON.parse(JSON.stringify(details ?? {})) as JsonValue };
}

function readRefusal(refusal: unknown): PosCryptoError {
  const code = ownValue(refusal, "code") as PosErrorCode;
  const details = ownValue(refusal, "details") as Record<string, unknown>;
  return new PosCryptoError(code, String(ownValue(refusal, "message")), { details });
}

/** What the record alone tells of a settled payment, where the answer was not kept. */
export function outcomeOfRecord(record: JournalRecord): SettledOutcome {
  const { idempotencyKey, kind, refundId } = record;
  const amount = { value: record.amount, currency: record.currency };
  const response = {};
  if (record.state === "approved") {
    // An operator who resolved the payment need not have known the id.
    const status = "approved";
    const chargeId = record.chargeId ?? "";
    return kind === "charge"
      ? { outcome: "approved", status, idempotencyKey, chargeId, amount, gatewayData: undefined, response }
      : { outcome: "approved", status, idempotencyKey, chargeId, refundId: refundId ?? "", amount, response };
  }
  return kind === "charge"
    ? { outcome: "declined", status: "declined", idempotencyKey, chargeId: record.chargeId, gatewayData: undefined, response }
    : { outcome: "declined", status: "declined", idempotencyKey, chargeId: record.chargeId!, refundId, response };
}

/** What the journal keeps of an outcome: the ids that the host has made. */
export function madeIds(outcome: KeyedOutcome): { readonly chargeId?: string; readonly refundId?: string } {
  const chargeId = "chargeId" in outcome ? outcome.chargeId : undefined;
  const refundId = "refundId" in outcome ? outcome.refundId : undefined;
  return { ...(chargeId === undefined ? {} : { chargeId }), ...(refundId === undefined ? {} : { refundId }) };
}
