/** The inside of DES: tables, both kernels against each other, and TDES against published values. */
import { permute64 } from "../../assembly/des/permute";
import { scalarRounds } from "../../assembly/des/scalar";
import { FINAL_PERMUTATION, INITIAL_PERMUTATION, KEY_REGISTER, SCALAR_KEY, VECTOR_KEY } from "../../assembly/des/gen/tables.gen";
import {
  expandStage,
  tdesCbcDecrypt,
  tdesCbcEncrypt,
  tdesCmac,
  tdesCmacSubkeys,
  tdesCmacUpdate,
  tdesDecryptBlock,
  tdesEncryptBlock,
  tdesExpandKey,
  tdesRetailMac,
} from "../../assembly/des/tdes";
import { vectorRounds } from "../../assembly/des/vector";
import { IO, SLOT_SCHEDULE_SIZE } from "../../assembly/layout";
import { copy, load64be, store64be, wipe } from "../../assembly/word";

const SCHEDULE: usize = IO;
const SCALAR_SCHEDULE: usize = IO + 0x300;
const KEY: usize = IO + 0x600;
const SUBKEYS: usize = IO + 0x640;
const CHAINING: usize = IO + 0x680;
const DATA: usize = IO + 0x803;
const COPY: usize = IO + 0x1003;

let state: u64 = 1;

/** Test data: a linear congruence, the same every run. */
function next(): u64 {
  state = state * 6364136223846793005 + 1442695040888963407;
  return state ^ (state >> 29);
}

function single(key: u64): void {
  store64be(KEY, key);
  tdesExpandKey(KEY, 8, SCHEDULE);
}

function encrypted(block: u64): u64 {
  store64be(DATA, block);
  tdesEncryptBlock(SCHEDULE, DATA, DATA);
  return load64be(DATA);
}

describe("permutations of DES", () => {
  it("take every bit once, and the final one undoes the initial one", () => {
    for (let bit: u64 = 0; bit < 64; bit++) {
      const permuted = permute64(u64(1) << bit, INITIAL_PERMUTATION);
      expect<u64>(popcnt<u64>(permuted)).toBe(1);
      expect<u64>(permute64(permuted, FINAL_PERMUTATION)).toBe(u64(1) << bit);
    }
  });

  it("permuted choice 1 drops the parity bits and no other", () => {
    const mask: u64 = 0x00ff_ffff_ffff_ffff;
    expect<u64>(permute64(0x0101_0101_0101_0101, KEY_REGISTER) & mask).toBe(0);
    expect<u64>(permute64(0xfefe_fefe_fefe_fefe, KEY_REGISTER) & mask).toBe(mask);
  });

  it("permuted choice 2 chooses 48 bits, in either kernel's order", () => {
    expect<u64>(permute64(0x00ff_ffff_ffff_ffff, VECTOR_KEY)).toBe(0x3f3f_3f3f_3f3f_3f3f);
    expect<u64>(permute64(0x00ff_ffff_ffff_ffff, SCALAR_KEY)).toBe(0x3333_3333_ffff_ffff);
  });
});

describe("kernels of DES", () => {
  it("agree for 300 keys and blocks, forwards and backwards, one stage and three", () => {
    for (let i = 0; i < 300; i++) {
      for (let stage: usize = 0; stage < 3; stage++) {
        const key = next();
        expandStage(key, VECTOR_KEY, SCHEDULE + 128 * stage, 8);
        expandStage(key, SCALAR_KEY, SCALAR_SCHEDULE + 128 * stage, 8);
      }
      const block = next();
      expect<u64>(vectorRounds(block, SCHEDULE, 8, 1)).toBe(scalarRounds(block, SCALAR_SCHEDULE, 8, 1));
      expect<u64>(vectorRounds(block, SCHEDULE, 8, 3)).toBe(scalarRounds(block, SCALAR_SCHEDULE, 8, 3));
      const back = scalarRounds(block, SCALAR_SCHEDULE + 376, -8, 3);
      expect<u64>(vectorRounds(block, SCHEDULE + 376, -8, 3)).toBe(back);
      expect<u64>(scalarRounds(back, SCALAR_SCHEDULE, 8, 3)).toBe(block);
    }
  });

  it("give the worked example of single DES", () => {
    single(0x1334_5779_9bbc_dff1);
    expect<u64>(encrypted(0x0123_4567_89ab_cdef)).toBe(0x85e8_1354_0f0a_b405);
  });

  it("encrypting twice under a weak key gives the block back (SP 800-67)", () => {
    single(0xe0e0_e0e0_f1f1_f1f1);
    const block = next();
    expect<u64>(encrypted(encrypted(block))).toBe(block);
  });

  it("pass Rivest's recursive test", () => {
    let x: u64 = 0x9474_b8e8_c73b_ca7d;
    for (let i = 0; i < 16; i++) {
      single(x);
      store64be(DATA, x);
      if ((i & 1) == 0) tdesEncryptBlock(SCHEDULE, DATA, DATA);
      else tdesDecryptBlock(SCHEDULE, DATA, DATA);
      x = load64be(DATA);
    }
    expect<u64>(x).toBe(0x1b1a_2ddb_4c64_2438);
  });
});

