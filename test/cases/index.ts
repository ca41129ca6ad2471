/** Every list of cases, in the order of the layers. Runners take this. */
import type { Cases } from "../harness.js";
import { aesCases } from "./aes.js";
import { backendEnvelopeCases } from "./backend-envelope.js";
import { backendKeyBlockCases } from "./backend-keyblock.js";
import { backendTdesCases } from "./backend-tdes.js";
import { badInputCases } from "./bad-input.js";
import { checkValueCases } from "./check-values.js";
import { cipherCases } from "./ciphers.js";
import { dukptCases } from "./dukpt.js";
import { dukptVectorCases } from "./dukpt-vectors.js";
import { ecdhCases } from "./ecdh.js";
import { encodingCases } from "./encoding.js";
import { envelopeCases } from "./envelopes.js";
import { firstUseCases } from "./first-use.js";
import { gzipCases } from "./gzip.js";
import { keyBlockExplainCases } from "./key-block-explain.js";
import { keyBlockHeaderCases } from "./key-block-header.js";
import { identifyCases } from "./key-block-identify.js";
import { keyBlockPolicyCases } from "./key-block-policy.js";
import { keyBlockCases } from "./key-blocks.js";
import { keyComponentCases } from "./key-components.js";
import { keySetCases } from "./key-sets.js";
import { keyCases } from "./keys.js";
import { leakCases } from "./leaks.js";
import { pinBlockCases } from "./pin-blocks.js";
import { requestNearMissCases } from "./request-near-misses.js";
import { prototypeCases } from "./prototype.js";
import { remedyCases } from "./remedies.js";
import { selectionCases } from "./selection.js";
import { shaCases } from "./sha.js";
import { signatureCases } from "./signatures.js";
import { tdesCases } from "./tdes.js";

export const allCases: readonly Cases[] = [
  firstUseCases,
  aesCases,
  tdesCases,
  shaCases,
  backendEnvelopeCases,
  backendKeyBlockCases,
  backendTdesCases,
  checkValueCases,
  cipherCases,
  dukptCases,
  dukptVectorCases,
  ecdhCases,
  encodingCases,
  envelopeCases,
  gzipCases,
  keyBlockExplainCases,
  keyBlockHeaderCases,
  identifyCases,
  keyBlockPolicyCases,
  keyBlockCases,
  keyComponentCases,
  keySetCases,
  keyCases,
  pinBlockCases,
  prototypeCases,
  remedyCases,
  selectionCases,
  signatureCases,
  requestNearMissCases,
  badInputCases,
  leakCases,
];
