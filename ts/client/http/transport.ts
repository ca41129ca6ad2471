/**
 * HTTP of the terminal: one request, one JSON answer, over the platform's `fetch` or one that is passed in.
 *
 * https only, except on loopback. Redirects are errors: a signed request must reach the host it was signed for. `fetch` is asked not
 * to follow them; one that did all the same cannot be undone, but whoever it led to is not believed. A request has a time limit and
 * an answer a size limit. An error envelope of the host (`{ "error": { "code", "message", "trace_id" } }`) becomes
 * `ERR_HOST`; whatever else is not the protocol becomes `ERR_HOST_RESPONSE`.
 */
import { assertArray, func, numeric, own, ownOptions, refusal, timerMs } from "../../base/arguments.js";
import { isLoopback } from "../../base/loopback.js";
import { decodeUtf8 } from "../../base/bytes.js";
import { invalidArgument, PosCryptoError } from "../../base/errors.js";
import type { Step } from "../../core/protocol/endpoints.js";
import { type BaseUrl, originOf, readBaseUrl } from "./base-url.js";
import { type OnEvent, tell } from "./events.js";
import { isJsonObject, ownValue } from "./json-fields.js";
import { abortedBy } from "./sleep.js";

/**
 * The part of the platform's `fetch` that the client uses. `redirect: "error"` must be honoured: who follows a redirect hands a signed
 * payment to another address.
 */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface TransportOptions {
  /** Where the API is: `https://api.viopay.io`, with or without a path. */
  readonly baseUrl: string;
  /**
   * Hosts that may be reached by http, beside this machine, as `["10.0.2.2"]` for an Android emulator's host: names or addresses as
   * `baseUrl` has them. For tests alone: without TLS nothing hides or authenticates what is not signed. Default: none.
   */
  readonly dangerouslyAllowHttpTo?: readonly string[] | undefined;
  readonly fetch?: Fetch | undefined;
  /** Limit of one exchange, answer included, at most 2^31 - 1 ms. Default 30 s. */
  readonly timeoutMs?: number | undefined;
  /** Told of every try and retry, for a log. */
  readonly onEvent?: OnEvent | undefined;
  /** Limit of one answer's body. Default 4 MiB. */
  readonly maxResponseBytes?: number | undefined;
}

export interface TransportRequest {
  /** The endpoint's name, for events. */
  readonly step?: Step | undefined;
  readonly method: "GET" | "POST";
  /** Below `baseUrl`: `/pos/status`. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Limit of this exchange where it is shorter than the transport's. */
  readonly timeoutMs?: number | undefined;
  /** Called when the next thing that happens is `fetch`: from here on bytes may have left. */
  readonly onSend?: (() => void) | undefined;
}

export interface TransportAnswer {
  readonly status: number;
  /** The parsed JSON of a successful answer. */
  readonly body: unknown;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_MAX_RESPONSE_BYTES = 4 * 1024 * 1024;
const HOST_TEXT_LIMIT = 200;

export class Transport {
  readonly baseUrl: string;
  readonly timeoutMs: number;
  readonly maxResponseBytes: number;
  readonly #origin: string;
  readonly #prefix: string;
  readonly #fetch: Fetch;
  /** Whether `fetch` accepts this realm's signals. */
  readonly #passesSignal: boolean;
  readonly #onEvent: OnEvent | undefined;
  readonly #monotonic: () => number;
  #lastExchangeOk = false;

  /** @param monotonic for measuring how long exchanges take, in milliseconds */
  constructor(given: TransportOptions, monotonic: () => number = Date.now) {
    const options = ownOptions("options", given);
    this.#monotonic = monotonic;
    this.#onEvent = func(options, "onEvent");
    const { origin, prefix } = requireScheme(readBaseUrl(options.baseUrl), readHosts(options));
    this.#origin = origin;
    this.#prefix = prefix;
    this.baseUrl = this.#origin + this.#prefix;
    this.timeoutMs = timerMs(options, "timeoutMs", 1, DEFAULT_TIMEOUT_MS);
    this.maxResponseBytes = numeric(options, "maxResponseBytes", {
      min: 1,
      unit: "bytes",
      fallback: DEFAULT_MAX_RESPONSE_BYTES,
    });
    const passed = func(options, "fetch");
    // By its bare name: `globalThis` came to engines after `fetch` did.
    if (passed === undefined && typeof fetch !== "function") {
      throw invalidArgument("fetch", "given where the engine has none", "undefined");
    }
    this.#fetch = passed ?? ((url, init) => fetch(url, init));
    this.#passesSignal = passed !== undefined || acceptsSignal(this.#origin);
  }

