/** The worker of docs/engines.md: seals what the page posts to it. */
import { importKey, loadCrypto, sealEnvelope } from "../../../ts/index.js";

const loaded = loadCrypto();
globalThis.onmessage = async ({ data: { key, value } }) => {
  await loaded;
  const msk = importKey(key, { algorithm: "AES", usage: "D0" });
  globalThis.postMessage(sealEnvelope(msk, value));
  msk.destroy();
};
