/**
 * What every step of the walkthrough shares: the terminal, the watched wire, the report of a step, and the words for what was
 * protected.
 */
import { own } from "../../base/arguments.js";
import { keyCheckValue } from "../../core/keys/check-value.js";
import { type PinBlock, PosTerminal } from "../../client/index.js";
import type { SecretKey } from "../../core/keys/key.js";
import type { KeySet } from "../../core/key-set/install.js";
import { type Exchange, Recorder } from "./recorder.js";
import { Checks, type Protection, type Step } from "./step.js";

export interface Surroundings {
  readonly baseUrl: string;
  readonly deviceId: string;
  readonly identityKeyId: string;
  readonly identityKey: SecretKey;
  readonly zmk: SecretKey;
  /** The merchant's JWT, for the portal's one request. */
  readonly merchantToken: string;
  readonly signal: AbortSignal;
  readonly onStep: (step: Step) => void;
}

export const APP = { appVersion: "1.4.2", os: "Android 12", model: "PAX-A920" };

export class Stage {
  readonly around: Surroundings;
  readonly terminal: PosTerminal;
  /** What the walk is at, for the report of a failure. */
  current = "start";
  readonly #recorder = new Recorder();
  #number = 0;

  constructor(around: Surroundings) {
    this.around = around;
    const { baseUrl, deviceId, identityKeyId, identityKey, zmk } = around;
    this.terminal = new PosTerminal({ ...APP, baseUrl, deviceId, identityKeyId, identityKey, zmk, fetch: this.#recorder.fetch });
  }

  /** The latest exchange, as it was on the wire. */
  get wire(): Exchange {
    return this.#recorder.last;
  }

  /** How many steps have been reported. */
  get count(): number {
    return this.#number;
  }

  /** For requests that are not the terminal's. */
  get fetch() {
    return this.#recorder.fetch;
  }

  /**
   * One step: `act` is what is timed, `look` checks its result and tells what was protected. The step is reported even where a check
   * does not hold; what `act` throws ends the walk.
   */
  async step<T>(
    phase: string,
    name: string,
    act: () => Promise<T>,
    look: (result: T, checks: Checks) => readonly Protection[],
  ): Promise<T> {
    this.current = name;
    const start = performance.now();
    const result = await act();
    const ms = performance.now() - start;
    const checks = new Checks();
    const protection = look(result, checks);
    const { method, path, sent, status, received } = this.wire;
    this.#number++;
    this.around.onStep({
      number: this.#number,
      phase,
      name,
      request: `${method} ${path}`,
      status,
      ms,
      sentBytes: byteLength(sent),
      receivedBytes: byteLength(received),
      protection,
      checks: checks.list,
    });
    return result;
  }

  /** A PIN block under the TPK. */
  pinBlock(pinBlock: PinBlock): Protection {
    const { tpk } = this.keys();
    return {
      action: "enciphered",
      what: `PIN, ISO 9564-1 format ${tpk.algorithm === "AES" ? 4 : 0}, ${pinBlock.block.length / 2} B`,
      method: tpk.algorithm === "AES" ? `AES-${tpk.bits}` : "TDES",
      key: "TPK",
      kcv: keyCheckValue(tpk),
      backend: tpk.backend,
    };
  }

  keys(): KeySet {
    const { keys } = this.terminal;
    if (keys === undefined) throw new Error("no keys are installed");
    return keys;
  }

  kcv(role: "msk" | "tdk"): string {
    return keyCheckValue(this.keys()[role]);
  }

  /** Whether no nonce was ever sent twice. */
  freshNonce(): boolean {
    return new Set(this.#recorder.nonces).size === this.#recorder.nonces.length;
  }

  sealed(what: string, value: unknown): Protection {
    return { action: "sealed", what, ...this.underMsk(), plainBytes: jsonBytes(value), wireBytes: byteLength(this.wire.sent) };
  }

  opened(what: string, value: unknown): Protection {
    return {
      action: "opened",
      what,
      ...this.underMsk(),
      plainBytes: jsonBytes(value),
      wireBytes: byteLength(this.wire.received),
    };
  }

  /** Method and key of everything that is sealed for the host. */
  underMsk() {
    const { msk } = this.keys();
    return { method: `AES-${msk.bits}-CBC`, key: "MSK", kcv: this.kcv("msk"), backend: msk.backend };
  }

  signed(): Protection {
    const { mac, checkValues } = this.keys();
    const exchange = this.wire;
    const what = exchange.sent === "" ? "request without body" : "request with sealed body";
    const keyId = exchange.headers["X-Key-Id"] ?? "?";
    return {
      action: "signed",
      what,
      method: "HMAC-SHA-256",
      key: `MAC key ${keyId},`,
      kcv: checkValues.mac.kcv,
      backend: mac.backend,
    };
  }
}

/** An own member of a JSON value. */
export function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? own(value as Record<string, unknown>, name) : undefined;
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}

export function jsonBytes(value: unknown): number {
  return byteLength(JSON.stringify(value));
}
