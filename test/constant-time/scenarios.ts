/**
 * What is traced. A scenario runs on a fresh instance and gets its secrets from `secret`; everything else it uses is public and
 * the same in each run, so that the traces of all runs must be equal.
 */
import type { Backend, HashName, KeyBlockVersion, SlotKind } from "../../ts/backend/contract.js";
import { hex } from "../harness.js";

export interface Scenario {
  name: string;
  run(backend: Backend, secret: (length: number) => Uint8Array, variant: number): void;
  /** How many runs; by default one for each kind of secret (zeros, ones, two random). */
  variants?: number;
}

const iv = hex("000102030405060708090A0B0C0D0E0F");
const desIv = iv.subarray(0, 8);
const lengths = [0, 1, 15, 16, 17, 64, 129, 300, 1000];

export const scenarios: readonly Scenario[] = [
  ...[16, 24, 32].flatMap((size) => aesScenarios(size)),
  ...[8, 16, 24].map((size) => tdesScenario(size)),
  rejectedPaddings(),
  rejectedHexText(),
  ...hashScenarios(),
  ...(["A", "B", "C", "D", "E"] as const).flatMap((version) => keyBlockScenarios(version)),
  ...encodingScenarios(),
  ...[16, 24, 32].map((size) => dukptScenario("AES", size)),
  dukptScenario("TDES", 16),
];

/** DUKPT: identity, counters and requests are public, the base derivation key and all that follows from it are secret. */
function dukptScenario(kind: "AES" | "TDES", size: number): Scenario {
  const identity = (isBdk: boolean) =>
    Uint8Array.of(0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0x34, 0x40, 0, 0, kind === "AES" ? 32 : 21, isBdk ? 1 : 0);
  const requests = kind === "AES" ? [1, size, 0x10, 0, 3, 16, 0x20, 1, 2, 24, 0x30, 0] : [2, 16, 0, 0, 2, 16, 1, 16];
  const handles = (answer: Uint8Array | undefined): number[] => {
    if (answer === undefined) throw new Error("refused");
    const view = new DataView(answer.buffer, answer.byteOffset, answer.length);
    return Array.from({ length: answer.length / 4 }, (_, i) => view.getUint32(4 * i));
  };
  return {
    name: `DUKPT, ${kind} of ${size} bytes: host, terminal, skipping, update key, a state in a key block`,
    run(backend, secret) {
      // Two halves that differ in every key: that they are equal is a verdict, and public.
      const material = secret(size).map((byte, i) => (i < 8 && kind === "TDES" ? byte ^ 0x5a : byte));
      const bdk = backend.createSlot(kind, material);
      const [ik] = handles(backend.dukpt("dukptInitialKey", bdk, 0, identity(true)));
      for (const counter of [1, 3, 0xff800]) {
        handles(backend.dukpt("dukptKeys", bdk, counter, Uint8Array.of(...identity(true), ...requests)));
        handles(backend.dukpt("dukptKeys", ik!, counter, Uint8Array.of(...identity(false), ...requests)));
      }
      const [terminal] = handles(backend.dukpt("dukptLoad", ik!, 0, identity(false)));
      for (let i = 0; i < 9; i++) handles(backend.dukpt("dukptNext", terminal!, 0, Uint8Array.from(requests)));
      backend.dukpt("dukptSkip", terminal!, 0xffc, new Uint8Array(0));
      handles(backend.dukpt("dukptNext", terminal!, 0, Uint8Array.from(requests)));
      if (kind === "AES") handles(backend.dukpt("dukptUpdateKey", terminal!, 0, Uint8Array.of(1, 16, 0, 0)));
      const storageKey = backend.createSlot("AES", secret(32));
      const padding = new Uint8Array(16 - ((2 + backend.slotLength(terminal!)) % 16));
      const header = "D0000100N00N0000";
      const block = header + backend.wrapKeyBlock(storageKey, "D", header, terminal!, padding);
      const opened = backend.unwrapKeyBlock(storageKey, "D", block, 16, "DUKPT");
      if (opened.verdict !== "opened" || opened.kind !== "DUKPT") throw new Error("not opened");
      handles(backend.dukpt("dukptNext", opened.slot, 0, Uint8Array.from(requests)));
    },
  };
}

