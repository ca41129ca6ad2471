/**
 * What the owner of a mock may look at and move, beside the protocol: its health, the requests it has had, the charges it has made, and
 * the stage of each device. As methods of `MockServer`, and over HTTP by routes.ts.
 *
 * Nothing here shows a secret: requests are masked (observe.ts), the ledger holds no card data.
 */
import { PosCryptoError } from "../../base/errors.js";
import type { JournalledRequest, RequestJournal } from "../observe/journal.js";
import type { LedgerEntry } from "../state/charges.js";
import type { Services } from "../state/services.js";
import type { ProvisionedDevice } from "../state/provision.js";

/** Whether a mock can work. */
export interface MockHealth {
  /** `failing` where the store does not answer. */
  readonly status: "ok" | "failing";
  /** RFC 3339, by the mock's clock. */
  readonly time: string;
  /** How many devices are provisioned. */
  readonly devices: number;
}

/** What can be done to a device, as if time had passed or somebody had acted. */
export const DEVICE_LEVERS = ["unclaim", "activate", "expire-keys", "expire-token"] as const;

/** One of `DEVICE_LEVERS`. */
export type DeviceLever = (typeof DEVICE_LEVERS)[number];

export class Levers {
  readonly #services: Services;
  readonly #journal: RequestJournal;
  readonly #devices: readonly ProvisionedDevice[];

  constructor(services: Services, journal: RequestJournal, devices: readonly ProvisionedDevice[]) {
    this.#services = services;
    this.#journal = journal;
    this.#devices = devices;
  }

  async health(): Promise<MockHealth> {
    const { store, now } = this.#services;
    const answers = await store.get("health").then(
      () => true,
      () => false,
    );
    return { status: answers ? "ok" : "failing", time: new Date(now()).toISOString(), devices: this.#devices.length };
  }

  requests(after = 0): JournalledRequest[] {
    return this.#journal.after(after);
  }

  ledger(): Promise<LedgerEntry[]> {
    return this.#services.charges.ledger(this.#devices);
  }

  /** Every device as it was provisioned, no charge, no nonce, no request. Scripted faults stay. */
  async reset(): Promise<void> {
    const { store, keys } = this.#services;
    if (store.list === undefined)
      throw new PosCryptoError("ERR_STATE", "reset() needs a store that has list(): this one has not");
    for (const key of await store.list("")) await store.delete(key);
    keys.forgetKeySets();
    this.#journal.clear();
  }

  async move(device: ProvisionedDevice, lever: DeviceLever): Promise<void> {
    const { devices } = this.#services;
    switch (lever) {
      case "unclaim":
        return devices.unclaim(device);
      case "activate":
        await devices.activate(device);
        return;
      case "expire-keys":
        return devices.expireKeys(device);
      case "expire-token":
        return devices.revokeAttestation(device);
    }
  }
}
