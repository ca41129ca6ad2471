/**
 * What an app on a terminal does with core, as one script that every bundler can bundle: prints its results as one line of JSON. run.js
 * knows the answers from node:crypto and from published vectors.
 */
import { importKey, loadCrypto, openEnvelope, sealEnvelope, signRequest, unwrapKeyBlock } from "viopay-pos-crypto";

/** The key block of README.md, and the key that protects it. */
const KBPK = "88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6";
const BLOCK = "D0112P0AE00E0000B82679114F470F540165EDFBF7E250FCEA43F810D215F8D207E2E417C07156A27E8E31DA05F7425509593D03A457DC34";
const MESSAGE_KEY = "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F";
const MAC_KEY = "404142434445464748494A4B4C4D4E4F505152535455565758595A5B5C5D5E5F";
/** AES-256-CBC of the hex text of {"status":"activated"} under MESSAGE_KEY. */
const ANSWER = {
  format: "TR31-DATA",
  mode: "CBC",
  ciphertext: "57529405FD94FD4265B0024EF1AD5386C725B1273D578C8F0A5E3363F07DAC4D2B1F41514D512A49321ABB155DCD8EBD",
  initialization_vector: "101112131415161718191A1B1C1D1E1F",
};
const CHARGE = { amount: { value: "1500", currency: "EUR" } };

async function work() {
  const backend = await loadCrypto();
  const { key: pin, header } = unwrapKeyBlock(importKey(KBPK, { algorithm: "AES", usage: "K1" }), BLOCK, { expectUsage: "P0" });
  const message = importKey(MESSAGE_KEY, { algorithm: "AES", usage: "D0" });
  const mac = importKey(MAC_KEY, { algorithm: "HMAC", usage: "M7" });
  const request = { method: "POST", path: "/pos/charge", terminalId: "TID-004812", timestamp: "2025-12-13T14:35:00Z" };
  return {
    backend: backend.name,
    key: String(pin),
    version: header.version,
    opened: openEnvelope(message, ANSWER),
    sealed: sealEnvelope(message, CHARGE),
    gzipped: openEnvelope(message, sealEnvelope(message, CHARGE, { gzip: true, chunkBytes: 64 })),
    signature: signRequest(mac, { ...request, body: JSON.stringify(ANSWER), nonce: "abcdefghijkl" }),
  };
}

work().then(
  (results) => console.log(JSON.stringify(results)),
  (error) => console.log(JSON.stringify({ error: String(error?.stack ?? error) })),
);
