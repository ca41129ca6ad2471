/**
 * A terminal of a few lines for the mock's tests, so that they do not depend on the client under test elsewhere: it signs, seals
 * and opens with core's functions and lets a test bend every header and every byte.
 */
import { type Envelope, type JsonValue, openEnvelope, type SealOptions, sealEnvelope } from "../../ts/core/envelope/envelope.js";
import { importKey, type SecretKey } from "../../ts/core/keys/key.js";
import { installKeySet, type KeySet, type KeysResponse } from "../../ts/core/key-set/install.js";
import type { MockServer, MockServerOptions, ProvisionedDevice } from "../../ts/mock/index.js";
import { createMockServer } from "../../ts/mock/index.js";
import { createNonce, signAttestation, signRequest } from "../../ts/core/signing.js";

export const ORIGIN = "http://mock.test";

export const PROVISION = {
  devices: [
    device("POS-8F3A2C91", "550e8400-e29b-41d4-a716-446655440000", "TID-004812", "11"),
    device("POS-00000002", "550e8400-e29b-41d4-a716-446655440000", "TID-000002", "22"),
    device("POS-00000003", "another-merchant", "TID-000003", "33"),
  ],
  jwt: { hs256_secret: "a development secret of more than 32 bytes" },
};

function device(device_id: string, merchant_id: string, terminal_id: string, byte: string): ProvisionedDevice {
  return {
    device_id,
    merchant_id,
    terminal_id,
    identity_key_id: "device-id-key-2025-01",
    identity_secret: byte.repeat(32),
    zmk: `4${byte[0]}`.repeat(32),
    hmac_key_id: "hmac-key-2025-01",
  };
}

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** Members of the JSON body, if it is JSON. */
  body: Record<string, unknown>;
}

export interface ErrorBody {
  code: string;
  message: string;
  details?: Record<string, unknown>;
  trace_id: string;
}

/** Header changes: a text replaces, `undefined` removes. */
export type HeaderChanges = Record<string, string | undefined>;

export interface SendOptions {
  headers?: HeaderChanges;
  /** Sent instead of what was signed. */
  body?: string;
  /** Milliseconds the terminal's clock is ahead. */
  skew?: number;
  timestamp?: string;
  nonce?: string;
  idempotencyKey?: string;
  seal?: SealOptions;
  keySet?: KeySet;
  charge?: string;
}

export interface World {
  server: MockServer;
  clock: { now: number };
  terminal: Terminal;
  other: Terminal;
  foreign: Terminal;
}

/** A server with its own clock, and three terminals: two of one merchant, one of another. */
export function createWorld(options: MockServerOptions = {}): World {
  const clock = { now: Date.UTC(2025, 11, 13, 14, 20, 0) };
  const server = createMockServer({ provision: PROVISION, now: () => clock.now, ...options });
  const terminals = PROVISION.devices.map((item) => new Terminal(server, item, clock));
  const [terminal, other, foreign] = terminals as [Terminal, Terminal, Terminal];
  return { server, clock, terminal, other, foreign };
}

export class Terminal {
  token = "";
  keys: KeySet | undefined;
  readonly server: MockServer;
  readonly device: ProvisionedDevice;
  readonly #clock: { now: number };
  readonly #identity: SecretKey;
  readonly #zmk: SecretKey;

  constructor(server: MockServer, provisioned: ProvisionedDevice, clock: { now: number }) {
    this.server = server;
    this.device = provisioned;
    this.#clock = clock;
    this.#identity = importKey(provisioned.identity_secret, { algorithm: "HMAC", usage: "M7" });
    this.#zmk = importKey(provisioned.zmk, { algorithm: "AES", usage: "K0" });
  }

