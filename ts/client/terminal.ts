/**
 * `PosTerminal`: the terminal's side of the protocol, from first boot to payments.
 *
 * Secrets: the identity key and the ZMK are handles the caller owns and destroys; the installed key set belongs to the terminal and
 * is wiped by `destroy()` or when a new set replaces it. PINs and card numbers pass through and are not kept.
 */
import { type Envelope, type JsonValue, sealEnvelope } from "../envelope.js";
import { describeType, invalidArgument, PosCryptoError } from "../errors.js";
import { SecretKey } from "../key.js";
import type { KeySet } from "../keyset.js";
import { encryptPinBlock } from "../pinblock.js";
import { setRandomSource } from "../random.js";
import * as activation from "./activation.js";
import type { Activation, ActivationConditions, DeviceStatus, PairingCode } from "./activation.js";
import { type Attestation, attest } from "./attestation.js";
import { type BootstrapResult, bootstrap } from "./bootstrap.js";
import { Clock } from "./clock.js";
import { checkIdentity, checkText, KEY_ID, type TerminalIdentity } from "./headers.js";
import { Journal } from "./journal.js";
import type { JsonObject } from "./json-fields.js";
import { installKeys, renewIfDue, restoreKeys } from "./keys.js";
import type { ChargeOutcome, RefundOutcome, VoidOutcome } from "./outcomes.js";
import type { ChargeRequest, PinBlock, RefundRequest } from "./payment-requests.js";
import * as payments from "./payments.js";
import type { PaymentOptions } from "./payments.js";
import { type Recovered, recoverPayments } from "./recovery.js";
import { type RetryOptions, readRetryOptions, retryVerdict } from "./retry.js";
import { type CallOptions, type Context, createSession, requireKeys } from "./session.js";
import { MemoryStore, type TerminalStore } from "./store.js";
import { type Fetch, Transport } from "./transport.js";

export interface PosTerminalOptions {
  /** `https://api.viopay.io`; http on loopback only. A path is kept and is part of what is signed. */
  readonly baseUrl: string;
  /** `POS-` and 8 hexadecimal digits. */
  readonly deviceId: string;
  readonly identityKeyId: string;
  /** The device identity secret: an HMAC key that may sign. */
  readonly identityKey: SecretKey;
  /** The zone master key the host wraps the TMK under. */
  readonly zmk: SecretKey;
  /** `X-Key-Id` of payments where the keys response does not name the MAC key. */
  readonly macKeyId?: string | undefined;
  readonly appVersion: string;
  readonly os: string;
  readonly model: string;
  readonly fetch?: Fetch | undefined;
  /** The local clock: milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
  /** A CSPRNG where the engine has none. It becomes the source of the whole library, as with `loadCrypto`. */
  readonly randomBytes?: ((n: number) => Uint8Array) | undefined;
  /** Default: a `MemoryStore`, which does not survive the process. */
  readonly store?: TerminalStore | undefined;
  /** Limit of one exchange with the host. Default 30 s. */
  readonly timeoutMs?: number | undefined;
  /** When requests are sent again by themselves, as `RETRY_TABLE` allows; `false`: each is sent once. */
  readonly retry?: RetryOptions | false | undefined;
  /** How long the host remembers idempotency keys. Default 24 h. */
  readonly idempotencyTtlMs?: number | undefined;
  /** Whether the host is known to honour `Idempotency-Key` on refunds. Default false: open refunds are not sent again. */
  readonly hostDedupesRefunds?: boolean | undefined;
}

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

export interface SetUpOptions extends CallOptions {
  /** After every step: its name and the milliseconds it took. */
  readonly onStep?: ((step: SetUpStep, ms: number) => void) | undefined;
  /** Shows the code to the merchant; called again when a code has expired unused. */
  readonly onPairingCode?: ((code: PairingCode) => void) | undefined;
  /** Pause between two looks at the status. Default 3 s. */
  readonly pollMs?: number | undefined;
}

export interface RecoverResult {
  /** Whether keys and terminal id came back from the store, so that no new pairing is needed. */
  readonly restored: boolean;
  /** Every payment that was open, with what is known of it now. */
  readonly payments: readonly Recovered[];
}

const DAY_MS = 24 * 60 * 60 * 1000;

export class PosTerminal {
  readonly #context: Context;

