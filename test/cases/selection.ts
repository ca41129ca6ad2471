/**
 * Loading and naming a backend: what `loadCrypto` refuses, that a refusal changes nothing, injected randomness, and that keys
 * keep the backend they were made with. Every case leaves the runner's backend loaded.
 */
import type { Backend, BackendName } from "../../ts/backend/contract.js";
import { backendInfo, currentBackend, loadCrypto, loadCryptoSync, resolveBackend } from "../../ts/backend/select.js";
import { randomBytes, setRandomSource } from "../../ts/base/random.js";
import { type Cases, hex, ok, rejectsCode, same, throwsCode, toHex } from "../harness.js";

const wrong = <T>(value: unknown) => value as T;

/**
 * Whether the engine compiles a module of 8 KB, or of 8 bytes, without waiting: edge workers, and pages under a strict CSP, have
 * WebAssembly and refuse; old Chrome refuses more than 4 KB on the main thread.
 */
function compiles(size: "small" | "large"): boolean {
  // Behind the header a custom section without a name, its length 8178 in LEB128.
  const module = size === "small" ? hex("0061736D01000000") : new Uint8Array(8189);
  if (size === "large") module.set(hex("0061736D0100000000F23F"));
  try {
    return new WebAssembly.Module(module as BufferSource) instanceof WebAssembly.Module;
  } catch {
    return false;
  }
}

/** noble as an object. Its packages need BigInt and `Object.hasOwn` to be imported at all; where they lack, loading must say so. */
async function nobleObject(): Promise<Backend | undefined> {
  if (typeof Object.hasOwn === "function") return (await import("../../ts/backend/noble/noble.js")).noble;
  await rejectsCode(loadCrypto({ backend: "noble" }), "ERR_BACKEND_UNAVAILABLE", /: noble: (Object\.hasOwn|BigInt) is not /);
  return undefined;
}

