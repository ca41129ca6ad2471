/** Keys by ECDH: the published values of both KDFs, what is refused, strength, and what is left of the secret. */
import { currentBackend } from "../../ts/backend/select.js";
import { deriveKeyBytes, type SharedSecretOptions } from "../../ts/core/keys/shared-secret.js";
import type { HashName } from "../../ts/index.js";
import {
  deriveKeyFromSharedSecret,
  exposeKeyBytes,
  generateKey,
  keyCheckValue,
  unwrapKeyBlock,
  wrapKeyBlock,
} from "../../ts/index.js";
import published from "../../vectors/ecdh.json" with { type: "json" };
import { type Cases, hex, same, throwsCode, toHex } from "../harness.js";

/** NIST CAVS 14.1, P-256. */
const Z = "46FC62106420FF012E54A434FBDD2D25CCC5852060561E68040DD7778997BD7B";
const INFO = "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F";
const agreed: SharedSecretOptions = {
  curve: "P-256",
  kdf: "NIST_SP800",
  hash: "SHA-256",
  sharedInfo: INFO,
  algorithm: "AES",
  bits: 256,
  usage: "K1",
};

/** Made with an independent implementation of the same standards over the same secret. */
const made: [Partial<SharedSecretOptions>, string][] = [
  [{ hash: "SHA-512", bits: 128 }, "BF7A33FC72C6815FA9D8E4DE3C4101E4"],
  [{}, "8BA48B28BB557A910D65DB99F135CBAC9A0B462D139568DDB5F01B45D7DCC9F3"],
  [{ algorithm: "TDES", bits: 128 }, "8BA48B28BB557A910D65DB99F135CBAC"],
  [{ kdf: "ANSI_X963" }, "2DB26C4E9A1573278BED7B1D51C7E73D8FB0FB7E7A187DDB48BCB8CD37DEB163"],
  [{ kdf: "ANSI_X963", hash: "SHA-384", bits: 192 }, "3A6572E5B802EDAEFBF7C9E27A9CB2036CE4984ECF5650E2"],
];