  async send(method: string, path: string, headers: HeaderChanges, body?: string | Uint8Array): Promise<Answer> {
    const sent = new Headers();
    for (const [name, value] of Object.entries(headers)) if (value !== undefined) sent.set(name, value);
    const init: RequestInit = { method, headers: sent, ...(body === undefined ? {} : { body: body as BodyInit }) };
    const response = await this.server.fetch(new Request(ORIGIN + path, init));
    const text = await response.text();
    const isJson = response.headers.get("Content-Type") === "application/json";
    return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : {} };
  }

  timestamp(skew = 0): string {
    return `${new Date(this.#clock.now + skew).toISOString().slice(0, 19)}Z`;
  }

  activationHeaders(changes: HeaderChanges = {}): HeaderChanges {
    return {
      "X-Device-Id": this.device.device_id,
      "User-Agent": "Viopay-POS/1.4.2 (Android 12; PAX-A920)",
      "X-Client-Type": "pos",
      ...changes,
    };
  }

  bootstrap(changes: HeaderChanges = {}): Promise<Answer> {
    return this.send("POST", "/pos/bootstrap", this.activationHeaders(changes));
  }

  pairingCode(changes: HeaderChanges = {}): Promise<Answer> {
    return this.send("POST", "/pos/pairing-code", this.activationHeaders(changes));
  }

  status(changes: HeaderChanges = {}): Promise<Answer> {
    return this.send("GET", "/pos/status", this.activationHeaders(changes));
  }

  async claim(body: unknown, changes: HeaderChanges = {}): Promise<Answer> {
    const headers = {
      Authorization: `Bearer ${await this.server.merchantToken(this.device.merchant_id)}`,
      "Content-Type": "application/json",
      ...changes,
    };
    return this.send("POST", "/pos/claim", headers, typeof body === "string" ? body : JSON.stringify(body));
  }

  attest(options: SendOptions = {}): Promise<Answer> {
    const fields = {
      deviceId: this.device.device_id,
      keyId: this.device.identity_key_id,
      timestamp: this.timestamp(options.skew),
      nonce: options.nonce ?? createNonce(),
    };
    const headers = this.activationHeaders({
      "X-Key-Id": fields.keyId,
      "X-Timestamp": fields.timestamp,
      "X-Nonce": fields.nonce,
      "X-Signature": signAttestation(this.#identity, fields),
      ...options.headers,
    });
    return this.send("POST", "/pos/attest", headers);
  }

  attestationHeaders(changes: HeaderChanges = {}): HeaderChanges {
    return { Authorization: `Attestation ${this.token}`, "X-Device-Id": this.device.device_id, ...changes };
  }

  fetchKeys(changes: HeaderChanges = {}): Promise<Answer> {
    return this.send("POST", "/pos/keys", this.attestationHeaders(changes));
  }

  config(changes: HeaderChanges = {}): Promise<Answer> {
    return this.send("POST", "/pos/config", this.attestationHeaders(changes));
  }

  terminalParameters(changes: HeaderChanges = {}): Promise<Answer> {
    return this.send("POST", "/pos/terminal-parameters", this.attestationHeaders(changes));
  }

  activate(plaintext: JsonValue, options: SendOptions = {}): Promise<Answer> {
    const body = options.body ?? JSON.stringify(this.seal(plaintext, options));
    return this.send(
      "POST",
      "/pos/activate",
      this.attestationHeaders({ "Content-Type": "application/json", ...options.headers }),
      body,
    );
  }

  seal(plaintext: JsonValue, options: SendOptions = {}): Envelope {
    return sealEnvelope((options.keySet ?? this.installed).msk, plaintext, options.seal);
  }

  open(answer: Answer, keySet: KeySet = this.installed): Record<string, unknown> {
    return openEnvelope(keySet.msk, answer.body) as Record<string, unknown>;
  }

  get installed(): KeySet {
    if (this.keys === undefined) throw new Error("the test has not installed keys");
    return this.keys;
  }

  install(answer: Answer): KeySet {
    return installKeySet(this.#zmk, answer.body as unknown as KeysResponse);
  }

  /** A signed request. The body is signed as given; `options.body` then replaces what is sent. */
  signed(path: string, body: string | undefined, options: SendOptions = {}): Promise<Answer> {
    const fields = {
      method: "POST",
      path,
      body: body ?? "",
      terminalId: this.device.terminal_id,
      timestamp: options.timestamp ?? this.timestamp(options.skew),
      nonce: options.nonce ?? createNonce(),
    };
    const headers: HeaderChanges = {
      "X-Terminal-Id": fields.terminalId,
      "X-Timestamp": fields.timestamp,
      "X-Nonce": fields.nonce,
      "X-Key-Id": this.device.hmac_key_id,
      "X-Signature": signature((options.keySet ?? this.installed).mac, fields),
      "X-Client-Type": "pos",
      "User-Agent": "Viopay-POS/1.4.2 (Android 12; PAX-A920)",
      "Idempotency-Key": options.idempotencyKey,
      "Content-Type": body === undefined ? undefined : "application/json",
      ...options.headers,
    };
    return this.send("POST", path, headers, options.body ?? body);
  }

  charge(plaintext: JsonValue, options: SendOptions = {}): Promise<Answer> {
    return this.signed("/pos/charge", JSON.stringify(this.seal(plaintext, options)), options);
  }

  refund(chargeId: string, plaintext: JsonValue, options: SendOptions = {}): Promise<Answer> {
    return this.signed(`/pos/charge/${chargeId}/refund`, JSON.stringify(this.seal(plaintext, options)), options);
  }

  cancel(chargeId: string, options: SendOptions = {}, verb: "cancel" | "reverse" = "cancel"): Promise<Answer> {
    return this.signed(`/pos/charge/${chargeId}/${verb}`, undefined, options);
  }

  /** Claims the device, unless it is claimed already. */
  async claimed(): Promise<this> {
    if ((await expectOk(this.status())).body["is_claimed"] === true) return this;
    const { body } = await this.pairingCode();
    await expectOk(this.claim({ pairing_code: body["pairing_code"], device_id: this.device.device_id }));
    return this;
  }

  async attested(): Promise<this> {
    const { body } = await expectOk(this.attest());
    this.token = body["attestation_token"] as string;
    return this;
  }

  async keyed(): Promise<this> {
    await (await this.claimed()).attested();
    this.keys = this.install(await expectOk(this.fetchKeys()));
    return this;
  }

  async activated(): Promise<this> {
    await this.keyed();
    await expectOk(this.activate(READY));
    return this;
  }

  /** A charge that was approved: its id. */
  async charged(value = "1500", currency = "EUR"): Promise<string> {
    const answer = await expectOk(this.charge(this.chargeOf(value, currency)));
    const opened = this.open(answer);
    if (opened["status"] !== "approved") throw new Error("the charge was not approved");
    return opened["charge_id"] as string;
  }

  chargeOf(value = "1500", currency = "EUR"): { readonly [name: string]: JsonValue } {
    return {
      card: { number: "4111111111111111", expiry_year: 2027, expiry_month: 12 },
      amount: { value, currency },
      terminal: {
        id: this.device.terminal_id,
        type: "pos",
        terminal_entry_mode: "chip",
        attended: true,
        capabilities: ["chip", "contactless"],
      },
      emv_data: "9F2608A1B2C3D4E5F60708",
      cardholder_verification_method: "pin",
      stan: "000123",
      authorization_type: "final",
    };
  }
}

/** Signs what no terminal would: the tests' headers need not satisfy the signer. */
function signature(key: SecretKey, fields: Parameters<typeof signRequest>[1]): string {
  try {
    return signRequest(key, fields);
  } catch {
    return signRequest(key, { ...fields, timestamp: "2025-12-13T14:20:00Z", nonce: "000000000000" });
  }
}

export const READY = { emv_ready: true, keys_installed: true, network_ok: true };

export async function expectOk(pending: Promise<Answer>): Promise<Answer> {
  const answer = await pending;
  if (answer.status !== 200) throw new Error(`expected 200, got ${answer.status}: ${answer.text}`);
  return answer;
}

/** Asserts an error envelope in full and returns it. */
export async function expectError(
  pending: Promise<Answer>,
  status: number,
  code: string,
  message?: string | RegExp,
): Promise<ErrorBody> {
  const answer = await pending;
  const seen = `${answer.status} ${answer.text}`;
  const error = answer.body["error"] as ErrorBody | undefined;
  const members = Object.keys(error ?? {}).filter((name) => name !== "details");
  const matches =
    message === undefined || (typeof message === "string" ? error?.message === message : message.test(error?.message ?? ""));
  const rightForm = members.join() === "code,message,trace_id" && /^[0-9a-f]{16}$/.test(error?.trace_id ?? "");
  if (error === undefined || answer.status !== status || error.code !== code || !matches || !rightForm) {
    throw new Error(`expected ${status} with code ${code} ${message ?? ""}, got ${seen}`);
  }
  return error;
}
