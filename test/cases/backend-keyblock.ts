/**
 * Key blocks in the backend, below the syntax checks of core: the worked values of TR-31:2018 A.7, X9.143:2021 8.1 and
 * ISO 20038 B.2 both ways, and the order of verdicts. Authentic blocks with wrong length fields, which `wrapKeyBlock` never makes, are
 * built here from the backend's single operations.
 */
import type { Backend, KeyBlockVersion, Slot, SlotKind } from "../../ts/backend/contract.js";
import { currentBackend } from "../../ts/backend/select.js";
import { ascii, type Cases, hex, ok, pseudoRandom, same, throwsCode, toHex } from "../harness.js";

const WORKED = [
  {
    id: "TR-31:2018 A.7.2.1",
    version: "A",
    kbpk: "89E88CF7931444F334BD7547FC3F380C",
    header: "A0072P0TE00E0000",
    payload: "0080F039121BEC83D26B169BDCD5B22AAF8F720DF563BB07",
    body: "F5161ED902807AF26F1D62263644BD24192FDB3193C730301CEE8701",
  },
  {
    id: "TR-31:2018 A.7.2.2",
    version: "B",
    kbpk: "DD7515F2BFC17F85CE48F3CA25CB21F6",
    header: "B0080P0TE00E0000",
    payload: "00803F419E1CB7079442AA37474C2EFBF8B81C2965473CE2",
    body: "94B420079CC80BA3461F86FE26EFC4A3B8E4FA4C5F5341176EED7B727B8A248E",
  },
  {
    id: "TR-31:2018 A.7.3.1",
    version: "C",
    kbpk: "B8ED59E0A279A295E9F5ED7944FD06B9",
    header: "C0096B0TX12S0100KS1800604B120F9292800000",
    payload: "0080EDB380DD340BC2620247D445F5B8D6788546A8ED98D1",
    body: "BFB9B689CB567E66FC3FEE5AD5F52161FC6545B9D60989015D02155C",
  },
  {
    id: "TR-31:2018 A.7.4",
    version: "D",
    kbpk: "88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6",
    header: "D0112P0AE00E0000",
    payload: "00803F419E1CB7079442AA37474C2EFBF8B81C2965473CE206BB855B01533782",
    body: "B82679114F470F540165EDFBF7E250FCEA43F810D215F8D207E2E417C07156A27E8E31DA05F7425509593D03A457DC34",
  },
  {
    id: "X9.143:2021 8.1",
    version: "D",
    kbpk: "88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6",
    header: "D0144P0AE00E0000",
    payload: "00803F419E1CB7079442AA37474C2EFBF8B81A87BBFA2CFE78D383E5F4C6AA83473C1C2965473CE206BB855B01533782",
    body: "2C77FA3F4A553BED6E88AE5C172A4166E3D4ACA8E2AC71C158A476FAC12C13C3829DE55D3AB54C48F4C4FEF7AC75E90FC47F1B77E7B19A73ED46E64410082557",
  },
  {
    id: "ISO 20038:2017 B.2",
    version: "E",
    kbpk: "3235362D62697420414553207772617070696E67202849534F20323030333829",
    header: "E0084B0TV16N0000",
    payload: "0080777261707065642033444553206B6579",
    body: "B2AE5E26BBA7F246E84D5EA24167E208A6B66EF2E27E55A52DB52F0AEACB94C57547",
  },
] as const;

const VERSIONS: readonly KeyBlockVersion[] = ["A", "B", "C", "D", "E"];
const isAes = (version: KeyBlockVersion) => version === "D" || version === "E";
const kbpkSizes = (version: KeyBlockVersion) => (isAes(version) ? [16, 24, 32] : [16, 24]);
const headerOf = (version: KeyBlockVersion) => `${version}0000P0AE00E0000`;

