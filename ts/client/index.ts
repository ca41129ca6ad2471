/**
 * Entry `./client`: the terminal's side of the POS protocol. Re-exports only.
 *
 * @module viopay-pos-crypto/client
 */
export type {
  Activation,
  ActivationConditions,
  DeviceStatus,
  PairingCode,
} from "./activation/activation.js";
export type { Attestation } from "./activation/attestation.js";
export type { InstallKeysOptions } from "./activation/keys.js";
export type { BootstrapResult } from "./activation/bootstrap.js";
export { JOURNAL_TRANSITIONS, type JournalRecord, type JournalState, type PaymentKind } from "./store/records.js";
export type { JsonObject } from "./http/json-fields.js";
export type {
  Amount,
  ChargeApproved,
  ChargeDeclined,
  ChargeOutcome,
  KeyedOutcome,
  RefundApproved,
  RefundDeclined,
  RefundOutcome,
  Refused,
  Unknown,
  VoidApproved,
  VoidOutcome,
} from "./payments/outcomes.js";
export type { ListPaymentsOptions, PaymentRecord, Resolution } from "./payments/lookup.js";
export type { ChargeRequest, PinBlock, RefundRequest } from "./payments/requests.js";
export type { PaymentOptions } from "./payments/payments.js";
export type { Recovered, RecoverResult } from "./payments/recovery.js";
export {
  RETRY_TABLE,
  type Repetition,
  type RetryOptions,
  type RetryRule,
  type RetryVerdict,
  retryVerdict,
} from "./http/retry.js";
export type { OnEvent, TerminalEvent } from "./http/events.js";
export type { CallOptions } from "./session.js";
export { checkTerminalStore, type StoreCheckOptions, type StoreCheckResult } from "./store/check.js";
export { DukptStore, type DukptStoreOptions } from "./store/dukpt.js";
export { type KeyValueAdapter, KeyValueStore, type KeyValueStoreOptions } from "./store/key-value.js";
export { MemoryStore } from "./store/memory.js";
export type { StoredTerminal, TerminalStore } from "./store/store.js";
export {
  PosTerminal,
  type PosTerminalOptions,
  type SetUpOptions,
  type SetUpStep,
} from "./terminal.js";
export type { Fetch } from "./http/transport.js";
