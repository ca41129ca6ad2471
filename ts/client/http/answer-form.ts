/**
 * The form that each sealed answer must have. A network in the middle that knows one block of plaintext can make any text of a chunked
 * envelope, so chunks are accepted where the protocol sends them and nowhere else.
 */
import { openEnvelope } from "../../core/envelope/envelope.js";
import { ENVELOPE_FORMATS } from "../../core/envelope/format.js";
import type { SecretKey } from "../../core/keys/key.js";
import { endpointOf, type Step } from "../../core/protocol/endpoints.js";
import type { Context } from "../session.js";
import { type JsonObject, ownValue, requireObject, unexpectedAnswer } from "./json-fields.js";

/** Opens the answer of a step. Throws `ERR_HOST_RESPONSE` for another form than the step's, and what `openEnvelope` throws. */
export function openAnswer(context: Context, msk: SecretKey, step: Step, body: unknown): JsonObject {
  const { sealed } = endpointOf(step);
  const format = ownValue(body, "format");
  const isEnvelope = ENVELOPE_FORMATS.some((known) => known === format);
  if (isEnvelope && !sealed.some((form) => form === format)) throw unexpectedAnswer("format", sealed.join(" or "));
  // What is compressed tells itself apart: gzip's first bytes, or hex digits.
  const plaintextEncoding = sealed.includes("TR31-DATA-CHUNKED") ? "auto" : context.answerEncoding;
  return requireObject(openEnvelope(msk, body, { formats: sealed, plaintextEncoding }), step);
}
