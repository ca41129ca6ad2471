/**
 * The inside of the AES kernels of the build without SIMD: S-boxes, planes, and that they agree with the vector kernels for every key
 * size and every count of blocks. Compiled with SIMD, to hold the two against each other.
 */
import { aesCbcDecrypt, aesCbcEncrypt, aesCmacUpdate, aesEncryptBlock, aesExpandKey } from "../../assembly/aes/cipher";
import { laneCbcEncrypt, laneEncryptBlock, laneMacUpdate } from "../../assembly/aes/portable/lanes";
import { substituteBytes } from "../../assembly/aes/gen/lane-rounds.gen";
import { decryptPlanes, fromPlanes, toPlanes } from "../../assembly/aes/gen/plane-rounds.gen";
import { planesCbcDecrypt, planesDecryptBlock } from "../../assembly/aes/portable/planes";
import { laneExpandKey } from "../../assembly/aes/portable/schedule";
import { IO, PLANES, PLANES_SIZE } from "../../assembly/layout";

const SCHEDULE: usize = IO;
const LANE_SCHEDULE: usize = IO + 0x200;
const KEY: usize = IO + 0x400;
const CHAINING: usize = IO + 0x440;
const LANE_CHAINING: usize = IO + 0x460;
const DATA: usize = IO + 0x503;
const LANE_DATA: usize = IO + 0x1005;

let state: u32 = 1;

/** Test data: a linear congruence, the same every run. */
function fill(at: usize, size: i32): void {
  for (let i = 0; i < size; i++) {
    state = state * 1664525 + 1013904223;
    store<u8>(at + i, <u8>(state >> 24));
  }
}

function copyBytes(to: usize, from: usize, size: i32): void {
  for (let i = 0; i < size; i++) store<u8>(to + i, load<u8>(from + i));
}

function equalBytes(a: usize, b: usize, size: i32): bool {
  for (let i = 0; i < size; i++) {
    if (load<u8>(a + i) != load<u8>(b + i)) return false;
  }
  return true;
}

function planesAreZero(): bool {
  for (let i = 0; i < PLANES_SIZE; i++) {
    if (load<u8>(PLANES + i) != 0) return false;
  }
  return true;
}

function multiply(a: i32, b: i32): i32 {
  let product = 0;
  for (let bit = 0; bit < 8; bit++) {
    if ((b >> bit) & 1) product ^= a;
    a = (a << 1) ^ (a & 0x80 ? 0x11b : 0);
  }
  return product;
}

/** FIPS 197 clause 5.1.1, from the definition. */
function substitute(value: i32): i32 {
  let inverse = 0;
  for (let other = 1; other < 256; other++) {
    if (multiply(value, other) == 1) inverse = other;
  }
  let result = 0x63;
  for (let turn = 0; turn < 5; turn++) result ^= ((inverse << turn) | (inverse >> (8 - turn))) & 0xff;
  return result;
}

/** A key of `keyBytes` bytes in both schedules. */
function expand(keyBytes: i32): void {
  fill(KEY, keyBytes);
  aesExpandKey(KEY, keyBytes, SCHEDULE);
  laneExpandKey(KEY, keyBytes, LANE_SCHEDULE);
}

/** Whether SubBytes, ShiftRows, MixColumns, SubBytes, ShiftRows take the block at `at` to the bytes from `first` on. */
function encryptsTo(at: usize, first: i32): bool {
  const shifted = LANE_DATA + 0x100;
  for (let i = 0; i < 16; i++) {
    const from = 4 * (((i >> 2) + (i & 3)) & 3) + (i & 3);
    store<u8>(shifted + i, <u8>substitute(<i32>load<u8>(at + from)));
  }
  const mixed = LANE_DATA + 0x110;
  for (let i = 0; i < 16; i++) {
    const column = shifted + (i & 12);
    const x = <i32>load<u8>(column + (i & 3));
    const y = <i32>load<u8>(column + ((i + 1) & 3));
    const rest = <i32>(load<u8>(column + ((i + 2) & 3)) ^ load<u8>(column + ((i + 3) & 3)));
    store<u8>(mixed + i, <u8>(multiply(x, 2) ^ multiply(y, 3) ^ rest));
  }
  for (let i = 0; i < 16; i++) {
    const from = 4 * (((i >> 2) + (i & 3)) & 3) + (i & 3);
    if (substitute(<i32>load<u8>(mixed + from)) != first + i) return false;
  }
  return true;
}