/** Any payload under a true MAC: the whole construction once more, over `encryptBlock`, `cbcEncrypt`, `cmac` and `cbcMac`. */
function authenticBlock(
  backend: Backend,
  version: KeyBlockVersion,
  kbpk: Uint8Array,
  header: string,
  payload: Uint8Array,
): string {
  const algorithm = isAes(version) ? "AES" : "TDES";
  const slots: Slot[] = [];
  const slotOf = (material: Uint8Array) => {
    const slot = backend.createSlot(algorithm, material);
    slots.push(slot);
    return slot;
  };
  const wrapping = slotOf(kbpk);
  const derive = (purpose: number) => {
    const type = isAes(version) ? kbpk.length / 8 : kbpk.length / 8 - 2;
    let text = "";
    for (let counter = 1; text.length < 2 * kbpk.length; counter++) {
      text += toHex(
        backend.cmac(wrapping, Uint8Array.of(counter, 0, purpose, 0, 0, type, kbpk.length >> 5, (8 * kbpk.length) & 255)),
      );
    }
    return slotOf(hex(text.slice(0, 2 * kbpk.length)));
  };
  const join = (a: Uint8Array, b: Uint8Array) => hex(toHex(a) + toHex(b));
  try {
    if (version === "A" || version === "C") {
      const encryption = slotOf(kbpk.map((byte) => byte ^ 0x45));
      const authentication = slotOf(kbpk.map((byte) => byte ^ 0x4d));
      const text = backend.cbcEncrypt(encryption, ascii(header).subarray(0, 8), payload, "none");
      return toHex(text) + toHex(backend.cbcMac(authentication, join(ascii(header), text))).slice(0, 8);
    }
    const encryption = derive(version === "E" ? 2 : 0);
    const mac = backend.cmac(derive(1), join(ascii(header), payload));
    const text = version === "E" ? ctr(backend, encryption, mac, payload) : backend.cbcEncrypt(encryption, mac, payload, "none");
    return toHex(text) + toHex(mac);
  } finally {
    for (const slot of slots) backend.destroySlot(slot);
  }
}

function ctr(backend: Backend, slot: Slot, initial: Uint8Array, data: Uint8Array): Uint8Array {
  const counter = initial.slice();
  const out = data.slice();
  for (let at = 0; at < data.length; at += 16) {
    const stream = backend.encryptBlock(slot, counter);
    for (let i = 0; i < 16 && at + i < out.length; i++) out[at + i]! ^= stream[i]!;
    for (let i = 15; i >= 0; i--) {
      counter[i]! += 1;
      if (counter[i] !== 0) break;
    }
  }
  return out;
}

/** Runs `body` with a KBPK of each size that the version accepts. */
function eachKbpk(version: KeyBlockVersion, body: (backend: Backend, kbpk: Slot, material: Uint8Array) => void): void {
  const backend = currentBackend();
  for (const size of kbpkSizes(version)) {
    const material = pseudoRandom(size)(size);
    const kbpk = backend.createSlot(isAes(version) ? "AES" : "TDES", material);
    body(backend, kbpk, material);
    backend.destroySlot(kbpk);
  }
}

/** A payload of `length` bytes that says its key has `bits` bits. */
function payloadOf(bits: number, length: number): Uint8Array {
  const payload = pseudoRandom(length)(length);
  payload[0] = bits >> 8;
  payload[1] = bits & 255;
  return payload;
}

