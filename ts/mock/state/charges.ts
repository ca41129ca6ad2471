/**
 * Charges and what becomes of them: approved or declined once, then refunded in parts, or cancelled.
 *
 * One record a charge, changed by compare-and-set, sealed under the device's storage key; only the terminal stands beside it in
 * clear. It holds no card number and no PIN. Amounts are whole minor units.
 */
import { type Envelope, type JsonValue, openEnvelope, sealEnvelope } from "../../core/envelope/envelope.js";
import { PosCryptoError } from "../../base/errors.js";
import type { SecretKey } from "../../core/keys/key.js";
import { badRequest, notFound } from "../http/errors.js";
import { randomDigits } from "../identifiers.js";
import type { KeyRing } from "./key-ring.js";
import type { ProvisionedDevice } from "./provision.js";
import type { MockStore } from "../store/store.js";

/** As the protocol writes amounts. */
export interface Amount {
  /** Decimal digits, minor units: `1500` is 15.00. */
  value: string;
  currency: string;
}

/** A response code of ISO 8583 data element 39, and what it means. */
export interface Decline {
  response_code: string;
  response_text: string;
}

/**
 * The amounts the mock declines, in minor units of any currency: 100 units and the response code as cents. Everything else is
 * approved, unless the PIN is wrong.
 */
export const DECLINE_AMOUNTS: Readonly<Record<string, Decline>> = {
  "10005": { response_code: "05", response_text: "Do not honour" },
  "10014": { response_code: "14", response_text: "Invalid card number" },
  "10041": { response_code: "41", response_text: "Lost card" },
  "10043": { response_code: "43", response_text: "Stolen card" },
  "10051": { response_code: "51", response_text: "Insufficient funds" },
  "10054": { response_code: "54", response_text: "Expired card" },
  "10055": { response_code: "55", response_text: "Incorrect PIN" },
  "10057": { response_code: "57", response_text: "Transaction not permitted to cardholder" },
  "10061": { response_code: "61", response_text: "Exceeds withdrawal amount limit" },
  "10065": { response_code: "65", response_text: "Exceeds withdrawal count limit" },
  "10075": { response_code: "75", response_text: "PIN tries exceeded" },
  "10091": { response_code: "91", response_text: "Issuer unavailable" },
  "10096": { response_code: "96", response_text: "System malfunction" },
};

export const INCORRECT_PIN: Decline = { response_code: "55", response_text: "Incorrect PIN" };

interface ChargeRecord {
  chargeId: string;
  /** What the terminal was told; never changes. */
  answer: JsonValue;
  approved: boolean;
  amount: Amount;
  refunds: { refundId: string; value: string }[];
  cancelled: boolean;
}

/** A charge and what became of it, without card data. */
export interface LedgerEntry {
  readonly charge_id: string;
  readonly terminal_id: string;
  readonly status: "approved" | "declined" | "cancelled";
  readonly amount: Amount;
  readonly refunds: readonly { readonly refund_id: string; readonly value: string }[];
}

interface StoredCharge {
  terminal: string;
  sealed: Envelope;
}

const ATTEMPTS = 1000;

export class Charges {
  readonly #store: MockStore;
  readonly #keys: KeyRing;

  constructor(store: MockStore, keys: KeyRing) {
    this.#store = store;
    this.#keys = keys;
  }

