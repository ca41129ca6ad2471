/**
 * The mock API server: the thirteen endpoints with real cryptography, embeddable by `fetch` or listening on a port.
 *
 * Handlers throw what they refuse with; here it becomes the error envelope. The pipeline, outermost first: observer, CORS, error
 * envelope, scripted faults, error envelope, the caller's middleware, error envelope, router. Nothing is logged but public facts.
 */
import {
  assertArray,
  assertObject,
  assertText,
  flag,
  func,
  hasOwn,
  numeric,
  ownOptions,
  readChoice,
  readWholeNumber,
  refusal,
} from "../base/arguments.js";
import { currentBackend, loadCrypto } from "../backend/select.js";
import { encodeUtf8 } from "../base/bytes.js";
import type { JsonValue } from "../core/envelope/envelope.js";
import { describeType, invalidArgument, PosCryptoError } from "../base/errors.js";
import { gzip } from "../core/envelope/gzip.js";
import { Charges, type LedgerEntry } from "./state/charges.js";
import { Context, type Middleware } from "./context.js";
import { cors } from "./http/cors.js";
import { ApiError, errorReply, internalError } from "./http/errors.js";
import type { FaultRule } from "./faults/spec.js";
import { Faults } from "./faults/faults.js";
import { Idempotency } from "./state/idempotency.js";
import { randomHex } from "./identifiers.js";
import { KeyRing } from "./state/key-ring.js";
import { createMerchantTokens } from "./merchant-tokens.js";
import { fromFetch, type IncomingRequest, redirectTo, type Reply, toResponse } from "./http/message.js";
import { control, isControl } from "./control/routes.js";
import { DEVICE_LEVERS, type DeviceLever, Levers, type MockHealth } from "./control/levers.js";
import { ExplanationLimit } from "./observe/explanation-limit.js";
import { type JournalledRequest, RequestJournal } from "./observe/journal.js";
import { type RequestEvent, requestEvent } from "./observe/observe.js";
import { plainRefusal } from "./observe/refusal.js";
import { defaultTerminalParameters } from "./fixtures/parameters.js";
import { Portal } from "./portal/routes.js";
import { generateProvision, type Provision, parseProvision } from "./state/provision.js";
import { endpointOf, route } from "./routes/table.js";
import type { Lifetimes } from "./state/lifetimes.js";
import type { Services } from "./state/services.js";
import { DeviceStates } from "./state/devices.js";
import type { MockStore } from "./store/store.js";
import { MemoryStore } from "./store/memory.js";

/** One line for a log: public facts. */
export interface LogLine {
  level: "info" | "error";
  event: string;
  [field: string]: string | number;
}

/** What the mock knows, and how it behaves. Everything has a default. */
export interface MockServerOptions {
  /** The provisioning file's text or content. Without it: one device with fresh random secrets. */
  provision?: Provision | string;
  /** Default: memory. */
  store?: MockStore;
  /** The server's clock, milliseconds since the epoch. Default `Date.now`. */
  now?: () => number;
  /** The `min_supported_version` that bootstrap answers. Default `1.3.5`. */
  appVersionMin?: string;
  /** Algorithm of the terminals' PIN keys: TDES (format 0 blocks, as in the primary document) or AES (format 4). Default TDES. */
  tpk?: "AES" | "TDES";
  /** Replaces the generated terminal parameters. */
  terminalParameters?: JsonValue;
  /** Origins that may call from a browser, or `*`. Default: none. */
  cors?: string | readonly string[];
  /** Seconds; what is left out keeps its default. */
  lifetimes?: Partial<Lifetimes>;
  /** A path before `/pos`, as in `/api`. Signatures cover it. */
  basePath?: string;
  /** Runs around the router, the first outermost. */
  middleware?: readonly Middleware[];
  /** Scripted faults, as objects or as text: `drop-after@charge:p=0.1,count=3`. Default: none, an honest host. */
  faults?: readonly (FaultRule | string)[];
  /** Drives the faults' chances and nothing else; 0 to 4294967295. Default: random. */
  seed?: number;
  /**
   * Serves the merchant portal at `/portal` and keeps the latest requests for it, masked. On loopback it needs no token; elsewhere
   * `portalToken`, as in `/portal#token=...`. Default false.
   */
  portal?: boolean;
  /**
   * Puts the reason of a refusal into the answer, as `error.explanation`. Default false: the answers are those of the documents, and the
   * reasons go to the log, `onRequest` and the portal.
   */
  explain?: boolean;
  /** Told of every request, masked, after its answer is made. */
  onRequest?: (event: RequestEvent) => void;
  /** A line for every request, and for internal errors. Without it nothing is printed. */
  logger?: (line: LogLine) => void;
}

