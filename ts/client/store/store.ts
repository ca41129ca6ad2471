/**
 * Where a terminal keeps what must outlive a restart. A store never sees a key, a card number or a PIN in clear: key sets are kept as
 * the host's key blocks (wrapped under the ZMK), payloads of unsettled payments as envelopes under the MSK, journal records
 * hold public fields only.
 */
import type { JsonValue } from "../../core/envelope/envelope.js";
import type { KeysResponse } from "../../core/key-set/install.js";
import type { JournalRecord, JournalState } from "./records.js";

/** What pairing, keys and activation have brought. */
export interface StoredTerminal {
  readonly version: 1;
  readonly deviceId: string;
  readonly claimed: boolean;
  /** What `X-Terminal-Id` carries; absent before the config is known. */
  readonly terminalId?: string;
  /** The answer of `/pos/keys` as it came. */
  readonly keys?: KeysResponse;
  /** Earlier answers of `/pos/keys`, the oldest first, kept while payments made with them are open. */
  readonly retiredKeys?: readonly KeysResponse[];
  /** RFC 3339; absent before activation. */
  readonly activatedAt?: string;
  /** The key that outcomes are sealed under: a random AES key as a key block under the ZMK. Key sets retire, outcomes stay readable. */
  readonly storeKey?: string;
  /** The latest authenticated time (TS block) of a key set that was installed, RFC 3339: an older set is refused. */
  readonly keysMadeAt?: string;
  /** What was last added to the local clock to get the host's, in milliseconds: a clock that is wrong stays so over a restart. */
  readonly clockOffsetMs?: number;
}

/**
 * Every promise that a writing method returns resolves when the data is durable: a payment leaves the terminal only then.
 * Items are independent; a store need not write two of them atomically.
 */
export interface TerminalStore {
  /** What was last saved; `undefined` in an empty store. */
  loadTerminal(): Promise<StoredTerminal | undefined>;
  /** Replaces what was saved before. */
  saveTerminal(state: StoredTerminal): Promise<void>;
  /**
   * Adds a record, or replaces the one with the same idempotency key. `replaces` is the state of the record that must be there;
   * absent where no record may be there yet.
   *
   * @throws `ERR_STORE` where another state is there: what another process has settled is never overwritten
   */
  putRecord(record: JournalRecord, replaces?: JournalState): Promise<void>;
  /** The record of one idempotency key; `undefined` where there is none. A store without it is asked for all records. */
  getRecord?(idempotencyKey: string): Promise<JournalRecord | undefined>;
  /** Records whose state is `sending` or `unknown`, oldest first. A store without it is asked for all records. */
  listOpenRecords?(): Promise<JournalRecord[]>;
  /**
   * The record of the payment that the host calls `made`: `charge` or `refund`, a space, and the `chargeId` of a charge or the
   * `refundId` of a refund. A store without it is asked for all records, once.
   */
  getMadeRecord?(made: string): Promise<JournalRecord | undefined>;
  /** The latest form of every record, oldest first. */
  listRecords(): Promise<JournalRecord[]>;
  /** The sealed payload of one unsettled payment. */
  putPayload(idempotencyKey: string, sealed: JsonValue): Promise<void>;
  /** What `putPayload` was given; `undefined` where there is none. */
  getPayload(idempotencyKey: string): Promise<JsonValue | undefined>;
  /** Overwrites and removes; what does not exist is no error. */
  removePayload(idempotencyKey: string): Promise<void>;
  /** The idempotency keys that have a payload. */
  listPayloads(): Promise<string[]>;
  /**
   * Keeps the sealed outcome of one payment, or replaces it. It is written before its record is settled, and the store drops it with
   * its record. A store without `putOutcome` and `getOutcome` keeps outcomes as payloads whose names begin with a space, which no
   * idempotency key does; the terminal removes those then.
   */
  putOutcome?(idempotencyKey: string, sealed: JsonValue): Promise<void>;
  /** What `putOutcome` was given; `undefined` where there is none. */
  getOutcome?(idempotencyKey: string): Promise<JsonValue | undefined>;
  /** Gives up whatever the store holds: files, locks, connections. The terminal does not call it: the app that made the store does. */
  close?(): Promise<void>;
}