  /** Makes the charge of that id, or finds it made. `decide` runs only in the first case. Returns the terminal's answer. */
  async create(
    device: ProvisionedDevice,
    chargeId: string,
    amount: Amount,
    decide: () => Promise<Decline | undefined>,
  ): Promise<JsonValue> {
    const key = chargeKey(chargeId);
    const made = await this.#store.get(key);
    if (made !== undefined) return this.#open(device, made).answer;
    const decline = DECLINE_AMOUNTS[amount.value] ?? (await decide());
    const reference = { rrn: randomDigits(12) };
    const answer: JsonValue =
      decline === undefined
        ? {
            charge_id: chargeId,
            status: "approved",
            amount: { ...amount },
            gateway_data: { authorization_code: `A${randomDigits(5)}`, ...reference },
          }
        : { charge_id: chargeId, status: "declined", amount: { ...amount }, gateway_data: { ...decline, ...reference } };
    const record: ChargeRecord = { chargeId, answer, approved: decline === undefined, amount, refunds: [], cancelled: false };
    if (await this.#store.setIfAbsent(key, this.#seal(device, record))) return answer;
    return this.create(device, chargeId, amount, decide);
  }

  /** Returns funds, in full or in part. Repeated with the same refund id it is one refund. */
  async refund(device: ProvisionedDevice, chargeId: string, refundId: string, amount: Amount): Promise<JsonValue> {
    await this.#update(device, chargeId, (record) => {
      if (record.refunds.some((refund) => refund.refundId === refundId)) return record;
      if (!record.approved) throw badRequest("Charge was declined");
      if (record.cancelled) throw badRequest("Charge is cancelled");
      if (amount.currency !== record.amount.currency) throw badRequest("Currency differs from the charge's");
      if (BigInt(amount.value) > remainder(record)) throw badRequest("Amount exceeds what is left of the charge");
      return { ...record, refunds: [...record.refunds, { refundId, value: amount.value }] };
    });
    return { refund_id: refundId, status: "approved", amount: { ...amount } };
  }

  /** Voids the charge as a whole. Repeating it answers the same. */
  async cancel(device: ProvisionedDevice, chargeId: string): Promise<JsonValue> {
    await this.#update(device, chargeId, (record) => {
      if (!record.approved) throw badRequest("Charge was declined");
      if (record.refunds.length > 0) throw badRequest("Charge is refunded");
      return record.cancelled ? record : { ...record, cancelled: true };
    });
    return { charge_id: chargeId, status: "cancelled" };
  }

  /** Every charge of these devices that the store holds, in no order. */
  async ledger(devices: readonly ProvisionedDevice[]): Promise<LedgerEntry[]> {
    const store = this.#store;
    if (store.list === undefined)
      throw new PosCryptoError("ERR_STATE", "the ledger needs a store that has list(): this one has not");
    const byTerminal = new Map(devices.map((device) => [device.terminal_id, device]));
    const entries: LedgerEntry[] = [];
    for (const key of await store.list(CHARGE_PREFIX)) {
      const text = await store.get(key);
      const device = text === undefined ? undefined : byTerminal.get((JSON.parse(text) as StoredCharge).terminal);
      if (text !== undefined && device !== undefined) entries.push(ledgerEntry(device, this.#open(device, text)));
    }
    return entries;
  }

  /** Throws 404 unless the charge is this terminal's. */
  async #update(device: ProvisionedDevice, chargeId: string, transition: (record: ChargeRecord) => ChargeRecord): Promise<void> {
    const key = chargeKey(chargeId);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const present = await this.#store.get(key);
      if (present === undefined || !belongsTo(device, present)) throw notFound("Charge not found", { charge_id: chargeId });
      const record = this.#open(device, present);
      const next = transition(record);
      if (next === record || (await this.#store.compareAndSet(key, present, this.#seal(device, next)))) return;
    }
    throw new Error("the store refuses every change of a charge");
  }

  #open(device: ProvisionedDevice, text: string): ChargeRecord {
    const { sealed } = JSON.parse(text) as StoredCharge;
    return openEnvelope(this.#storageKey(device), sealed, { plaintextEncoding: "raw" }) as unknown as ChargeRecord;
  }

  #seal(device: ProvisionedDevice, record: ChargeRecord): string {
    const sealed = sealEnvelope(this.#storageKey(device), record as unknown as JsonValue, { plaintextEncoding: "raw" });
    return JSON.stringify({ terminal: device.terminal_id, sealed } satisfies StoredCharge);
  }

  #storageKey(device: ProvisionedDevice): SecretKey {
    return this.#keys.device(device).storage;
  }
}

function belongsTo(device: ProvisionedDevice, text: string): boolean {
  return (JSON.parse(text) as StoredCharge).terminal === device.terminal_id;
}

/** What can still be refunded. */
function remainder(record: ChargeRecord): bigint {
  return record.refunds.reduce((rest, refund) => rest - BigInt(refund.value), BigInt(record.amount.value));
}

function ledgerEntry(device: ProvisionedDevice, record: ChargeRecord): LedgerEntry {
  return {
    charge_id: record.chargeId,
    terminal_id: device.terminal_id,
    status: record.cancelled ? "cancelled" : record.approved ? "approved" : "declined",
    amount: record.amount,
    refunds: record.refunds.map(({ refundId, value }) => ({ refund_id: refundId, value })),
  };
}

const CHARGE_PREFIX = "charge:";

function chargeKey(chargeId: string): string {
  return CHARGE_PREFIX + chargeId;
}