/** An open port. */
export interface Listening {
  /** As in `http://127.0.0.1:8787`, with `basePath`. */
  url: string;
  port: number;
  /** Takes no more connections, lets running requests end, then closes. */
  close(): Promise<void>;
}

/** The API side of the protocol, in this process. */
export interface MockServer {
  /** The secrets both sides share; `toProvisionJson` makes the file of them. */
  readonly provision: Provision;
  /** What the merchant portal asks for off loopback; `""` where there is no portal. */
  readonly portalToken: string;
  /** Scripted faults of this server: to be set, read and cleared while it runs. */
  readonly faults: Faults;
  /** Answers one request, without a port. Rejects, with a `TypeError`, only where a scripted fault cuts the connection. */
  fetch(request: Request): Promise<Response>;
  /** Listens with node:http. Default: a free port of 127.0.0.1. Rejects if the port is taken. */
  listen(port?: number, host?: string): Promise<Listening>;
  /**
   * A bearer token of a merchant, by default the first device's, for `/pos/claim`; it lives for 12 hours unless told otherwise.
   * Rejects with `ERR_PROVISION` where a key set by URL verifies tokens.
   */
  merchantToken(merchantId?: string, options?: { lifetimeSeconds?: number }): Promise<string>;
  /** Whether the store answers. Over HTTP: `GET /mock/health`. */
  health(): Promise<MockHealth>;
  /** The latest requests of this process with a number above `after`, opened and masked. Over HTTP: `GET /mock/requests`. */
  requests(after?: number): JournalledRequest[];
  /**
   * Every charge in the store and what became of it, without card data. Over HTTP: `GET /mock/ledger`. Rejects with `ERR_STATE` where
   * the store cannot list its keys.
   */
  ledger(): Promise<LedgerEntry[]>;
  /** Devices as provisioned, no charge, no request; faults stay. Over HTTP: `POST /mock/reset`. Rejects as `ledger` does. */
  reset(): Promise<void>;
  /**
   * Moves one device as if time had passed or somebody had acted: `unclaim`, `activate`, `expire-keys`, `expire-token`. Over HTTP:
   * `POST /mock/devices/ID/LEVER`. Rejects with `ERR_INVALID_ARGUMENT` for an unknown device.
   */
  moveDevice(deviceId: string, lever: DeviceLever): Promise<void>;
  /** Destroys the keys and closes the store, if the server made it. */
  close(): Promise<void>;
}

const LIFETIMES: Lifetimes = {
  pairingCode: 300,
  attestation: 300,
  keySet: 30 * 86_400,
  idempotency: 86_400,
  nonce: 600,
};

const NO_PORT =
  "listen() needs Node, Bun or Deno: here, pass the terminal `fetch: (url, init) => mock.fetch(new Request(url, init))`";

const MERCHANT_TOKEN_SECONDS = 12 * 3600;

/**
 * A mock API server: all endpoints of the protocol with real cryptography. Reads no files and opens no port unless asked.
 *
 * @throws `ERR_PROVISION` for a defective provisioning
 * @throws `ERR_INVALID_ARGUMENT` for other options
 * @example
 * ```ts
 * import { createMockServer } from "viopay-pos-crypto/mock";
 *
 * const mock = createMockServer({ faults: ["500@bootstrap:count=1"] });
 * const { device_id } = mock.provision.devices[0]!;
 * const agent = "Viopay-POS/1.4.2 (Android 12; PAX-A920)";
 * const headers = { "X-Device-Id": device_id, "X-Client-Type": "pos", "User-Agent": agent };
 * const ask = () => mock.fetch(new Request("https://pos.example/pos/bootstrap", { method: "POST", headers }));
 * console.log((await ask()).status, (await ask()).status); // prints 500 200
 * await mock.close();
 * ```
 */