export const backendKeyBlockCases: Cases = (suite) => {
  suite.group("key blocks in the backend: worked values", () => {
    for (const { id, version, kbpk, header, payload, body } of WORKED) {
      suite.test(id, () => {
        const backend = currentBackend();
        const wrapping = backend.createSlot(isAes(version) ? "AES" : "TDES", hex(kbpk));
        const key = hex(payload).slice(2, 18);
        const padding = hex(payload).slice(18);
        const opened = backend.unwrapKeyBlock(wrapping, version, header + body, header.length, "TDES");
        if (opened.verdict !== "opened") throw new Error(`verdict ${opened.verdict}`);
        same([opened.kind, opened.length, opened.paddingLength], ["TDES", 16, padding.length]);
        same(backend.readSlot(opened.slot), key);
        same(backend.wrapKeyBlock(wrapping, version, header, opened.slot, padding), body, "wrapped again");
        same(authenticBlock(backend, version, hex(kbpk), header, hex(payload)), body, "built from single operations");
        backend.destroySlot(opened.slot);
        backend.destroySlot(wrapping);
      });
    }
  });

  for (const version of VERSIONS) {
    const granularity = version === "E" ? 1 : isAes(version) ? 16 : 8;
    suite.group(`key blocks in the backend: version ${version}`, () => {
      suite.test("wrap, then unwrap, for every kind and KBPK size", () => {
        eachKbpk(version, (backend, kbpk) => {
          const kinds: [SlotKind, number][] = [
            ["AES", 16],
            ["AES", 24],
            ["AES", 32],
            ["TDES", 8],
            ["TDES", 16],
            ["TDES", 24],
            ["HMAC", 1],
            ["HMAC", 65],
            ["OPAQUE", 1218],
          ];
          for (const [kind, length] of kinds) {
            const random = pseudoRandom(length);
            const material = random(length);
            const key = backend.createSlot(kind, material);
            for (const extra of [0, granularity]) {
              const padding = random(((granularity - ((2 + length) % granularity)) % granularity) + extra);
              const body = backend.wrapKeyBlock(kbpk, version, headerOf(version), key, padding);
              const opened = backend.unwrapKeyBlock(kbpk, version, headerOf(version) + body, 16, kind);
              if (opened.verdict !== "opened") throw new Error(`${kind} ${length}: ${opened.verdict}`);
              same([opened.kind, opened.length, opened.paddingLength], [kind, length, padding.length]);
              same(backend.readSlot(opened.slot), material);
              backend.destroySlot(opened.slot);
            }
            backend.destroySlot(key);
          }
        });
      });

      suite.test("hex digits in lower case open, too", () => {
        eachKbpk(version, (backend, kbpk, material) => {
          const body = authenticBlock(backend, version, material, headerOf(version), payloadOf(128, 32)).toLowerCase();
          const opened = backend.unwrapKeyBlock(kbpk, version, headerOf(version) + body, 16, "AES");
          same(opened.verdict, "opened");
          if (opened.verdict === "opened") backend.destroySlot(opened.slot);
        });
      });

      suite.test("a key that does not suit the kind asked for is opaque", () => {
        eachKbpk(version, (backend, kbpk, material) => {
          for (const [kind, bytes] of [
            ["AES", 8],
            ["AES", 30],
            ["TDES", 30],
            ["TDES", 1],
          ] as const) {
            const body = authenticBlock(backend, version, material, headerOf(version), payloadOf(8 * bytes, 32));
            const opened = backend.unwrapKeyBlock(kbpk, version, headerOf(version) + body, 16, kind);
            if (opened.verdict !== "opened") throw new Error(opened.verdict);
            same(
              [opened.kind, backend.slotKind(opened.slot), opened.length, opened.paddingLength],
              ["OPAQUE", "OPAQUE", bytes, 30 - bytes],
            );
            backend.destroySlot(opened.slot);
          }
        });
      });

      suite.test("a length field that cannot be, under a true MAC", () => {
        eachKbpk(version, (backend, kbpk, material) => {
          for (const bits of [0, 1, 7, 9, 121, 248, 0x7fff, 0xffff, 0xfff8]) {
            const body = authenticBlock(backend, version, material, headerOf(version), payloadOf(bits, 32));
            same(
              backend.unwrapKeyBlock(kbpk, version, headerOf(version) + body, 16, "AES"),
              { verdict: "length" },
              `${bits} bits`,
            );
          }
        });
      });

      suite.test("the MAC is judged first: a wrong length field under a wrong MAC is a wrong MAC", () => {
        eachKbpk(version, (backend, kbpk, material) => {
          const body = authenticBlock(backend, version, material, headerOf(version), payloadOf(0, 32));
          const last = body.endsWith("0") ? "1" : "0";
          same(backend.unwrapKeyBlock(kbpk, version, headerOf(version) + body.slice(0, -1) + last, 16, "AES"), {
            verdict: "mac",
          });
          same(backend.unwrapKeyBlock(kbpk, version, headerOf(version).replace("E00E", "B00E") + body, 16, "AES"), {
            verdict: "mac",
          });
        });
      });

      suite.test("any one character changed, or another key, is a wrong MAC", () => {
        eachKbpk(version, (backend, kbpk, material) => {
          const header = headerOf(version);
          const block = header + authenticBlock(backend, version, material, header, payloadOf(128, 32));
          for (let at = 1; at < block.length; at++) {
            const changed = block.charAt(at) === "0" ? "1" : "0";
            const damaged = block.slice(0, at) + changed + block.slice(at + 1);
            same(backend.unwrapKeyBlock(kbpk, version, damaged, 16, "AES"), { verdict: "mac" }, `character ${at}`);
          }
          const other = backend.createSlot(isAes(version) ? "AES" : "TDES", invertMiddle(material));
          same(backend.unwrapKeyBlock(other, version, block, 16, "AES"), { verdict: "mac" }, "another key");
          backend.destroySlot(other);
        });
      });

      suite.test("what cannot be a block is a wrong MAC", () => {
        eachKbpk(version, (backend, kbpk, material) => {
          const header = headerOf(version);
          const body = authenticBlock(backend, version, material, header, payloadOf(128, 32));
          for (const bad of ["", "00", body.slice(1), body.slice(2), `G${body.slice(1)}`, `${body}00`, ` ${body.slice(1)}`]) {
            same(backend.unwrapKeyBlock(kbpk, version, header + bad, 16, "AES"), { verdict: "mac" }, `${bad.length} characters`);
          }
          for (const headerLength of [0, 8, 15, 17, 1000, 9999]) {
            same(
              backend.unwrapKeyBlock(kbpk, version, header + body, headerLength, "AES"),
              { verdict: "mac" },
              `header ${headerLength}`,
            );
          }
        });
      });

      suite.test("keys that cannot protect this version, and destroyed ones", () => {
        const backend = currentBackend();
        const random = pseudoRandom(77);
        const key = backend.createSlot("OPAQUE", random(14));
        const unsuited: [SlotKind, number][] = isAes(version) ? [["TDES", 16]] : [["AES", 16]];
        for (const [kind, length] of [...unsuited, ["TDES", 8], ["HMAC", 32], ["OPAQUE", 16]] as const) {
          const kbpk = backend.createSlot(kind, random(length));
          throwsCode(() => backend.unwrapKeyBlock(kbpk, version, headerOf(version) + "0".repeat(96), 16, "AES"), "ERR_KEY_USAGE");
          throwsCode(() => backend.wrapKeyBlock(kbpk, version, headerOf(version), key, new Uint8Array(0)), "ERR_KEY_USAGE");
          backend.destroySlot(kbpk);
          throwsCode(
            () => backend.unwrapKeyBlock(kbpk, version, headerOf(version) + "0".repeat(96), 16, "AES"),
            "ERR_KEY_DESTROYED",
          );
        }
        backend.destroySlot(key);
        eachKbpk(version, (_backend, kbpk) => {
          throwsCode(() => backend.wrapKeyBlock(kbpk, version, headerOf(version), key, new Uint8Array(0)), "ERR_KEY_DESTROYED");
        });
      });

      suite.test("a payload of the wrong granularity is not wrapped", () => {
        eachKbpk(version, (backend, kbpk) => {
          const key = backend.createSlot("OPAQUE", new Uint8Array(13));
          const wrap = () => backend.wrapKeyBlock(kbpk, version, headerOf(version), key, new Uint8Array(2));
          if (version === "E") ok(wrap().length === 2 * (17 + 16), "any length");
          else throwsCode(wrap, "ERR_INVALID_ARGUMENT");
          backend.destroySlot(key);
        });
      });
    });
  }
};

/** The same key but for one bit that is no parity bit. */
function invertMiddle(material: Uint8Array): Uint8Array {
  const other = material.slice();
  other[material.length >> 1]! ^= 0x10;
  return other;
}
