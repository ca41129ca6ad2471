/**
 * No KSN leaves twice: a crash at every call of the store, a place put back from a backup, two users, a full disk. And the host's half:
 * KSNs that were seen.
 */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DukptStore, MemoryStore, type TerminalStore } from "../../ts/client/index.js";
import { DukptTerminal, redisSeenCounters, seenCounter } from "../../ts/core/dukpt/index.js";
import { generateKey, importKey, type SecretKey } from "../../ts/index.js";
import { rejectsCode } from "../harness.js";

const IK = "1273671EA26AC29AFA4D1084127652A1";
const KSN = "123456789012345600000000";

let storageKey: SecretKey;

beforeEach(() => {
  storageKey = generateKey({ algorithm: "AES", usage: "K0", bits: 256 });
});

afterEach(() => storageKey.destroy());

function fresh(ksn = KSN): DukptTerminal {
  return DukptTerminal.load(importKey(IK, { algorithm: "AES", usage: "B1", modeOfUse: "X" }), ksn);
}

/** Payloads of a store, to be put back later. */
class Disk extends MemoryStore {
  writes = 0;
  /** The write that fails, and whether it does so after it was done. */
  failing: { at: number; late: boolean } | undefined;
  full = false;

  override async putPayload(...args: Parameters<MemoryStore["putPayload"]>): Promise<void> {
    this.writes += 1;
    const fails = this.full || this.failing?.at === this.writes;
    if (fails && !(this.failing?.late ?? false)) throw new Error("crash before the write");
    await super.putPayload(...args);
    if (fails) throw new Error("crash after the write");
  }

  async image(): Promise<[string, unknown][]> {
    const names = await this.listPayloads();
    return Promise.all(names.map(async (name): Promise<[string, unknown]> => [name, await this.getPayload(name)]));
  }

  async putBack(image: [string, unknown][], only: RegExp): Promise<void> {
    for (const [name, value] of image) if (only.test(name)) await super.putPayload(name, value as string);
  }
}

async function take(dukpt: DukptStore, left: string[]): Promise<void> {
  const { ksn, pin } = await dukpt.next({ pin: true });
  left.push(ksn);
  pin.destroy();
}

