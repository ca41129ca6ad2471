/** What Node prints of keys, key sets and errors with everything shown holds no secret. All backends. */
import { inspect } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { issueKeySet, loadCrypto, type SecretKey } from "../../ts/index.js";
import { leaksIn } from "../cases/leaks.js";
import { call, caught, destroyKeys, makeKeys, replaced, secrets, surface } from "../cases/surface.js";

const everything = { showHidden: true, depth: Number.POSITIVE_INFINITY, showProxy: true, getters: true } as const;

for (const backend of ["wasm-simd", "wasm", "noble"] as const) {
  describe(backend, () => {
    beforeAll(async () => {
      await loadCrypto({ backend });
    });

    it("keys", () => {
      const keys = makeKeys();
      for (const [name, key] of Object.entries(keys) as [string, SecretKey][]) {
        expect(inspect(key), name).toBe(String(key));
        const printed = inspect([key, { key }, new Map([[key, key]])], { ...everything, customInspect: false });
        expect(leaksIn(printed), name).toEqual([]);
      }
      destroyKeys(keys);
    });

    it("key sets", () => {
      const keys = makeKeys();
      const issued = issueKeySet(keys.zmk);
      expect(leaksIn(inspect(issued, { ...everything, customInspect: false }))).toEqual([]);
      expect(inspect(issued.keys.tmk)).toMatch(/^SecretKey\(/);
      issued.keys.destroy();
      destroyKeys(keys);
    });

    it("errors, with the arguments that caused them", () => {
      const keys = makeKeys();
      let errors = 0;
      for (const { name, kinds, args } of surface) {
        kinds.forEach((_kind, position) => {
          for (const value of [undefined, null, 1, secrets.aes, `${secrets.aes}Z`, { text: secrets.plaintext }]) {
            const error = caught(() => call(name, replaced(args(keys), position, value)));
            if (error === undefined) continue;
            errors++;
            expect(leaksIn(inspect(error, { ...everything, customInspect: false })), `${name}, argument ${position}`).toEqual([]);
          }
        });
      }
      expect(errors).toBeGreaterThan(100);
      destroyKeys(keys);
    });
  });
}