function aesScenarios(size: number): Scenario[] {
  const name = `AES-${size * 8}`;
  return [
    {
      name: `${name}: key schedule and single blocks`,
      run(backend, secret) {
        const key = backend.createSlot("AES", secret(size));
        backend.encryptBlock(key, secret(16));
        backend.decryptBlock(key, secret(16));
        backend.destroySlot(key);
      },
    },
    {
      name: `${name}: CBC both ways, CMAC and CBC-MAC`,
      run(backend, secret) {
        const key = backend.createSlot("AES", secret(size));
        for (const length of lengths) {
          const ciphertext = backend.cbcEncrypt(key, iv, secret(length), "pkcs7");
          backend.cbcDecrypt(key, iv, ciphertext, "pkcs7");
          backend.cbcDecrypt(key, iv, ciphertext, "none");
          backend.cmac(key, secret(length));
          if (length > 0 && length % 16 === 0) backend.cbcMac(key, secret(length));
        }
      },
    },
    {
      name: `${name}: sealing and opening`,
      run(backend, secret) {
        const key = backend.createSlot("AES", secret(size));
        for (const length of [1, 16, 450, 2048]) {
          for (const encoding of ["hex", "raw"] as const) {
            const ciphertext = backend.seal(key, iv, secret(length), encoding);
            if (backend.open(key, iv, ciphertext, encoding)?.length !== length) throw new Error("opening failed");
          }
        }
      },
    },
  ];
}

function tdesScenario(size: number): Scenario {
  return {
    name: `TDES with ${size} bytes: parts, blocks, CBC, CMAC, CBC-MAC, retail MAC`,
    run(backend, secret) {
      const key = backend.createSlot("TDES", secret(size));
      backend.encryptBlock(key, secret(8));
      backend.decryptBlock(key, secret(8));
      backend.slotParts(key);
      for (const length of [0, 1, 7, 8, 24, 80]) {
        const ciphertext = backend.cbcEncrypt(key, desIv, secret(length), "pkcs7");
        backend.cbcDecrypt(key, desIv, ciphertext, "pkcs7");
        backend.cmac(key, secret(length));
        if (length > 0 && length % 8 === 0) backend.cbcMac(key, secret(length));
        if (length > 0 && length % 8 === 0 && size === 16) backend.retailMac(key, secret(length));
      }
    },
  };
}

/** Plaintexts of two blocks whose last block is no PKCS#7 padding, each wrong in another way. */
function rejectedPaddings(): Scenario {
  const endings = [
    "00000000000000000000000000000000",
    "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF",
    "11111111111111111111111111111111",
    "000000000000000000000000000000FF",
    "00000000000000000000000000000302",
    "00101010101010101010101010101010",
    "10101010101010101010101010101110",
    "0F0F0F0F0F0F0F0F0F0F0F0F0F0F000F",
    "00000000000000000000000004030404",
    "80000000000000000000000000000080",
  ];
  return {
    name: "AES-CBC: all rejected paddings give one trace",
    variants: endings.length * 2,
    run(backend, secret, variant) {
      const key = backend.createSlot("AES", secret(32));
      const plaintext = new Uint8Array(32);
      plaintext.set(secret(16));
      plaintext.set(hex(endings[variant % endings.length] ?? ""), 16);
      const ciphertext = backend.cbcEncrypt(key, iv, plaintext, "none");
      if (backend.cbcDecrypt(key, iv, ciphertext, "pkcs7") !== undefined) throw new Error("accepted");
      for (const encoding of ["raw", "hex", "auto"] as const) {
        if (backend.open(key, iv, backend.encodeHex(ciphertext), encoding) !== undefined) throw new Error("opened");
      }
    },
  };
}

/** Sealed text of one length that is no hex text, with the damage at different places. */
function rejectedHexText(): Scenario {
  return {
    name: "opening: all damaged hex texts of one length give one trace",
    variants: 12,
    run(backend, secret, variant) {
      const key = backend.createSlot("AES", secret(32));
      const text = Array.from(secret(50), (byte) => "0123456789abcdefABCDEF"[byte % 22]);
      text[variant * 4] = ["G", "@", "`", "g", "/", ":", "\0", "~", " ", "\x7f", "x", "-"][variant] ?? "?";
      const ciphertext = backend.seal(key, iv, text.join(""), "raw");
      if (backend.open(key, iv, ciphertext, "hex") !== undefined) throw new Error("opened");
    },
  };
}

