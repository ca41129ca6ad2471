/**
 * Refusals of the mock API: what a handler throws, and the error envelope it becomes.
 *
 * The envelope is `{ "error": { "code", "message", "details"?, "trace_id" } }`. Codes 4000, 4001, 4004 and 5000 are documented and
 * go with HTTP 400, 401, 404 and 500. 403, 405, 413 and 415 carry 4000; 4009 (an idempotency conflict, HTTP 409) is this library's
 * own, the documents being silent. No message holds keys, card data, PINs or plaintext.
 */
import type { Reply } from "./message.js";

export type ApiErrorDetails = Readonly<Record<string, unknown>>;

/** A refusal: thrown by handlers and middleware, answered as the protocol's error envelope. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly code: string;
  readonly details: ApiErrorDetails | undefined;
  readonly headers: Readonly<Record<string, string>>;

  /** `status`: HTTP's; `code`: the protocol's, as `4000`; `details` and `message` are answered, so public. */
  constructor(
    status: number,
    code: string,
    message: string,
    details?: ApiErrorDetails,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = details;
    this.headers = headers;
  }
}

export function badRequest(message: string, details?: ApiErrorDetails): ApiError {
  return new ApiError(400, "4000", message, details);
}

export function unauthorized(message: string): ApiError {
  return new ApiError(401, "4001", message);
}

/** For the mock's own pages; the protocol has no such refusal. */
export function forbidden(message: string): ApiError {
  return new ApiError(403, "4000", message);
}

export function notFound(message: string, details?: ApiErrorDetails): ApiError {
  return new ApiError(404, "4004", message, details);
}

/** RFC 9110 15.5.6: the answer names the methods that the resource has. */
export function methodNotAllowed(allowed: readonly string[]): ApiError {
  return new ApiError(405, "4000", "Method not allowed", undefined, { Allow: allowed.join(", ") });
}

/** The same idempotency key with another plaintext. */
export function conflict(message: string): ApiError {
  return new ApiError(409, "4009", message);
}

/** The rest of the body is not read, so the connection cannot be used again. */
export function bodyTooLarge(limit: number): ApiError {
  return new ApiError(413, "4000", `Request body exceeds ${limit} bytes`, undefined, { Connection: "close" });
}

export function unsupportedMediaType(message: string): ApiError {
  return new ApiError(415, "4000", message);
}

export function internalError(): ApiError {
  return new ApiError(500, "5000", "Internal server error");
}

/** `explanation`: only for a mock whose owner asked for reasons on the wire. */
export function errorReply(error: ApiError, traceId: string, explanation?: object): Reply {
  const { code, message, details } = error;
  const more = { ...(details === undefined ? {} : { details }), ...(explanation === undefined ? {} : { explanation }) };
  const body = JSON.stringify({ error: { code, message, ...more, trace_id: traceId } });
  return { status: error.status, headers: { "Content-Type": "application/json", ...error.headers }, body };
}
