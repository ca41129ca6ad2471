/**
 * `node bench/parts.js`: what sealing and opening a charge are made of, as shares of the whole. JSON is everybody's work and takes the
 * same in every library, so it bounds how far a peer can be outrun; what is neither JSON nor AES is texts: into the
 * module, through its hexadecimal, and out.
 */
import * as pos from "viopay-pos-crypto";
import { charge, keyBytes, viaNoble } from "./messages.js";
import { compare, formatTime } from "./measure.js";

const key = pos.importKey(keyBytes, { algorithm: "AES", usage: "D0" });
const text = JSON.stringify(charge);
const envelope = pos.sealEnvelope(key, charge);
const iv = new Uint8Array(16);
const plaintext = new TextEncoder().encode(Buffer.from(text).toString("hex"));
const ciphertext = pos.aesCbcEncrypt(key, iv, plaintext, { padding: "pkcs7" });

/**
 * @param {string} title
 * @param {import("./measure.js").Task} whole
 * @param {import("./measure.js").Task} json
 * @param {import("./measure.js").Task} aes
 * @param {import("./measure.js").Task} noble
 */
async function shares(title, whole, json, aes, noble) {
  const { medians, ratios } = await compare(title, [
    { name: "ours", run: whole },
    { name: "JSON alone", run: json },
    { name: "AES-CBC alone", run: aes },
    { name: "noble", run: noble },
  ]);
  const part = (/** @type {string} */ name) => ratios[name] ?? 0;
  const percent = (/** @type {number} */ share) => `${Math.round(100 * share)} %`;
  const [j, a] = [part("JSON alone"), part("AES-CBC alone")];
  const bound = part("noble") / (j + a);
  process.stdout.write(
    `  of ${formatTime(medians["ours"] ?? 0)}: JSON ${percent(j)}, AES ${percent(a)}, texts ${percent(1 - j - a)}; `,
  );
  process.stdout.write(`were texts free, noble would take ${bound.toFixed(1)} times ours\n`);
}

process.stdout.write(`Node ${process.version}, ${text.length} bytes of JSON, backend ${pos.backendInfo().name}\n`);
await shares(
  "seal a charge",
  () => pos.sealEnvelope(key, charge),
  () => JSON.stringify(charge),
  () => pos.aesCbcEncrypt(key, iv, plaintext, { padding: "pkcs7" }),
  () => viaNoble.seal(charge),
);
await shares(
  "open a response",
  () => pos.openEnvelope(key, envelope),
  () => JSON.parse(text),
  () => pos.aesCbcDecrypt(key, iv, ciphertext, { padding: "pkcs7" }),
  () => viaNoble.open(envelope),
);