describe("DukptStore", () => {
  it("goes on after a restart, and never repeats a KSN for a crash at any write", async () => {
    let scenarios = 0;
    for (const late of [false, true]) {
      for (let at = 1; at <= 22; at++) {
        const disk = new Disk();
        const left: string[] = [];
        let dukpt = await DukptStore.open(disk, storageKey);
        await dukpt.load(fresh());
        disk.failing = { at: disk.writes + at, late };
        for (let i = 0; i < 12; i++) {
          try {
            await take(dukpt, left);
          } catch {
            dukpt.close();
            dukpt = await DukptStore.open(disk, storageKey);
          }
        }
        expect(new Set(left).size).toBe(left.length);
        expect(left).toHaveLength(11);
        expect([...left].sort()).toEqual(left);
        dukpt.close();
        scenarios += 1;
      }
    }
    process.stdout.write(`DUKPT store: ${scenarios} crashes, no KSN twice\n`);
  });

  it.each(["state", "reached"])("a backup of one place, %s, that is put back repeats no KSN", async (place) => {
    for (const ahead of [1, 2, 5]) {
      const disk = new Disk();
      const left: string[] = [];
      const dukpt = await DukptStore.open(disk, storageKey);
      await dukpt.load(fresh());
      await take(dukpt, left);
      const image = await disk.image();
      for (let i = 0; i < ahead; i++) await take(dukpt, left);
      dukpt.close();
      await disk.putBack(image, new RegExp(`${place}$`));
      if (place === "state") {
        await rejectsCode(DukptStore.open(disk, storageKey), "ERR_DUKPT_STATE", /older/);
      } else {
        const again = await DukptStore.open(disk, storageKey);
        await take(again, left);
        again.close();
      }
      expect(new Set(left).size).toBe(left.length);
    }
  });

  it("an older copy of the whole first store is noticed where the second place is elsewhere", async () => {
    const [disk, second] = [new Disk(), new MemoryStore()];
    const dukpt = await DukptStore.open(disk, storageKey, { second });
    await dukpt.load(fresh());
    const image = await disk.image();
    await take(dukpt, []);
    dukpt.close();
    await disk.putBack(image, /./);
    await rejectsCode(DukptStore.open(disk, storageKey, { second }), "ERR_DUKPT_STATE", /older/);
    await rejectsCode(DukptStore.open(new Disk(), storageKey, { second }), "ERR_DUKPT_STATE", /missing/);
  });

  it("of two users of one store the one that comes second stops", async () => {
    const disk = new Disk();
    const left: string[] = [];
    const first = await DukptStore.open(disk, storageKey);
    await first.load(fresh());
    const second = await DukptStore.open(disk, storageKey);
    await take(first, left);
    await rejectsCode(take(second, left), "ERR_DUKPT_STATE", /somebody else/);
    await rejectsCode(second.skipTo(50), "ERR_DUKPT_STATE");
    await take(first, left);
    expect(new Set(left).size).toBe(left.length);
    for (const each of [first, second]) each.close();
  });

  it("a full disk: nothing leaves, and what was spent stays so when there is room again", async () => {
    const disk = new Disk();
    const left: string[] = [];
    const dukpt = await DukptStore.open(disk, storageKey);
    await rejectsCode(dukpt.next({ pin: true }), "ERR_DUKPT_STATE");
    await dukpt.load(fresh());
    await take(dukpt, left);
    disk.full = true;
    for (let i = 0; i < 3; i++) await expect(take(dukpt, left)).rejects.toThrow("crash");
    disk.full = false;
    await take(dukpt, left);
    expect(left).toEqual(["123456789012345600000001", "123456789012345600000005"]);
    dukpt.close();
  });

  it("calls run one after the other", async () => {
    const dukpt = await DukptStore.open(new Disk(), storageKey);
    await dukpt.load(fresh());
    const left: string[] = [];
    await Promise.all(Array.from({ length: 20 }, () => take(dukpt, left)));
    expect(new Set(left).size).toBe(20);
    await dukpt.skipTo(100);
    expect(dukpt.ksn).toBe("123456789012345600000064");
    expect(dukpt.remaining).toBe(2448023842 - 99);
    dukpt.close();
  });

  it("an initial key that is loaded again starts where it has been", async () => {
    const dukpt = await DukptStore.open(new Disk(), storageKey);
    await dukpt.load(fresh());
    for (let i = 0; i < 3; i++) await take(dukpt, []);
    const again = fresh();
    await rejectsCode(dukpt.load(again), "ERR_DUKPT_STATE", /gone further/);
    again.skipTo(4);
    await dukpt.load(again);
    await dukpt.load(fresh("123456789012345700000000"));
    expect(dukpt.ksn).toBe("123456789012345700000001");
    dukpt.close();
  });

  it("what the store holds is a key block and a KSN, and another key opens none of it", async () => {
    const disk: TerminalStore & Disk = new Disk();
    const dukpt = await DukptStore.open(disk, storageKey);
    await dukpt.load(fresh());
    dukpt.close();
    const held = (await disk.image()).map(([name, value]) => `${name}: ${String(value).slice(0, 8)}`);
    expect(held).toEqual([" dukpt state: D1264100", " dukpt reached: 12345678"]);
    const other = generateKey({ algorithm: "AES", usage: "K0", bits: 256 });
    await rejectsCode(DukptStore.open(disk, other), "ERR_DUKPT_STATE");
    other.destroy();
  });
});

describe("seenCounter", () => {
  const ksn = (counter: string): string => `1234567890123456${counter}`;

  it("accepts each counter once, and only forwards", async () => {
    const accept = seenCounter();
    for (const counter of ["00000001", "00000002", "00000100"]) await accept(ksn(counter));
    for (const counter of ["00000001", "00000002", "000000FF", "00000100", "00000000"]) {
      await rejectsCode(accept(ksn(counter)), "ERR_KSN");
    }
    await accept("123456789012345700000001");
    await accept("FFFF9876543210E00001");
    await rejectsCode(accept("9876543210E00001"), "ERR_KSN");
    await rejectsCode(accept("12"), "ERR_KSN");
  });

  it("asks Redis in one atomic step", async () => {
    const seen = new Map<string, number>();
    const redis = {
      eval: async (script: string, keys: number, name: string | number, counter: string | number) => {
        expect(keys).toBe(1);
        expect(script).toContain("GET");
        const higher = Number(counter) > (seen.get(String(name)) ?? 0);
        if (higher) seen.set(String(name), Number(counter));
        return higher ? 1 : 0;
      },
    };
    const accept = seenCounter(redisSeenCounters(redis, "host:"));
    await accept(ksn("FFFF0000"));
    await rejectsCode(accept(ksn("FFFF0000")), "ERR_KSN");
    expect([...seen]).toEqual([["host:AES:1234567890123456", 0xffff0000]]);
  });
});
