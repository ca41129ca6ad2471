/**
 * Entry `.`: the public API of core, by re-export only. Importing it does nothing.
 *
 * @module viopay-pos-crypto
 */
export type {
  Backend,
  BackendName,
  BlockPadding,
  DukptOperation,
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
} from "./core/keys/check-value.js";
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
} from "./core/ciphers.js";
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
} from "./core/envelope/envelope.js";
export { PosCryptoError, type PosErrorCode, type PosErrorOptions } from "./base/errors.js";
export {
  type Exportability,
  exposeKeyBytes,
  generateKey,
  importKey,
  type KeyAlgorithm,
  type KeyAttributes,
  SecretKey,
} from "./core/keys/key.js";
export {
  type ExplainedCheckValue,
  explainKeyCheckValue,
  type KeyCheckValueExplanation,
} from "./core/keys/check-value-explain.js";
export { deriveKeyFromSharedSecret, type SharedSecretOptions } from "./core/keys/shared-secret.js";
export { importKeyComponents, type KeyComponentsOptions } from "./core/keys/components.js";
export { type KeyComponent, splitKey } from "./core/keys/split.js";
export {
  type ExplainedField,
  type ExplanationFinding,
  explainKeyBlock,
  type KeyBlockExplanation,
} from "./core/key-block/explain.js";
export { type IdentifiedMaterial, identifyMaterial } from "./core/key-block/identify.js";
export type { Confidence, MaterialKind } from "./core/key-block/lookalikes.js";
export { type KeyBlockHeader, parseKeyBlock } from "./core/key-block/header.js";
export type {
  AllowedDerivation,
  Certificate,
  HmacHash,
  LengthForm,
  OptionalBlock,
  OptionalBlockValue,
} from "./core/key-block/optional-read.js";
export type { OptionalBlockInit, OptionalBlockText } from "./core/key-block/optional-write.js";
export type { FindingCode, KeyBlockKnob, KeyBlockKnobs, PolicyFinding } from "./core/key-block/findings.js";
export { type UnwrapOptions, type UnwrappedKey, unwrapKeyBlock } from "./core/key-block/unwrap.js";
export { type KeyBlockHeaderInit, type WrapOptions, wrapKeyBlock } from "./core/key-block/wrap.js";
export {
  type InstallOptions,
  installKeySet,
  type KeyRole,
  type KeySet,
  type KeySetSide,
  type KeySetUsage,
  type KeysResponse,
  type WrappedKey,
} from "./core/key-set/install.js";
export { type IssuedKeySet, type IssueOptions, issueKeySet } from "./core/key-set/issue.js";
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
} from "./core/pin-block/pin-block.js";
export type { RandomSource } from "./base/random.js";
export {
  type AttestationFields,
  attestationSignatureText,
  createNonce,
  type RequestFields,
  requestSignatureText,
  type SignedRequest,
  signAttestation,
  signRequest,
  signRequests,
  verifyAttestationSignature,
  verifyRequestSignature,
  verifyRequests,
} from "./core/signing.js";
export {
  explainRequestSignature,
  type RequestNearMiss,
  type RequestSignatureExplanation,
} from "./core/signing/near-misses.js";
