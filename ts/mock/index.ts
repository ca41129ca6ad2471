/**
 * Entry `./mock`: the API side of the protocol, for tests, demonstrations and development.
 *
 * @module viopay-pos-crypto/mock
 */
export { type Amount, DECLINE_AMOUNTS, type Decline, type LedgerEntry } from "./state/charges.js";
export { Context, type Exchange, type Middleware } from "./context.js";
export { ApiError } from "./http/errors.js";
export { FAULT_STEPS, type FaultKind, type FaultRule, faultText, readFault } from "./faults/spec.js";
export { STEPS, type Step } from "../core/protocol/endpoints.js";
export type { FaultReport, Faults } from "./faults/faults.js";
export type { Delivery, IncomingRequest, Reply } from "./http/message.js";
export { DEVICE_LEVERS, type DeviceLever, type MockHealth } from "./control/levers.js";
export type { JournalledRequest } from "./observe/journal.js";
export type { RequestEvent } from "./observe/observe.js";
export type { Refusal } from "./observe/refusal.js";
export { defaultTerminalParameters } from "./fixtures/parameters.js";
export { DECLINED_PIN } from "./pin.js";
export {
  generateProvision,
  type Provision,
  type ProvisionedDevice,
  type ProvisionedJwt,
  parseProvision,
  toProvisionJson,
} from "./state/provision.js";
export { createMockServer, type Listening, type LogLine, type MockServer, type MockServerOptions } from "./server.js";
export type { Lifetimes } from "./state/lifetimes.js";
export type { MockStore } from "./store/store.js";
export { MemoryStore } from "./store/memory.js";
export { openRedisStore, type RedisClient, RedisStore, type RedisStoreOptions } from "./store/redis.js";