export const selectionCases: Cases = (suite) => {
  const restore = () => loadCrypto({ backend: suite.backend });

  suite.group("backend selection", () => {
    suite.test("backendInfo tells name, constant time, reason and self-test, and cannot be changed", () => {
      const info = backendInfo();
      same(info.name, suite.backend);
      same(info.constantTime, suite.backend !== "noble");
      same(info.selfTest, "passed");
      ok(info.reason.startsWith(`${suite.backend}: `), `reason: ${info.reason}`);
      ok(Object.isFrozen(info), "frozen");
    });

    suite.test("loading the same backend again keeps the instance", async () => {
      const before = currentBackend();
      same((await restore()).name, suite.backend);
      ok(currentBackend() === before, "the same instance");
      ok(resolveBackend(suite.backend) === before, "by name");
      ok(resolveBackend(undefined) === before, "by default");
      ok(resolveBackend(before) === before, "as an object");
    });

    suite.test("noble can be loaded beside any other; keys stay where they were made", async () => {
      if ((await nobleObject()) === undefined) return;
      const before = currentBackend();
      const slot = before.createSlot("AES", hex("603DEB1015CA71BE2B73AEF0857D77811F352C073B6108D72D9810A30914DFF4"));
      const info = await loadCrypto({ backend: "noble" });
      same([info.name, info.constantTime, info.reason], ["noble", false, "noble: asked for by name"]);
      same(resolveBackend("noble").name, "noble");
      same(toHex(before.encryptBlock(slot, hex("6BC1BEE22E409F96E93D7E117393172A"))), "F3EED1BDB5D2A03C064B5A7E3DB181F8");
      before.destroySlot(slot);
      await restore();
      ok(currentBackend() === before, "restored");
    });

    suite.test("the module without SIMD can be loaded beside any other, where WebAssembly may be compiled", async () => {
      if (!compiles("small")) {
        const why = typeof WebAssembly === "object" ? /: wasm: ./ : /: wasm: this engine has no WebAssembly$/;
        await rejectsCode(loadCrypto({ backend: "wasm" }), "ERR_BACKEND_UNAVAILABLE", why);
        throwsCode(() => loadCryptoSync({ backend: "wasm" }), "ERR_BACKEND_UNAVAILABLE");
        throwsCode(() => resolveBackend("wasm"), "ERR_NOT_LOADED");
        same(backendInfo().name, suite.backend, "nothing changed");
        return;
      }
      const before = currentBackend();
      const info = await loadCrypto({ backend: "wasm", requireConstantTime: true });
      same([info.name, info.constantTime, info.reason], ["wasm", true, "wasm: asked for by name"]);
      ok(resolveBackend("wasm") === currentBackend(), "by name");
      await restore();
      ok(currentBackend() === before, "restored");
      same(loadCryptoSync({ backend: "wasm" }).name, "wasm", "without waiting, once it is there");
      await restore();
    });

    suite.test("the module without SIMD as an object, without waiting, where WebAssembly may be compiled", async () => {
      const { wasm } = await import("../../ts/backend/wasm/mvp.js");
      same([wasm.name, wasm.constantTime], ["wasm", true]);
      if (!compiles("large")) {
        throwsCode(() => loadCryptoSync({ backend: wasm }), "ERR_BACKEND_UNAVAILABLE", /wasm: self-test failed/);
        return;
      }
      const info = loadCryptoSync({ backend: wasm, requireConstantTime: true });
      same([info.name, info.reason], ["wasm", "wasm: passed in as an object"]);
      ok(currentBackend() === wasm, "current");
      const slot = wasm.createSlot("AES", hex("603DEB1015CA71BE2B73AEF0857D77811F352C073B6108D72D9810A30914DFF4"));
      same(toHex(wasm.encryptBlock(slot, hex("6BC1BEE22E409F96E93D7E117393172A"))), "F3EED1BDB5D2A03C064B5A7E3DB181F8");
      wasm.destroySlot(slot);
      await restore();
    });

    suite.test("requireConstantTime refuses noble by name and as an object", async () => {
      const noble = await nobleObject();
      if (noble === undefined) return;
      for (const backend of ["noble", noble] as const) {
        await rejectsCode(loadCrypto({ backend, requireConstantTime: true }), "ERR_BACKEND_UNAVAILABLE", /not constant-time/);
      }
      throwsCode(() => loadCryptoSync({ backend: noble, requireConstantTime: true }), "ERR_BACKEND_UNAVAILABLE");
      same(backendInfo().name, suite.backend, "nothing changed");
    });

    suite.test("a backend as an object, without waiting", async () => {
      const noble = await nobleObject();
      if (noble === undefined) return;
      const info = loadCryptoSync({ backend: noble });
      same([info.name, info.reason], ["noble", "noble: passed in as an object"]);
      ok(currentBackend() === noble, "current");
      ok(resolveBackend("noble") === noble, "by name");
      await restore();
      const before = currentBackend();
      ok(resolveBackend({ ...noble }) !== before, "another instance for one key");
      await restore();
      ok(currentBackend() === before, "its name means what was loaded by name");
    });

    suite.test("a backend that computes wrongly is refused, whatever is wrong with it", async () => {
      const noble = await nobleObject();
      if (noble === undefined) return;
      const flip = (bytes: Uint8Array) => bytes.map((byte, i) => (i === 0 ? byte ^ 1 : byte));
      const faults: [string, Partial<Backend>][] = [
        ["hexadecimal", { encodeHex: (bytes) => noble.encodeHex(bytes).toLowerCase() }],
        ["hexadecimal", { decodeHex: (text) => noble.decodeHex(text.replace("G", "0")) }],
        ["AES-CBC", { seal: (slot, iv, data, encoding) => noble.seal(slot, flip(iv), data, encoding) }],
        ["AES-CBC", { seal: (slot, iv, data, encoding) => noble.seal(slot, iv, data, encoding).slice(0, 64) }],
        ["AES-CBC", { open: () => undefined }],
        ["AES-CBC", { open: (slot, iv, text, encoding) => noble.open(slot, flip(iv), text, encoding) }],
        ["HMAC-SHA-256", { hmac: (slot, parts) => noble.hmac(slot, parts.slice(0, 1)) }],
        ["key block", { unwrapKeyBlock: () => ({ verdict: "mac" }) }],
        ["key block", { readSlot: (slot) => flip(noble.readSlot(slot)) }],
        [
          "AES-CBC: no",
          {
            createSlot: () => {
              throw new Error("no");
            },
          },
        ],
      ];
      for (const [name, fault] of faults) {
        const backend: Backend = { ...noble, ...fault };
        const message = `no backend is available: noble: self-test failed (${name})`;
        await rejectsCode(loadCrypto({ backend }), "ERR_BACKEND_UNAVAILABLE", message);
        throwsCode(() => loadCryptoSync({ backend }), "ERR_BACKEND_UNAVAILABLE", message);
        throwsCode(() => resolveBackend(backend), "ERR_BACKEND_UNAVAILABLE", message);
      }
      same(backendInfo().name, suite.backend, "nothing changed");
    });

    suite.test("a backend that opens a forged key block is refused", async () => {
      const noble = await nobleObject();
      if (noble === undefined) return;
      const backend: Backend = {
        ...noble,
        unwrapKeyBlock: (kbpk, version, block, headerLength, kind) =>
          noble.unwrapKeyBlock(kbpk, version, block.replace("B00E", "E00E"), headerLength, kind),
      };
      await rejectsCode(loadCrypto({ backend }), "ERR_BACKEND_UNAVAILABLE", /self-test failed \(key block\)/);
    });

    suite.test("options of a wrong type", async () => {
      for (const backend of ["simd", "", "constructor", 1, null, true, {}, [], () => {}]) {
        await rejectsCode(loadCrypto({ backend: wrong<BackendName>(backend) }), "ERR_INVALID_ARGUMENT", /^"backend" must be /);
        throwsCode(() => loadCryptoSync({ backend: wrong<BackendName>(backend) }), "ERR_INVALID_ARGUMENT");
        throwsCode(() => resolveBackend(wrong<BackendName>(backend)), "ERR_INVALID_ARGUMENT");
      }
      for (const module of [1, "x", {}, null, new Uint8Array(8)]) {
        await rejectsCode(
          loadCrypto({ module: wrong(module) }),
          "ERR_INVALID_ARGUMENT",
          /^"module" must be a WebAssembly.Module/,
        );
      }
      for (const requireConstantTime of [1, "yes", null]) {
        await rejectsCode(loadCrypto({ requireConstantTime: wrong(requireConstantTime) }), "ERR_INVALID_ARGUMENT");
      }
      for (const source of [1, "x", null, {}]) {
        await rejectsCode(
          loadCrypto({ randomBytes: wrong(source) }),
          "ERR_INVALID_ARGUMENT",
          /^"randomBytes" must be a function/,
        );
      }
      for (const options of [null, 1, "auto"]) await rejectsCode(loadCrypto(wrong(options)), "ERR_INVALID_ARGUMENT");
      throwsCode(() => resolveBackend(wrong<BackendName>("auto")), "ERR_INVALID_ARGUMENT");
      same(backendInfo().name, suite.backend, "nothing changed");
    });
  });

  suite.group("randomness", () => {
    suite.test("the length asked for, beyond the quota of one call, and no two alike", () => {
      for (const n of [0, 1, 16, 65536, 65537, 200000]) same(randomBytes(n).length, n);
      same(new Set(Array.from({ length: 20 }, () => toHex(randomBytes(16)))).size, 20, "distinct");
      ok(
        randomBytes(200000)
          .subarray(199000)
          .some((byte) => byte !== 0),
        "the end is filled",
      );
    });

    suite.test("an injected source is used once loading succeeded, and only then", async () => {
      const source = (n: number) => new Uint8Array(n).fill(0x5a);
      const noble = await nobleObject();
      if (noble === undefined) return;
      const before = setRandomSource((n) => new Uint8Array(n).fill(1));
      const broken: Backend = { ...noble, encodeHex: () => "" };
      try {
        await rejectsCode(loadCrypto({ backend: broken, randomBytes: source }), "ERR_BACKEND_UNAVAILABLE");
        same(toHex(randomBytes(2)), "0101", "not taken over");
        await loadCrypto({ backend: suite.backend, randomBytes: source });
        same(toHex(randomBytes(4)), "5A5A5A5A");
      } finally {
        setRandomSource(before);
      }
    });

    suite.test("a source that fails or returns anything else", () => {
      const bad: unknown[] = [undefined, null, "1234", [1, 2, 3, 4], new Uint8Array(3), new Uint8Array(5), new Uint16Array(4)];
      const before = setRandomSource(undefined);
      for (const result of bad) {
        setRandomSource(() => wrong<Uint8Array>(result));
        throwsCode(() => randomBytes(4), "ERR_NO_RANDOM", /^the injected randomBytes must return 4 bytes, got /);
      }
      setRandomSource(() => {
        throw new Error("broken");
      });
      throwsCode(() => randomBytes(4), "ERR_NO_RANDOM");
      setRandomSource(before);
    });

    suite.test("lengths that are none", () => {
      for (const n of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "4", undefined]) {
        throwsCode(() => randomBytes(wrong<number>(n)), "ERR_INVALID_ARGUMENT");
      }
    });
  });
};
