/**
 * What a payment holds while it is under way: its idempotency key, for itself alone, and the keys and ids it is signed and sealed
 * with.
 */
import { invalidArgument, PosCryptoError } from "../../base/errors.js";
import type { KeySet } from "../../core/key-set/install.js";
import { installationsOver, isExpired, releaseRetired, renewIfDue } from "../activation/keys.js";
import { type CallOptions, type Context, type Installed, outOfOrder, requireKeys } from "../session.js";

export interface Equipment {
  readonly keys: KeySet;
  readonly macKeyId: string;
  readonly terminalId: string;
}

export interface Need extends CallOptions {
  readonly step: string;
  /** The entry of the request among those in flight. */
  readonly own: string;
  /** Whether it carries a PIN block or data enciphered under other keys of the set: it is bound to the set then. */
  readonly bound?: boolean;
}

/** Two requests with one key at a time would race for its journal record. */
export async function exclusively<T>(context: Context, key: string, body: () => Promise<T>): Promise<T> {
  if (context.inFlight.has(key)) throw new PosCryptoError("ERR_STATE", "a request for the same payment is under way");
  context.inFlight.add(key);
  try {
    return await body();
  } finally {
    context.inFlight.delete(key);
    // What has become of the payment does not depend on it, and the next one tries again.
    await releaseRetired(context).catch(() => {});
  }
}

/**
 * What a payment needs: a terminal id, an activated device, keys that have not expired; keys that have, or are about to, are
 * renewed. Errors: `ERR_STATE`; `ERR_ABORTED`, also while it waits for an installation; those of the renewal where the keys have
 * expired.
 */
export async function equip(context: Context, need: Need): Promise<Equipment> {
  const { session } = context;
  const { step, own, signal, bound = false } = need;
  await installationsOver(context, { signal });
  const before = requireKeys(context, step);
  if (session.terminalId === undefined) throw outOfOrder(step, "fetchConfig()");
  if (session.activatedAt === undefined) throw outOfOrder(step, "activate()");
  if (!bound || isExpired(context, session.installed!)) await renewIfDue(context, own, { signal });
  const keys = requireKeys(context, step);
  if (bound && (keys !== before || (session.innerKeys !== undefined && session.innerKeys !== keys))) {
    throw new PosCryptoError("ERR_STATE", `${step}: the keys have been renewed since its PIN or data was enciphered`, {
      details: { step, needs: "encryptPin(), sealAuxiliary() again" },
    });
  }
  return outfit(context, session.installed!);
}

/** The equipment of one key set. */
export function outfit(context: Context, { keys }: Installed): Equipment {
  const macKeyId = keys.keyIds.mac ?? context.macKeyId;
  if (macKeyId === undefined) throw invalidArgument("macKeyId", "given where the host does not name the MAC key", "nothing");
  return { keys, macKeyId, terminalId: context.session.terminalId! };
}

export function requireNotAborted({ signal }: CallOptions): void {
  if (signal?.aborted) throw new PosCryptoError("ERR_ABORTED", "the call was aborted");
}
