/**
 * `PosTerminal`: the terminal's side of the protocol, from first boot to payments.
 *
 * Secrets: the identity key and the ZMK are handles the caller owns and destroys; the installed key set belongs to the terminal and
 * is wiped by `destroy()` or when a new set replaces it. PINs and card numbers pass through and are not kept.
 */
import { type Envelope, type JsonValue, sealEnvelope } from "../core/envelope/envelope.js";
import { choice, flag, func, numeric, ownOptions, timerMs } from "../base/arguments.js";
import { PosCryptoError } from "../base/errors.js";
import { attributesOf, type SecretKey } from "../core/keys/key.js";
import type { KeySet } from "../core/key-set/install.js";
import { encryptPinBlock } from "../core/pin-block/pin-block.js";
import { setRandomSource } from "../base/random.js";
import * as activation from "./activation/activation.js";
import type { Activation, ActivationConditions, DeviceStatus, PairingCode } from "./activation/activation.js";
import { type Attestation, attest } from "./activation/attestation.js";
import { type BootstrapResult, bootstrap } from "./activation/bootstrap.js";
import { Clock } from "./http/clock.js";
import type { OnEvent } from "./http/events.js";
import { checkIdentity, checkText, KEY_ID, type TerminalIdentity } from "./http/headers.js";
import { Journal } from "./payments/journal.js";
import type { JsonObject } from "./http/json-fields.js";
import { type InstallKeysOptions, installKeys, readInstallKeysOptions } from "./activation/keys.js";
import type { ChargeOutcome, RefundOutcome, VoidOutcome } from "./payments/outcomes.js";
import type { ChargeRequest, PinBlock, RefundRequest } from "./payments/requests.js";
import {
  findPayment,
  type ListPaymentsOptions,
  listPayments,
  type PaymentRecord,
  type Resolution,
  resolvePayment,
} from "./payments/lookup.js";
import * as payments from "./payments/payments.js";
import type { PaymentOptions } from "./payments/payments.js";
import { restoreSession } from "./persistence.js";
import { type RecoverResult, recover } from "./payments/recovery.js";
import { type RetryOptions, readRetryOptions } from "./http/retry.js";
import { type CallOptions, type Context, createSession, readCallOptions, requireKeys } from "./session.js";
import { MemoryStore } from "./store/memory.js";
import { StoreUser } from "./store/one-user.js";
import type { TerminalStore } from "./store/store.js";
import { type Fetch, Transport } from "./http/transport.js";
import { voidCharge } from "./payments/voids.js";

/** Who the terminal is, whom it talks to, and how patient it is. */
export interface PosTerminalOptions {
  /** `https://api.viopay.io`; http on loopback only. A path is kept and is part of what is signed. */
  readonly baseUrl: string;
  /**
   * Hosts that may be reached by http, beside this machine, as `["10.0.2.2"]` for an Android emulator's host. For tests alone: without
   * TLS nothing hides or authenticates what is not signed. Default: none.
   */
  readonly dangerouslyAllowHttpTo?: readonly string[] | undefined;
  /** `POS-` and 8 hexadecimal digits. */
  readonly deviceId: string;
  /** `X-Key-Id` of the attestation. */
  readonly identityKeyId: string;
  /** The device identity secret: an HMAC key that may sign. */
  readonly identityKey: SecretKey;
  /** The zone master key the host wraps the TMK under. */
  readonly zmk: SecretKey;
  /** `X-Key-Id` of payments where the keys response does not name the MAC key. */
  readonly macKeyId?: string | undefined;
  /** As in `1.4.2`; part of the User-Agent, and what bootstrap compares with the host's minimum. */
  readonly appVersion: string;
  /** As in `Android 12`: 1 to 64 printable ASCII characters other than ( ) ; */
  readonly os: string;
  /** As in `PAX-A920`; characters as in `os`. */
  readonly model: string;
  /** Default: the platform's. */
  readonly fetch?: Fetch | undefined;
  /** The local clock: milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
  /**
   * For measuring durations: milliseconds since any moment, never set back. Default: `performance.now`, or `now` where the engine has
   * none.
   */
  readonly monotonicNow?: (() => number) | undefined;
  /** A CSPRNG where the engine has none. It becomes the source of the whole library, as with `loadCrypto`. */
  readonly randomBytes?: ((n: number) => Uint8Array) | undefined;
  /** Default: a `MemoryStore`, which does not survive the process. */
  readonly store?: TerminalStore | undefined;
  /** Limit of one exchange with the host, at most 2^31 - 1 ms, the longest that timers keep. Default 30 s. */
  readonly timeoutMs?: number | undefined;
  /** When requests are sent again by themselves, as `RETRY_TABLE` allows; `false`: each is sent once. */
  readonly retry?: RetryOptions | false | undefined;
  /** How long the host remembers idempotency keys. Default 24 h. */
  readonly idempotencyTtlMs?: number | undefined;
  /** Whether the host is known to honour `Idempotency-Key` on refunds. Default false: open refunds are not sent again. */
  readonly hostDedupesRefunds?: boolean | undefined;
  /** What the host encrypts in its answers: the hex text of the JSON, as the documents say (default), or its bytes. */
  readonly answerEncoding?: "hex" | "raw" | undefined;
  /** Told of tries, retries, codes, trace ids and times, for a log; never of content. What it throws is dropped. */
  readonly onEvent?: OnEvent | undefined;
}

