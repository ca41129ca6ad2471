/** One signed request of a payment or a void and its answer: what charge, refund, cancel and reverse have in common. */
import { ownOptions } from "../../base/arguments.js";
import { PosCryptoError } from "../../base/errors.js";
import { addressOf, type Step } from "../../core/protocol/endpoints.js";
import { explainUnauthorized } from "../activation/bootstrap.js";
import { openAnswer } from "../http/answer-form.js";
import { paymentHeaders } from "../http/headers.js";
import type { JsonObject } from "../http/json-fields.js";
import { type Repetition, withRetries } from "../http/retry.js";
import type { TransportRequest } from "../http/transport.js";
import type { CallOptions, Context } from "../session.js";
import type { PaymentKeys } from "./admission.js";

/** One request, addressed; `body` is the sealed envelope as it is sent. */
export interface PaymentRequest extends Pick<TransportRequest, "body" | "signal" | "timeoutMs" | "onSend"> {
  readonly step: Step;
  /** The charge that the request is about; a charge has none yet. */
  readonly chargeId?: string | undefined;
  readonly idempotencyKey?: string;
}

/** Signs and sends one request, and opens its answer. Throws what the transport throws, `ERR_ENVELOPE_*`, `ERR_HOST_RESPONSE`. */
export async function exchange(context: Context, keys: PaymentKeys, request: PaymentRequest): Promise<JsonObject> {
  const { transport, clock, identity } = context;
  // A void has no body and no idempotency key: not one of the prototype's either.
  const { step, chargeId, body, idempotencyKey, signal, timeoutMs, onSend } = ownOptions("request", request);
  const address = addressOf(step, chargeId);
  const headers = paymentHeaders(identity, {
    macKey: keys.set.mac,
    macKeyId: keys.macKeyId,
    terminalId: keys.terminalId,
    timestamp: clock.timestamp(),
    method: "POST",
    target: transport.target(address.path),
    body,
    idempotencyKey,
  });
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const answer = await transport.request({ ...address, headers, body, signal, timeoutMs, onSend });
  return openAnswer(context, keys.set.msk, step, answer.body);
}

/** Retries a signed request as `RETRY_TABLE` says; after a 401 the terminal reads the host's clock. */
export function withClockRetries<T>(
  context: Context,
  repetition: Repetition,
  { signal }: CallOptions,
  attempt: (timeoutMs: number, number: number) => Promise<T>,
): Promise<T> {
  const unauthorized = (error: PosCryptoError) => explainUnauthorized(context, error, { signal });
  return withRetries(context, { repetition, signal, unauthorized }, attempt);
}

/** What went wrong with an answer, whatever threw it. */
export function asPosError(error: unknown): PosCryptoError {
  return error instanceof PosCryptoError
    ? error
    : new PosCryptoError("ERR_HOST_RESPONSE", "the answer could not be processed", { cause: error });
}

/**
 * Whether the host has said that this very request is unacceptable. 401 is not among them: a request that a proxy delivered twice
 * is answered 401 for its used nonce, though the first delivery was carried out.
 */
export function isRefusal(error: PosCryptoError): boolean {
  const status = error.details?.["status"];
  return error.code === "ERR_HOST" && typeof status === "number" && [400, 404, 405, 413, 415].includes(status);
}
