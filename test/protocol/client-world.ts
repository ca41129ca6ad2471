/** A mock host and real terminals for the client's tests, joined by a `fetch` a test can bend, watch and break. */
import { type Fetch, PosTerminal, type PosTerminalOptions } from "../../ts/client/index.js";
import { importKey } from "../../ts/core/keys/key.js";
import { createMockServer, type MockServer, type MockServerOptions, type RequestEvent } from "../../ts/mock/index.js";

export const ORIGIN = "https://mock.test";
export const CARD = { number: "4111111111111111", expiry_year: 2032, expiry_month: 12 };
export const TEN = { card: CARD, amount: { value: "1000", currency: "EUR" } };

export interface Sent {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string;
  /** 0 where there was no answer. */
  status: number;
  answer: string;
}

/** What becomes of a request; `pass` asks the host. */
export type Fault = (path: string, pass: () => Promise<Response>) => Promise<Response>;

export class World {
  readonly clock = { now: Date.UTC(2026, 0, 15, 12, 0, 0) };
  readonly server: MockServer;
  /** What the terminals sent and got, in order. */
  readonly wire: Sent[] = [];
  /** What the host saw, opened and masked. */
  readonly events: RequestEvent[] = [];
  fault: Fault | undefined;

  constructor(options: MockServerOptions = {}) {
    this.server = createMockServer({ now: () => this.clock.now, onRequest: (event) => this.events.push(event), ...options });
  }

  get device() {
    return this.server.provision.devices[0]!;
  }

  readonly fetch: Fetch = async (url, init) => {
    const { pathname, search } = new URL(url);
    const path = pathname + search;
    const pass = () => this.server.fetch(new Request(url, init));
    const sent: Sent = {
      method: init.method ?? "",
      path,
      headers: init.headers as Record<string, string>,
      body: typeof init.body === "string" ? init.body : "",
      status: 0,
      answer: "",
    };
    this.wire.push(sent);
    const response = await (this.fault === undefined ? pass() : this.fault(path, pass));
    sent.answer = await response.clone().text();
    sent.status = response.status;
    return response;
  };

  terminal(options: Partial<PosTerminalOptions> = {}): PosTerminal {
    const { device_id, identity_key_id, identity_secret, zmk } = this.device;
    return new PosTerminal({
      baseUrl: ORIGIN,
      deviceId: device_id,
      identityKeyId: identity_key_id,
      identityKey: importKey(identity_secret, { algorithm: "HMAC", usage: "M7", modeOfUse: "G" }),
      zmk: importKey(zmk, { algorithm: "AES", usage: "K0", modeOfUse: "D" }),
      appVersion: "1.4.2",
      os: "Android 12",
      model: "PAX-A920",
      fetch: this.fetch,
      now: () => this.clock.now,
      // One sending a call: what retries add has tests of its own.
      retry: false,
      ...options,
    });
  }

  async claim(code: string): Promise<Response> {
    return await this.server.fetch(
      new Request(`${ORIGIN}/pos/claim`, {
        method: "POST",
        headers: { Authorization: `Bearer ${await this.server.merchantToken()}`, "Content-Type": "application/json" },
        body: JSON.stringify({ pairing_code: code }),
      }),
    );
  }

  /** Takes a terminal from first boot to activation. */
  async activate(terminal: PosTerminal): Promise<PosTerminal> {
    let claimed: Promise<unknown> = Promise.resolve();
    await terminal.setUp({
      pollMs: 1,
      onPairingCode: ({ code }) => {
        claimed = this.claim(code);
      },
    });
    await claimed;
    return terminal;
  }

  /** An activated terminal, with the wire's record empty. */
  async ready(options: Partial<PosTerminalOptions> = {}): Promise<PosTerminal> {
    const terminal = await this.activate(this.terminal(options));
    this.wire.length = 0;
    this.events.length = 0;
    return terminal;
  }

  /** Ids of the charges the host has made, each once. */
  charges(): string[] {
    const ids = this.events.flatMap(({ endpoint, response }) => {
      const id = endpoint === "charge" ? (response as { charge_id?: string } | undefined)?.charge_id : undefined;
      return id === undefined ? [] : [id];
    });
    return [...new Set(ids)];
  }
}

export function json(status: number, value: unknown): Response {
  return new Response(typeof value === "string" ? value : JSON.stringify(value), {
    status,
    headers: { "Content-Type": "application/json" },
  });
}

export function apiError(status: number, code: string, message = "no"): Response {
  return json(status, { error: { code, message, trace_id: "trace-1" } });
}
