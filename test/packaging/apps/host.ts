/** Uses the terminal, its store and the mock server as TypeScript on Node does. Only checked, never run. */
import type { SecretKey } from "viopay-pos-crypto";
import { type ChargeOutcome, MemoryStore, PosTerminal, type TerminalStore } from "viopay-pos-crypto/client";
import { FileStore } from "viopay-pos-crypto/client/node";
import { createMockServer, type MockServer } from "viopay-pos-crypto/mock";

export async function pay(identityKey: SecretKey, zmk: SecretKey, signal: AbortSignal): Promise<"paid" | "declined" | "ask"> {
  const stores: TerminalStore[] = [new MemoryStore(), new FileStore("store")];
  const mock: MockServer = createMockServer();
  const terminal = new PosTerminal({
    baseUrl: "https://host.example",
    deviceId: "POS-8F3A2C91",
    identityKeyId: "device-id-key",
    identityKey,
    zmk,
    appVersion: "1.4.2",
    os: "Android 12",
    model: "PAX-A920",
    store: stores[0],
    fetch: (input, init) => mock.fetch(new Request(input, init)),
  });
  const card = { number: "4111111111111111", expiry_year: 2030, expiry_month: 12 };
  const result: ChargeOutcome = await terminal.charge({ amount: { value: "1500", currency: "EUR" }, card }, { signal });
  if (result.outcome === "unknown") return "ask";
  return result.outcome === "approved" ? "paid" : "declined";
}
