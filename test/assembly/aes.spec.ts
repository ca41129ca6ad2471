/** AES against the published values: FIPS 197, SP 800-38A, SP 800-38B; and CTR's 128-bit counter. */
import {
  aesCbcDecrypt,
  aesCbcEncrypt,
  aesCmacUpdate,
  aesDecryptBlock,
  aesEncryptBlock,
  aesExpandKey,
} from "../../assembly/aes/cipher";
import { aesCmac, aesCmacSubkeys, aesCtr } from "../../assembly/aes/modes";
import { decryptionKeys, roundCount } from "../../assembly/aes/simd/schedule";
import { IO, PLANES, PLANES_SIZE, SLOT_SCHEDULE_SIZE } from "../../assembly/layout";

const SCHEDULE: usize = IO + 8;
const KEY: usize = IO + 0x300;
const CHAINING: usize = IO + 0x340;
const SUBKEYS: usize = IO + 0x360;
const OUT: usize = IO + 0x3a0;
const DATA: usize = IO + 0x401;

const KEY_128 = "2b7e151628aed2a6abf7158809cf4f3c";
const KEY_192 = "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b";
const KEY_256 = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4";
const IV = "000102030405060708090a0b0c0d0e0f";
const PLAIN =
  "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51" +
  "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";

function digit(text: string, at: i32): i32 {
  const code = text.charCodeAt(at);
  return code < 58 ? code - 48 : code - 87;
}

function put(at: usize, hex: string): i32 {
  const size = hex.length >> 1;
  for (let i = 0; i < size; i++) store<u8>(at + i, (digit(hex, 2 * i) << 4) | digit(hex, 2 * i + 1));
  return size;
}

function take(at: usize, size: i32): string {
  const digits = "0123456789abcdef";
  let text = "";
  for (let i = 0; i < size; i++) {
    const byte = <i32>load<u8>(at + i);
    text += digits.charAt(byte >> 4) + digits.charAt(byte & 15);
  }
  return text;
}

function expand(key: string): void {
  const size = put(KEY, key);
  aesExpandKey(KEY, size, SCHEDULE);
}

function planesAreZero(): bool {
  for (let i = 0; i < PLANES_SIZE; i++) {
    if (load<u8>(PLANES + i) != 0) return false;
  }
  return true;
}

function block(key: string, plain: string, cipher: string): void {
  expand(key);
  put(DATA, plain);
  aesEncryptBlock(SCHEDULE, DATA, OUT);
  expect<string>(take(OUT, 16)).toBe(cipher);
  aesDecryptBlock(SCHEDULE, OUT, DATA + 16);
  expect<string>(take(DATA + 16, 16)).toBe(plain);
}

describe("FIPS 197", () => {
  test("appendix B and appendix C.1 to C.3", () => {
    block(KEY_128, "3243f6a8885a308d313198a2e0370734", "3925841d02dc09fbdc118597196a0b32");
    const plain = "00112233445566778899aabbccddeeff";
    block("000102030405060708090a0b0c0d0e0f", plain, "69c4e0d86a7b0430d8cdb78070b4c55a");
    block("000102030405060708090a0b0c0d0e0f1011121314151617", plain, "dda97ca4864cdfe06eaf70a0ec0d7191");
    block("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", plain, "8ea2b7ca516745bfeafc49904b496089");
  });

  test("appendix A: the last round key of every size, and the first as it came in", () => {
    expand(KEY_128);
    expect<i32>(roundCount(SCHEDULE)).toBe(10);
    for (let i = 0; i < 16; i++) store<u8>(OUT + i, load<u8>(decryptionKeys(SCHEDULE) + i) ^ 0x63);
    expect<string>(take(OUT, 16)).toBe("d014f9a8c9ee2589e13f0cc8b6630ca6");
    expect<string>(take(decryptionKeys(SCHEDULE) + 160, 16)).toBe(KEY_128);
    expand(KEY_192);
    expect<i32>(roundCount(SCHEDULE)).toBe(12);
    for (let i = 0; i < 16; i++) store<u8>(OUT + i, load<u8>(decryptionKeys(SCHEDULE) + i) ^ 0x63);
    expect<string>(take(OUT, 16)).toBe("e98ba06f448c773c8ecc720401002202");
    expect<string>(take(decryptionKeys(SCHEDULE) + 192, 16)).toBe(KEY_192.substring(0, 32));
    expand(KEY_256);
    expect<i32>(roundCount(SCHEDULE)).toBe(14);
    for (let i = 0; i < 16; i++) store<u8>(OUT + i, load<u8>(decryptionKeys(SCHEDULE) + i) ^ 0x63);
    expect<string>(take(OUT, 16)).toBe("fe4890d1e6188d0b046df344706c631e");
    expect<string>(take(decryptionKeys(SCHEDULE) + 224, 16)).toBe(KEY_256.substring(0, 32));
  });

  test("a schedule stays within its field of the slot", () => {
    for (let i = 0; i < 64; i++) store<u8>(SCHEDULE + SLOT_SCHEDULE_SIZE + i, 0xa5);
    expand(KEY_256);
    for (let i = 0; i < 64; i++) expect<u8>(load<u8>(SCHEDULE + SLOT_SCHEDULE_SIZE + i)).toBe(0xa5);
  });
});

function cbc(key: string, cipher: string): void {
  expand(key);
  put(CHAINING, IV);
  put(DATA, PLAIN);
  aesCbcEncrypt(SCHEDULE, CHAINING, DATA, 4);
  expect<string>(take(DATA, 64)).toBe(cipher);
  expect<string>(take(CHAINING, 16)).toBe(cipher.substring(96));
  put(CHAINING, IV);
  aesCbcDecrypt(SCHEDULE, CHAINING, DATA, 4);
  expect<string>(take(DATA, 64)).toBe(PLAIN);
  expect<string>(take(CHAINING, 16)).toBe(cipher.substring(96));
}