  /** Whether the latest exchange brought an answer from the host, whatever it said. */
  get lastExchangeOk(): boolean {
    return this.#lastExchangeOk;
  }

  /** The request target on the wire, which is what a signature covers: a prefix of `baseUrl` is part of it. */
  target(path: string): string {
    return this.#prefix + path;
  }

  /**
   * Errors: `ERR_ABORTED`, `ERR_TIMEOUT`, `ERR_NETWORK` (no answer, or an incomplete one), `ERR_HOST` with
   * `details: { status, code, trace_id, message }`, `ERR_HOST_RESPONSE` with `details: { status }`, or `{ redirected: true }` where
   * `fetch` followed a redirect: no status of the host then, so that nothing sends the request there again.
   */
  async request(request: TransportRequest): Promise<TransportAnswer> {
    const began = this.#monotonic();
    let status: number | undefined;
    let failure: unknown;
    try {
      const answer = await this.#send(request);
      status = answer.status;
      return answer;
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      this.#tell(request, this.#monotonic() - began, status, failure);
    }
  }

  #tell(request: TransportRequest, ms: number, status: number | undefined, failure: unknown): void {
    const { code, details } = failure instanceof PosCryptoError ? failure : { code: undefined, details: undefined };
    const detail = <T>(name: string, type: "string" | "number") => {
      const value = details?.[name];
      return typeof value === type ? (value as T) : undefined;
    };
    tell(this.#onEvent, {
      type: "exchange",
      step: own(request, "step"),
      ms,
      status: status ?? detail<number>("status", "number"),
      code,
      hostCode: detail<string>("code", "string"),
      traceId: detail<string>("trace_id", "string"),
    });
  }

  async #send(request: TransportRequest): Promise<TransportAnswer> {
    if (request.signal?.aborted) throw abortedBy(request.signal);
    // Chrome before 66 has none: a request then ends for the caller alone.
    const controller = typeof AbortController === "function" ? new AbortController() : undefined;
    let stop: (error: PosCryptoError) => void = () => {};
    const stopped = new Promise<never>((_resolve, reject) => {
      stop = (error) => {
        reject(error);
        controller?.abort();
      };
    });
    const limit = Math.min(this.timeoutMs, own(request, "timeoutMs") ?? this.timeoutMs);
    const timer = setTimeout(() => {
      stop(new PosCryptoError("ERR_TIMEOUT", `${request.path}: no complete answer within ${limit} ms`));
    }, limit);
    const onAbort = () => stop(abortedBy(request.signal));
    request.signal?.addEventListener("abort", onAbort);
    this.#lastExchangeOk = false;
    try {
      // A fetch that is passed in need not honour the signal, hence the race.
      return await Promise.race([this.#exchange(request, controller?.signal), stopped]);
    } finally {
      clearTimeout(timer);
      request.signal?.removeEventListener("abort", onAbort);
      stopped.catch(() => {});
    }
  }

  async #exchange(request: TransportRequest, signal: AbortSignal | undefined): Promise<TransportAnswer> {
    const body = own(request, "body");
    // Without a prototype: `fetch` reads its options through it.
    const init: RequestInit = Object.create(null);
    Object.assign(init, { method: request.method, headers: { ...request.headers }, redirect: "error" });
    if (this.#passesSignal && signal !== undefined) init.signal = signal;
    if (body !== undefined) init.body = body;
    let response: Response;
    let bytes: Uint8Array;
    own(request, "onSend")?.();
    try {
      response = await this.#fetch(this.#origin + this.target(request.path), init);
      if (wasRedirected(response, this.#origin)) {
        response.body?.cancel().catch(() => {});
        throw new PosCryptoError("ERR_HOST_RESPONSE", `${request.path}: redirected, and not answered by the host itself`, {
          details: { redirected: true },
        });
      }
      bytes = await readLimited(response, this.maxResponseBytes, request.path);
    } catch (error) {
      if (error instanceof PosCryptoError) throw error;
      throw new PosCryptoError("ERR_NETWORK", `${request.path}: no complete answer from the host`, { cause: error });
    }
    this.#lastExchangeOk = true;
    const status = response.status;
    if (status < 200 || status > 299) throw hostError(request.path, response, bytes);
    const text = decodeUtf8(bytes);
    try {
      if (text !== undefined) return { status, body: JSON.parse(text) };
    } catch {
      // Falls through: the parser's message quotes the answer.
    }
    throw new PosCryptoError("ERR_HOST_RESPONSE", `${request.path}: the answer is not JSON`, { details: { status } });
  }
}

/**
 * Node's `fetch` refuses the signals of another realm, and jsdom puts its own AbortController over Node's. Asked without sending
 * anything; where it is refused, a request still ends for the caller, by the race in `request`.
 */
function acceptsSignal(url: string): boolean {
  if (typeof Request !== "function" || typeof AbortController !== "function") return true;
  try {
    return new Request(url, Object.assign(Object.create(null), { signal: new AbortController().signal })) !== undefined;
  } catch {
    return false;
  }
}

/** https; http to this machine, or to hosts that a test names. */
function requireScheme(url: BaseUrl, hosts: readonly string[]): BaseUrl {
  if (url.scheme === "https" || isLoopback(url.hostname) || hosts.includes(url.hostname)) return url;
  throw invalidArgument("baseUrl", "https (http on loopback only, or to hosts of dangerouslyAllowHttpTo)", "http:");
}

function readHosts(options: TransportOptions): readonly string[] {
  const hosts: unknown = own(options, "dangerouslyAllowHttpTo") ?? [];
  assertArray("dangerouslyAllowHttpTo", hosts);
  return hosts.map((host) => {
    if (typeof host !== "string") throw refusal("dangerouslyAllowHttpTo", "an array of host names", host);
    return host.toLowerCase();
  });
}

/**
 * React Native's `fetch` follows redirects and has no `redirected`; what it tells is the address in the end. Where `redirected` exists,
 * the address decides nothing: an app's own fetch may reach the host by another one.
 */
function wasRedirected(response: Response, origin: string): boolean {
  const { redirected, url } = response as { readonly redirected?: unknown; readonly url?: unknown };
  if (typeof redirected === "boolean") return redirected;
  const answered = originOf(url);
  return answered !== undefined && answered !== origin;
}

async function readLimited(response: Response, limit: number, path: string): Promise<Uint8Array> {
  const tooLong = () =>
    new PosCryptoError("ERR_HOST_RESPONSE", `${path}: the answer is longer than ${limit} bytes`, {
      details: { status: response.status },
    });
  const declared = Number(response.headers.get("content-length") ?? "0");
  if (declared > limit) {
    await response.body?.cancel();
    throw tooLong();
  }
  const reader = response.body?.getReader?.();
  if (reader === undefined) {
    // No body, or an engine without streams.
    const whole = new Uint8Array(await response.arrayBuffer());
    if (whole.length > limit) throw tooLong();
    return whole;
  }
  const parts: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > limit) {
      await reader.cancel();
      throw tooLong();
    }
    parts.push(value);
  }
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** The host's error envelope as an error. Its texts go to `details` only, cut and with long runs of digits masked. */
function hostError(path: string, { status, headers }: Response, bytes: Uint8Array): PosCryptoError {
  const retryAfterMs = readRetryAfter(headers);
  const pause = retryAfterMs === undefined ? {} : { retryAfterMs };
  let parsed: unknown;
  try {
    parsed = JSON.parse(decodeUtf8(bytes) ?? "");
  } catch {
    parsed = undefined;
  }
  const envelope = ownValue(parsed, "error");
  const code = ownValue(envelope, "code");
  if (!isJsonObject(envelope) || typeof code !== "string" || !/^[\x21-\x7e]{1,32}$/.test(code)) {
    return new PosCryptoError("ERR_HOST_RESPONSE", `${path}: HTTP ${status} without the host's error envelope`, {
      details: { status, ...pause },
    });
  }
  const details: Record<string, unknown> = { status, code, ...pause };
  const traceId = ownValue(envelope, "trace_id");
  if (typeof traceId === "string") details["trace_id"] = publicText(traceId);
  const message = ownValue(envelope, "message");
  if (typeof message === "string") details["message"] = publicText(message);
  const inner = ownValue(envelope, "details");
  if (isJsonObject(inner)) {
    const texts: Record<string, string> = Object.create(null);
    for (const [name, value] of Object.entries(inner).slice(0, 16))
      if (typeof value === "string") texts[publicText(name)] = publicText(value);
    details["details"] = texts;
  }
  return new PosCryptoError("ERR_HOST", `${path}: the host answered ${status} with code ${code}`, { details });
}

/** `Retry-After` in milliseconds: seconds, or a date, which is held against the answer's own (RFC 9110 clause 10.2.3). */
function readRetryAfter(headers: Headers): number | undefined {
  const text = headers.get("retry-after")?.trim() ?? "";
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const until = /[A-Za-z]/.test(text) ? Date.parse(text) : Number.NaN;
  const dated = Date.parse(headers.get("date") ?? "");
  return Number.isNaN(until) ? undefined : Math.max(0, until - (Number.isNaN(dated) ? Date.now() : dated));
}

function publicText(text: string): string {
  return text
    .slice(0, HOST_TEXT_LIMIT)
    .replace(/[^ -~\u00a0-\uffff]/g, " ")
    .replace(/\d[\d -]{7,}\d/g, "*********");
}
