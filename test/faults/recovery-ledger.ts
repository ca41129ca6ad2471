/** What a mock host has really done, noted where requests are handled: the truth that terminals are held against. */
import type { JournalRecord } from "../../ts/client/index.js";
import { MemoryStore, type Middleware } from "../../ts/mock/index.js";

/** Names the intent of a request whose key the host is not to see. */
export const INTENT_HEADER = "X-Intent";

export interface Entry {
  readonly kind: "charge" | "refund";
  readonly idempotencyKey: string;
  readonly amount: string;
  readonly status: string;
  /** Charges or refunds made under the key: more than one is what must never be. */
  readonly ids: Set<string>;
}

export class Ledger {
  /** By kind and idempotency key. */
  readonly entries = new Map<string, Entry>();
  /** Charges the host has stored, counted apart from what it answered. */
  stored = 0;

  /** To be the innermost middleware: sees every delivery that was carried out, whatever became of its answer. */
  readonly middleware: Middleware = async (context, next) => {
    const reply = await next();
    const { endpoint: kind, response } = context.exchange;
    if ((kind !== "charge" && kind !== "refund") || reply.status !== 200) return reply;
    // A remembered answer is given again without being opened: nothing was made.
    if (response === undefined) return reply;
    const made = response as { charge_id: string; refund_id?: string; status: string; amount: { value: string } };
    const idempotencyKey = context.headers.get(INTENT_HEADER) ?? context.headers.get("Idempotency-Key")!;
    const entry = this.entries.get(`${kind} ${idempotencyKey}`) ?? {
      kind,
      idempotencyKey,
      amount: made.amount.value,
      status: made.status,
      ids: new Set(),
    };
    entry.ids.add(kind === "charge" ? made.charge_id : made.refund_id!);
    this.entries.set(`${kind} ${idempotencyKey}`, entry);
    return reply;
  };

  /** A store for the mock that counts the charges made in it. */
  createStore(now: () => number): MemoryStore {
    const ledger = this;
    return new (class extends MemoryStore {
      override async setIfAbsent(key: string, value: string, ttlMs?: number): Promise<boolean> {
        const made = await super.setIfAbsent(key, value, ttlMs);
        if (made && key.startsWith("charge:")) ledger.stored += 1;
        return made;
      }
    })(now);
  }

  of(kind: "charge" | "refund"): Entry[] {
    return [...this.entries.values()].filter((entry) => entry.kind === kind);
  }
}

/** What the app asked for. Every amount is used once in a scenario, so it names its intent also where no key came back. */
export interface Intent {
  readonly kind: "charge" | "refund";
  readonly amount: string;
  /** What the call said; `rejected` where it threw, absent where the process ended first. */
  told?: "approved" | "declined" | "unknown" | "rejected";
}

/** Every way in which journal, host and app disagree; none is what is asked for. */
export function disagreements(ledger: Ledger, records: readonly JournalRecord[], intents: readonly Intent[]): string[] {
  const found: string[] = [];
  const check = (holds: boolean, what: string) => {
    if (!holds) found.push(what);
  };
  check(ledger.stored === ledger.of("charge").reduce((sum, { ids }) => sum + ids.size, 0), "the host stored other charges");
  for (const { kind, idempotencyKey: key, status, ids, amount } of ledger.entries.values()) {
    const name = `${kind} ${amount}`;
    check(ids.size === 1, `${name}: made ${ids.size} times under one key`);
    const record = records.find(({ idempotencyKey }) => idempotencyKey === key);
    check(record !== undefined, `${name}: lost, its key is not in the journal`);
    if (record === undefined) continue;
    const honest = ["unknown", "needs_host_lookup", status].includes(record.state);
    check(honest, `${name}: the host says ${status}, the journal ${record.state}`);
    check(record.amount === amount, `${name}: the journal has another amount`);
    if (kind === "charge" && record.state === "approved") check(ids.has(record.chargeId!), `${name}: another charge id`);
  }
  for (const { kind, amount, told } of intents) {
    const name = `${kind} ${amount}`;
    const made = ledger.of(kind).filter((entry) => entry.amount === amount);
    check(made.length <= 1, `${name}: made under ${made.length} keys`);
    const status = made[0]?.status;
    if (told === "approved") check(status === "approved", `${name}: told approved, the host says ${status}`);
    if (told === "declined") check(status !== "approved", `${name}: told declined, the host has made it`);
    if (told === "rejected") check(status === undefined, `${name}: rejected, the host has made it`);
  }
  for (const { kind, amount, state, idempotencyKey } of records) {
    const made = ledger.entries.get(`${kind} ${idempotencyKey}`);
    if (state === "approved") check(made?.status === "approved", `${kind} ${amount}: approved in the journal only`);
    if (state === "abandoned") check(made === undefined, `${kind} ${amount}: abandoned, the host has made it`);
  }
  return found;
}
