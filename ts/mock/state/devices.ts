/**
 * The life of a device: `inactive` -> `claimed` -> `activated`, its pairing code, its attestation, its key sets.
 *
 * One record a device, in the store as JSON, changed by compare-and-set only: a transition is a pure function from one record to
 * the next, run again if another request was faster. Pairing codes have an entry of their own, so that a code finds its device.
 */
import { currentBackend } from "../../backend/select.js";
import { encodeUtf8 } from "../../base/bytes.js";
import type { KeysResponse } from "../../core/key-set/install.js";
import { formatTimestamp } from "../../base/timestamp.js";
import { type ApiError, badRequest, unauthorized } from "../http/errors.js";
import { randomPairingCode, randomText } from "../identifiers.js";
import type { ProvisionedDevice } from "./provision.js";
import type { Lifetimes } from "./lifetimes.js";
import type { MockStore } from "../store/store.js";

export type DeviceStatus = "inactive" | "claimed" | "activated";
export type PairingCodeStatus = "pending" | "used" | "expired" | "none";

/** Times are milliseconds since the epoch. */
export interface DeviceRecord {
  status: DeviceStatus;
  pairing?: { code: string; expiresAt: number; used: boolean };
  attestation?: { token: string; expiresAt: number; failures: number };
  /** Newest first; each lives until it expires. */
  keySets: KeySetRecord[];
  activatedAt?: number;
}

/** Which key set it is; the wrapped keys themselves are under their own entry. */
export interface KeySetRecord {
  id: string;
  mskKcv: string;
  macKeyId: string;
  expiresAt: number;
}

/** Envelopes on one attestation token that may fail to open; with the last of them the token is revoked. */
export const FAILURES_ALLOWED = 3;
/** Every attempt that fails means that another one succeeded, so this bounds nothing but a broken store. */
const ATTEMPTS = 1000;

export class DeviceStates {
  readonly #store: MockStore;
  readonly #now: () => number;
  readonly #lifetimes: Lifetimes;
  readonly #devices = new Map<string, ProvisionedDevice>();
  readonly #terminals = new Map<string, ProvisionedDevice>();

  constructor(devices: readonly ProvisionedDevice[], store: MockStore, now: () => number, lifetimes: Lifetimes) {
    this.#store = store;
    this.#now = now;
    this.#lifetimes = lifetimes;
    for (const device of devices) {
      this.#devices.set(device.device_id, device);
      this.#terminals.set(device.terminal_id, device);
    }
  }

  find(deviceId: string): ProvisionedDevice | undefined {
    return this.#devices.get(deviceId);
  }

  findByTerminal(terminalId: string): ProvisionedDevice | undefined {
    return this.#terminals.get(terminalId);
  }