describe("lanes", () => {
  test("the S-box of all bytes, in all places", () => {
    for (let first = 0; first < 256; first++) {
      for (let i = 0; i < 16; i++) store<u8>(DATA + i, <u8>(first + 17 * i));
      substituteBytes(DATA);
      for (let i = 0; i < 16; i++) expect<i32>((<i32>load<u8>(DATA + i)) ^ 0x63).toBe(substitute((first + 17 * i) & 255));
    }
  });
});

describe("planes of 64 bits", () => {
  test("bit 16 r + 4 c + k of plane b is bit b of row r, column c of block k; and back", () => {
    fill(DATA, 64);
    copyBytes(LANE_DATA, DATA, 64);
    toPlanes(DATA);
    for (let b = 0; b < 8; b++) {
      const plane = load<u64>(DATA + 8 * b);
      for (let k = 0; k < 4; k++) {
        for (let i = 0; i < 16; i++) {
          const bit = (plane >> (16 * (i & 3) + 4 * (i >> 2) + k)) & 1;
          expect<u64>(bit).toBe((load<u8>(LANE_DATA + 16 * k + i) >> (<u8>b)) & 1);
        }
      }
    }
    fromPlanes(DATA);
    expect<bool>(equalBytes(DATA, LANE_DATA, 64)).toBe(true);
  });

  test("two rounds without their keys are undone by two rounds of encryption, for all bytes", () => {
    for (let first = 0; first < 256; first += 64) {
      // A round key of zeros; 0x63 is part of every key but the last, since the circuit wants it in its input.
      for (let i = 0; i < 64; i++) store<u8>(LANE_DATA + i, <u8>0x63);
      toPlanes(LANE_DATA);
      for (let i = 0; i < 64; i++) store<u8>(DATA + i, <u8>((first + i) ^ 0x63));
      toPlanes(DATA);
      decryptPlanes(DATA, LANE_DATA, 2);
      fromPlanes(DATA);
      for (let k = 0; k < 4; k++) expect<bool>(encryptsTo(DATA + 16 * k, first + 16 * k)).toBe(true);
    }
  });
});

describe("the kernels without vectors agree with those with vectors", () => {
  test("single blocks", () => {
    for (let keyBytes = 16; keyBytes <= 32; keyBytes += 8) {
      expand(keyBytes);
      for (let times = 0; times < 20; times++) {
        fill(DATA, 16);
        aesEncryptBlock(SCHEDULE, DATA, DATA + 16);
        laneEncryptBlock(LANE_SCHEDULE, DATA, LANE_DATA);
        expect<bool>(equalBytes(LANE_DATA, DATA + 16, 16)).toBe(true);
        planesDecryptBlock(LANE_SCHEDULE, LANE_DATA, LANE_DATA);
        expect<bool>(equalBytes(LANE_DATA, DATA, 16)).toBe(true);
        expect<bool>(planesAreZero()).toBe(true);
      }
    }
  });

  test("CBC both ways and CBC-MAC of every count of blocks, and PLANES is wiped", () => {
    for (let keyBytes = 16; keyBytes <= 32; keyBytes += 8) {
      expand(keyBytes);
      for (let blocks = 0; blocks <= 21; blocks++) {
        const size = 16 * blocks;
        fill(DATA, size + 16);
        copyBytes(LANE_DATA, DATA, size + 16);
        fill(CHAINING, 16);
        copyBytes(LANE_CHAINING, CHAINING, 16);
        aesCmacUpdate(SCHEDULE, CHAINING, DATA, blocks);
        laneMacUpdate(LANE_SCHEDULE, LANE_CHAINING, LANE_DATA, blocks);
        let agree = equalBytes(LANE_CHAINING, CHAINING, 16) && equalBytes(LANE_DATA, DATA, size + 16);
        aesCbcEncrypt(SCHEDULE, CHAINING, DATA, blocks);
        laneCbcEncrypt(LANE_SCHEDULE, LANE_CHAINING, LANE_DATA, blocks);
        agree = agree && equalBytes(LANE_CHAINING, CHAINING, 16) && equalBytes(LANE_DATA, DATA, size + 16);
        aesCbcDecrypt(SCHEDULE, CHAINING, DATA, blocks);
        planesCbcDecrypt(LANE_SCHEDULE, LANE_CHAINING, LANE_DATA, blocks);
        agree = agree && equalBytes(LANE_CHAINING, CHAINING, 16) && equalBytes(LANE_DATA, DATA, size + 16);
        expect<bool>(agree).toBe(true);
        expect<bool>(planesAreZero()).toBe(true);
      }
    }
  });
});
