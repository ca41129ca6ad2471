/**
 * One sample of the cold start: imports the library named by the argument, opens one envelope, prints the milliseconds from the start
 * of the import, first until the import was done, then until the envelope was open.
 */
const key = new Uint8Array(32).map((_, i) => i);
const iv = new Uint8Array(16).map((_, i) => 16 + i);
/** AES-256-CBC under that key and IV of the upper-case hex text of {"status":"activated"}; every candidate opens it. */
const ciphertext = "57529405FD94FD4265B0024EF1AD5386C725B1273D578C8F0A5E3363F07DAC4D2B1F41514D512A49321ABB155DCD8EBD";
const hexIv = "101112131415161718191A1B1C1D1E1F";

let imported = 0;

/** @type {Record<string, () => Promise<unknown>>} */
const candidates = {
  async ours() {
    const { importKey, openEnvelope } = await import("viopay-pos-crypto");
    imported = performance.now();
    const msk = importKey(key, { algorithm: "AES", usage: "D0" });
    return openEnvelope(msk, { format: "TR31-DATA", ciphertext, initialization_vector: hexIv, mode: "CBC" });
  },
  async noble() {
    const { cbc } = await import("@noble/ciphers/aes.js");
    const { hexToBytes } = await import("@noble/ciphers/utils.js");
    imported = performance.now();
    const text = new TextDecoder().decode(cbc(key, hexToBytes(hexIv)).decrypt(hexToBytes(ciphertext)));
    return JSON.parse(new TextDecoder().decode(hexToBytes(text)));
  },
  async "node:crypto"() {
    const { createDecipheriv } = await import("node:crypto");
    imported = performance.now();
    const decipher = createDecipheriv("aes-256-cbc", key, Buffer.from(hexIv, "hex"));
    const text = decipher.update(ciphertext, "hex", "latin1") + decipher.final("latin1");
    return JSON.parse(Buffer.from(text, "hex").toString("utf8"));
  },
  async "hash-wasm (one HMAC)"() {
    const { createHMAC, createSHA256 } = await import("hash-wasm");
    imported = performance.now();
    const mac = await createHMAC(createSHA256(), key);
    mac.init().update(iv).digest("binary");
    return { status: "activated" };
  },
};

const start = performance.now();
const value = /** @type {any} */ (await candidates[process.argv[2] ?? ""]?.());
const time = performance.now() - start;
if (value?.status !== "activated") throw new Error("the envelope did not open");
process.stdout.write(`${imported - start} ${time}`);