  /** Errors: `ERR_INVALID_ARGUMENT`. Does nothing but check and keep its options. */
  constructor(options: PosTerminalOptions) {
    if (typeof options !== "object" || options === null) throw invalidArgument("options", "an object", describeType(options));
    const { deviceId, identityKeyId, appVersion, os, model, macKeyId } = options;
    const identity: TerminalIdentity = { deviceId, identityKeyId, appVersion, os, model };
    checkIdentity(identity);
    requireKey("identityKey", options.identityKey);
    requireKey("zmk", options.zmk);
    if (macKeyId !== undefined) checkText("macKeyId", macKeyId, KEY_ID, "1 to 255 printable characters without blanks");
    const now = options.now ?? Date.now;
    if (typeof now !== "function") throw invalidArgument("now", "a function", describeType(now));
    const ttl = options.idempotencyTtlMs ?? DAY_MS;
    if (typeof ttl !== "number" || !(ttl >= 0))
      throw invalidArgument("idempotencyTtlMs", "a number of milliseconds", describeType(ttl));
    if (options.randomBytes !== undefined) setRandomSource(options.randomBytes);
    const clock = new Clock(now);
    const store = options.store ?? new MemoryStore();
    this.#context = {
      identity,
      identityKey: options.identityKey,
      zmk: options.zmk,
      macKeyId,
      transport: new Transport(options),
      clock,
      store,
      journal: new Journal(store, () => clock.now()),
      idempotencyTtlMs: ttl,
      hostDedupesRefunds: options.hostDedupesRefunds === true,
      retry: readRetryOptions(options.retry),
      session: createSession(),
      inFlight: new Set(),
      renewal: undefined,
    };
  }

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

  get config(): JsonObject | undefined {
    return this.#context.session.config;
  }

  get terminalParameters(): JsonObject | undefined {
    return this.#context.session.parameters;
  }

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

  /** Learns the host's time and whether this app is recent enough. Errors: `ERR_VERSION_TOO_OLD`, those of the transport. */
  bootstrap(options?: CallOptions): Promise<BootstrapResult> {
    return bootstrap(this.#context, options);
  }

  /** Asks for a code to show on the screen. A new one replaces the one before. Errors: `ERR_STATE`, those of the transport. */
  createPairingCode(options?: CallOptions): Promise<PairingCode> {
    return activation.createPairingCode(this.#context, options);
  }

  /** One look at the device's status. */
  fetchStatus(options?: CallOptions): Promise<DeviceStatus> {
    return activation.fetchStatus(this.#context, options);
  }

  /** Looks every `pollMs` (3 s) until the merchant has claimed the device. Errors: `ERR_PAIRING_EXPIRED`, `ERR_ABORTED`, … */
  waitUntilClaimed(options?: CallOptions & { pollMs?: number }): Promise<DeviceStatus> {
    return activation.waitUntilClaimed(this.#context, options);
  }

  /** Proves the device's identity for a token that opens the next four steps for 5 minutes. */
  attest(options?: CallOptions): Promise<Attestation> {
    return attest(this.#context, options);
  }

  /** Fetches, unwraps and verifies the key set: all keys or none. Errors: those of `installKeySet`, `ERR_STATE`, … */
  installKeys(options?: CallOptions): Promise<KeySet> {
    return installKeys(this.#context, options);
  }

  /** The core configuration, opened. Its `terminal.terminal_id` becomes this terminal's. */
  fetchConfig(options?: CallOptions): Promise<JsonObject> {
    return activation.fetchConfig(this.#context, options);
  }

  /** The terminal parameters, opened from as many chunks as they came in. */
  fetchTerminalParameters(options?: CallOptions): Promise<JsonObject> {
    return activation.fetchTerminalParameters(this.#context, options);
  }

  /** Reports readiness. Errors: `ERR_STATE` naming in `details.unmet` which of the three conditions does not hold. */
  activate(options?: CallOptions): Promise<Activation> {
    return activation.activate(this.#context, options);
  }

  /**
   * All steps from bootstrap to activate, leaving out the pairing of a device that is claimed already. Resolves when the terminal
   * can take payments; waits for the merchant as long as `signal` allows.
   */
  async setUp(options: SetUpOptions = {}): Promise<Activation> {
    const { signal, onStep, onPairingCode, pollMs } = options;
    const { clock } = this.#context;
    const call: CallOptions = { signal };
    const step = async <T>(name: SetUpStep, body: () => Promise<T>): Promise<T> => {
      const start = clock.local();
      const result = await body();
      onStep?.(name, clock.local() - start);
      return result;
    };
    await step("bootstrap", () => this.bootstrap(call));
    let { isClaimed } = await step("status", () => this.fetchStatus(call));
    while (!isClaimed) {
      onPairingCode?.(await step("pairing-code", () => this.createPairingCode(call)));
      try {
        ({ isClaimed } = await step("claimed", () => this.waitUntilClaimed(pollMs === undefined ? call : { ...call, pollMs })));
      } catch (error) {
        if (!(error instanceof PosCryptoError && error.code === "ERR_PAIRING_EXPIRED")) throw error;
      }
    }
    await step("attest", () => this.attest(call));
    await step("keys", () => this.installKeys(call));
    await step("config", () => this.fetchConfig(call));
    await step("terminal-parameters", () => this.fetchTerminalParameters(call));
    return await step("activate", () => this.activate(call));
  }

  /**
   * To be called at start, before new payments: takes keys and terminal id back from the store, then asks the host about every
   * payment whose outcome is open, under its own idempotency key. Without an answer such an outcome stays `unknown`.
   *
   * Errors: `ERR_STATE` where the store is another device's; those of `installKeySet` where stored keys do not open.
   */
  async recover(options: CallOptions = {}): Promise<RecoverResult> {
    const context = this.#context;
    const { session, store, identity, journal } = context;
    const stored = await store.loadTerminal();
    if (stored !== undefined && stored.deviceId !== identity.deviceId) {
      throw new PosCryptoError("ERR_STATE", "the store belongs to another device");
    }
    if (stored !== undefined && session.installed === undefined) {
      restoreKeys(context, stored);
      session.claimed ||= stored.claimed;
      session.terminalId ??= stored.terminalId;
      session.activatedAt ??= stored.activatedAt;
      if (!session.bootstrapped && Number.isFinite(stored.clockOffsetMs)) context.clock.restore(stored.clockOffsetMs!);
    }
    const restored = session.installed !== undefined && session.activatedAt !== undefined;
    // Signatures need the host's time. Without it the terminal's own is as good as it gets.
    if (!session.bootstrapped && (restored || (await journal.openRecords()).length > 0)) {
      try {
        await bootstrap(context, { ...options, attempts: 1 });
      } catch (error) {
        if (!isUnreachable(error)) throw error;
      }
    }
    const payments = await recoverPayments(context, options);
    if (restored) {
      // Keys that cannot be renewed now are asked for again by the first payment, which then says what is wrong.
      await renewIfDue(context, undefined, options).catch(() => {});
    }
    return { restored, payments };
  }

  /**
   * Charges a card. Rejects only while nothing can have left (`ERR_INVALID_ARGUMENT`, `ERR_STATE`, `ERR_ABORTED`, errors of the
   * store); from then on it resolves, with `unknown` for whatever is not an opened answer that matches the request.
   */
  charge(request: ChargeRequest, options?: PaymentOptions): Promise<ChargeOutcome> {
    return payments.charge(this.#context, request, options);
  }

  /** Returns funds, in full or in part. As `charge`. */
  refund(chargeId: string, request: RefundRequest, options?: PaymentOptions): Promise<RefundOutcome> {
    return payments.refund(this.#context, chargeId, request, options);
  }

  /** Voids a charge before settlement. May be repeated: the answer is the same. */
  cancel(chargeId: string, options?: CallOptions): Promise<VoidOutcome> {
    return payments.voidCharge(this.#context, "cancel", chargeId, options);
  }

  /** As `cancel`, by the endpoint for technical reversals. */
  reverse(chargeId: string, options?: CallOptions): Promise<VoidOutcome> {
    return payments.voidCharge(this.#context, "reverse", chargeId, options);
  }

  /**
   * The PIN under the installed TPK, for a charge's `pin_block`: ISO 9564 format 4 where the TPK is an AES key, format 0 where it
   * is a TDES key. `pin`: 4 to 12 digits; bytes (ASCII digits) can be wiped by the caller afterwards, a string cannot.
   * Errors: `ERR_INVALID_ARGUMENT`, `ERR_STATE`.
   */
  encryptPin(pin: { readonly pin: string | Uint8Array; readonly pan: string }): PinBlock {
    const keys = requireKeys(this.#context, "encryptPin()");
    const { tpk } = keys;
    this.#context.session.innerKeys = keys;
    return { block: encryptPinBlock(tpk, { format: tpk.algorithm === "AES" ? 4 : 0, pin: pin.pin, pan: pin.pan }) };
  }

  /**
   * Auxiliary data under the installed TDK, for a field of a charge whose meaning host and app have agreed on. Errors: `ERR_STATE`;
   * `ERR_KEY_USAGE` where the host has issued a TDES key as TDK.
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
    session.innerKeys = undefined;
    session.attestation = undefined;
  }
}

function requireKey(name: string, key: unknown): void {
  if (!(key instanceof SecretKey)) throw invalidArgument(name, "a SecretKey", describeType(key));
}

function isUnreachable(error: unknown): boolean {
  return retryVerdict(error, "steps") === "again" || (error instanceof PosCryptoError && error.code === "ERR_HOST_RESPONSE");
}
