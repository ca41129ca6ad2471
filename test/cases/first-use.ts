/**
 * What an app does on its first day, by public names only: unwrap, seal, open, sign, each checked. test/engines runs it from the package
 * itself as well.
 */
import {
  createNonce,
  generateKey,
  importKey,
  openEnvelope,
  sealEnvelope,
  signRequest,
  unwrapKeyBlock,
  verifyKeyCheckValue,
  verifyRequestSignature,
} from "../../ts/index.js";
import type { Cases } from "../harness.js";

const KBPK = "88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6";
const BLOCK = "D0112P0AE00E0000B82679114F470F540165EDFBF7E250FCEA43F810D215F8D207E2E417C07156A27E8E31DA05F7425509593D03A457DC34";

export const firstUseCases: Cases = (suite) => {
  suite.test("first use: unwrap, seal, open, sign", firstUse);
};

/** Needs a loaded backend and a CSPRNG. Throws on the first thing that is wrong. */
function firstUse(): void {
  const zmk = importKey(KBPK, { algorithm: "AES", usage: "K1" });
  const { key: tpk } = unwrapKeyBlock(zmk, BLOCK, { expectUsage: "P0" });
  check(verifyKeyCheckValue(tpk, "08793E").method === "CMAC", "check value");

  const msk = generateKey({ algorithm: "AES", usage: "D0", bits: 256 });
  const charge = { amount: { value: "1500", currency: "EUR" }, merchant: "Caffè Ñandú €" };
  const body = JSON.stringify(sealEnvelope(msk, charge));
  check(JSON.stringify(openEnvelope(msk, JSON.parse(body))) === JSON.stringify(charge), "envelope");

  const mac = generateKey({ algorithm: "HMAC", usage: "M7", bits: 256 });
  const place = { method: "POST", path: "/pos/charge", terminalId: "TID-004812", timestamp: "2025-12-13T14:35:00Z" };
  const fields = { ...place, body, nonce: createNonce() };
  const signature = signRequest(mac, fields);
  check(verifyRequestSignature(mac, signature, fields), "signature");
  check(!verifyRequestSignature(mac, signature, { ...fields, body: `${body} ` }), "signature of another body");
  for (const key of [zmk, tpk, msk, mac]) key.destroy();
}

function check(condition: boolean, what: string): void {
  if (!condition) throw new Error(`${what} does not hold`);
}
