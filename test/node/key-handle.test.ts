/** What only Node can show of a key handle: printing by util.inspect, cloning, and the finalizer that frees forgotten slots. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { inspect } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import type { Backend, Slot } from "../../ts/backend/contract.js";
import { currentBackend } from "../../ts/backend/select.js";
import { importKey, loadCrypto } from "../../ts/index.js";

const SAMPLE = "3F419E1CB7079442AA37474C2EFBF8B8";

beforeAll(async () => {
  await loadCrypto({ backend: "wasm-simd" });
});

describe("printing", () => {
  it("util.inspect shows the handle and nothing of the material, at any depth", () => {
    const key = importKey(SAMPLE, { algorithm: "AES", usage: "P0", extractable: true });
    expect(inspect(key)).toBe("SecretKey(P0 AES-128 KCV 08793E)");
    const all = inspect({ keys: [key] }, { depth: 20, showHidden: true, getters: true });
    expect(all).toContain("SecretKey(P0 AES-128 KCV 08793E)");
    expect(all.toUpperCase()).not.toContain(SAMPLE.slice(0, 8));
  });

  it("structuredClone gives nothing that works", () => {
    const key = importKey(SAMPLE, { algorithm: "AES", usage: "P0" });
    expect(structuredClone(key)).toEqual({});
  });
});

describe("finalizer", () => {
  /** Watches which slots are freed. */
  function watched(): { backend: Backend; freed: Slot[] } {
    const real = currentBackend();
    const freed: Slot[] = [];
    const backend = new Proxy({} as Backend, {
      get(_target, name) {
        if (name === "destroySlot") {
          return (slot: Slot) => {
            freed.push(slot);
            real.destroySlot(slot);
          };
        }
        const value: unknown = Reflect.get(real, name);
        return typeof value === "function" ? value.bind(real) : value;
      },
    });
    return { backend, freed };
  }

  async function collect(until: () => boolean): Promise<void> {
    setFlagsFromString("--expose-gc");
    const gc: () => void = runInNewContext("gc");
    for (let i = 0; i < 50 && !until(); i++) {
      gc();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  it("frees the slot of a forgotten key, and not again that of a destroyed one", async () => {
    const { backend, freed } = watched();
    importKey(SAMPLE, { algorithm: "AES", usage: "P0", backend });
    // The backend's self-test has freed its own slots by now.
    const before = freed.length;
    const kept = importKey(SAMPLE, { algorithm: "AES", usage: "P0", backend });
    (() => {
      for (let i = 0; i < 20; i++) importKey(SAMPLE, { algorithm: "AES", usage: "P0", backend });
      for (let i = 0; i < 20; i++) importKey(SAMPLE, { algorithm: "AES", usage: "P0", backend }).destroy();
    })();
    expect(freed.length - before).toBe(20);
    await collect(() => freed.length - before >= 41);
    const slots = freed.slice(before);
    expect(slots.length).toBeGreaterThanOrEqual(40);
    expect(new Set(slots).size).toBe(slots.length);
    expect(kept.destroyed).toBe(false);
  });
});