export function createMockServer(given: MockServerOptions = {}): MockServer {
  const options = readOptions(given);
  const now = options.now ?? Date.now;
  const provision = options.provision === undefined ? generateProvision() : parseProvision(options.provision);
  const store = options.store ?? new MemoryStore(now);
  const services = createServices(options, provision, store, now);
  const basePath = options.basePath ?? "";
  const faults = new Faults(options.faults, options.seed);
  const journal = new RequestJournal();
  const levers = new Levers(services, journal, provision.devices);
  const portal = options.portal === true ? new Portal(provision, journal) : undefined;
  const errors = errorEnvelope(options.logger, options.explain === true);
  const crossOrigin = options.cors === undefined ? [] : [cors(options.cors)];
  // Faults and the caller's middleware see refusals as replies, and what they throw themselves is answered, too.
  const middleware = [...crossOrigin, errors, faults.middleware(endpointOf), errors, ...(options.middleware ?? []), errors];
  let loading: Promise<unknown> | undefined;

  const ready = (): Promise<unknown> => {
    loading ??= ensureCrypto();
    return loading;
  };
  const handle = async (request: IncomingRequest): Promise<Reply> => {
    await ready();
    const context = new Context(request, services, randomHex(8).toLowerCase(), pathBehind(basePath, request.target));
    const page = pageOf(context);
    const reply = page === undefined ? await run(middleware, context) : await errors(context, page);
    // Tokens, codes and key blocks: nothing here is for a cache (RFC 9111 5.2.2.5).
    reply.headers = { "Cache-Control": "no-store", ...reply.headers };
    if (page === undefined)
      await observe(context, reply, options, journal).catch((error: unknown) => {
        options.logger?.({ level: "error", event: "observer_failed", trace_id: context.traceId, name: nameOf(error) });
      });
    return reply;
  };
  /** What is no part of the protocol: not observed, without cross-origin access, out of the faults' reach. */
  const pageOf = (context: Context): (() => Promise<Reply>) | undefined => {
    if (isControl(context)) return () => control(context, levers, faults, portal?.token ?? "");
    if (portal !== undefined && context.path === "/") return async () => redirectTo(`${basePath}/portal`);
    return portal?.serves(context) === true ? () => portal.handle(context) : undefined;
  };

  return {
    provision,
    faults,
    portalToken: portal?.token ?? "",
    fetch: async (request) => toResponse(await handle(fromFetch(request))),
    async listen(port = 0, host = "127.0.0.1") {
      const { listen }: Partial<typeof import("#mock-node")> = await import("#mock-node");
      if (listen === undefined) throw new PosCryptoError("ERR_BACKEND_UNAVAILABLE", NO_PORT);
      const listening = await listen(handle, port, host);
      return { ...listening, url: listening.url + basePath };
    },
    async merchantToken(merchantId = provision.devices[0]?.merchant_id ?? "", tokenOptions = {}) {
      const lifetimeSeconds = numeric(ownOptions<{ lifetimeSeconds?: number }>("options", tokenOptions), "lifetimeSeconds", {
        min: Number.MIN_SAFE_INTEGER,
        fallback: MERCHANT_TOKEN_SECONDS,
      });
      await ready();
      return services.merchants.mint(merchantId, lifetimeSeconds);
    },
    async health() {
      await ready();
      return levers.health();
    },
    requests: (after = 0) => levers.requests(after),
    async ledger() {
      await ready();
      return levers.ledger();
    },
    reset: () => levers.reset(),
    async moveDevice(deviceId, lever) {
      const device = services.devices.find(deviceId);
      if (device === undefined) throw invalidArgument("deviceId", "the id of a provisioned device", describeType(deviceId));
      if (!DEVICE_LEVERS.includes(lever)) throw invalidArgument("lever", DEVICE_LEVERS.join(", "), describeType(lever));
      await levers.move(device, lever);
    },
    async close() {
      services.keys.destroy();
      services.merchants.destroy();
      if (options.store === undefined) await store.close();
    },
  };
}

function createServices(options: MockServerOptions, provision: Provision, store: MockStore, now: () => number): Services {
  const lifetimes = { ...LIFETIMES, ...options.lifetimes };
  const devices = new DeviceStates(provision.devices, store, now, lifetimes);
  const keys = new KeyRing(devices, now, options.tpk ?? "TDES");
  let compressed: Uint8Array | undefined;
  return {
    now,
    store,
    lifetimes,
    devices,
    keys,
    charges: new Charges(store, keys),
    idempotency: new Idempotency(store, now, lifetimes.idempotency * 1000),
    explanations: new ExplanationLimit(),
    merchants: createMerchantTokens(provision.jwt, now),
    minSupportedVersion: options.appVersionMin ?? "1.3.5",
    compressedParameters() {
      compressed ??= gzip(encodeUtf8(JSON.stringify(options.terminalParameters ?? defaultTerminalParameters())));
      return compressed;
    },
  };
}

