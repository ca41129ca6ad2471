/**
 * Entry `./dukpt`: DUKPT on both sides, by re-export only. Importing it does nothing.
 *
 * @module viopay-pos-crypto/dukpt
 */
export {
  type DeriveDukptKeysOptions,
  deriveDukptKeys,
  deriveInitialKey,
  type InitialKeyOptions,
  issueInitialKey,
} from "./host.js";
export { type DukptScheme, type Ksn, parseKsn } from "./ksn.js";
export {
  memorySeenCounters,
  redisSeenCounters,
  type SeenCounterRedis,
  type SeenCounterStore,
  seenCounter,
} from "./replay.js";
export { DukptTerminal, type LoadTerminalOptions, type RestoreTerminalOptions } from "./terminal.js";
export type { DukptKeyOptions, DukptKeys, DukptKeyType, DukptSide, DukptWanted } from "./working-keys.js";