  async read(device: ProvisionedDevice): Promise<DeviceRecord> {
    return parseRecord(await this.#store.get(recordKey(device)));
  }

  /** Applies a transition; what it throws leaves the record as it was. */
  async update(device: ProvisionedDevice, transition: (record: DeviceRecord) => DeviceRecord): Promise<DeviceRecord> {
    const key = recordKey(device);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const present = await this.#store.get(key);
      const next = transition(parseRecord(present));
      if (await this.#store.compareAndSet(key, present, JSON.stringify(next))) return next;
    }
    throw new Error("the store refuses every change of a device");
  }

  /** A new code; the one before is dead from then on. */
  async createPairingCode(device: ProvisionedDevice): Promise<string> {
    const lifetime = this.#lifetimes.pairingCode * 1000;
    let code: string;
    do {
      code = randomPairingCode();
    } while (!(await this.#store.setIfAbsent(codeKey(code), device.device_id, lifetime)));
    let superseded: string | undefined;
    try {
      await this.update(device, (record) => {
        if (record.status !== "inactive") throw badRequest("Device is already claimed", { device_status: record.status });
        superseded = record.pairing?.code;
        return { ...record, pairing: { code, expiresAt: this.#now() + lifetime, used: false } };
      });
    } catch (error) {
      await this.#store.delete(codeKey(code));
      throw error;
    }
    if (superseded !== undefined) await this.#release(superseded, device);
    return code;
  }

  pairingCodeStatus(record: DeviceRecord): PairingCodeStatus {
    if (record.pairing === undefined) return "none";
    if (record.pairing.used) return "used";
    return this.#now() < record.pairing.expiresAt ? "pending" : "expired";
  }

  /**
   * Claims the device that shows `code`, for its merchant. `undefined` for every reason not to: unknown, superseded, used or
   * expired code, another device than `deviceId`, another merchant's device.
   */
  async claim(code: string, merchantId: string, deviceId: string | undefined): Promise<ProvisionedDevice | undefined> {
    const device = this.find((await this.#store.get(codeKey(code))) ?? "");
    if (device === undefined || device.merchant_id !== merchantId) return undefined;
    if (deviceId !== undefined && deviceId !== device.device_id) return undefined;
    let claimed = false;
    await this.update(device, (record) => {
      const pairing = record.pairing;
      claimed = record.status === "inactive" && pairing?.code === code && this.pairingCodeStatus(record) === "pending";
      return claimed && pairing !== undefined ? { ...record, status: "claimed", pairing: { ...pairing, used: true } } : record;
    });
    if (!claimed) return undefined;
    await this.#release(code, device);
    return device;
  }

  /** A new attestation token; the older one is revoked, the keys stay. */
  async attest(device: ProvisionedDevice): Promise<string> {
    const token = `att_${randomText(22)}`;
    const expiresAt = this.#now() + this.#lifetimes.attestation * 1000;
    await this.update(device, (record) => {
      if (record.status === "inactive") throw badRequest("Device is not claimed");
      return { ...record, attestation: { token, expiresAt, failures: 0 } };
    });
    return token;
  }

  /** Its token is no longer believed; a new attestation is. */
  async revokeAttestation(device: ProvisionedDevice): Promise<void> {
    await this.update(device, ({ attestation: _revoked, ...record }) => record);
  }

  /** Whether `token` may still be believed: present, not expired, not revoked by failures. Compared in constant time. */
  isAttested(record: DeviceRecord, token: string): boolean {
    const { attestation } = record;
    if (attestation === undefined || attestation.failures >= FAILURES_ALLOWED) return false;
    return this.#now() < attestation.expiresAt && currentBackend().equal(encodeUtf8(token), encodeUtf8(attestation.token));
  }

  /**
   * Counts an attempt to open an envelope as a failure, before it is made: requests sent all at once get no more attempts than
   * requests sent one by one. Throws 401 if the token is revoked by now.
   */
  async beginOpening(device: ProvisionedDevice, token: string): Promise<void> {
    await this.update(device, (record) => {
      const { attestation } = record;
      if (attestation === undefined || !this.isAttested(record, token)) throw invalidToken();
      return { ...record, attestation: { ...attestation, failures: attestation.failures + 1 } };
    });
  }

  /** Takes the failure back: the envelope was opened, or was malformed. */
  async forgiveOpening(device: ProvisionedDevice, token: string): Promise<void> {
    await this.update(device, (record) => {
      const { attestation } = record;
      if (attestation?.token !== token) return record;
      return { ...record, attestation: { ...attestation, failures: attestation.failures - 1 } };
    });
  }

  /** Adds an issued key set; the older ones stay until they expire. */
  async addKeySet(device: ProvisionedDevice, keySet: KeySetRecord, response: KeysResponse): Promise<void> {
    await this.#store.set(keySetKey(device, keySet.id), JSON.stringify(response), keySet.expiresAt - this.#now());
    await this.update(device, (record) => ({ ...record, keySets: [keySet, ...this.liveKeySets(record)] }));
  }

  liveKeySets(record: DeviceRecord): KeySetRecord[] {
    const now = this.#now();
    return record.keySets.filter((keySet) => now < keySet.expiresAt);
  }

  /** The wrapped keys as they were issued. */
  async keysResponse(device: ProvisionedDevice, id: string): Promise<KeysResponse | undefined> {
    const text = await this.#store.get(keySetKey(device, id));
    return text === undefined ? undefined : (JSON.parse(text) as KeysResponse);
  }

  /** `claimed` -> `activated`. Repeating it changes nothing; answers the time of the first. */
  async activate(device: ProvisionedDevice): Promise<string> {
    const record = await this.update(device, (before) =>
      before.status === "activated" ? before : { ...before, status: "activated", activatedAt: this.#now() },
    );
    return formatTimestamp(record.activatedAt ?? this.#now());
  }

  /** As it was provisioned: to be paired and keyed anew. */
  async unclaim(device: ProvisionedDevice): Promise<void> {
    await this.update(device, () => parseRecord(undefined));
  }

  /** The host forgets the device's keys, as after a loss or on their last day. */
  async expireKeys(device: ProvisionedDevice): Promise<void> {
    await this.update(device, (record) => ({ ...record, keySets: [] }));
  }

  async #release(code: string, device: ProvisionedDevice): Promise<void> {
    await this.#store.compareAndSet(codeKey(code), device.device_id, undefined);
  }
}

export function invalidToken(): ApiError {
  return unauthorized("Invalid or expired attestation token");
}

function parseRecord(text: string | undefined): DeviceRecord {
  return text === undefined ? { status: "inactive", keySets: [] } : (JSON.parse(text) as DeviceRecord);
}

function recordKey(device: ProvisionedDevice): string {
  return `device:${device.device_id}`;
}

function keySetKey(device: ProvisionedDevice, id: string): string {
  return `keys:${device.device_id}:${id}`;
}

function codeKey(code: string): string {
  return `code:${code}`;
}
