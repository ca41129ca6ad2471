/**
 * The host's keys, per process: the provisioned ones as handles, and the issued key sets, installed when they are first needed.
 *
 * The store holds a key set as the response that issued it, wrapped under the device's zone master key; whichever process needs it
 * unwraps it again on the host's side. Handles of key sets are kept for the most recently used ones and destroyed when they are
 * pushed out, so a caller uses the key set at once and does not hold it across an `await`.
 *
 * Two more keys of each device exist for the host's own records: one seals charges in the store, one makes fingerprints of
 * idempotent requests. Both derive from the zone master key by HMAC-SHA-256 over a label (the shape of SP 800-108r1 4.1 with one
 * iteration), so that every process has them without any being stored.
 */
import { encodeHex, encodeUtf8, wipe } from "../../base/bytes.js";
import { hmacSha256 } from "../../core/ciphers.js";
import { importKey, type SecretKey } from "../../core/keys/key.js";
import { installKeySet, type KeySet, type KeysResponse } from "../../core/key-set/install.js";
import { issueKeySet } from "../../core/key-set/issue.js";
import { randomText } from "../identifiers.js";
import type { ProvisionedDevice } from "./provision.js";
import type { DeviceStates, KeySetRecord } from "./devices.js";

export interface DeviceKeys {
  /** HMAC-SHA-256, verifies attestations. */
  identity: SecretKey;
  /** AES-256, wraps key sets. */
  zmk: SecretKey;
  /** AES-256, seals this device's charges in the store. */
  storage: SecretKey;
  /** HMAC-SHA-256 over opened plaintexts. */
  fingerprint: SecretKey;
}

/** Installed key sets a process keeps; each holds four key slots. */
const KEY_SETS_KEPT = 4096;

export class KeyRing {
  readonly #devices: DeviceStates;
  readonly #now: () => number;
  readonly #tpk: "AES" | "TDES";
  readonly #deviceKeys = new Map<string, DeviceKeys>();
  /** In order of use, the oldest first. */
  readonly #keySets = new Map<string, KeySet>();

  constructor(devices: DeviceStates, now: () => number, tpk: "AES" | "TDES") {
    this.#devices = devices;
    this.#now = now;
    this.#tpk = tpk;
  }

  device(device: ProvisionedDevice): DeviceKeys {
    const known = this.#deviceKeys.get(device.device_id);
    if (known !== undefined) return known;
    const keys = makeDeviceKeys(device);
    this.#deviceKeys.set(device.device_id, keys);
    return keys;
  }

  /** The key set on the host's side. To be used before the next `await`. */
  async keySet(device: ProvisionedDevice, record: KeySetRecord): Promise<KeySet> {
    const name = `${device.device_id}:${record.id}`;
    const known = this.#keySets.get(name);
    if (known !== undefined) {
      this.#keep(name, known);
      return known;
    }
    const response = await this.#devices.keysResponse(device, record.id);
    if (response === undefined) throw new Error("the store lost a key set that has not expired");
    // Another request may have installed it during the wait.
    const keySet = this.#keySets.get(name) ?? installKeySet(this.device(device).zmk, response, { side: "host" });
    this.#keep(name, keySet);
    return keySet;
  }

  /** Makes a new key set for the device and stores it wrapped. Returns the response for the terminal. */
  async issue(device: ProvisionedDevice, lifetimeSeconds: number): Promise<KeysResponse> {
    const id = `ks_${randomText(22)}`;
    const { response, keys } = issueKeySet(this.device(device).zmk, {
      algorithms: { tpk: this.#tpk },
      keySetId: id,
      keyIds: { mac: device.hmac_key_id },
      now: this.#now,
      lifetimeSeconds,
    });
    const expiresAt = this.#now() + lifetimeSeconds * 1000;
    const record: KeySetRecord = { id, mskKcv: keys.checkValues.msk.kcv, macKeyId: device.hmac_key_id, expiresAt };
    this.#keep(`${device.device_id}:${id}`, keys);
    await this.#devices.addKeySet(device, record, response);
    return response;
  }

  /** Installed key sets, whose entries in the store are gone. */
  forgetKeySets(): void {
    for (const keySet of this.#keySets.values()) keySet.destroy();
    this.#keySets.clear();
  }

  destroy(): void {
    for (const keys of this.#deviceKeys.values()) {
      for (const key of Object.values(keys) as SecretKey[]) key.destroy();
    }
    this.forgetKeySets();
    this.#deviceKeys.clear();
  }

  #keep(name: string, keySet: KeySet): void {
    this.#keySets.delete(name);
    this.#keySets.set(name, keySet);
    if (this.#keySets.size <= KEY_SETS_KEPT) return;
    for (const [oldest, pushedOut] of this.#keySets) {
      pushedOut.destroy();
      this.#keySets.delete(oldest);
      return;
    }
  }
}

function makeDeviceKeys(device: ProvisionedDevice): DeviceKeys {
  const master = importKey(device.zmk, { algorithm: "HMAC", usage: "M7", modeOfUse: "G" });
  const derived: Uint8Array[] = [];
  const derive = (label: string): Uint8Array => {
    const bytes = hmacSha256(master, encodeUtf8(`viopay-pos-crypto mock ${label}\0${device.device_id}`));
    derived.push(bytes);
    return bytes;
  };
  try {
    return {
      identity: importKey(device.identity_secret, { algorithm: "HMAC", usage: "M7", modeOfUse: "V" }),
      zmk: importKey(device.zmk, { algorithm: "AES", usage: "K0" }),
      storage: importKey(derive("storage"), { algorithm: "AES", usage: "D0" }),
      fingerprint: importKey(derive("fingerprint"), { algorithm: "HMAC", usage: "M7", modeOfUse: "G" }),
    };
  } finally {
    master.destroy();
    wipe(...derived);
  }
}

/** Keyed digest of text, as hex. */
export function fingerprint(key: SecretKey, text: string): string {
  return encodeHex(hmacSha256(key, encodeUtf8(text)));
}
