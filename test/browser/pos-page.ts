/** A terminal in a browser page: shows its pairing code, sets itself up, and charges when its button is pressed. */
import { PosTerminal } from "../../ts/client/index.js";
import { importKey, loadCrypto } from "../../ts/index.js";
import type { ProvisionedDevice } from "../../ts/mock/index.js";

declare global {
  interface Window {
    startTerminal(baseUrl: string, device: ProvisionedDevice): Promise<void>;
  }
}

const show = (id: string, text: string): void => {
  const element = document.getElementById(id);
  if (element !== null) element.textContent = text;
};

window.startTerminal = async (baseUrl, device) => {
  const backend = await loadCrypto();
  show("backend", backend.name);
  const terminal = new PosTerminal({
    baseUrl,
    deviceId: device.device_id,
    identityKeyId: device.identity_key_id,
    identityKey: importKey(device.identity_secret, { algorithm: "HMAC", usage: "M7", modeOfUse: "G" }),
    zmk: importKey(device.zmk, { algorithm: "AES", usage: "K0", modeOfUse: "D" }),
    appVersion: "1.4.2",
    os: "Web",
    model: "Browser",
  });
  await terminal.setUp({ pollMs: 100, onPairingCode: ({ code }) => show("code", code), onStep: (step) => show("step", step) });
  show("step", "ready");
  document.getElementById("charge")?.addEventListener("click", () => {
    const card = { number: "4111111111111111", expiry_year: 2032, expiry_month: 12 };
    terminal
      .charge({ card, amount: { value: "1500", currency: "EUR" } })
      .then((outcome) => show("outcome", outcome.outcome))
      .catch((error: unknown) => show("outcome", String(error)));
  });
};
