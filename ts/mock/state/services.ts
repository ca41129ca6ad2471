/** The parts of a mock server that its handlers share. */
import type { Charges } from "./charges.js";
import type { Idempotency } from "./idempotency.js";
import type { KeyRing } from "./key-ring.js";
import type { Lifetimes } from "./lifetimes.js";
import type { ExplanationLimit } from "../observe/explanation-limit.js";
import type { MerchantTokens } from "../merchant-tokens.js";
import type { DeviceStates } from "./devices.js";
import type { MockStore } from "../store/store.js";

export interface Services {
  now(): number;
  readonly store: MockStore;
  readonly lifetimes: Lifetimes;
  readonly devices: DeviceStates;
  readonly keys: KeyRing;
  readonly charges: Charges;
  readonly idempotency: Idempotency;
  readonly explanations: ExplanationLimit;
  readonly merchants: MerchantTokens;
  readonly minSupportedVersion: string;
  /** The terminal parameters' JSON, gzipped. */
  compressedParameters(): Uint8Array;
}
