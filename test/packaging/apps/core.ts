/** Uses core as an app's TypeScript does. Only checked, never run. */
import {
  type BackendInfo,
  type ChunkedEnvelope,
  explainKeyBlock,
  importKey,
  installKeySet,
  issueKeySet,
  type KeyBlockExplanation,
  type KeyBlockHeader,
  type KeySet,
  type KeysResponse,
  loadCrypto,
  openEnvelope,
  PosCryptoError,
  type PosErrorCode,
  parseKeyBlock,
  type SecretKey,
  sealEnvelope,
  signRequest,
  unwrapKeyBlock,
  wrapKeyBlock,
} from "viopay-pos-crypto";
import { noble } from "viopay-pos-crypto/backend/noble";
import { mvpModuleBytes, wasm } from "viopay-pos-crypto/backend/wasm";
import mvpModule from "viopay-pos-crypto/viopay-pos-crypto.mvp.wasm";
import relaxedModule from "viopay-pos-crypto/viopay-pos-crypto.relaxed.wasm";
import simdModule from "viopay-pos-crypto/viopay-pos-crypto.simd.wasm";

export async function start(): Promise<string> {
  const chosen: BackendInfo = await loadCrypto({ backend: "auto", requireConstantTime: true });
  for (const module of [simdModule, mvpModule, relaxedModule]) await loadCrypto({ module });
  const { reason } = await loadCrypto({ backend: chosen.constantTime ? wasm : noble });
  return reason;
}

export function keys(kbpk: SecretKey, block: string, response: KeysResponse): KeySet {
  const header: KeyBlockHeader = parseKeyBlock(block);
  const explanation: KeyBlockExplanation = explainKeyBlock(block);
  const { key, report } = unwrapKeyBlock(kbpk, block, { expectUsage: "P0", policy: "report" });
  const again: string = wrapKeyBlock(kbpk, key, { version: header.version });
  if (report.length > 0 || explanation.findings.length > 0 || again === block) key.destroy();
  const issued: KeySet = issueKeySet(kbpk).keys;
  issued.destroy();
  return installKeySet(kbpk, response);
}

export function messages(): unknown {
  const key: SecretKey = importKey(new Uint8Array(32), { algorithm: "AES", usage: "D0" });
  const parts = sealEnvelope(key, [1, 2], { gzip: true, chunkBytes: 2048 }) satisfies ChunkedEnvelope | object;
  const fields = { path: "/", terminalId: "T", timestamp: "2025-12-13T14:35:00Z", nonce: "abcdefghijkl" };
  const signature: string = signRequest(key, { method: "POST", body: mvpModuleBytes(), ...fields });
  return [openEnvelope(key, parts), signature];
}

export function codeOf(error: unknown): PosErrorCode | undefined {
  return error instanceof PosCryptoError ? error.code : undefined;
}
