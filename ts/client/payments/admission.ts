/**
 * Admission of a payment: it holds its idempotency key for itself alone while it is under way, and gets the keys and ids that it is
 * signed and sealed with. The keys are handles of the installed key set, which outlives the payment.
 */
import { invalidArgument, PosCryptoError } from "../../base/errors.js";
import type { KeySet } from "../../core/key-set/install.js";
import { installationsOver, isExpired, releaseRetired, renewIfDue } from "../activation/keys.js";
import { abortedBy } from "../http/sleep.js";
import { type CallOptions, type Context, type Installed, outOfOrder, requireKeys } from "../session.js";

/** What a payment request is signed and sealed with. */
export interface PaymentKeys {
  readonly set: KeySet;
  readonly macKeyId: string;
  readonly terminalId: string;
}

/** Who asks to be admitted. */
export interface AdmissionRequest extends CallOptions {
  readonly step: string;
  /** The request's entry in `Context.inFlight`. */
  readonly paymentKey: string;
  /** Whether it carries a PIN block or data encrypted under other keys of the set: it must go out under the same set then. */
  readonly bound?: boolean;
}

/**
 * Runs `body` while no other request holds the same key: two would race for one journal record. Throws `ERR_STATE` where another
 * does.
 */
export async function withIdempotencyKey<T>(context: Context, key: string, body: () => Promise<T>): Promise<T> {
  if (context.inFlight.has(key)) throw new PosCryptoError("ERR_STATE", "a request for the same payment is under way");
  context.inFlight.add(key);
  try {
    return await body();
  } finally {
    context.inFlight.delete(key);
    // The payment's outcome does not depend on this, and the next payment tries again.
    await releaseRetired(context).catch(() => {});
  }
}

/**
 * Admits a payment where there are a terminal id, an activated device, and keys that have not expired; renews keys that have, or are
 * about to. Throws `ERR_STATE`; `ERR_ABORTED`, also while it waits for an installation; what the renewal throws where the keys have
 * expired.
 */
export async function admit(context: Context, request: AdmissionRequest): Promise<PaymentKeys> {
  const { session } = context;
  const { step, paymentKey, signal, bound = false } = request;
  await installationsOver(context, { signal });
  const before = requireKeys(context, step);
  if (session.terminalId === undefined) throw outOfOrder(step, "fetchConfig()");
  if (session.activatedAt === undefined) throw outOfOrder(step, "activate()");
  if (!bound || isExpired(context, session.installed!)) await renewIfDue(context, paymentKey, { signal });
  const keys = requireKeys(context, step);
  if (bound && (keys !== before || (session.innerKeys !== undefined && session.innerKeys !== keys))) {
    throw new PosCryptoError("ERR_STATE", `${step}: the keys have been renewed since its PIN or data was encrypted`, {
      details: { step, needs: "encryptPin(), sealAuxiliary() again" },
    });
  }
  return signingContext(context, session.installed!);
}

/** Keys and ids of one key set. Throws `ERR_INVALID_ARGUMENT` where nobody names the MAC key. */
export function signingContext(context: Context, { keys }: Installed): PaymentKeys {
  const macKeyId = keys.keyIds.mac ?? context.macKeyId;
  if (macKeyId === undefined) throw invalidArgument("macKeyId", "given where the host does not name the MAC key", "nothing");
  return { set: keys, macKeyId, terminalId: context.session.terminalId! };
}

export function requireNotAborted({ signal }: CallOptions): void {
  if (signal?.aborted) throw abortedBy(signal);
}
