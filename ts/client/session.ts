/** What the parts of a terminal share: its fixed equipment, and the session that the steps of activation fill. */
import { abortSignal, ownOptions } from "../base/arguments.js";
import { PosCryptoError } from "../base/errors.js";
import type { SecretKey } from "../core/keys/key.js";
import type { KeySet, KeysResponse } from "../core/key-set/install.js";
import type { Clock, Timer } from "./http/clock.js";
import type { OnEvent } from "./http/events.js";
import type { TerminalIdentity } from "./http/headers.js";
import type { Journal } from "./payments/journal.js";
import type { JsonObject } from "./http/json-fields.js";
import type { RetryPolicy } from "./http/retry.js";
import type { StoreUser } from "./store/one-user.js";
import type { Transport } from "./http/transport.js";

/** What every call takes. */
export interface CallOptions {
  /** Ends the call, and any pause in it, with `ERR_ABORTED`. */
  readonly signal?: AbortSignal | undefined;
}

/** A caller's options, checked and copied; every member is the copy's own. Throws `ERR_INVALID_ARGUMENT`. */
export function readCallOptions(options: CallOptions = {}): StepOptions {
  return { signal: abortSignal(ownOptions("options", options)), attempts: undefined };
}

/** What parts of the client say to each other. */
export interface StepOptions extends CallOptions {
  /** Sendings, where the policy's number is too many. */
  readonly attempts?: number | undefined;
}

/** The answer of `/pos/keys` and the keys it carried. */
export interface Installed {
  readonly response: KeysResponse;
  readonly keys: KeySet;
  /** Milliseconds by the host's clock, for answers that name no `issued_at`. */
  readonly installedAt: number;
}

export interface Session {
  bootstrapped: boolean;
  claimed: boolean;
  /** Whether this process has attested before: expired tokens are then replaced by themselves. */
  attested: boolean;
  attestation: { readonly token: string; readonly lifetime: Timer } | undefined;
  installed: Installed | undefined;
  /** Earlier sets that open payments still need, the oldest first. */
  retired: Installed[];
  /** Earlier answers of `/pos/keys` that open payments still need and that do not open under this ZMK: kept as they are. */
  unopened: KeysResponse[];
  /** Once it was needed: what outcomes are sealed under. */
  storeKey: Promise<SecretKey | undefined> | undefined;
  /** The latest authenticated time of a set, RFC 3339. */
  keysMadeAt: string | undefined;
  /** The set that a PIN or auxiliary data was last enciphered with. */
  innerKeys: KeySet | undefined;
  /** After a failed renewal of keys that still work: when it is tried again. */
  renewAfter: Timer | undefined;
  terminalId: string | undefined;
  config: JsonObject | undefined;
  parameters: JsonObject | undefined;
  activatedAt: string | undefined;
}

export interface Context {
  readonly identity: TerminalIdentity;
  readonly identityKey: SecretKey;
  readonly zmk: SecretKey;
  readonly macKeyId: string | undefined;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly store: StoreUser;
  readonly journal: Journal;
  readonly idempotencyTtlMs: number;
  readonly hostDedupesRefunds: boolean;
  readonly answerEncoding: "hex" | "raw";
  readonly onEvent: OnEvent | undefined;
  readonly retry: RetryPolicy;
  readonly session: Session;
  /** Idempotency keys, and charge ids of voids, whose requests are on their way right now. */
  readonly inFlight: Set<string>;
  /** A key installation under way: payments wait for its end, so that none loses the keys it was made with. Never rejects. */
  renewal: Promise<void> | undefined;
  /** The end of the last access to the stored terminal that was begun. Never rejects. */
  storing: Promise<void>;
}

export function createSession(): Session {
  return {
    bootstrapped: false,
    claimed: false,
    attested: false,
    attestation: undefined,
    installed: undefined,
    retired: [],
    unopened: [],
    storeKey: undefined,
    keysMadeAt: undefined,
    innerKeys: undefined,
    renewAfter: undefined,
    terminalId: undefined,
    config: undefined,
    parameters: undefined,
    activatedAt: undefined,
  };
}

/** A step out of order. `first` names the call that must come before. */
export function outOfOrder(step: string, first: string): PosCryptoError {
  return new PosCryptoError("ERR_STATE", `${step} needs ${first} first`, { details: { step, needs: first } });
}

/** The installed keys, or `ERR_STATE`. */
export function requireKeys(context: Context, step: string): KeySet {
  const keys = context.session.installed?.keys;
  if (keys === undefined || keys.msk.destroyed) throw outOfOrder(step, "installKeys()");
  return keys;
}