/** A server may be the first to need cryptography: whatever is loaded already stays. */
async function ensureCrypto(): Promise<void> {
  try {
    currentBackend();
  } catch (error) {
    if (!(error instanceof PosCryptoError && error.code === "ERR_NOT_LOADED")) throw error;
    await loadCrypto();
  }
}

function run(middleware: readonly Middleware[], context: Context): Promise<Reply> {
  const step = (index: number): Promise<Reply> => {
    const current = middleware[index];
    return current === undefined ? route(context) : current(context, () => step(index + 1));
  };
  return step(0);
}

function errorEnvelope(logger: MockServerOptions["logger"], explain: boolean): Middleware {
  return async (context, next) => {
    try {
      return await next();
    } catch (error) {
      if (error instanceof ApiError) {
        const refusal = context.exchange.refusal ?? plainRefusal(error);
        context.exchange.refusal = refusal;
        return errorReply(error, context.traceId, explain ? refusal : undefined);
      }
      const code = error instanceof PosCryptoError ? error.code : "none";
      logger?.({ level: "error", event: "internal_error", trace_id: context.traceId, name: nameOf(error), code });
      return errorReply(internalError(), context.traceId);
    }
  };
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : describeType(error);
}

async function observe(
  context: Context,
  reply: Reply,
  { onRequest, logger }: MockServerOptions,
  journal: RequestJournal,
): Promise<void> {
  const event = requestEvent(context, reply, await context.bodyLength());
  journal.add(event);
  logger?.({
    level: "info",
    event: "request",
    trace_id: event.traceId,
    method: event.method,
    endpoint: event.endpoint ?? "",
    status: event.status,
    duration_ms: event.durationMs,
    device_id: event.deviceId ?? "",
    ...(event.refusal === undefined ? {} : { reason: event.refusal.reason }),
  });
  try {
    onRequest?.(event);
  } catch (error) {
    logger?.({ level: "error", event: "observer_failed", trace_id: event.traceId, name: nameOf(error) });
  }
}

/** The target's path without query, behind `basePath`; `undefined` for a path elsewhere. */
function pathBehind(basePath: string, target: string): string | undefined {
  const path = target.split("?", 1)[0] ?? "";
  return path.startsWith(`${basePath}/`) ? path.slice(basePath.length) : undefined;
}

/** The options, checked, as a copy that inherits nothing. */
function readOptions(given: MockServerOptions): MockServerOptions {
  const options = ownOptions("options", given);
  for (const name of ["now", "onRequest", "logger"] as const) func(options, name);
  for (const name of ["portal", "explain"] as const) flag(options, name);
  const { store, cors: origins, appVersionMin, basePath, lifetimes, middleware = [] } = options;
  if (store !== undefined && typeof store?.compareAndSet !== "function") throw refusal("store", "a MockStore", store);
  if (origins !== undefined && ![origins].flat().every((origin) => typeof origin === "string")) {
    throw refusal("cors", "an origin, a list of origins, or *", origins);
  }
  if (appVersionMin !== undefined) assertText("appVersionMin", appVersionMin, /^\d+(\.\d+){0,3}$/, "a version such as 1.3.5");
  if (options.tpk !== undefined) readChoice("tpk", options.tpk, ["AES", "TDES"]);
  if (basePath !== undefined) {
    assertText("basePath", basePath, /^(\/[A-Za-z0-9._~-]+)*$/, "a path such as /api, without a slash at its end");
  }
  if (lifetimes !== undefined) checkLifetimes(lifetimes);
  assertArray("middleware", middleware);
  const wrong = middleware.findIndex((item) => typeof item !== "function");
  if (wrong >= 0) throw refusal("middleware", "an array of functions", middleware[wrong]);
  return options;
}

function checkLifetimes(lifetimes: Partial<Lifetimes>): void {
  assertObject("lifetimes", lifetimes);
  for (const [name, seconds] of Object.entries(lifetimes)) {
    if (!hasOwn(LIFETIMES, name)) throw invalidArgument("lifetimes", Object.keys(LIFETIMES).join(", "), "another name");
    readWholeNumber(`lifetimes.${name}`, seconds, { min: 1, unit: "seconds" });
  }
}
