import { hashBlockSize, hashLength, hashPad, hashWhole, SHA1, SHA224, SHA256, SHA384, SHA512 } from "../../assembly/hash";
import { finishHmac, hmacSha256, hmacStart } from "../../assembly/hmac";
import { createKey } from "../../assembly/keys";
import {
  BLOCK_SCRATCH,
  BLOCK_SCRATCH_SIZE,
  DIGEST,
  DIGEST_SIZE,
  HASH_SCHEDULE,
  HASH_SCHEDULE_SIZE,
  IO,
  KIND_HMAC,
} from "../../assembly/layout";
import { SHA256_K } from "../../assembly/sha/gen/constants.gen";
import { sha256Compress, sha256Start } from "../../assembly/sha/sha256";
import { slotFree, slotPointer } from "../../assembly/slots";
import { load32be, wipe } from "../../assembly/word";

function put(at: usize, text: string): i32 {
  for (let i = 0; i < text.length; i++) store<u8>(at + i, text.charCodeAt(i));
  return text.length;
}

function hexOf(at: usize, length: i32): string {
  let text = "";
  for (let i = 0; i < length; i++) {
    text += "0123456789abcdef".charAt(load<u8>(at + i) >> 4);
    text += "0123456789abcdef".charAt(load<u8>(at + i) & 15);
  }
  return text;
}

function digest(hash: i32, text: string): string {
  const out: usize = IO + 4096;
  hashWhole(hash, DIGEST, IO, put(IO, text), out);
  const result = hexOf(out, hashLength(hash));
  wipe(DIGEST, DIGEST_SIZE);
  wipe(IO, 5000);
  return result;
}

function residue(at: usize, size: i32): i32 {
  let count = 0;
  for (let i = 0; i < size; i++) count += i32(load<u8>(at + i) != 0);
  return count;
}

/** FIPS 180-4 clause 6.2.2 as it is written, for the comparison with the vector schedule: one block, state in and out. */
function plainCompress(state: usize, data: usize, k: StaticArray<u32>): void {
  const w = new StaticArray<u32>(64);
  for (let t = 0; t < 16; t++) w[t] = load32be(data + (t << 2));
  for (let t = 16; t < 64; t++) {
    const s1 = rotr<u32>(w[t - 2], 17) ^ rotr<u32>(w[t - 2], 19) ^ (w[t - 2] >> 10);
    const s0 = rotr<u32>(w[t - 15], 7) ^ rotr<u32>(w[t - 15], 18) ^ (w[t - 15] >> 3);
    w[t] = s1 + w[t - 7] + s0 + w[t - 16];
  }
  const v = new StaticArray<u32>(8);
  for (let i = 0; i < 8; i++) v[i] = load<u32>(state + (i << 2));
  for (let t = 0; t < 64; t++) {
    const e = v[4];
    const a = v[0];
    const t1 = v[7] + (rotr<u32>(e, 6) ^ rotr<u32>(e, 11) ^ rotr<u32>(e, 25)) + ((e & v[5]) ^ (~e & v[6])) + k[t] + w[t];
    const t2 = (rotr<u32>(a, 2) ^ rotr<u32>(a, 13) ^ rotr<u32>(a, 22)) + ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
    for (let i = 7; i > 0; i--) v[i] = v[i - 1];
    v[4] += t1;
    v[0] = t1 + t2;
  }
  for (let i = 0; i < 8; i++) store<u32>(state + (i << 2), load<u32>(state + (i << 2)) + v[i]);
}

