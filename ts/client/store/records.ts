/**
 * What the journal keeps of one payment: the record, its states and where each may go. Every field is public; a store holds records
 * in clear.
 */
import { PosCryptoError } from "../../base/errors.js";

/**
 * All states and where each may go.
 *
 * | state             | meaning                                                                 |
 * |-------------------|-------------------------------------------------------------------------|
 * | sending           | bytes may have left, more than once; after a restart an unknown outcome |
 * | unknown           | no answer that can be trusted                                           |
 * | approved          | the host approved                                                       |
 * | declined          | the host declined, or refused the request as such                       |
 * | abandoned         | given up before anything left                                           |
 * | needs_host_lookup | unknown for longer than the host remembers keys: repeating could double; |
 * |                   | an operator says what became of it                                      |
 */
export const JOURNAL_TRANSITIONS = {
  sending: ["sending", "approved", "declined", "unknown", "abandoned"],
  unknown: ["sending", "needs_host_lookup"],
  approved: [],
  declined: [],
  abandoned: [],
  needs_host_lookup: ["approved", "declined"],
} as const satisfies Record<string, readonly string[]>;

/**
 * What the names of payloads begin with that a `DukptStore` keeps: no idempotency key begins with a space. Housekeeping of payments leaves
 * them alone.
 */
export const DUKPT_PAYLOADS = " dukpt ";

/** A state of `JOURNAL_TRANSITIONS`. */
export type JournalState = keyof typeof JOURNAL_TRANSITIONS;
/** What is journalled; voids are not. */
export type PaymentKind = "charge" | "refund";

/** Every field is public. Times are RFC 3339 by the host's clock as far as known. */
export interface JournalRecord {
  readonly idempotencyKey: string;
  readonly kind: PaymentKind;
  /** The charge a refund belongs to; once settled, the charge that was made. */
  readonly chargeId?: string;
  /** Once settled, the refund that was made. */
  readonly refundId?: string;
  /** Minor units. */
  readonly amount: string;
  readonly currency: string;
  readonly state: JournalState;
  /** How often a request has been sent, or may have been. */
  readonly sendings: number;
  /** Set where an operator has said what became of it (`PosTerminal.resolvePayment`), and not the host. */
  readonly resolved?: true;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** Whether the outcome is still open. */
export function isOpen(state: JournalState): boolean {
  return state === "sending" || state === "unknown";
}

/** Whether a record may be dropped: settled before `oldest` (milliseconds since 1970), with nothing left to be looked up at the host. */
export function mayBeDropped({ state, updatedAt }: JournalRecord, oldest: number): boolean {
  return !isOpen(state) && state !== "needs_host_lookup" && Date.parse(updatedAt) < oldest;
}

/** The ids of an answer that only one payment can have. */
export interface MadeIds {
  readonly chargeId?: string;
  readonly refundId?: string;
}

/** What the host calls the result of a payment; `undefined` where it has not named one. A refund's `chargeId` is not its own. */
export function madeName({ kind, chargeId, refundId }: MadeIds & { readonly kind: PaymentKind }): string | undefined {
  const id = kind === "charge" ? chargeId : refundId;
  return id === undefined ? undefined : `${kind} ${id}`;
}

/**
 * What `TerminalStore.putRecord` asks of the record that is there. Errors: `ERR_STORE`; `details` has the state that was found and
 * the one that the caller expected, each absent for no record.
 */
export function requireState(found: JournalState | undefined, replaces: JournalState | undefined): void {
  if (found === replaces) return;
  const there = found === undefined ? "there is no record" : `the record there is ${found}`;
  const expected = replaces === undefined ? "none" : `one that is ${replaces}`;
  throw new PosCryptoError("ERR_STORE", `${there}, where the caller expects ${expected}: does another program use this store?`, {
    details: { ...(found === undefined ? {} : { found }), ...(replaces === undefined ? {} : { replaces }) },
  });
}
