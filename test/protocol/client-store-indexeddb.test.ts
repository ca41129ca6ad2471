/** What a browser throws where it denies its database is typed. The store itself is tested in a Chromium: test/browser/indexeddb.test.ts */
import { describe, it } from "vitest";
import { IndexedDbStore } from "../../ts/client/store/indexeddb.js";
import { rejectsCode, same, throwsCode } from "../harness.js";

const factory = (open: () => unknown) => ({ open }) as unknown as IDBFactory;

describe("an IndexedDB that is denied", () => {
  it("SecurityError, null, and an error that comes later are ERR_STORE, at each call", async () => {
    const denied = () => {
      throw new DOMException("denied", "SecurityError");
    };
    const later = () => {
      const request: Record<string, unknown> = { error: new DOMException("gone", "UnknownError") };
      setTimeout(() => (request["onerror"] as () => void)());
      return request;
    };
    for (const open of [denied, () => null, later]) {
      const store = new IndexedDbStore("x", { indexedDB: factory(open) });
      for (const call of [() => store.loadTerminal(), () => store.putPayload("a", 1), () => store.listRecords()]) {
        const error = await rejectsCode(call(), "ERR_STORE", /could not be read or written/);
        same(error.cause instanceof Error, true, "the cause");
      }
      await store.close();
    }
  });

  it("none at all, or options of the wrong kind, is ERR_INVALID_ARGUMENT", () => {
    throwsCode(() => new IndexedDbStore("x"), "ERR_INVALID_ARGUMENT", /^"indexedDB"/);
    throwsCode(() => new IndexedDbStore("x", { indexedDB: null as never }), "ERR_INVALID_ARGUMENT", /^"indexedDB"/);
    const indexedDB = factory(() => null);
    throwsCode(() => new IndexedDbStore("", { indexedDB }), "ERR_INVALID_ARGUMENT", /^"name"/);
    throwsCode(() => new IndexedDbStore("x", { indexedDB, heartbeatMs: 1 }), "ERR_INVALID_ARGUMENT", /^"heartbeatMs"/);
  });
});