describe("TDES", () => {
  it("CBC comes back for every key size and count of blocks, and leaves the last ciphertext block as chain", () => {
    for (let keyBytes = 8; keyBytes <= 24; keyBytes += 8) {
      for (let i = 0; i < keyBytes; i += 8) store64be(KEY + i, next());
      tdesExpandKey(KEY, keyBytes, SCHEDULE);
      for (let blocks = 0; blocks < 12; blocks++) {
        const iv = next();
        for (let i = 0; i < 8 * blocks; i += 8) store64be(DATA + i, next());
        copy(COPY, DATA, 8 * blocks);
        store64be(CHAINING, iv);
        tdesCbcEncrypt(SCHEDULE, CHAINING, DATA, blocks);
        const last = blocks == 0 ? iv : load64be(DATA + 8 * (blocks - 1));
        expect<u64>(load64be(CHAINING)).toBe(last);
        store64be(CHAINING, iv);
        tdesCbcDecrypt(SCHEDULE, CHAINING, DATA, blocks);
        expect<u64>(load64be(CHAINING)).toBe(last);
        for (let i = 0; i < 8 * blocks; i++) expect<u8>(load<u8>(DATA + i)).toBe(load<u8>(COPY + i));
      }
    }
  });

  it("CMAC subkeys of SP 800-38B (2005) D.4", () => {
    store64be(KEY, 0x8aa8_3bf8_cbda_1062);
    store64be(KEY + 8, 0x0bc1_bf19_fbb6_cd58);
    store64be(KEY + 16, 0xbc31_3d4a_371c_a8b5);
    tdesExpandKey(KEY, 24, SCHEDULE);
    expect<u64>(encrypted(0)).toBe(0xc8cc_74e9_8a73_29a2);
    tdesCmacSubkeys(SCHEDULE, SUBKEYS);
    expect<u64>(load64be(SUBKEYS)).toBe(0x9198_e9d3_14e6_535f);
    expect<u64>(load64be(SUBKEYS + 8)).toBe(0x2331_d3a6_29cc_a6a5);
    tdesCmac(SCHEDULE, SUBKEYS, DATA, 0, CHAINING);
    expect<u64>(load64be(CHAINING)).toBe(0xb7a6_88e1_22ff_af95);
    store64be(DATA, 0x6bc1_bee2_2e40_9f96);
    tdesCmac(SCHEDULE, SUBKEYS, DATA, 8, CHAINING);
    expect<u64>(load64be(CHAINING)).toBe(0x8e8f_2931_3628_3797);
  });

  it("CMAC reads nothing after the message", () => {
    for (let length = 0; length <= 24; length++) {
      for (let i = 0; i < 32; i += 8) store64be(DATA + i, next());
      tdesCmac(SCHEDULE, SUBKEYS, DATA, length, CHAINING);
      const mac = load64be(CHAINING);
      wipe(DATA + length, 32 - length);
      tdesCmac(SCHEDULE, SUBKEYS, DATA, length, CHAINING);
      expect<u64>(load64be(CHAINING)).toBe(mac);
    }
  });

  it("the retail MAC chains single DES with K1", () => {
    const k1 = next();
    store64be(KEY, k1);
    store64be(KEY + 8, next());
    tdesExpandKey(KEY, 16, SCHEDULE);
    for (let i = 0; i < 40; i += 8) store64be(DATA + i, next());
    tdesRetailMac(SCHEDULE, DATA, 5, CHAINING);
    const mac = load64be(CHAINING);
    store64be(COPY, 0);
    store64be(KEY + 16, k1);
    tdesExpandKey(KEY + 16, 8, SCALAR_SCHEDULE);
    tdesCmacUpdate(SCALAR_SCHEDULE, COPY, DATA, 4);
    const last = load64be(COPY) ^ load64be(DATA + 32);
    expect<u64>(encrypted(last)).toBe(mac);
  });

  it("a schedule fits its place in a slot", () => {
    wipe(SCHEDULE, 0x600);
    store64be(KEY, next());
    tdesExpandKey(KEY, 8, SCHEDULE);
    for (let i: usize = usize(SLOT_SCHEDULE_SIZE); i < 0x600; i++) expect<u8>(load<u8>(SCHEDULE + i)).toBe(0);
  });
});