describe("FIPS 180-4: abc", () => {
  it("SHA-1", () => {
    expect<string>(digest(SHA1, "abc")).toBe("a9993e364706816aba3e25717850c26c9cd0d89d");
  });
  it("SHA-224", () => {
    expect<string>(digest(SHA224, "abc")).toBe("23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7");
  });
  it("SHA-256", () => {
    expect<string>(digest(SHA256, "abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  });
  it("SHA-384", () => {
    expect<string>(digest(SHA384, "abc")).toBe(
      "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
    );
  });
  it("SHA-512", () => {
    expect<string>(digest(SHA512, "abc")).toBe(
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    );
  });
});

describe("SHA-256", () => {
  it("of the empty message and of two blocks", () => {
    expect<string>(digest(SHA256, "")).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect<string>(digest(SHA256, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")).toBe(
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    );
  });

  it("compresses as the standard is written, over random blocks and states", () => {
    const k = new StaticArray<u32>(64);

    for (let t = 0; t < 64; t++) k[t] = load<u32>(SHA256_K + (t << 2));
    let seed: u32 = 12345;
    let wrong = 0;
    for (let round = 0; round < 200; round++) {
      for (let i = 0; i < 96; i += 4) {
        seed = seed * 1664525 + 1013904223;
        store<u32>(IO + i, seed ^ (seed >> 16));
      }
      for (let i = 0; i < 32; i += 8) store<u64>(IO + 128 + i, load<u64>(IO + 64 + i));
      sha256Compress(IO + 64, IO, 1);
      plainCompress(IO + 128, IO, k);
      for (let i = 0; i < 32; i++) wrong += i32(load<u8>(IO + 64 + i) != load<u8>(IO + 128 + i));
    }
    wipe(IO, 256);
    expect<i32>(wrong).toBe(0);
  });

  it("leaves nothing in the schedule", () => {
    sha256Start(DIGEST);
    sha256Compress(DIGEST, IO, 3);
    wipe(DIGEST, 32);
    expect<i32>(residue(HASH_SCHEDULE, HASH_SCHEDULE_SIZE)).toBe(0);
  });
});

describe("padding", () => {
  it("is as long as it must be and no longer, at every length", () => {
    let wrong = 0;
    for (let hash = SHA1; hash <= SHA512; hash++) {
      const block = hashBlockSize(hash);
      const overhead = 1 + (block >> 3);
      for (let length = 0; length < 300; length++) {
        const blocks = hashPad(IO, length, u64(length), block);
        wrong += i32(blocks * block < length + overhead || (blocks - 1) * block >= length + overhead);
        wrong += i32(load<u8>(IO + length) != 0x80);
        wrong += i32(load32be(IO + blocks * block - 4) != u32(length << 3));
        wipe(IO, blocks * block);
      }
    }
    expect<i32>(wrong).toBe(0);
  });

  it("counts beyond 2^32 bits", () => {
    hashPad(IO, 0, 0x2000_0001, 64);
    expect<u32>(load32be(IO + 56)).toBe(1);
    expect<u32>(load32be(IO + 60)).toBe(8);
    wipe(IO, 64);
  });
});

describe("HMAC (RFC 4231, test case 2)", () => {
  it("with midstates, and from the material for the other hashes", () => {
    put(IO, "Jefe");
    const handle = createKey(KIND_HMAC, IO, 4);
    const slot = slotPointer(handle);
    const out: usize = IO + 4096;
    hmacSha256(slot, IO, put(IO, "what do ya want for nothing?"), out);
    expect<string>(hexOf(out, 32)).toBe("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    for (let hash = SHA1; hash <= SHA512; hash++) {
      hmacStart(hash, slot);
      const length = put(IO, "what do ya want for nothing?");
      finishHmac(hash, slot, IO, length, u64(length), out);
      if (hash == SHA1) expect<string>(hexOf(out, 20)).toBe("effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
      if (hash == SHA224) expect<string>(hexOf(out, 28)).toBe("a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44");
      if (hash == SHA256) expect<string>(hexOf(out, 32)).toBe("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
      if (hash == SHA384) {
        expect<string>(hexOf(out, 48)).toBe(
          "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
        );
      }
      if (hash == SHA512) {
        expect<string>(hexOf(out, 64)).toBe(
          "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
        );
      }
    }
    slotFree(handle);
    wipe(IO, 5000);
    expect<i32>(residue(DIGEST, DIGEST_SIZE) + residue(BLOCK_SCRATCH, BLOCK_SCRATCH_SIZE)).toBe(0, "scratch is wiped");
    expect<i32>(residue(HASH_SCHEDULE, HASH_SCHEDULE_SIZE)).toBe(0, "schedule is wiped");
  });
});