describe("SP 800-38A", () => {
  test("F.2.1 to F.2.6: CBC", () => {
    cbc(
      KEY_128,
      "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2" +
        "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7",
    );
    cbc(
      KEY_192,
      "4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a" +
        "571b242012fb7ae07fa9baac3df102e008b0e27988598881d920a9e64f5615cd",
    );
    cbc(
      KEY_256,
      "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d" +
        "39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b",
    );
  });

  test("CBC of no block changes nothing", () => {
    expand(KEY_128);
    put(CHAINING, IV);
    put(DATA, PLAIN);
    aesCbcEncrypt(SCHEDULE, CHAINING, DATA, 0);
    aesCbcDecrypt(SCHEDULE, CHAINING, DATA, 0);
    expect<string>(take(CHAINING, 16)).toBe(IV);
    expect<string>(take(DATA, 64)).toBe(PLAIN);
  });

  test("F.5.1, F.5.5: CTR", () => {
    expand(KEY_128);
    put(CHAINING, "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
    put(DATA, PLAIN);
    aesCtr(SCHEDULE, CHAINING, DATA, 64);
    expect<string>(take(DATA, 64)).toBe(
      "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff" +
        "5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee",
    );
    expect<string>(take(CHAINING, 16)).toBe("f0f1f2f3f4f5f6f7f8f9fafbfcfdff03");
    expand(KEY_256);
    put(CHAINING, "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
    put(DATA, PLAIN);
    aesCtr(SCHEDULE, CHAINING, DATA, 61);
    expect<string>(take(DATA, 61)).toBe(
      "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5" +
        "2b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd0845",
    );
    expect<string>(take(DATA + 61, 3)).toBe(PLAIN.substring(122));
  });
});

function wraps(counter: string, next: string): void {
  expand(KEY_192);
  put(CHAINING, counter);
  put(DATA, PLAIN);
  aesCtr(SCHEDULE, CHAINING, DATA, 32);
  expect<string>(take(CHAINING, 16)).toBe(next.substring(0, 30) + "01");
  put(KEY, counter);
  aesEncryptBlock(SCHEDULE, KEY, OUT);
  put(KEY, next);
  aesEncryptBlock(SCHEDULE, KEY, OUT + 16);
  put(KEY, PLAIN);
  for (let i = 0; i < 32; i++) store<u8>(OUT + i, load<u8>(OUT + i) ^ load<u8>(KEY + i));
  expect<string>(take(DATA, 32)).toBe(take(OUT, 32));
}

describe("the counter of CTR", () => {
  test("carries through all 128 bits", () => {
    wraps("000102030405060708090a0bffffffff", "000102030405060708090a0c00000000");
    wraps("0001020304050607ffffffffffffffff", "00010203040506080000000000000000");
    wraps("00010203ffffffffffffffffffffffff", "00010204000000000000000000000000");
    wraps("ffffffffffffffffffffffffffffffff", "00000000000000000000000000000000");
  });

  test("touches nothing after the data", () => {
    expand(KEY_128);
    for (let length = 0; length <= 33; length++) {
      put(CHAINING, IV);
      for (let i = 0; i < 64; i++) store<u8>(DATA + i, 0x5a);
      aesCtr(SCHEDULE, CHAINING, DATA, length);
      for (let i = length; i < 64; i++) expect<u8>(load<u8>(DATA + i)).toBe(0x5a);
    }
    expect<bool>(planesAreZero()).toBe(true);
  });
});

function cmac(length: i32, mac: string): void {
  put(DATA, PLAIN);
  aesCmac(SCHEDULE, SUBKEYS, DATA, length, OUT);
  expect<string>(take(OUT, 16)).toBe(mac);
  expect<string>(take(DATA, 64)).toBe(PLAIN);
  expect<bool>(planesAreZero()).toBe(true);
}

describe("SP 800-38B", () => {
  test("D.1: AES-128", () => {
    expand(KEY_128);
    aesCmacSubkeys(SCHEDULE, SUBKEYS);
    expect<string>(take(SUBKEYS, 32)).toBe("fbeed618357133667c85e08f7236a8def7ddac306ae266ccf90bc11ee46d513b");
    cmac(0, "bb1d6929e95937287fa37d129b756746");
    cmac(16, "070a16b46b4d4144f79bdd9dd04a287c");
    cmac(40, "dfa66747de9ae63030ca32611497c827");
    cmac(64, "51f0bebf7e3b9d92fc49741779363cfe");
  });

  test("D.2: AES-192, D.3: AES-256", () => {
    expand(KEY_192);
    aesCmacSubkeys(SCHEDULE, SUBKEYS);
    cmac(0, "d17ddf46adaacde531cac483de7a9367");
    cmac(40, "8a1de5be2eb31aad089a82e6ee908b0e");
    expand(KEY_256);
    aesCmacSubkeys(SCHEDULE, SUBKEYS);
    cmac(0, "028962f61b7bf89efc6b551f4667d983");
    cmac(64, "e1992190549f6ed5696a2c056c315410");
  });
});

describe("the chain of a MAC", () => {
  test("is the last block of CBC with a zero IV", () => {
    expand(KEY_256);
    put(DATA, PLAIN);
    put(OUT, "00000000000000000000000000000000");
    aesCmacUpdate(SCHEDULE, OUT, DATA, 4);
    put(CHAINING, "00000000000000000000000000000000");
    aesCbcEncrypt(SCHEDULE, CHAINING, DATA, 4);
    expect<string>(take(OUT, 16)).toBe(take(CHAINING, 16));
  });
});
