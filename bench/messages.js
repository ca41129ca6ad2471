/**
 * The work a terminal really does: seal a charge, open its answer, sign and verify a request, open terminal parameters in chunks,
 * unwrap a key block, install a key set. Both sides start from the same value and end with the same value: `JSON.stringify`,
 * hexadecimal text and the random IV are part of everybody's work. Peers are composed as the protocol's documents describe.
 */
import nodeCrypto from "node:crypto";
import zlib from "node:zlib";
import { cbc } from "@noble/ciphers/aes.js";
import { hmac as nobleHmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, hexToBytes, randomBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { gunzipSync } from "fflate";
import * as pos from "viopay-pos-crypto";
import { noble } from "viopay-pos-crypto/backend/noble";
import { pattern } from "./agree.js";
import { compare } from "./measure.js";

export const keyBytes = pattern(32, 11);
const macBytes = pattern(32, 12);

/** The primary document's charge, filled up to about 450 bytes of JSON. */
export const charge = {
  card: { number: "4111111111111111", expiry_year: 2027, expiry_month: 12 },
  amount: { value: "1500", currency: "EUR" },
  terminal: { id: "TID-004812", type: "pos", terminal_entry_mode: "chip", attended: true, capabilities: ["chip", "contactless"] },
  emv_data: "9F2608A1B2C3D4E5F60708",
  cardholder_verification_method: "pin",
  pin_block: { block: "0412345678ABCDEF" },
  stan: "000123",
  authorization_type: "final",
};

/** @param {string} what @param {unknown} a @param {unknown} b */
function demandSame(what, a, b) {
  if (JSON.stringify(a) !== JSON.stringify(b)) throw new Error(`${what}: results differ`);
}

export const viaNoble = {
  seal(/** @type {unknown} */ value) {
    const iv = randomBytes(16);
    const text = bytesToHex(utf8ToBytes(JSON.stringify(value))).toUpperCase();
    const ciphertext = bytesToHex(cbc(keyBytes, iv).encrypt(utf8ToBytes(text))).toUpperCase();
    return { format: "TR31-DATA", ciphertext, initialization_vector: bytesToHex(iv).toUpperCase(), mode: "CBC" };
  },
  plaintext(/** @type {any} */ { ciphertext, initialization_vector }) {
    const text = new TextDecoder().decode(cbc(keyBytes, hexToBytes(initialization_vector)).decrypt(hexToBytes(ciphertext)));
    return hexToBytes(text);
  },
  open: (/** @type {any} */ envelope) => JSON.parse(new TextDecoder().decode(viaNoble.plaintext(envelope))),
};

const viaNode = {
  seal(/** @type {unknown} */ value) {
    const iv = nodeCrypto.randomBytes(16);
    const text = Buffer.from(JSON.stringify(value), "utf8").toString("hex").toUpperCase();
    const cipher = nodeCrypto.createCipheriv("aes-256-cbc", keyBytes, iv);
    const ciphertext = (cipher.update(text, "latin1", "hex") + cipher.final("hex")).toUpperCase();
    return { format: "TR31-DATA", ciphertext, initialization_vector: iv.toString("hex").toUpperCase(), mode: "CBC" };
  },
  plaintext(/** @type {any} */ { ciphertext, initialization_vector }) {
    const decipher = nodeCrypto.createDecipheriv("aes-256-cbc", keyBytes, Buffer.from(initialization_vector, "hex"));
    return Buffer.from(decipher.update(ciphertext, "hex", "latin1") + decipher.final("latin1"), "hex");
  },
  open: (/** @type {any} */ envelope) => JSON.parse(viaNode.plaintext(envelope).toString("utf8")),
};

export async function messages() {
  return [...(await envelopes()), ...(await signatures()), ...(await keys())];
}

async function envelopes() {
  const msk = pos.importKey(keyBytes, { algorithm: "AES", usage: "D0" });
  const response = pos.sealEnvelope(msk, charge);
  for (const other of [viaNoble, viaNode]) {
    demandSame("open", other.open(response), charge);
    demandSame("seal", pos.openEnvelope(msk, other.seal(charge)), charge);
  }
  const parameters = terminalParameters();
  const chunked = pos.sealEnvelope(msk, parameters, { gzip: true, chunkBytes: 2048 });
  const openChunks = (
    /** @type {typeof viaNoble | typeof viaNode} */ via,
    /** @type {(b: Uint8Array) => Uint8Array} */ gunzip,
  ) => {
    const chunks = "chunks" in chunked ? chunked.chunks : [chunked];
    return JSON.parse(new TextDecoder().decode(gunzip(Buffer.concat(chunks.map((chunk) => via.plaintext(chunk))))));
  };
  const compressed = "chunks" in chunked ? chunked.chunks.reduce((bytes, chunk) => bytes + chunk.ciphertext.length / 4, 0) : 0;
  demandSame("chunks, noble", openChunks(viaNoble, gunzipSync), parameters);
  demandSame("chunks, node", openChunks(viaNode, zlib.gunzipSync), parameters);
  const size = JSON.stringify(charge).length;
  return [
    await compare(`seal a charge, ${size} B of JSON`, [
      { name: "ours", run: () => pos.sealEnvelope(msk, charge) },
      { name: "noble", run: () => viaNoble.seal(charge) },
      { name: "node:crypto", run: () => viaNode.seal(charge) },
    ]),
    await compare(`open a response, ${size} B of JSON`, [
      { name: "ours", run: () => pos.openEnvelope(msk, response) },
      { name: "noble", run: () => viaNoble.open(response) },
      { name: "node:crypto", run: () => viaNode.open(response) },
    ]),
    await compare(
      `open terminal parameters, ${Math.round(JSON.stringify(parameters).length / 1024)} KiB of JSON in ${Math.round(compressed / 1024)} KiB of gzip`,
      [
        { name: "ours", run: () => pos.openEnvelope(msk, chunked) },
        { name: "noble + fflate", run: () => openChunks(viaNoble, gunzipSync) },
        { name: "node:crypto + zlib", run: () => openChunks(viaNode, zlib.gunzipSync) },
      ],
    ),
  ];
}

async function signatures() {
  const mac = pos.importKey(macBytes, { algorithm: "HMAC", usage: "M7" });
  const body = JSON.stringify({ body: "x".repeat(1013) });
  const fields = {
    method: "POST",
    path: "/pos/charge",
    body,
    terminalId: "TID-004812",
    timestamp: "2025-12-13T14:35:00Z",
    nonce: "f9e8d7c6b5a4",
  };
  const canonical = () =>
    `${fields.method}\n${fields.path}\n${fields.body}\n${fields.terminalId}\n${fields.timestamp}\n${fields.nonce}`;
  const bytes = utf8ToBytes(canonical());
  const nobleKeyed = nobleHmac.create(sha256, macBytes);
  const sign = {
    noble: () => `v1=${Buffer.from(nobleKeyed.clone().update(utf8ToBytes(canonical())).digest()).toString("base64")}`,
    node: () => `v1=${nodeCrypto.createHmac("sha256", macBytes).update(canonical(), "utf8").digest("base64")}`,
  };
  const signature = pos.signRequest(mac, fields);
  demandSame("sign, noble", sign.noble(), signature);
  demandSame("sign, node", sign.node(), signature);
  return [
    await compare(`sign a request, body of ${body.length} B`, [
      { name: "ours", run: () => pos.signRequest(mac, fields) },
      { name: "bare HMAC of the bytes (ours)", run: () => pos.hmacSha256(mac, bytes) },
      { name: "noble, cached clone", run: sign.noble },
      { name: "node:crypto", run: sign.node },
    ]),
    await compare(`verify a request, body of ${body.length} B`, [
      { name: "ours", run: () => pos.verifyRequestSignature(mac, signature, fields) },
      { name: "noble, cached clone", run: () => sign.noble() === signature },
      {
        name: "node:crypto",
        run: () => nodeCrypto.timingSafeEqual(Buffer.from(sign.node()), Buffer.from(signature)),
      },
    ]),
  ];
}

async function keys() {
  /** @param {import("viopay-pos-crypto").KeyAttributes["backend"]} backend */
  const workOf = (backend) => {
    const aesKbpk = pos.importKey(pattern(32, 21), { algorithm: "AES", usage: "K1", ...(backend && { backend }) });
    const tdesKbpk = pos.importKey(pattern(24, 22), { algorithm: "TDES", usage: "K1", ...(backend && { backend }) });
    const aes = pos.importKey(pattern(32, 23), {
      algorithm: "AES",
      usage: "D0",
      exportability: "E",
      ...(backend && { backend }),
    });
    const tdes = pos.importKey(pattern(16, 24), {
      algorithm: "TDES",
      usage: "P0",
      exportability: "E",
      ...(backend && { backend }),
    });
    const blockD = pos.wrapKeyBlock(aesKbpk, aes, { version: "D" });
    const blockB = pos.wrapKeyBlock(tdesKbpk, tdes, { version: "B" });
    const zmk = pos.importKey(pattern(32, 25), { algorithm: "AES", usage: "K0", ...(backend && { backend }) });
    const { response } = pos.issueKeySet(zmk);
    return {
      unwrapD: () => pos.unwrapKeyBlock(aesKbpk, blockD).key.destroy(),
      unwrapB: () => pos.unwrapKeyBlock(tdesKbpk, blockB).key.destroy(),
      install: () => pos.installKeySet(zmk, response).destroy(),
    };
  };
  const ours = workOf(undefined);
  const onNoble = workOf(noble);
  return [
    await compare("unwrap a 32-byte AES key, version D", [
      { name: "ours", run: ours.unwrapD },
      { name: "our noble backend", run: onNoble.unwrapD },
    ]),
    await compare("unwrap a 16-byte TDES key, version B", [
      { name: "ours", run: ours.unwrapB },
      { name: "our noble backend", run: onNoble.unwrapB },
    ]),
    await compare("install a key set of six", [
      { name: "ours", run: ours.install },
      { name: "our noble backend", run: onNoble.install },
    ]),
  ];
}

/** About 260 KB of JSON that compresses to 17 KB, as terminal parameters do: mostly names, with limits and keys of their own. */
function terminalParameters() {
  const random = pattern(600 * 20, 1);
  const text = (/** @type {number} */ at, /** @type {number} */ length) =>
    Buffer.from(random.subarray(at, at + length))
      .toString("hex")
      .toUpperCase();
  const aids = Array.from({ length: 600 }, (_, i) => ({
    aid: `A0000000${text(20 * i, 3)}`,
    application_version_number: "008C",
    terminal_action_code_default: "DC4000A800",
    terminal_action_code_denial: "0010000000",
    terminal_action_code_online: "DC4004F800",
    contactless_transaction_limit: "000000999999",
    contactless_cvm_limit: "000000005000",
    contactless_floor_limit: "000000000000",
    default_tdol: "9F02065F2A029A039C0195059F3704",
    public_key_hash: text(20 * i + 3, 13),
    partial_selection: true,
  }));
  return { version: "2025-12-01", aids };
}