export const ecdhCases: Cases = (suite) => {
  suite.group("keys by ECDH", () => {
    for (const { id, operation, kdf, hash, z, sharedInfo, key } of published.vectors) {
      if (operation !== "kdf") continue;
      suite.test(`published: ${id}`, () => {
        const derive = deriveKeyBytes(
          currentBackend(),
          kdf as SharedSecretOptions["kdf"],
          hash as HashName,
          hex(z),
          hex(sharedInfo ?? ""),
          (key ?? "").length / 2,
        );
        same(toHex(derive), key);
      });
    }

    suite.test("KDFs, hashes and types of key", () => {
      for (const [changes, expected] of made) {
        const forms = [{ sharedInfo: INFO }, { sharedInfo: hex(INFO) }, { sharedInfo: INFO.toLowerCase() }];
        for (const form of forms) {
          const key = deriveKeyFromSharedSecret(hex(Z), { ...agreed, ...changes, ...form, extractable: true });
          same(toHex(exposeKeyBytes(key)), expected);
          same([key.exportability, key.modeOfUse, key.usage], ["N", "N", "K1"]);
          key.destroy();
        }
      }
    });

    suite.test("under the agreed key a block opens on the other side, and its check value is right", () => {
      const options = { ...agreed, kdf: "ANSI_X963", bits: 256 } as const;
      const [mine, theirs] = [deriveKeyFromSharedSecret(hex(Z), options), deriveKeyFromSharedSecret(hex(Z), options)];
      const pin = generateKey({ algorithm: "AES", usage: "P0", bits: 128, exportability: "E" });
      const opened = unwrapKeyBlock(theirs, wrapKeyBlock(mine, pin));
      same(keyCheckValue(opened.key), keyCheckValue(pin));
      const first = deriveKeyFromSharedSecret(hex(Z), agreed);
      same(keyCheckValue(first), "BB6203");
      for (const key of [mine, theirs, pin, opened.key, first]) key.destroy();
    });

    suite.test("a published block opens under the key that was agreed for it", () => {
      const kbpk = deriveKeyFromSharedSecret(hex(Z), agreed);
      const block =
        "D0144K0AD00E00000687E266A22C31AB3D1FE531E01FA7E501C1094628183D0970F3713A45ED400A762E2DD712DA073CBC4452898CE1C212D65A281AD850D0D8D389F466C69F2360";
      const { key } = unwrapKeyBlock(kbpk, block, { extractable: true });
      same(toHex(exposeKeyBytes(key)), "000102030405060708090A0B0C0D0E0F");
      for (const each of [kbpk, key]) each.destroy();
    });

    suite.test("the curve limits the strength: AES-256 of P-256 protects no key of 256 bits", () => {
      const wide = generateKey({ algorithm: "AES", usage: "D0", bits: 256, exportability: "E" });
      const narrow = generateKey({ algorithm: "AES", usage: "D0", bits: 128, exportability: "E" });
      const weak = deriveKeyFromSharedSecret(hex(Z), agreed);
      throwsCode(() => wrapKeyBlock(weak, wide), "ERR_KEY_BLOCK_POLICY");
      same(unwrapKeyBlock(weak, wrapKeyBlock(weak, narrow)).key.bits, 128);
      const strong = deriveKeyFromSharedSecret(new Uint8Array(66).fill(9), { ...agreed, curve: "P-521" });
      const block = wrapKeyBlock(strong, wide);
      same(unwrapKeyBlock(strong, block).key.bits, 256);
      for (const key of [wide, narrow, weak, strong]) key.destroy();
    });

    suite.test("a strong block under a key of a weak curve is refused on opening, too, and reported", () => {
      const bytes = "8BA48B28BB557A910D65DB99F135CBAC9A0B462D139568DDB5F01B45D7DCC9F3";
      const weak = deriveKeyFromSharedSecret(hex(Z), agreed);
      const same256 = deriveKeyFromSharedSecret(hex(Z), { ...agreed, extractable: true });
      same(toHex(exposeKeyBytes(same256)), bytes);
      const wide = generateKey({ algorithm: "AES", usage: "D0", bits: 192, exportability: "E" });
      throwsCode(() => wrapKeyBlock(weak, wide), "ERR_KEY_BLOCK_POLICY", /192 bits of strength under a KBPK of 128/);
      for (const key of [weak, same256, wide]) key.destroy();
    });

    suite.test("leading zeros of the secret count", () => {
      const z = hex(`00${Z.slice(2)}`);
      const key = deriveKeyFromSharedSecret(z, agreed);
      throwsCode(() => deriveKeyFromSharedSecret(z.subarray(1), agreed), "ERR_INVALID_ARGUMENT", '"z" must be 32 bytes, got 31');
      key.destroy();
    });

    suite.test("what is refused", () => {
      const refused = (z: unknown, changes: object) =>
        throwsCode(() => deriveKeyFromSharedSecret(z as Uint8Array, { ...agreed, ...changes }), "ERR_INVALID_ARGUMENT");
      for (const length of [0, 31, 33, 48, 66]) refused(new Uint8Array(length).fill(1), {});
      refused(new Uint8Array(48).fill(1), { curve: "P-521" });
      refused(new Uint8Array(65).fill(1), { curve: "P-521" });
      refused(new Uint8Array(32), {});
      for (const z of [Z, null, undefined, [1, 2], 5]) refused(z, {});
      for (const [name, values] of Object.entries({
        curve: ["P-224", "secp256k1", 5, undefined],
        kdf: ["HKDF", "SHA-256", undefined],
        hash: ["SHA-1", "SHA-224", "MD5", undefined],
        sharedInfo: [undefined, null, 5, "ABC", "XY", [1]],
        algorithm: ["DES", "RSA", "OPAQUE", "EC", undefined],
        bits: [0, 64, 129, 512, "128", undefined],
        usage: ["B0", "K2", "S0", "M9", "10", 5, undefined],
        modeOfUse: ["X", "Z", 5],
        wipe: [1, "yes"],
        extractable: [1, "yes"],
      })) {
        for (const value of values) refused(hex(Z), { [name]: value });
      }
      refused(hex(Z), { algorithm: "TDES", bits: 256 });
      refused(hex(Z), { algorithm: "HMAC", usage: "D0" });
      for (const options of [undefined, null, 5, []]) {
        throwsCode(() => deriveKeyFromSharedSecret(hex(Z), options as unknown as SharedSecretOptions), "ERR_INVALID_ARGUMENT");
      }
    });

    suite.test("the caller's secret is wiped on request, also on failure, and left alone otherwise", () => {
      const z = hex(Z);
      deriveKeyFromSharedSecret(z, agreed).destroy();
      same(toHex(z), Z);
      deriveKeyFromSharedSecret(z, { ...agreed, wipe: true }).destroy();
      same(z, new Uint8Array(32));
    });

    suite.test("an HMAC key, and a key that is bound to its usage", () => {
      const mac = deriveKeyFromSharedSecret(hex(Z), { ...agreed, algorithm: "HMAC", usage: "M7", modeOfUse: "V" });
      same([mac.algorithm, mac.hash, mac.modeOfUse], ["HMAC", "SHA-256", "V"]);
      const pin = deriveKeyFromSharedSecret(hex(Z), { ...agreed, usage: "P0", modeOfUse: "E" });
      throwsCode(() => wrapKeyBlock(pin, mac), ["ERR_KEY_USAGE", "ERR_KEY_NOT_EXPORTABLE"]);
      throwsCode(() => exposeKeyBytes(pin), "ERR_KEY_NOT_EXTRACTABLE");
      for (const key of [mac, pin]) key.destroy();
    });
  });
};
