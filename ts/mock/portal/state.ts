/**
 * What the portal shows: each device's stage, its key sets with their check values, and the latest requests as observers see them,
 * opened and masked (observe.ts). Devices are the store's, requests this process's own.
 */
import type { KeyRole } from "../../core/key-set/install.js";
import type { JournalledRequest } from "../observe/journal.js";
import type { ProvisionedDevice } from "../state/provision.js";
import type { DeviceStates, DeviceStatus, PairingCodeStatus } from "../state/devices.js";

interface PortalKeySet {
  key_set_id: string;
  expires_at: string;
  /** Check values as they were issued. */
  kcv: Record<KeyRole, string>;
}

export interface PortalDevice {
  device_id: string;
  terminal_id: string;
  merchant_id: string;
  status: DeviceStatus;
  pairing_code_status: PairingCodeStatus;
  /** Newest first. */
  key_sets: PortalKeySet[];
}

export interface PortalState {
  /** Names this process: numbers of another one mean nothing. */
  instance: string;
  devices: PortalDevice[];
  /** How many devices are provisioned; only the first ones are listed. */
  device_count: number;
  events: JournalledRequest[];
}

const DEVICES_SHOWN = 50;
const KEY_SETS_SHOWN = 3;

export async function portalDevices(states: DeviceStates, devices: readonly ProvisionedDevice[]): Promise<PortalDevice[]> {
  return Promise.all(devices.slice(0, DEVICES_SHOWN).map((device) => portalDevice(states, device)));
}

async function portalDevice(states: DeviceStates, device: ProvisionedDevice): Promise<PortalDevice> {
  const record = await states.read(device);
  const keySets = await Promise.all(
    states
      .liveKeySets(record)
      .slice(0, KEY_SETS_SHOWN)
      .map(async ({ id, expiresAt }) => {
        const response = await states.keysResponse(device, id);
        const expires_at = new Date(expiresAt).toISOString();
        return response === undefined ? [] : [{ key_set_id: id, expires_at, kcv: response.verification.kcv }];
      }),
  );
  return {
    device_id: device.device_id,
    terminal_id: device.terminal_id,
    merchant_id: device.merchant_id,
    status: record.status,
    pairing_code_status: states.pairingCodeStatus(record),
    key_sets: keySets.flat(),
  };
}
