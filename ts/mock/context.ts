/**
 * What travels with one request through the mock: the message, what was learnt about it, and the services handlers use.
 *
 * Middleware wraps the router in the order of the list. It may answer without the rest, look at or replace the reply, or run the rest
 * more than once: the body is read once and kept. `exchange` collects what a protocol trace shows; `request` and `response` hold
 * opened payloads in clear, so whoever shows them masks them first (observe.ts).
 */
import { decodeUtf8 } from "../base/bytes.js";
import type { JsonValue } from "../core/envelope/envelope.js";
import { type ApiError, badRequest, bodyTooLarge, unsupportedMediaType } from "./http/errors.js";
import type { IncomingRequest, Reply } from "./http/message.js";
import { maskText } from "./observe/masking.js";
import type { Refusal } from "./observe/refusal.js";
import type { Services } from "./state/services.js";

/** 1 MiB. */
const BODY_LIMIT = 1024 * 1024;

/** What is learnt about a request while it is handled. Payloads are in clear: mask them before they are shown. */
export interface Exchange {
  /** The route's name, as in `charge`; absent where no route matched. */
  endpoint?: string;
  deviceId?: string;
  terminalId?: string;
  /** Check value of the MSK that protects the payloads. */
  keyKcv?: string;
  keySetId?: string;
  /** The opened request and the answer before sealing. */
  request?: JsonValue;
  response?: JsonValue;
  /** Scripted faults that met the request. */
  faults?: string[];
  /** Why the request was refused, for the mock's owner. */
  refusal?: Refusal;
  /** What was accepted and is probably a mistake, as an unknown member. */
  notes?: string[];
}

/**
 * Wraps the router. It may answer without it, look at or replace the reply, or call `next` more than once.
 *
 * @example
 * ```ts
 * import { createMockServer } from "viopay-pos-crypto/mock";
 *
 * const seen: string[] = [];
 * const mock = createMockServer({
 *   middleware: [
 *     async (context, next) => {
 *       const reply = await next();
 *       seen.push(`${context.request.method} ${context.path} ${reply.status}`);
 *       return reply;
 *     },
 *   ],
 * });
 * await mock.fetch(new Request("https://pos.example/pos/nothing"));
 * console.log(seen.join()); // prints GET /pos/nothing 404
 * await mock.close();
 * ```
 */
export type Middleware = (context: Context, next: () => Promise<Reply>) => Promise<Reply>;

/** One request on its way through the mock: what middleware gets to see. */
export class Context {
  readonly request: IncomingRequest;
  /** @internal */
  readonly services: Services;
  readonly traceId: string;
  /** Milliseconds since the epoch by the server's clock. */
  readonly receivedAt: number;
  /** Path without query, `basePath` removed; `undefined` outside `basePath`. */
  readonly path: string | undefined;
  readonly exchange: Exchange = {};
  /** Milliseconds that the server's clock is ahead for this request. */
  clockOffset = 0;
  #body: Promise<Uint8Array | undefined> | undefined;

  /** @internal */
  constructor(request: IncomingRequest, services: Services, traceId: string, path: string | undefined) {
    this.request = request;
    this.services = services;
    this.traceId = traceId;
    this.receivedAt = services.now();
    this.path = path;
  }

  /** The server's clock, as this request finds it. */
  now(): number {
    return this.services.now() + this.clockOffset;
  }

  /** The error to throw, with the reason kept for the mock's owner. @internal */
  refused(error: ApiError, refusal: Refusal): ApiError {
    // A header may hold anything, a card number in the wrong place among it.
    const { sent } = refusal;
    this.exchange.refusal = sent === undefined ? refusal : { ...refusal, sent: maskText(sent) };
    return error;
  }

  /** Of the request. */
  get headers(): Headers {
    return this.request.headers;
  }

  /** The body as sent. Throws 413 beyond 1 MiB. */
  async body(): Promise<Uint8Array> {
    this.#body ??= this.request.readBody(BODY_LIMIT);
    const bytes = await this.#body;
    if (bytes === undefined) throw bodyTooLarge(BODY_LIMIT);
    return bytes;
  }

  /** Bytes of the body, as far as it was read; 0 if no handler asked for it. */
  async bodyLength(): Promise<number> {
    return (await this.#body?.catch(() => undefined))?.length ?? 0;
  }

  /** The body as a JSON object. Throws 413, 415, or 400 for anything but UTF-8 JSON of an object. */
  async json(): Promise<object> {
    const type = this.headers.get("Content-Type") ?? "";
    if (!/^application\/json *(?:;|$)/i.test(type)) throw unsupportedMediaType("Content-Type must be application/json");
    const coding = this.headers.get("Content-Encoding");
    if (coding !== null && coding.toLowerCase() !== "identity") throw unsupportedMediaType("Content-Encoding is not supported");
    const text = decodeUtf8(await this.body());
    let value: unknown;
    try {
      value = text === undefined ? undefined : JSON.parse(text);
    } catch {
      // As for invalid UTF-8: what the engine says about the text stays here.
    }
    if (value === undefined) throw badRequest("Malformed JSON");
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw badRequest("Request body must be a JSON object");
    return value;
  }
}
