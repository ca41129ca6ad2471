/**
 * Key sets: issued and installed on both sides, every form the answer may have, every contradiction, and nothing left after
 * a failure.
 */
import type { Backend, Slot, UnwrapVerdict } from "../../ts/backend/contract.js";
import { currentBackend } from "../../ts/backend/select.js";
import { encodeBase64 } from "../../ts/base/bytes.js";
import {
  decryptPinBlock,
  encryptPinBlock,
  exposeKeyBytes,
  type InstallOptions,
  type IssueOptions,
  importKey,
  installKeySet,
  issueKeySet,
  type KeyAttributes,
  type KeyBlockHeaderInit,
  type KeyRole,
  type KeySet,
  type KeysResponse,
  keyCheckValue,
  openEnvelope,
  type PosErrorCode,
  parseKeyBlock,
  type SecretKey,
  sealEnvelope,
  signRequest,
  verifyRequestSignature,
  type WrapOptions,
  wrapKeyBlock,
} from "../../ts/index.js";
import { ascii, type Cases, ok, same, throwsCode } from "../harness.js";

const zmkHex = "A7C1E93B5D8F02467B19D4E0F2638C5A94DE71B80F3C6A25E8471D9BC0536FA2";
const makeZmk = (more: Partial<KeyAttributes> = {}) => importKey(zmkHex, { algorithm: "AES", usage: "K0", ...more });
const roles: readonly KeyRole[] = ["tmk", "kek", "msk", "tpk", "tdk", "mac"];
const working: readonly KeyRole[] = ["msk", "tpk", "tdk", "mac"];

const request = {
  method: "POST",
  path: "/pos/charge",
  terminalId: "TID-004812",
  timestamp: "2025-12-13T14:35:00Z",
  nonce: "f9e8d7c6b5a4",
} as const;

const copyOf = (response: KeysResponse) => JSON.parse(JSON.stringify(response)) as KeysResponse;

/** Issues a set and gives the answer as it comes over the wire; everything is destroyed afterwards. */
function withSet(options: IssueOptions, body: (response: KeysResponse, host: KeySet, zmk: SecretKey) => void): void {
  const zmk = makeZmk();
  const issued = issueKeySet(zmk, options);
  try {
    body(copyOf(issued.response), issued.keys, zmk);
  } finally {
    issued.keys.destroy();
    zmk.destroy();
  }
}

/** How one block of a hand-made answer departs from the usual. */
interface Part {
  material?: string;
  attributes?: Partial<KeyAttributes>;
  header?: KeyBlockHeaderInit;
  wrap?: WrapOptions;
  kcv?: string;
}

const materials: Record<KeyRole, string> = {
  tmk: "11C4A50F3B7E92D86A0D4F71C8E3952B60BF18D7A4539E0C7215F86DCB43A09E",
  kek: "22D5B6104C8FA3E97B1E5082D9F4A63C71C029E8B564AF1D8326077EDC54B1AF",
  msk: "33E6C7215D90B4FA8C2F6193EA05B74D82D13AF9C675B02E9437188FED65C2B0",
  tpk: "44F7D8326EA1C50B9D3072A4FB16C85E93E24B0AD786C13FA5482990FE76D3C1",
  tdk: "5508E9437FB2D61CAE4183B50C27D96FA4F35C1BE897D240B6593AA10F87E4D2",
  mac: "6619FA5480C3E72DBF5294C61D38EA70B5046D2CF9A8E351C76A4BB21098F5E3",
};
const usual: Record<KeyRole, { algorithm: "AES" | "HMAC"; usage: string; mode: string; stated: string }> = {
  tmk: { algorithm: "AES", usage: "K0", mode: "D", stated: "key-encryption" },
  kek: { algorithm: "AES", usage: "K1", mode: "B", stated: "key-encryption" },
  msk: { algorithm: "AES", usage: "D0", mode: "B", stated: "data-encryption" },
  tpk: { algorithm: "AES", usage: "P0", mode: "E", stated: "pin-encryption" },
  tdk: { algorithm: "AES", usage: "D0", mode: "B", stated: "data-encryption" },
  mac: { algorithm: "HMAC", usage: "M7", mode: "G", stated: "message-authentication" },
};

