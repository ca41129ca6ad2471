/**
 * Entry `.`: the public API of core, by re-export only. Importing it does nothing.
 *
 * @module viopay-pos-crypto
 */
export type {
  Backend,
  BackendName,
  BlockPadding,
  HashName,
  KeyBlockVersion,
  MessagePart,
  OpenEncoding,
  Slot,
  SlotKind,
  UnwrapVerdict,
} from "./backend/contract.js";
export { type BackendInfo, backendInfo, type LoadOptions, loadCrypto, loadCryptoSync } from "./backend/select.js";
export {
  type HashKcvMethod,
  type KcvMethod,
  type KeyCheckValueOptions,
  keyCheckValue,
  type VerifyKeyCheckValueOptions,
  verifyKeyCheckValue,
} from "./check-value.js";
export {
  aesCbcDecrypt,
  aesCbcEncrypt,
  aesCmac,
  type CbcOptions,
  cbcMac,
  hmacSha256,
  type MacPaddingOptions,
  retailMac,
  tdesCbcDecrypt,
  tdesCbcEncrypt,
  tdesCmac,
  type VerifyMacOptions,
  verifyMac,
} from "./ciphers.js";
export {
  type ChunkedEnvelope,
  type DataEnvelope,
  type Envelope,
  type EnvelopeChunk,
  type JsonValue,
  type OpenBytesOptions,
  type OpenOptions,
  openEnvelope,
  openEnvelopeBytes,
  type SealOptions,
  sealEnvelope,
  sealEnvelopeBytes,
} from "./envelope.js";
export { PosCryptoError, type PosErrorCode, type PosErrorOptions } from "./errors.js";
export {
  type Exportability,
  exposeKeyBytes,
  generateKey,
  importKey,
  type KeyAlgorithm,
  type KeyAttributes,
  SecretKey,
} from "./key.js";
export { importKeyComponents, type KeyComponentsOptions } from "./key-components.js";
export { type ExplainedField, type ExplanationFinding, explainKeyBlock, type KeyBlockExplanation } from "./keyblock/explain.js";
export { type KeyBlockHeader, parseKeyBlock } from "./keyblock/header.js";
export type {
  AllowedDerivation,
  Certificate,
  HmacHash,
  LengthForm,
  OptionalBlock,
  OptionalBlockValue,
} from "./keyblock/optional-blocks.js";
export type { OptionalBlockInit, OptionalBlockText } from "./keyblock/optional-build.js";
export type { FindingCode, PolicyFinding } from "./keyblock/policy.js";
export { type UnwrapOptions, type UnwrappedKey, unwrapKeyBlock } from "./keyblock/unwrap.js";
export { type KeyBlockHeaderInit, type WrapOptions, wrapKeyBlock } from "./keyblock/wrap.js";
export {
  type InstallOptions,
  installKeySet,
  type KeyRole,
  type KeySet,
  type KeySetSide,
  type KeySetUsage,
  type KeysResponse,
  type WrappedKey,
} from "./keyset.js";
export { type IssuedKeySet, type IssueOptions, issueKeySet } from "./keyset-issue.js";
export {
  type ClearPinBlockFormat,
  decryptPinBlock,
  encryptPinBlock,
  formatPinBlock,
  type PinBlockFormat,
  type PinBlockOptions,
  type PinOptions,
  type PinTranslation,
  parsePinBlock,
  translatePinBlock,
} from "./pinblock.js";
export type { RandomSource } from "./random.js";
export {
  type AttestationFields,
  createNonce,
  type RequestFields,
  type SignedRequest,
  signAttestation,
  signRequest,
  signRequests,
  verifyAttestationSignature,
  verifyRequestSignature,
  verifyRequests,
} from "./signing.js";
