/** The parts of a mock server that its handlers share. */
import type { Charges } from "./charges.js";
import type { Idempotency } from "./idempotency.js";
import type { KeyRing } from "./key-ring.js";
import type { MerchantTokens } from "../merchant-tokens.js";
import type { DeviceStates } from "./devices.js";
import type { MockStore } from "../store/store.js";

/** Seconds. The first two are the protocol's own. */
export interface Lifetimes {
  /** Pairing codes: 300. */
  pairingCode: number;
  /** Attestation tokens: 300. */
  attestation: number;
  /** Key sets: 30 days. */
  keySet: number;
  /** Remembered answers of idempotent requests: 24 hours. */
  idempotency: number;
  /** Remembered nonces: 10 minutes. Longer than the timestamp window of 6 minutes is wide. */
  nonce: number;
}

export interface Services {
  now(): number;
  readonly store: MockStore;
  readonly lifetimes: Lifetimes;
  readonly devices: DeviceStates;
  readonly keys: KeyRing;
  readonly charges: Charges;
  readonly idempotency: Idempotency;
  readonly merchants: MerchantTokens;
  readonly minSupportedVersion: string;
  /** The terminal parameters' JSON, gzipped. */
  compressedParameters(): Uint8Array;
}