/** An answer of known keys, wrapped one by one. */
function handMade(parts: Partial<Record<KeyRole, Part>> = {}): KeysResponse {
  const kbpk = (material: string) => importKey(material, { algorithm: "AES", usage: "K0" });
  const parents = { zmk: makeZmk(), tmk: kbpk(materials.tmk), kek: kbpk(materials.kek) };
  const keys: Record<string, unknown> = {};
  const kcv: Record<string, string> = {};
  for (const role of roles) {
    const { algorithm, usage, mode, stated } = usual[role];
    const part = parts[role] ?? {};
    const attributes = { algorithm, usage, modeOfUse: mode, exportability: "E", ...part.attributes } as KeyAttributes;
    const key = importKey(part.material ?? materials[role], attributes);
    const parent = role === "tmk" ? parents.zmk : role === "kek" ? parents.tmk : parents.kek;
    const block = wrapKeyBlock(parent, key, { exportability: "N", ...part.header }, part.wrap ?? {});
    keys[role] = { key_id: `${role}-1`, key_block: block, usage: stated };
    kcv[role] = part.kcv ?? keyCheckValue(key);
    key.destroy();
  }
  for (const parent of Object.values(parents)) parent.destroy();
  return { keys, verification: { kcv } } as unknown as KeysResponse;
}

/** A backend that remembers the slots it made. */
function spiedBackend(): { backend: Backend; live: () => number; made: () => number } {
  const real = currentBackend();
  const slots: Slot[] = [];
  const remember = (slot: Slot) => {
    slots.push(slot);
    return slot;
  };
  const spies: Partial<Backend> = {
    createSlot: (kind, material) => remember(real.createSlot(kind, material)),
    unwrapKeyBlock: (...args): UnwrapVerdict => {
      const outcome = real.unwrapKeyBlock(...args);
      if (outcome.verdict === "opened") remember(outcome.slot);
      return outcome;
    },
  };
  const backend = new Proxy({} as Backend, {
    get(_target, name: keyof Backend) {
      const value = spies[name] ?? real[name];
      return typeof value === "function" ? (value as (...args: never[]) => unknown).bind(real) : value;
    },
  });
  return { backend, live: () => slots.filter((slot) => real.slotIsLive(slot)).length, made: () => slots.length };
}

/** Asserts that installing fails with `code` and leaves neither a slot nor a changed ZMK. */
function refuses(response: unknown, code: PosErrorCode, message?: RegExp, options: InstallOptions = {}): Error {
  const spy = spiedBackend();
  const zmk = makeZmk({ backend: spy.backend });
  const before = spy.live();
  const error = throwsCode(() => installKeySet(zmk, response as KeysResponse, options), code, message);
  same(spy.live(), before, "slots that are left");
  ok(!zmk.destroyed, "the ZMK is alive");
  zmk.destroy();
  return error;
}

/** Both sides of a set at work: envelope, PIN block, auxiliary data, signature. */
function worksTogether(terminal: KeySet, host: KeySet, format: 0 | 4): void {
  same(openEnvelope(host.msk, sealEnvelope(terminal.msk, { a: 1 })), { a: 1 }, "MSK to the host");
  same(openEnvelope(terminal.msk, sealEnvelope(host.msk, { a: 2 }, { includeKcv: true })), { a: 2 }, "MSK to the terminal");
  const pan = "4111111111111111";
  const block = encryptPinBlock(terminal.tpk, { format, pin: "40817", pan });
  same(decryptPinBlock(host.tpk, block, { format, pan }), "40817", "PIN");
  throwsCode(() => decryptPinBlock(terminal.tpk, block, { format, pan }), "ERR_KEY_USAGE");
  throwsCode(() => encryptPinBlock(host.tpk, { format, pin: "40817", pan }), "ERR_KEY_USAGE");
  const signature = signRequest(terminal.mac, request);
  ok(verifyRequestSignature(host.mac, signature, request), "signature");
  throwsCode(() => signRequest(host.mac, request), "ERR_KEY_USAGE");
  throwsCode(() => verifyRequestSignature(terminal.mac, signature, request), "ERR_KEY_USAGE");
  if (terminal.tdk.algorithm === "AES") same(openEnvelope(host.tdk, sealEnvelope(terminal.tdk, { b: 1 })), { b: 1 }, "TDK");
}

const attributesOf = ({ algorithm, usage, modeOfUse, exportability, bits, extractable }: SecretKey) => {
  return [algorithm, usage, modeOfUse, exportability, bits, extractable];
};

