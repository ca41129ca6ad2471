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
} from "./activation.js";
export type { Attestation } from "./attestation.js";
export type { BootstrapResult } from "./bootstrap.js";
export { JOURNAL_TRANSITIONS, type JournalRecord, type JournalState, type PaymentKind } from "./journal.js";
export type { JsonObject } from "./json-fields.js";
export type {
  Amount,
  ChargeApproved,
  ChargeDeclined,
  ChargeOutcome,
  RefundApproved,
  RefundDeclined,
  RefundOutcome,
  Refused,
  Unknown,
  VoidApproved,
  VoidOutcome,
} from "./outcomes.js";
export type { ChargeRequest, PinBlock, RefundRequest } from "./payment-requests.js";
export type { PaymentOptions } from "./payments.js";
export type { Recovered, RecoverResult } from "./recovery.js";
export { RETRY_TABLE, type Repetition, type RetryOptions, type RetryRule, type RetryVerdict, retryVerdict } from "./retry.js";
export type { CallOptions } from "./session.js";
export { MemoryStore, type StoredTerminal, type TerminalStore } from "./store.js";
export {
  PosTerminal,
  type PosTerminalOptions,
  type SetUpOptions,
  type SetUpStep,
} from "./terminal.js";
export type { Fetch } from "./transport.js";
