/**
 * The backend's TDES below the public functions: Rivest's recursive test (every entry of the S-boxes and permutations), the
 * complementation property, the MACs of ISO 9797-1 by their parts, and what a wrong slot or length gives.
 */
import type { Backend, SlotKind } from "../../ts/backend/contract.js";
import { currentBackend } from "../../ts/backend/select.js";
import { type Cases, hex, ok, pseudoRandom, same, throwsCode, toHex } from "../harness.js";

function withSlot<T>(backend: Backend, kind: SlotKind, material: Uint8Array, body: (slot: number) => T): T {
  const slot = backend.createSlot(kind, material);
  try {
    return body(slot);
  } finally {
    backend.destroySlot(slot);
  }
}

const invert = (bytes: Uint8Array) => bytes.map((byte) => ~byte);

export const backendTdesCases: Cases = (suite) => {
  suite.group("TDES in the backend", () => {
    suite.test("tells how the parts of a key relate, parity aside, and weak parts among them", () => {
      const backend = currentBackend();
      const [k1, k2, k3] = ["0123456789ABCDEF", "FEDCBA9876543210", "1032547698BADCFE"] as const;
      const k1WithoutParity = "0022446688AACCEE";
      const facts = (kind: "TDES" | "OPAQUE", material: string) => {
        const slot = backend.createSlot(kind, hex(material));
        const parts = backend.slotParts(slot);
        backend.destroySlot(slot);
        return parts;
      };
      const rows: [string, number][] = [
        [k1, 0],
        [k1 + k2, 0],
        [k1 + k1, 1],
        [k1 + k1WithoutParity, 1],
        [k1 + k2 + k3, 0],
        [k1 + k1 + k2, 1],
        [k2 + k1 + k1WithoutParity, 2],
        [k1 + k2 + k1WithoutParity, 4],
        [k1 + k1 + k1, 7],
      ];
      // The 4 weak and 12 semi-weak keys of SP 800-67 r2 clause 3.3.2: two bytes in turn, in the second half their partners.
      const bytes = [
        ["01", "01"],
        ["1F", "0E"],
        ["E0", "F1"],
        ["FE", "FE"],
      ] as const;
      for (const [a, c] of bytes) {
        for (const [b, d] of bytes) {
          const weak = (a + b).repeat(2) + (c + d).repeat(2);
          rows.push([weak, 8], [k1 + weak, 8], [weak + k1 + k2, 8], [k1 + k2 + weak, 8]);
          rows.push([(a + b).repeat(4), a + b === c + d ? 8 : 0], [weak.slice(0, 14) + k1.slice(4, 6), 0]);
        }
      }
      for (const [material, parts] of rows) {
        same(facts("TDES", material), parts, material);
        same(facts("OPAQUE", material), parts, `${material}, opaque`);
      }
      for (const length of [1, 7, 9, 15, 23, 25, 32]) same(facts("OPAQUE", "01".repeat(length)), 0, `${length} bytes`);
    });

    suite.test("Rivest's recursive test of a DES implementation", () => {
      const backend = currentBackend();
      let x = hex("9474B8E8C73BCA7D");
      for (let i = 0; i < 16; i++) {
        const block = x;
        x = withSlot(backend, "TDES", block, (slot) =>
          i % 2 === 0 ? backend.encryptBlock(slot, block) : backend.decryptBlock(slot, block),
        );
      }
      same(toHex(x), "1B1A2DDB4C642438");
    });

    suite.test("the complement of key and block gives the complement", () => {
      const backend = currentBackend();
      const random = pseudoRandom(31);
      for (const length of [8, 16, 24]) {
        const key = random(length);
        const block = random(8);
        const plain = withSlot(backend, "TDES", key, (slot) => backend.encryptBlock(slot, block));
        const complement = withSlot(backend, "TDES", invert(key), (slot) => backend.encryptBlock(slot, invert(block)));
        same(toHex(invert(complement)), toHex(plain), `${length} bytes`);
      }
    });

    suite.test("TDES is three single DES, one after the other", () => {
      const backend = currentBackend();
      const random = pseudoRandom(32);
      const key = random(24);
      const block = random(8);
      const [k1, k2, k3] = [key.subarray(0, 8), key.subarray(8, 16), key.subarray(16)];
      const one = withSlot(backend, "TDES", k1, (slot) => backend.encryptBlock(slot, block));
      const two = withSlot(backend, "TDES", k2, (slot) => backend.decryptBlock(slot, one));
      const three = withSlot(backend, "TDES", k3, (slot) => backend.encryptBlock(slot, two));
      same(toHex(withSlot(backend, "TDES", key, (slot) => backend.encryptBlock(slot, block))), toHex(three));
    });

    suite.test("ISO 9797-1 over “Now is the time for all ”: algorithm 1 with DES, algorithm 3", () => {
      const backend = currentBackend();
      const data = hex("4E6F77206973207468652074696D6520666F7220616C6C20");
      same(toHex(withSlot(backend, "TDES", hex("0123456789ABCDEF"), (slot) => backend.cbcMac(slot, data))), "70A30640CC76DD8B");
      const double = hex("0123456789ABCDEFFEDCBA9876543210");
      same(toHex(withSlot(backend, "TDES", double, (slot) => backend.retailMac(slot, data))), "A1C72E74EA3FA9B6");
    });

    suite.test("the retail MAC of one block is TDES", () => {
      const backend = currentBackend();
      const random = pseudoRandom(33);
      const block = random(8);
      withSlot(backend, "TDES", random(16), (slot) => {
        same(toHex(backend.retailMac(slot, block)), toHex(backend.encryptBlock(slot, block)));
      });
    });

    suite.test("changing one bit of a key other than parity changes the block", () => {
      const backend = currentBackend();
      const random = pseudoRandom(34);
      const key = random(24);
      const block = random(8);
      const seen = new Set([toHex(withSlot(backend, "TDES", key, (slot) => backend.encryptBlock(slot, block)))]);
      for (let bit = 0; bit < 192; bit++) {
        if (bit % 8 === 7) continue;
        const other = key.slice();
        other[bit >> 3]! ^= 0x80 >> (bit & 7);
        seen.add(toHex(withSlot(backend, "TDES", other, (slot) => backend.encryptBlock(slot, block))));
      }
      same(seen.size, 1 + 168, "distinct blocks");
    });

    suite.test("lengths and kinds that do not fit", () => {
      const backend = currentBackend();
      const block = new Uint8Array(8);
      for (const length of [0, 7, 9, 15, 25, 32]) {
        throwsCode(() => backend.createSlot("TDES", new Uint8Array(length)), "ERR_INVALID_ARGUMENT");
      }
      withSlot(backend, "TDES", new Uint8Array(16), (slot) => {
        throwsCode(
          () => backend.encryptBlock(slot, new Uint8Array(16)),
          "ERR_INVALID_ARGUMENT",
          '"block" must be 8 bytes, got 16',
        );
        throwsCode(() => backend.cbcEncrypt(slot, new Uint8Array(16), block, "none"), "ERR_INVALID_ARGUMENT");
        throwsCode(() => backend.cbcDecrypt(slot, block, new Uint8Array(9), "none"), "ERR_INVALID_ARGUMENT");
        throwsCode(() => backend.retailMac(slot, new Uint8Array(12)), "ERR_INVALID_ARGUMENT");
        throwsCode(() => backend.retailMac(slot, new Uint8Array(0)), "ERR_INVALID_ARGUMENT");
        throwsCode(() => backend.seal(slot, new Uint8Array(16), "x", "raw"), "ERR_KEY_USAGE");
        ok(backend.slotIsLive(slot), "slot");
      });
      withSlot(backend, "AES", new Uint8Array(16), (slot) => {
        throwsCode(() => backend.retailMac(slot, new Uint8Array(16)), "ERR_KEY_USAGE");
      });
      withSlot(backend, "HMAC", new Uint8Array(16), (slot) => {
        throwsCode(() => backend.encryptBlock(slot, block), "ERR_KEY_USAGE");
      });
    });

    suite.test("a destroyed slot does nothing any more", () => {
      const backend = currentBackend();
      const slot = backend.createSlot("TDES", new Uint8Array(24).fill(1));
      backend.destroySlot(slot);
      backend.destroySlot(slot);
      ok(!backend.slotIsLive(slot), "not live");
      throwsCode(() => backend.encryptBlock(slot, new Uint8Array(8)), "ERR_KEY_DESTROYED");
      throwsCode(() => backend.cmac(slot, new Uint8Array(8)), "ERR_KEY_DESTROYED");
      throwsCode(() => backend.readSlot(slot), "ERR_KEY_DESTROYED");
      const next = backend.createSlot("TDES", new Uint8Array(24).fill(1));
      ok(next !== slot, "a new handle");
      throwsCode(() => backend.slotLength(slot), "ERR_KEY_DESTROYED");
      backend.destroySlot(next);
    });
  });
};