export const keySetCases: Cases = (suite) => {
  suite.group("key sets: issued, installed, used", () => {
    const variants: readonly [string, IssueOptions, 0 | 4][] = [
      ["all defaults", {}, 4],
      ["TPK as TDES of three keys", { algorithms: { tpk: "TDES" } }, 0],
      ["TPK as TDES of two keys, TDK as TDES", { algorithms: { tpk: "TDES", tdk: "TDES" }, bits: { tpk: 128 } }, 0],
      ["shorter keys", { bits: { tmk: 256, kek: 192, msk: 192, tpk: 128, tdk: 128, mac: 128 } }, 4],
      ["MAC key as AES", { algorithms: { mac: "AES" } }, 4],
      ["blocks in Base64", { blockEncoding: "base64" }, 4],
      ["legacy check values", { kcv: { tmk: "ANSI_X9_24", msk: "ANSI_X9_24", tpk: "GLOBALPLATFORM" } }, 4],
      ["CMAC check value of a TDES key", { algorithms: { tpk: "TDES" }, kcv: { tpk: "CMAC" } }, 0],
    ];
    for (const [name, options, format] of variants) {
      suite.test(name, () => {
        withSet(options, (response, host, zmk) => {
          // `auto` does not try GlobalPlatform's method: it has to be named on both sides.
          const named = options.kcv?.tpk === "GLOBALPLATFORM" ? { kcv: { tpk: options.kcv.tpk } } : {};
          if (named.kcv) throwsCode(() => installKeySet(zmk, response), "ERR_KCV_MISMATCH");
          const terminal = installKeySet(zmk, response, named);
          worksTogether(terminal, host, format);
          // The host can install what it issued, after a restart.
          const restored = installKeySet(zmk, response, { side: "host", ...named });
          worksTogether(terminal, restored, format);
          for (const role of working) same(attributesOf(restored[role]), attributesOf(host[role]), role);
          same(
            [terminal.tmk.destroyed, terminal.kek.destroyed, host.tmk.destroyed, host.kek.destroyed],
            [true, true, true, true],
            "transport keys",
          );
          terminal.destroy();
          restored.destroy();
        });
      });
    }

    suite.test("the answer: form, ids, times, check values, exportability", () => {
      const options: IssueOptions = {
        keySetId: "ks-1",
        keyIds: { mac: "hmac-key-2025-01" },
        now: () => Date.parse("2025-12-13T14:00:00.750Z"),
        lifetimeSeconds: 3600,
      };
      withSet(options, (response, host, zmk) => {
        same(
          response.key_set,
          { key_set_id: "ks-1", issued_at: "2025-12-13T14:00:00Z", expires_at: "2025-12-13T15:00:00Z" },
          "key_set",
        );
        same(response.transport, { format: "TR31", encryption: "AES-256", wrapped_under: "kek" }, "transport");
        same(Object.keys(response.keys), roles, "roles");
        same([response.keys.mac.key_id, response.keys.tpk.key_id], ["hmac-key-2025-01", "tpk-ks-1"], "ids");
        const stated = roles.map((role) => parseKeyBlock(response.keys[role].key_block));
        same(
          stated.map(
            ({ version, usage, algorithm, modeOfUse, exportability }) => version + usage + algorithm + modeOfUse + exportability,
          ),
          ["DK1ADN", "DK1ADN", "DD0ABN", "DP0AEN", "DD0ABN", "DM7HGN"],
          "headers",
        );
        const terminal = installKeySet(zmk, response);
        same([terminal.keySetId, terminal.keyIds.mac], ["ks-1", "hmac-key-2025-01"], "ids of the set");
        same(terminal.issuedAt?.toISOString(), "2025-12-13T14:00:00.000Z", "issued");
        same(terminal.expiresAt?.toISOString(), "2025-12-13T15:00:00.000Z", "expires");
        for (const role of roles) same(terminal.checkValues[role], host.checkValues[role], `check value of ${role}`);
        same(terminal.checkValues.msk, { kcv: keyCheckValue(terminal.msk), method: "CMAC" }, "check value of the MSK");
        same(terminal.checkValues.mac.method, "HMAC", "method of the MAC key");
        for (const role of working) {
          same(terminal[role].exportability, "N", `exportability of ${role}`);
          throwsCode(() => exposeKeyBytes(terminal[role]), "ERR_KEY_NOT_EXTRACTABLE");
        }
        terminal.destroy();
      });
    });

    suite.test("two sets have nothing in common", () => {
      withSet({}, (one) => {
        withSet({}, (other) => {
          for (const role of roles) {
            ok(one.keys[role].key_block !== other.keys[role].key_block, `block of ${role}`);
            ok(one.verification.kcv[role] !== other.verification.kcv[role], `key of ${role}`);
          }
          ok(one.key_set?.key_set_id !== other.key_set?.key_set_id, "id");
        });
      });
    });

    suite.test("destroy() destroys all; keepTransportKeys keeps two more, with each side's mode of use", () => {
      withSet({}, (response, _host, zmk) => {
        for (const side of ["terminal", "host"] as const) {
          const set = installKeySet(zmk, response, { side, keepTransportKeys: true });
          const mode = side === "terminal" ? "D" : "E";
          for (const role of ["tmk", "kek"] as const)
            same([set[role].destroyed, set[role].modeOfUse], [false, mode], `${side} ${role}`);
          set.destroy();
          for (const role of roles) ok(set[role].destroyed, role);
          set.destroy();
        }
      });
      const zmk = makeZmk();
      const { keys } = issueKeySet(zmk, { keepTransportKeys: true });
      same([keys.kek.destroyed, keys.kek.modeOfUse], [false, "E"], "issued KEK");
      keys.destroy();
      zmk.destroy();
    });

    suite.test("the slots of a set are its six keys, then four, then none", () => {
      const spy = spiedBackend();
      const zmk = makeZmk({ backend: spy.backend });
      const { response, keys } = issueKeySet(zmk, { keepTransportKeys: true });
      same(spy.live(), 7, "issued, with transport keys and ZMK");
      keys.destroy();
      same(spy.live(), 1, "destroyed");
      const terminal = installKeySet(zmk, response, { side: "host" });
      same(spy.live(), 5, "installed");
      terminal.destroy();
      same(spy.live(), 1, "destroyed again");
      zmk.destroy();
    });
  });

  suite.group("key sets: what other hosts may send", () => {
    suite.test("hand-made blocks; no key_set, no transport, no ids", () => {
      const zmk = makeZmk();
      const response = handMade();
      const bare = copyOf(response);
      for (const role of roles) delete bare.keys[role].key_id;
      const set = installKeySet(zmk, bare);
      same(
        [set.keySetId, set.issuedAt, set.expiresAt, Object.keys(set.keyIds)],
        [undefined, undefined, undefined, []],
        "nothing stated",
      );
      same(installKeySet(zmk, { ...response, later: true } as KeysResponse).keyIds.mac, "mac-1", "members of a later version");
      set.destroy();
      zmk.destroy();
    });

    suite.test("modes of use: N for all; B and C; the host's complements", () => {
      const zmk = makeZmk();
      const free: Partial<Record<KeyRole, Part>> = {};
      for (const role of roles) free[role] = { attributes: { modeOfUse: "N" } };
      const set = installKeySet(zmk, handMade(free), { side: "host" });
      same(
        working.map((role) => set[role].modeOfUse),
        ["N", "N", "N", "N"],
        "N stays",
      );
      set.destroy();
      const both = handMade({ tpk: { attributes: { modeOfUse: "B" } }, mac: { attributes: { modeOfUse: "C" } } });
      const other = installKeySet(zmk, both, { side: "host" });
      same([other.tpk.modeOfUse, other.mac.modeOfUse], ["B", "C"], "B and C stay");
      other.destroy();
      const oneWay = installKeySet(zmk, handMade({ tdk: { attributes: { modeOfUse: "E" } } }), { side: "host" });
      same([oneWay.tdk.modeOfUse, oneWay.tpk.modeOfUse, oneWay.mac.modeOfUse], ["D", "D", "V"], "complements");
      oneWay.destroy();
      zmk.destroy();
    });

    for (const usage of ["M1", "M3", "M6"]) {
      suite.test(`an AES mac of usage ${usage} becomes an HMAC-SHA-256 key of the same bytes, checked as AES`, () => {
        const zmk = makeZmk();
        const set = installKeySet(zmk, handMade({ mac: { attributes: { algorithm: "AES", usage } } }));
        same(attributesOf(set.mac), ["HMAC", "M7", "G", "N", 256, false], "attributes");
        same([set.mac.hash, set.checkValues.mac.method], ["SHA-256", "CMAC"], "hash and method");
        const same256 = importKey(materials.mac, { algorithm: "HMAC", usage: "M7" });
        same(signRequest(set.mac, request), signRequest(same256, request), "signature");
        same256.destroy();
        set.destroy();
        zmk.destroy();
      });
    }

    suite.test("an HMAC key of another hash installs and refuses to sign", () => {
      const zmk = makeZmk();
      const set = installKeySet(zmk, handMade({ mac: { attributes: { hash: "SHA-512" } } }));
      same(set.mac.hash, "SHA-512", "hash");
      throwsCode(() => signRequest(set.mac, request), "ERR_KEY_USAGE", /SHA-512/);
      set.destroy();
      zmk.destroy();
    });

    suite.test("check values: pinned methods, private ones, longer ones, small letters", () => {
      const zmk = makeZmk();
      const response = handMade();
      const { kcv } = response.verification;
      const legacy = (material: string) =>
        keyCheckValue(importKey(material, { algorithm: "AES", usage: "D0" }), { method: "ANSI_X9_24" });
      const mixed = { ...kcv, msk: legacy(materials.msk), tdk: kcv.tdk.toLowerCase() };
      const set = installKeySet(zmk, { ...response, verification: { kcv: mixed } }, { kcv: { msk: "ANSI_X9_24", tpk: "CMAC" } });
      same(
        [set.checkValues.msk.method, set.checkValues.tpk.method, set.checkValues.tdk.kcv],
        ["ANSI_X9_24", "CMAC", kcv.tdk],
        "methods",
      );
      set.destroy();
      // HMAC-SHA-256 over sixteen zero bytes, as some hosts do it.
      const mac = importKey(materials.mac, { algorithm: "HMAC", usage: "M7" });
      const { backend, message } = { backend: currentBackend(), message: new Uint8Array(16) };
      const slot = backend.createSlot(
        "HMAC",
        Uint8Array.from(materials.mac.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)),
      );
      const own = backend.encodeHex(backend.hmac(slot, [message])).slice(0, 6);
      backend.destroySlot(slot);
      mac.destroy();
      const wanted = { ...response, verification: { kcv: { ...kcv, mac: own } } };
      const method = { hash: "SHA-256", message } as const;
      installKeySet(zmk, wanted, { kcv: { mac: method } }).destroy();
      zmk.destroy();
      refuses(wanted, "ERR_KCV_MISMATCH", /"mac"/);
      refuses(response, "ERR_KCV_MISMATCH", /"mac".*has another/, { kcv: { mac: method } });
      refuses(response, "ERR_KCV_MISMATCH", /"msk"/, { kcv: { msk: "ANSI_X9_24" } });
    });
  });

  suite.group("key sets: failures leave nothing", () => {
    suite.test("a check value that differs names role and both values, at every step", () => {
      const response = handMade();
      for (const role of roles) {
        const kcv = { ...response.verification.kcv, [role]: "ABCDEF" };
        const actual = response.verification.kcv[role];
        const error = refuses(
          { ...response, verification: { kcv } },
          "ERR_KCV_MISMATCH",
          new RegExp(`"${role}".*ABCDEF.*${actual}`),
        );
        const methods = response.keys[role].key_block.charAt(7) === "H" ? ["HMAC"] : ["CMAC", "ANSI_X9_24"];
        same((error as { details?: unknown }).details, { methods, expected: "ABCDEF", actual, role }, "details");
      }
    });

    suite.test("a block that was changed, or is another's, names the role, at every step", () => {
      const response = handMade();
      roles.forEach((role) => {
        const block = response.keys[role].key_block;
        const last = block.endsWith("0") ? "1" : "0";
        const damaged = copyOf(response);
        damaged.keys[role].key_block = block.slice(0, -1) + last;
        refuses(damaged, "ERR_KEY_BLOCK_MAC", new RegExp(`^key set: "${role}": `));
        const swapped = copyOf(response);
        swapped.keys[role].key_block = response.keys[roles[role === "kek" ? 0 : 1] as KeyRole].key_block;
        refuses(swapped, "ERR_KEY_BLOCK_MAC", new RegExp(`"${role}"`));
        const none = copyOf(response);
        none.keys[role].key_block = "no key block";
        refuses(none, "ERR_KEY_BLOCK_SYNTAX", new RegExp(`"${role}"`));
      });
      const exchanged = copyOf(response);
      exchanged.keys.msk.key_block = response.keys.tpk.key_block;
      exchanged.verification.kcv.msk = response.verification.kcv.tpk;
      refuses(exchanged, "ERR_KEY_SET", /"msk" has usage P0, but its role takes D0/);
    });

    const contradictions: readonly [string, Partial<Record<KeyRole, Part>>, RegExp][] = [
      ["mac with usage P0", { mac: { attributes: { algorithm: "AES", usage: "P0", modeOfUse: "E" } } }, /"mac" has usage P0/],
      ["tpk with usage D0", { tpk: { attributes: { usage: "D0" } } }, /"tpk" has usage D0/],
      ["msk with usage K0", { msk: { attributes: { usage: "K0" } } }, /"msk" has usage K0/],
      ["tmk with usage D0", { tmk: { attributes: { usage: "D0" } } }, /"tmk" has usage D0/],
      ["tdk with usage P0", { tdk: { attributes: { usage: "P0" } } }, /"tdk" has usage P0/],
      ["tpk that only deciphers", { tpk: { attributes: { modeOfUse: "D" } } }, /"tpk" has mode of use D/],
      ["mac that only verifies", { mac: { attributes: { modeOfUse: "V" } } }, /"mac" has mode of use V/],
      ["msk that only deciphers", { msk: { attributes: { modeOfUse: "D" } } }, /"msk" has mode of use D/],
      ["kek that only wraps", { kek: { attributes: { modeOfUse: "E" } } }, /"kek" has mode of use E/],
      [
        "msk with TDES",
        { msk: { attributes: { algorithm: "TDES" }, material: materials.msk.slice(0, 48) } },
        /"msk" has algorithm TDES/,
      ],
      [
        "mac with TDES",
        { mac: { attributes: { algorithm: "TDES", usage: "M3" }, material: materials.mac.slice(0, 32) } },
        /"mac" has algorithm TDES/,
      ],
    ];
    for (const [name, parts, message] of contradictions) {
      suite.test(`a header that contradicts its role: ${name}`, () => {
        refuses(handMade(parts), "ERR_KEY_SET", message);
      });
    }

    suite.test("the strict profile: unhidden length, optional block against the grammar, lower-case hex, surplus", () => {
      const short = materials.tpk.slice(0, 32);
      refuses(handMade({ tpk: { material: short, wrap: { hideLength: false } } }), "ERR_KEY_BLOCK_POLICY", /"tpk".*length/);
      const label = { header: { optionalBlocks: [{ id: "KS", data: "not hex at all" }] }, wrap: { grammar: "lenient" } } as const;
      refuses(handMade({ tdk: label }), "ERR_KEY_BLOCK_POLICY", /"tdk"/);
      const small = handMade();
      small.keys.msk.key_block = small.keys.msk.key_block.slice(0, 16) + small.keys.msk.key_block.slice(16).toLowerCase();
      refuses(small, "ERR_KEY_BLOCK_SYNTAX", /"msk"/);
      refuses(handMade({ tpk: { wrap: { padding: new Uint8Array(46) } } }), "ERR_KEY_BLOCK_POLICY", /"tpk"/);
    });

    suite.test("another ZMK, one that may not unwrap, one that is destroyed", () => {
      const response = handMade();
      const other = importKey("00".repeat(31) + "01", { algorithm: "AES", usage: "K0" });
      throwsCode(() => installKeySet(other, response), "ERR_KEY_BLOCK_MAC", /"tmk"/);
      other.destroy();
      throwsCode(() => installKeySet(other, response), "ERR_KEY_DESTROYED");
      const wrapOnly = makeZmk({ modeOfUse: "E" });
      throwsCode(() => installKeySet(wrapOnly, response), "ERR_KEY_USAGE");
      throwsCode(() => issueKeySet(makeZmk({ modeOfUse: "D" })), "ERR_KEY_USAGE");
      wrapOnly.destroy();
      const data = importKey(zmkHex, { algorithm: "AES", usage: "D0" });
      throwsCode(() => installKeySet(data, response), "ERR_KEY_USAGE");
      throwsCode(() => issueKeySet(data), "ERR_KEY_USAGE");
      data.destroy();
    });

    suite.test("roles are authenticated: exchanged blocks, one key in two roles, another set's name", () => {
      withSet({}, (response) => {
        for (const [one, other] of [
          ["msk", "tdk"],
          ["tdk", "msk"],
        ] as const) {
          const exchanged = copyOf(response);
          for (const [to, from] of [
            [one, other],
            [other, one],
          ] as const) {
            exchanged.keys[to].key_block = response.keys[from].key_block;
            exchanged.verification.kcv[to] = response.verification.kcv[from];
          }
          refuses(exchanged, "ERR_KEY_SET", /"msk".*label.*"tdk"/);
        }
        const renamed = copyOf(response);
        renamed.key_set = { ...renamed.key_set, key_set_id: "ks-2" };
        refuses(renamed, "ERR_KEY_SET", /label names another key set/);
      });
      // Without labels the bytes themselves tell; TDES keys without their parity bits.
      const twice = handMade();
      twice.keys.tdk.key_block = twice.keys.msk.key_block;
      twice.verification.kcv.tdk = twice.verification.kcv.msk;
      refuses(twice, "ERR_KEY_SET", /"tdk".*"msk", too/);
      refuses(handMade({ tdk: { material: materials.msk } }), "ERR_KEY_SET", /"tdk".*"msk", too/);
      refuses(handMade({ mac: { material: materials.tdk } }), "ERR_KEY_SET", /"mac".*"tdk", too/);
      const tdes = { algorithm: "TDES", usage: "P0" } as const;
      const even = "10325476 98BADCFE 1032547698BADCFE 2032547698BADCFE".replace(/ /g, "");
      const odd = "11325476 98BADCFE 1032547698BADCFE 2032547698BADCFE".replace(/ /g, "");
      const parity = { tpk: { attributes: tdes, material: even }, tdk: { attributes: { ...tdes, usage: "D0" }, material: odd } };
      refuses(handMade(parity), "ERR_KEY_SET", /"tdk".*"tpk", too/);
    });

    suite.test("labels and times of a host's own: installed; a time before the last set's is refused", () => {
      const zmk = makeZmk();
      const stamped = (time: string, label: string) => {
        const optionalBlocks = [
          { id: "LB", label },
          { id: "TS", time, compact: false },
        ] as const;
        return handMade({ msk: { header: { optionalBlocks: [...optionalBlocks] } } });
      };
      const keys = installKeySet(zmk, stamped("2026-03-01T08:00:00Z", "msk of terminal 4812"));
      same(keys.wrappedAt?.toISOString(), "2026-03-01T08:00:00.000Z");
      keys.destroy();
      refuses(stamped("2026-03-01T08:00:00Z", "tdk of key set ks-1"), "ERR_KEY_SET", /"msk".*label/);
      const last = new Date("2026-03-01T08:00:01Z");
      const older = stamped("2026-03-01T08:00:00Z", "");
      refuses(older, "ERR_KEY_SET", /older than one that was installed before/, { notBefore: last });
      installKeySet(zmk, older).destroy();
      installKeySet(zmk, stamped("2026-03-01T08:00:01Z", ""), { notBefore: last }).destroy();
      // A set that states no time is not compared.
      const silent = installKeySet(zmk, handMade(), { notBefore: last });
      same(silent.wrappedAt, undefined);
      silent.destroy();
      refuses(handMade(), "ERR_INVALID_ARGUMENT", /"notBefore" must be a Date/, { notBefore: 5 as unknown as Date });
      zmk.destroy();
    });

    suite.test(
      "what issueKeySet writes under the MAC: role and set in LB, the time in TS, and nothing of the dates around it",
      () => {
        const at = Date.UTC(2026, 4, 1, 12, 0, 0, 250);
        withSet({ keySetId: "ks-1", now: () => at }, (response, host, zmk) => {
          for (const role of roles) {
            const { optionalBlocks } = parseKeyBlock(response.keys[role].key_block);
            const values = optionalBlocks.map(({ value }) => value).filter((value) => value !== undefined && value.id !== "PB");
            same(
              values.slice(0, 2),
              [
                { id: "LB", label: `${role} of key set ks-1` },
                { id: "TS", time: "2026-05-01T12:00:00Z", compact: false },
              ],
              role,
            );
          }
          const later = copyOf(response);
          later.key_set = { ...later.key_set, issued_at: "2027-01-01T00:00:00Z", expires_at: "2028-01-01T00:00:00Z" };
          const keys = installKeySet(zmk, later);
          same(
            [keys.wrappedAt, host.wrappedAt].map((time) => time?.getTime()),
            [at - 250, at - 250],
          );
          keys.destroy();
          refuses(later, "ERR_KEY_SET", /older/, { notBefore: new Date(at + 1000) });
        });
      },
    );

    suite.test("a malformed answer names the member", () => {
      const good = {
        ...handMade(),
        key_set: { key_set_id: "ks", issued_at: "2025-12-13T14:00:00Z", expires_at: "2026-12-13T14:00:00Z" },
        transport: { format: "TR31" },
      };
      // biome-ignore lint/suspicious/noExplicitAny: JSON that is bent on purpose
      type Change = (copy: any) => void;
      const changes: [string, Change][] = [
        ["key_set", (copy) => (copy["key_set"] = [])],
        ["key_set.key_set_id", (copy) => (copy["key_set"].key_set_id = 7)],
        ["key_set.key_set_id", (copy) => (copy["key_set"].key_set_id = "a\nb")],
        ["key_set.issued_at", (copy) => (copy["key_set"].issued_at = "yesterday")],
        ["key_set.expires_at", (copy) => (copy["key_set"].expires_at = 1)],
        ["key_set.expires_at", (copy) => (copy["key_set"].expires_at = copy["key_set"].issued_at)],
        ["transport", (copy) => (copy["transport"] = "TR31")],
        ["transport.format", (copy) => (copy["transport"].format = "TR34")],
        ["keys", (copy) => delete copy["keys"]],
        ["verification", (copy) => delete copy["verification"]],
        ["verification.kcv", (copy) => (copy["verification"] = {})],
      ];
      for (const role of roles) {
        changes.push(
          [`keys.${role}`, (copy) => delete copy["keys"][role]],
          [`keys.${role}.key_block`, (copy) => delete copy["keys"][role].key_block],
          [`keys.${role}.key_block`, (copy) => (copy["keys"][role].key_block = "")],
          [`keys.${role}.usage`, (copy) => (copy["keys"][role].usage = "other")],
          [`keys.${role}.usage`, (copy) => delete copy["keys"][role].usage],
          [`keys.${role}.key_id`, (copy) => (copy["keys"][role].key_id = "")],
          [`verification.kcv.${role}`, (copy) => delete copy["verification"].kcv[role]],
          [`verification.kcv.${role}`, (copy) => (copy["verification"].kcv[role] = "ABCD")],
          [`verification.kcv.${role}`, (copy) => (copy["verification"].kcv[role] = "ABCDEG")],
          [`verification.kcv.${role}`, (copy) => (copy["verification"].kcv[role] = null)],
        );
      }
      const zmk = makeZmk();
      installKeySet(zmk, good as KeysResponse).destroy();
      for (const [member, change] of changes) {
        const copy = JSON.parse(JSON.stringify(good));
        change(copy);
        const error = throwsCode(
          () => installKeySet(zmk, copy),
          "ERR_KEY_SET",
          new RegExp(`^key set: "${member.replace(/\./g, "\\.")}" must be `),
        );
        same((error as { details?: unknown }).details, { member }, member);
      }
      for (const wrong of [null, undefined, 1, "text", []]) {
        throwsCode(() => installKeySet(zmk, wrong as never), "ERR_KEY_SET", /"response" must be an object/);
      }
      const inherited = JSON.parse(JSON.stringify(good));
      inherited.keys = Object.create(inherited.keys);
      throwsCode(() => installKeySet(zmk, inherited), "ERR_KEY_SET", /"keys\.tmk"/);
      zmk.destroy();
    });

    suite.test("Base64 blocks; Base64 of something else", () => {
      const response = handMade();
      for (const role of roles) response.keys[role].key_block = encodeBase64(ascii(response.keys[role].key_block));
      const zmk = makeZmk();
      installKeySet(zmk, response).destroy();
      zmk.destroy();
      response.keys.tdk.key_block = encodeBase64(ascii("DAAAA"));
      refuses(response, "ERR_KEY_BLOCK_SYNTAX", /"tdk"/);
    });
  });

  suite.group("key sets: options of a wrong kind", () => {
    const wrongIssue: readonly [object, RegExp][] = [
      [{ algorithms: { tpk: "DES" } }, /^"algorithms\.tpk" must be AES or TDES/],
      [{ algorithms: { msk: "TDES" } }, /^"algorithms\.msk" must be AES/],
      [{ algorithms: { mac: "TDES" } }, /^"algorithms\.mac" must be HMAC or AES/],
      [{ algorithms: { other: "AES" } }, /^"algorithms" must be /],
      [{ bits: { tpk: 100 } }, /^"bits" must be /],
      [{ bits: { mac: 104 } }, /^"bits" must be /],
      [{ kcv: { tpk: "HMAC" } }, /^"method" must be /],
      [{ now: 1 }, /^"now" must be a function/],
      [{ now: () => Number.NaN }, /^"now" must be a function that returns milliseconds/],
      [{ now: () => 8.64e15 }, /^"now" must be a function that returns milliseconds/],
      [{ lifetimeSeconds: 0 }, /^"lifetimeSeconds" must be /],
      [{ lifetimeSeconds: 1e13 }, /^"lifetimeSeconds" must be .*year 10000/],
      [{ keySetId: "two words" }, /^"keySetId" must be /],
      [{ keyIds: { mac: 7 } }, /^"keyIds\.mac" must be .*, got number/],
      [{ blockEncoding: "hex" }, /^"blockEncoding" must be /],
      [{ keepTransportKeys: 1 }, /^"keepTransportKeys" must be a boolean/],
    ];
    wrongIssue.forEach(([options, message], i) => {
      suite.test(`issueKeySet, wrong option ${i}: no key is left`, () => {
        const spy = spiedBackend();
        const zmk = makeZmk({ backend: spy.backend });
        throwsCode(() => issueKeySet(zmk, options as IssueOptions), "ERR_INVALID_ARGUMENT", message);
        same(spy.live(), 1, "slots that are left");
        zmk.destroy();
      });
    });

    suite.test("a key stronger than what protects it is refused; no key is left", () => {
      const spy = spiedBackend();
      const zmk = importKey(zmkHex.slice(0, 32), { algorithm: "AES", usage: "K0", backend: spy.backend });
      throwsCode(() => issueKeySet(zmk, { bits: { msk: 256 } }), "ERR_KEY_BLOCK_POLICY");
      throwsCode(() => issueKeySet(zmk, { bits: { tmk: 256 } }), "ERR_KEY_BLOCK_POLICY");
      same(spy.live(), 1, "slots that are left");
      const { response, keys } = issueKeySet(zmk);
      same(keys.msk.bits, 128, "by default as strong as the ZMK");
      same(response.transport?.encryption, "AES-128", "encryption");
      installKeySet(zmk, response).destroy();
      keys.destroy();
      zmk.destroy();
    });

    suite.test("installKeySet", () => {
      const response = handMade();
      refuses(response, "ERR_INVALID_ARGUMENT", /^"side" must be terminal or host/, { side: "both" as never });
      refuses(response, "ERR_INVALID_ARGUMENT", /^"keepTransportKeys" must be a boolean/, { keepTransportKeys: 1 as never });
      refuses(response, "ERR_INVALID_ARGUMENT", /^"kcv" must be an object/, { kcv: "CMAC" as never });
      refuses(response, "ERR_INVALID_ARGUMENT", /^"kcv" must be an object with members of tmk/, {
        kcv: { zmk: "CMAC" } as never,
      });
      refuses(response, "ERR_INVALID_ARGUMENT", /^"method" must be CMAC, /, { kcv: { msk: "HMAC" } });
    });
  });
};