/** A step of `setUp`, as `onStep` names it. */
export type SetUpStep =
  | "bootstrap"
  | "status"
  | "pairing-code"
  | "claimed"
  | "attest"
  | "keys"
  | "config"
  | "terminal-parameters"
  | "activate";

/** Who is told of the way to the first payment, and who may end it. */
export interface SetUpOptions extends InstallKeysOptions {
  /** After every step: its name and the milliseconds it took. */
  readonly onStep?: ((step: SetUpStep, ms: number) => void) | undefined;
  /** Shows the code to the merchant; called again when a code has expired unused. */
  readonly onPairingCode?: ((code: PairingCode) => void) | undefined;
  /** Pause between two looks at the status, at most 2^31 - 1 ms. Default 3 s. */
  readonly pollMs?: number | undefined;
}

const DEFAULT_POLL_MS = 3000;
const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * The terminal's side of the protocol, from first boot to payments, over `fetch`.
 *
 * The identity key and the ZMK are handles that the caller owns and destroys; the installed key set belongs to the terminal and
 * is wiped by `destroy()`, or when a new set replaces it. Every exchange with the host can fail with `ERR_NETWORK`,
 * `ERR_TIMEOUT`, `ERR_ABORTED`, `ERR_HOST` (the host's own error: code and status in `details`) and `ERR_HOST_RESPONSE` (an
 * answer that is not the protocol's).
 *
 * @example From first boot to a charge, against the mock server in the same process
 * ```ts
 * import { importKey } from "viopay-pos-crypto";
 * import { PosTerminal } from "viopay-pos-crypto/client";
 * import { createMockServer } from "viopay-pos-crypto/mock";
 *
 * const mock = createMockServer();
 * const device = mock.provision.devices[0]!;
 * const token = await mock.merchantToken();
 * const terminal = new PosTerminal({
 *   baseUrl: "https://pos.example",
 *   deviceId: device.device_id,
 *   identityKeyId: device.identity_key_id,
 *   identityKey: importKey(device.identity_secret, { algorithm: "HMAC", usage: "M7" }),
 *   zmk: importKey(device.zmk, { algorithm: "AES", usage: "K0" }),
 *   appVersion: "1.4.2",
 *   os: "Android 12",
 *   model: "PAX-A920",
 *   fetch: (url, init) => mock.fetch(new Request(url, init)),
 * });
 * await terminal.setUp({
 *   pollMs: 10,
 *   onPairingCode({ code }) {
 *     const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
 *     const body = JSON.stringify({ pairing_code: code });
 *     void mock.fetch(new Request("https://pos.example/pos/claim", { method: "POST", headers, body }));
 *   },
 * });
 * const card = { number: "4111111111111111", expiry_year: 2030, expiry_month: 12 };
 * const result = await terminal.charge({ amount: { value: "1500", currency: "EUR" }, card });
 * console.log(result.outcome); // prints approved
 * terminal.destroy();
 * await mock.close();
 * ```
 */
export class PosTerminal {
  readonly #context: Context;

  /**
   * Does nothing but check and keep its options.
   *
   * @throws `ERR_INVALID_ARGUMENT`
   */
  constructor(given: PosTerminalOptions) {
    const options = ownOptions("options", given);
    const { deviceId, identityKeyId, appVersion, os, model, macKeyId } = options;
    const identity: TerminalIdentity = { deviceId, identityKeyId, appVersion, os, model };
    checkIdentity(identity);
    attributesOf(options.identityKey, "identityKey");
    attributesOf(options.zmk, "zmk");
    if (macKeyId !== undefined) checkText("macKeyId", macKeyId, KEY_ID, "1 to 255 printable characters without blanks");
    const now = func(options, "now") ?? Date.now;
    const ttl = numeric(options, "idempotencyTtlMs", {
      min: 0,
      max: Number.POSITIVE_INFINITY,
      unit: "milliseconds",
      fallback: DAY_MS,
    });
    if (options.randomBytes !== undefined) setRandomSource(options.randomBytes);
    const clock = new Clock(now, func(options, "monotonicNow") ?? platformMonotonic() ?? now);
    const store = new StoreUser(options.store ?? new MemoryStore());
    this.#context = {
      identity,
      identityKey: options.identityKey,
      zmk: options.zmk,
      macKeyId,
      transport: new Transport(options, () => clock.monotonic()),
      clock,
      store,
      journal: new Journal(store, () => clock.now()),
      idempotencyTtlMs: ttl,
      hostDedupesRefunds: flag(options, "hostDedupesRefunds"),
      answerEncoding: choice(options, "answerEncoding", ["hex", "raw"], "hex"),
      onEvent: func(options, "onEvent"),
      retry: readRetryOptions(options.retry),
      session: createSession(),
      inFlight: new Set(),
      renewal: undefined,
      storing: Promise.resolve(),
    };
    // Frameworks wrap what can be extended in proxies, on which private members cannot be read (Vue's ref, Pinia).
    Object.freeze(this);
  }

  /** As given. */
  get deviceId(): string {
    return this.#context.identity.deviceId;
  }

  /** What `X-Terminal-Id` carries, once the config is known. */
  get terminalId(): string | undefined {
    return this.#context.session.terminalId;
  }

  /** The installed keys: handles the terminal owns. */
  get keys(): KeySet | undefined {
    return this.#context.session.installed?.keys;
  }

  /** What `fetchConfig` has opened. */
  get config(): JsonObject | undefined {
    return this.#context.session.config;
  }

  /** What `fetchTerminalParameters` has opened. */
  get terminalParameters(): JsonObject | undefined {
    return this.#context.session.parameters;
  }

  /** Whether a merchant has claimed the device, as far as the terminal knows. */
  get isClaimed(): boolean {
    return this.#context.session.claimed;
  }

  /** RFC 3339, once activated. */
  get activatedAt(): string | undefined {
    return this.#context.session.activatedAt;
  }

  /** What is added to the local clock to get the host's, in milliseconds. */
  get clockOffsetMs(): number {
    return this.#context.clock.offsetMs;
  }

  /** What `activate()` is going to state, as things are now. */
  get activationConditions(): ActivationConditions {
    return activation.activationConditions(this.#context);
  }

  /**
   * Learns the host's time and whether this app is recent enough.
   *
   * @throws `ERR_VERSION_TOO_OLD` where the host demands a newer app
   */
  async bootstrap(options?: CallOptions): Promise<BootstrapResult> {
    return await bootstrap(this.#context, readCallOptions(options));
  }

  /**
   * Asks for a code to show on the screen. A new one replaces the one before.
   *
   * @throws `ERR_STATE` before `bootstrap`
   */
  async createPairingCode(options?: CallOptions): Promise<PairingCode> {
    return await activation.createPairingCode(this.#context, readCallOptions(options));
  }

  /**
   * One look at the device's status.
   *
   * @throws `ERR_STATE` before `bootstrap`
   */
  async fetchStatus(options?: CallOptions): Promise<DeviceStatus> {
    return await activation.fetchStatus(this.#context, readCallOptions(options));
  }

  /**
   * Looks every `pollMs` milliseconds (3000) until the merchant has claimed the device.
   *
   * @throws `ERR_PAIRING_EXPIRED` when the code can no longer be used
   * @throws `ERR_STATE` before `createPairingCode`
   */
  async waitUntilClaimed(options: CallOptions & { pollMs?: number } = {}): Promise<DeviceStatus> {
    return await activation.waitUntilClaimed(this.#context, readWaitOptions(ownOptions("options", options)));
  }

  /**
   * Proves the device's identity for a token that opens the next four steps for 5 minutes.
   *
   * @throws `ERR_STATE` before `bootstrap`, or while the device is not claimed
   */
  async attest(options?: CallOptions): Promise<Attestation> {
    return await attest(this.#context, readCallOptions(options));
  }

  /**
   * Fetches, unwraps and verifies the key set: all keys or none. Keys in the store count as installed, also before `recover`. The
   * former set stays beside the new one while an open payment needs it.
   *
   * @throws `ERR_KEY_SET`, `ERR_KCV_MISMATCH`, `ERR_KEY_BLOCK_MAC` and the other errors of `installKeySet`; `ERR_KEY_SET` also for a
   *   set that is older than the last one, unless `acceptOlderKeys` is set
   * @throws `ERR_STATE` before `attest`, while another installation is under way, or where the store is another device's
   * @throws `ERR_STORE` where the answer cannot be kept, or what is stored cannot be read
   */
  async installKeys(options?: InstallKeysOptions): Promise<KeySet> {
    return await installKeys(this.#context, readInstallKeysOptions(options));
  }

  /**
   * The core configuration, opened. Its `terminal.terminal_id` becomes this terminal's.
   *
   * @throws `ERR_STATE` before `installKeys`
   * @throws `ERR_ENVELOPE_FORMAT`, `ERR_ENVELOPE_KEY`, `ERR_ENVELOPE_OPEN`
   */
  async fetchConfig(options?: CallOptions): Promise<JsonObject> {
    return await activation.fetchConfig(this.#context, readCallOptions(options));
  }

  /**
   * The terminal parameters, opened from as many chunks as they came in.
   *
   * @throws `ERR_STATE` before `installKeys`
   * @throws `ERR_ENVELOPE_FORMAT`, `ERR_ENVELOPE_KEY`, `ERR_ENVELOPE_OPEN`
   */
  async fetchTerminalParameters(options?: CallOptions): Promise<JsonObject> {
    return await activation.fetchTerminalParameters(this.#context, readCallOptions(options));
  }

  /**
   * Reports readiness.
   *
   * @throws `ERR_STATE` naming in `details.unmet` which of the three conditions does not hold
   */
  async activate(options?: CallOptions): Promise<Activation> {
    return await activation.activate(this.#context, readCallOptions(options));
  }

  /**
   * All steps from bootstrap to activate, leaving out the pairing of a device that is claimed already. Resolves when the terminal
   * can take payments; waits for the merchant as long as `signal` allows, with a new pairing code whenever one has expired.
   *
   * @throws what its steps throw; `ERR_STATE` where the store is another device's, before anything is sent
   */
  async setUp(options: SetUpOptions = {}): Promise<Activation> {
    const given = ownOptions("options", options);
    const onStep = func(given, "onStep");
    const onPairingCode = func(given, "onPairingCode");
    const waiting = readWaitOptions(given);
    const call = readInstallKeysOptions(given);
    const { clock } = this.#context;
    const step = async <T>(name: SetUpStep, body: () => Promise<T>): Promise<T> => {
      const start = clock.monotonic();
      const result = await body();
      onStep?.(name, clock.monotonic() - start);
      return result;
    };
    await restoreSession(this.#context, "if they open");
    await step("bootstrap", () => bootstrap(this.#context, call));
    let { isClaimed } = await step("status", () => activation.fetchStatus(this.#context, call));
    while (!isClaimed) {
      onPairingCode?.(await step("pairing-code", () => activation.createPairingCode(this.#context, call)));
      try {
        ({ isClaimed } = await step("claimed", () => activation.waitUntilClaimed(this.#context, waiting)));
      } catch (error) {
        if (!(error instanceof PosCryptoError && error.code === "ERR_PAIRING_EXPIRED")) throw error;
      }
    }
    await step("attest", () => attest(this.#context, call));
    await step("keys", () => installKeys(this.#context, call));
    await step("config", () => activation.fetchConfig(this.#context, call));
    await step("terminal-parameters", () => activation.fetchTerminalParameters(this.#context, call));
    return await step("activate", () => activation.activate(this.#context, call));
  }

  /**
   * To be called at start, before new payments and before `setUp`: takes keys and terminal id back from the store, then asks the
   * host about every payment whose outcome is open, under its own idempotency key. Without an answer such an outcome stays
   * `unknown`. A payment that another call has under way is left to that call. No error of the host's makes it reject: a bootstrap
   * that fails is told in `bootstrapFailure`, and holds nothing up that `charge` would do.
   *
   * @throws `ERR_STATE` where the store is another device's
   * @throws `ERR_STORE`, or what a store of the app's own throws, where it cannot be read
   * @throws `ERR_KEY_BLOCK_MAC`, `ERR_KCV_MISMATCH` and the other errors of `installKeySet`, where stored keys do not open
   * @throws `ERR_ABORTED`; payments that it has settled by then are in the journal
   */
  async recover(options?: CallOptions): Promise<RecoverResult> {
    return await recover(this.#context, readCallOptions(options));
  }

  /**
   * Charges a card. Rejects only while nothing can have left; from then on it resolves, with `unknown` for whatever is not an
   * opened answer that matches the request, and this request only. **`unknown` is not a decline.** An `idempotencyKey` of a payment
   * that is open, or may be since the journal cannot be read, asks about that payment: `unknown`, with the cause, where that fails. That of a settled payment tells its outcome again.
   *
   * @throws `ERR_INVALID_ARGUMENT`, `ERR_STATE`, `ERR_ABORTED`, `ERR_STORE` (or what a store of the app's own throws); where keys
   *   had to be renewed first, what `installKeys` throws; all before anything of this request has left. With an `idempotencyKey` of
   *   another request `ERR_INVALID_ARGUMENT`, of a payment that was given up before anything left, or that another call has under way,
   *   `ERR_STATE`
   */
  async charge(request: ChargeRequest, options?: PaymentOptions): Promise<ChargeOutcome> {
    return await payments.charge(this.#context, request, readPaymentOptions(options));
  }

  /**
   * Returns funds, in full or in part; the same outcomes as {@link PosTerminal.charge}.
   *
   * @throws `ERR_INVALID_ARGUMENT`, `ERR_STATE`, `ERR_ABORTED`, `ERR_STORE`; where keys had to be renewed first, what `installKeys`
   *   throws; all before anything has left
   */
  async refund(chargeId: string, request: RefundRequest, options?: PaymentOptions): Promise<RefundOutcome> {
    return await payments.refund(this.#context, chargeId, request, readPaymentOptions(options));
  }

  /**
   * What is known of the payment with this idempotency key: its state, and its outcome with gateway data while its record is kept. Ask
   * at every start for the key you wrote down before `charge()`. Asks the store only; an open payment is what `recover()` asks the host
   * about.
   *
   * @returns `undefined` where the journal has no such payment: nothing was sent under this key, or its record was pruned
   * @throws `ERR_INVALID_ARGUMENT`, `ERR_STORE` (or what a store of the app's own throws)
   */
  findPayment(idempotencyKey: string): Promise<PaymentRecord | undefined> {
    return findPayment(this.#context, idempotencyKey);
  }

  /**
   * The payments in the journal, the newest first.
   *
   * @throws `ERR_INVALID_ARGUMENT`, `ERR_STORE` (or what a store of the app's own throws)
   */
  listPayments(options?: ListPaymentsOptions): Promise<PaymentRecord[]> {
    return listPayments(this.#context, options);
  }

  /**
   * An operator's word on a payment that needs a look-up at the host. It is final, as the host's would be. Saying the same again
   * changes nothing.
   *
   * @param outcome `approved` or `declined`, or an object of that as `outcome` and the host's `chargeId` or `refundId`
   * @throws `ERR_INVALID_ARGUMENT`, also for a key that the journal does not have and an id of another payment
   * @throws `ERR_STATE` where the payment does not need a look-up, or is under way
   * @throws `ERR_STORE` (or what a store of the app's own throws)
   */
  resolvePayment(idempotencyKey: string, outcome: Resolution): Promise<PaymentRecord> {
    return resolvePayment(this.#context, idempotencyKey, outcome);
  }

  /**
   * Voids a charge before settlement. May be repeated: the answer is the same.
   *
   * @throws `ERR_INVALID_ARGUMENT`, `ERR_STATE`, `ERR_ABORTED`, `ERR_STORE`; where keys had to be renewed first, what `installKeys`
   *   throws; all before anything has left
   */
  async cancel(chargeId: string, options?: CallOptions): Promise<VoidOutcome> {
    return await voidCharge(this.#context, "cancel", chargeId, readCallOptions(options));
  }

  /**
   * As {@link PosTerminal.cancel}, by the endpoint for technical reversals.
   *
   * @throws `ERR_INVALID_ARGUMENT`, `ERR_STATE`, `ERR_ABORTED`, `ERR_STORE`; where keys had to be renewed first, what `installKeys`
   *   throws; all before anything has left
   */
  async reverse(chargeId: string, options?: CallOptions): Promise<VoidOutcome> {
    return await voidCharge(this.#context, "reverse", chargeId, readCallOptions(options));
  }

  /**
   * The PIN under the installed TPK, for a charge's `pin_block`: ISO 9564 format 4 where the TPK is an AES key, format 0 where it
   * is a TDES key.
   *
   * @param pin 4 to 12 digits; bytes (ASCII digits) can be wiped by the caller afterwards, a string cannot
   * @throws `ERR_INVALID_ARGUMENT`
   * @throws `ERR_STATE` before `installKeys`
   */
  encryptPin(pin: { readonly pin: string | Uint8Array; readonly pan: string }): PinBlock {
    const given = ownOptions("pin", pin);
    const keys = requireKeys(this.#context, "encryptPin()");
    const { tpk } = keys;
    this.#context.session.innerKeys = keys;
    return { block: encryptPinBlock(tpk, { format: tpk.algorithm === "AES" ? 4 : 0, pin: given.pin, pan: given.pan }) };
  }

  /**
   * Auxiliary data under the installed TDK, for a field of a charge whose meaning host and app have agreed on.
   *
   * @throws `ERR_STATE` before `installKeys`
   * @throws `ERR_KEY_USAGE` where the host has issued a TDES key as TDK
   */
  sealAuxiliary(value: JsonValue): Envelope {
    const keys = requireKeys(this.#context, "sealAuxiliary()");
    this.#context.session.innerKeys = keys;
    return sealEnvelope(keys.tdk, value, { includeKcv: true });
  }

  /** Wipes the installed keys and forgets the attestation; the store is left as it is. */
  destroy(): void {
    const { session } = this.#context;
    session.installed?.keys.destroy();
    for (const { keys } of session.retired) keys.destroy();
    session.installed = undefined;
    session.retired = [];
    session.unopened = [];
    session.storeKey?.then((key) => key?.destroy()).catch(() => {});
    session.storeKey = undefined;
    session.innerKeys = undefined;
    session.attestation = undefined;
  }
}

/** Called on its object, as browsers demand. */
function platformMonotonic(): (() => number) | undefined {
  // By its bare name: `globalThis` came to engines later.
  return typeof performance === "object" && typeof performance.now === "function" ? () => performance.now() : undefined;
}

/** For `waitUntilClaimed`: with the pause between two looks. */
function readWaitOptions(options: CallOptions & { pollMs?: number | undefined }): CallOptions & { pollMs: number } {
  return { ...readCallOptions(options), pollMs: timerMs(options, "pollMs", 0, DEFAULT_POLL_MS) };
}

/** With the key of the request, whose form the payment checks. */
function readPaymentOptions(options: PaymentOptions = {}): PaymentOptions {
  const given = ownOptions("options", options);
  return { ...readCallOptions(given), idempotencyKey: given.idempotencyKey };
}