function hashScenarios(): Scenario[] {
  const hashes: HashName[] = ["SHA-1", "SHA-224", "SHA-256", "SHA-384", "SHA-512"];
  return [
    {
      name: "HMAC-SHA-256: key set-up, bytes and Base64 out",
      run(backend, secret) {
        for (const keyLength of [1, 32, 64, 65, 200]) {
          const key = backend.createSlot("HMAC", secret(keyLength));
          for (const length of [0, 55, 56, 63, 64, 119, 300, 5000]) {
            backend.hmac(key, [secret(length)]);
            backend.hmacBase64(key, ["POST\n", secret(length), "\nTID"]);
          }
        }
      },
    },
    {
      name: "HMAC-SHA-256: verification of a MAC that is wrong in any place",
      variants: 44,
      run(backend, _secret, variant) {
        const key = backend.createSlot("HMAC", iv);
        const right = backend.hmacBase64(key, ["message"]);
        const wrong = right.slice(0, variant) + (right[variant] === "A" ? "B" : "A") + right.slice(variant + 1);
        if (backend.hmacBase64Equals(key, ["message"], wrong)) throw new Error("accepted");
      },
    },
    {
      name: "HMAC with the other hashes, and SHA-256",
      run(backend, secret) {
        const key = backend.createSlot("HMAC", secret(48));
        for (const hash of hashes) backend.hmacWith(hash, key, secret(150));
        for (const length of [0, 55, 56, 64, 500]) backend.digest("SHA-256", secret(length));
      },
    },
  ];
}

const header: Record<KeyBlockVersion, string> = {
  A: "A0088P0TE00E0000",
  B: "B0096P0TE00E0000",
  C: "C0088P0TE00E0000",
  D: "D0144P0AE00E0000",
  E: "E0116P0AE00E0000",
};

function keyBlockScenarios(version: KeyBlockVersion): Scenario[] {
  const tdes = version === "A" || version === "B" || version === "C";
  const kinds: readonly [SlotKind, number, number] = tdes ? ["TDES", 24, 6] : ["AES", 32, version === "D" ? 14 : 0];
  const [kind, size, padding] = kinds;
  const wrap = (backend: Backend, secret: (length: number) => Uint8Array) => {
    const kbpk = backend.createSlot(kind, secret(size));
    const key = backend.createSlot(kind, secret(size));
    return { kbpk, block: header[version] + backend.wrapKeyBlock(kbpk, version, header[version], key, secret(padding)) };
  };
  return [
    {
      name: `key block ${version}: wrapping, and unwrapping what verifies`,
      run(backend, secret) {
        const { kbpk, block } = wrap(backend, secret);
        if (backend.unwrapKeyBlock(kbpk, version, block, 16, kind).verdict !== "opened") throw new Error("refused");
      },
    },
    {
      name: `key block ${version}: all refused MACs and payloads give one trace`,
      variants: 16,
      run(backend, secret, variant) {
        const { kbpk, block } = wrap(backend, secret);
        const at = variant === 0 ? block.length - 1 : 16 + Math.floor(((block.length - 17) * variant) / 16);
        const damaged = block.slice(0, at) + (block[at] === "0" ? "1" : "0") + block.slice(at + 1);
        if (backend.unwrapKeyBlock(kbpk, version, damaged, 16, kind).verdict !== "mac") throw new Error("opened");
      },
    },
  ];
}

function encodingScenarios(): Scenario[] {
  return [
    {
      name: "hex of secrets, both ways",
      run(backend, secret) {
        for (const length of [1, 15, 16, 17, 32, 33, 500]) {
          if (backend.decodeHex(backend.encodeHex(secret(length)))?.length !== length) throw new Error("refused");
        }
      },
    },
    {
      name: "hex: all damaged texts of one length give one trace",
      variants: 32,
      run(backend, _secret, variant) {
        const text = "0123456789ABCDEF".repeat(4);
        const damaged = text.slice(0, variant * 2) + (variant % 2 === 0 ? "G" : "/") + text.slice(variant * 2 + 1);
        if (backend.decodeHex(damaged) !== undefined) throw new Error("accepted");
      },
    },
    {
      name: "equality: a difference in any place",
      variants: 32,
      run(backend, _secret, variant) {
        const a = new Uint8Array(32).fill(7);
        const b = a.slice();
        b[variant] = 8 + variant;
        if (backend.equal(a, b)) throw new Error("equal");
      },
    },
  ];
}
