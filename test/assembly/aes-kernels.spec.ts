/** The inside of the AES kernels: tables, circuit, planes, layouts, and that both decryption kernels agree for every count of blocks. */
import { aesCbcDecrypt, aesCbcEncrypt, aesCmacUpdate, aesDecryptBlock, aesExpandKey } from "../../assembly/aes/cipher";
import { decryptPlanes, transpose } from "../../assembly/aes/gen/bitslice-rounds.gen";
import {
  DECRYPT_IN_LOW,
  DECRYPT_TOUT,
  DECRYPT_UOUT,
  ENCRYPT_T1,
  ENCRYPT_U1,
  INVERSE,
  LAYOUT,
  LOW_NIBBLES,
  QUOTIENT,
  ROW_MAJOR,
  TABLES,
  TOWER_IN_LOW,
  TOWER_OUT_LOW,
} from "../../assembly/aes/gen/tables.gen";
import { highNibbles, inner, lowNibbles, map, row, select } from "../../assembly/aes/simd/tower";
import { IO, PLANES, PLANES_SIZE } from "../../assembly/layout";

const SCHEDULE: usize = IO;
const KEY: usize = IO + 0x300;
const CHAINING: usize = IO + 0x340;
const DATA: usize = IO + 0x403;
const COPY: usize = IO + 0x1003;

let state: u32 = 1;

/** Test data: a linear congruence, the same every run. */
function fill(at: usize, size: i32): void {
  for (let i = 0; i < size; i++) {
    state = state * 1664525 + 1013904223;
    store<u8>(at + i, <u8>(state >> 24));
  }
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

function reciprocal(x: v128, u: usize, t: usize): v128 {
  const i = lowNibbles(x, row(LOW_NIBBLES));
  const k = highNibbles(x, row(LOW_NIBBLES));
  const j = v128.xor(i, k);
  const quotient = select(row(QUOTIENT), k);
  const io = inner(i, j, quotient, row(INVERSE));
  const jo = inner(j, i, quotient, row(INVERSE));
  return v128.xor(select(row(u), io), select(row(t), jo));
}

function planesAreZero(): bool {
  for (let i = 0; i < PLANES_SIZE; i++) {
    if (load<u8>(PLANES + i) != 0) return false;
  }
  return true;
}

describe("tower tables", () => {
  test("the S-box of all bytes", () => {
    for (let value = 0; value < 256; value++) {
      const x = map(i8x16.splat(<i8>value), TOWER_IN_LOW);
      const y = map(reciprocal(x, ENCRYPT_U1, ENCRYPT_T1), TOWER_OUT_LOW);
      expect<i32>(i8x16.extract_lane_u(y, 7) ^ 0x63).toBe(substitute(value));
    }
  });

  test("the inverse S-box of all bytes", () => {
    for (let value = 0; value < 256; value++) {
      const x = map(i8x16.splat(<i8>(substitute(value) ^ 0x63)), DECRYPT_IN_LOW);
      expect<i32>(i8x16.extract_lane_u(reciprocal(x, DECRYPT_UOUT, DECRYPT_TOUT), 0)).toBe(value);
    }
  });

  test("an index with bit 7 set selects zero, so the reciprocal of infinity is zero", () => {
    for (let index = 0x80; index < 0x100; index++) {
      expect<i32>(i8x16.extract_lane_u(select(row(INVERSE), i8x16.splat(<i8>index)), 3)).toBe(0);
    }
    expect<i32>(i8x16.extract_lane_u(row(INVERSE), 0)).toBe(0x80);
    expect<i32>(i8x16.extract_lane_u(row(QUOTIENT), 0)).toBe(0x80);
  });

  test("layout n is n ShiftRows, layout -n its inverse", () => {
    for (let n = 0; n < 4; n++) {
      for (let c = 0; c < 4; c++) {
        for (let r = 0; r < 4; r++) {
          const source = <i32>load<u8>(TABLES + (LAYOUT + n * 16) + 4 * c + r);
          expect<i32>(source).toBe(4 * ((c - n * r) & 3) + r);
          const back = <i32>load<u8>(TABLES + (LAYOUT + (-n & 3) * 16) + source);
          expect<i32>(back).toBe(4 * c + r);
        }
      }
    }
  });
});

describe("planes", () => {
  test("plane b holds bit b of every byte, block k in bit k; and back", () => {
    fill(DATA, 128);
    for (let i = 0; i < 128; i++) store<u8>(COPY + i, load<u8>(DATA + i));
    transpose(DATA);
    for (let b = 0; b < 8; b++) {
      for (let position = 0; position < 16; position++) {
        for (let k = 0; k < 8; k++) {
          const bit = (load<u8>(DATA + 16 * b + position) >> (<u8>k)) & 1;
          expect<u8>(bit).toBe((load<u8>(COPY + 16 * k + position) >> (<u8>b)) & 1);
        }
      }
    }
    transpose(DATA);
    for (let i = 0; i < 128; i++) expect<u8>(load<u8>(DATA + i)).toBe(load<u8>(COPY + i));
  });

  test("the circuit is the inverse S-box for all bytes, after InvShiftRows", () => {
    for (let i = 0; i < 256; i++) store<u8>(DATA + i, (<u8>i) ^ 0x63);
    transpose(DATA);
    transpose(DATA + 128);
    decryptPlanes(DATA, DATA + 256, 0, 1);
    transpose(DATA);
    transpose(DATA + 128);
    for (let block = 0; block < 16; block++) {
      for (let r = 0; r < 4; r++) {
        for (let c = 0; c < 4; c++) {
          const got = <i32>load<u8>(DATA + 16 * block + 4 * r + c);
          expect<i32>(substitute(got)).toBe(16 * block + 4 * r + ((c - r) & 3));
        }
      }
    }
  });

  test("row-major order is its own inverse", () => {
    for (let i = 0; i < 16; i++) {
      const once = <i32>load<u8>(TABLES + ROW_MAJOR + i);
      expect<i32>(<i32>load<u8>(TABLES + ROW_MAJOR + once)).toBe(i);
    }
  });
});

describe("CBC of every count of blocks", () => {
  test("decryption by either kernel is the inverse of encryption, and PLANES is wiped", () => {
    for (let keyBytes = 16; keyBytes <= 32; keyBytes += 8) {
      fill(KEY, keyBytes);
      aesExpandKey(KEY, keyBytes, SCHEDULE);
      for (let blocks = 0; blocks <= 50; blocks++) {
        const size = 16 * blocks;
        fill(DATA, size + 16);
        for (let i = 0; i < size + 16; i++) store<u8>(COPY + i, load<u8>(DATA + i));
        fill(KEY, 16);
        for (let i = 0; i < 16; i++) store<u8>(CHAINING + i, load<u8>(KEY + i));
        aesCbcEncrypt(SCHEDULE, CHAINING, DATA, blocks);
        let agree = true;
        for (let block = 0; block < blocks; block++) {
          aesDecryptBlock(SCHEDULE, DATA + 16 * block, KEY + 16);
          const before = block == 0 ? KEY : DATA + 16 * block - 16;
          for (let i = 0; i < 16; i++) {
            if ((load<u8>(KEY + 16 + i) ^ load<u8>(before + i)) != load<u8>(COPY + 16 * block + i)) agree = false;
          }
        }
        for (let i = 0; i < 16; i++) {
          const end = blocks == 0 ? KEY : DATA + size - 16;
          if (load<u8>(CHAINING + i) != load<u8>(end + i)) agree = false;
          store<u8>(CHAINING + i, load<u8>(KEY + i));
          store<u8>(KEY + 16 + i, load<u8>(end + i));
        }
        aesCbcDecrypt(SCHEDULE, CHAINING, DATA, blocks);
        for (let i = 0; i < size + 16; i++) {
          if (load<u8>(DATA + i) != load<u8>(COPY + i)) agree = false;
        }
        for (let i = 0; i < 16; i++) {
          if (load<u8>(CHAINING + i) != load<u8>(KEY + 16 + i)) agree = false;
        }
        expect<bool>(agree).toBe(true);
        expect<bool>(planesAreZero()).toBe(true);
      }
    }
  });

  test("a message in pieces gives what it gives at once", () => {
    fill(KEY, 32);
    aesExpandKey(KEY, 32, SCHEDULE);
    fill(DATA, 640);
    for (let i = 0; i < 640; i++) store<u8>(COPY + i, load<u8>(DATA + i));
    for (let i = 0; i < 16; i++) store<u8>(CHAINING + i, 0);
    aesCbcDecrypt(SCHEDULE, CHAINING, DATA, 40);
    for (let i = 0; i < 16; i++) store<u8>(CHAINING + i, 0);
    aesCbcDecrypt(SCHEDULE, CHAINING, COPY, 3);
    aesCbcDecrypt(SCHEDULE, CHAINING, COPY + 48, 21);
    aesCbcDecrypt(SCHEDULE, CHAINING, COPY + 384, 16);
    let agree = true;
    for (let i = 0; i < 640; i++) {
      if (load<u8>(DATA + i) != load<u8>(COPY + i)) agree = false;
    }
    expect<bool>(agree).toBe(true);
  });

  test("the MAC chain is CBC without ciphertext", () => {
    fill(KEY, 24);
    aesExpandKey(KEY, 24, SCHEDULE);
    fill(DATA, 144);
    fill(CHAINING, 16);
    for (let i = 0; i < 16; i++) store<u8>(KEY + i, load<u8>(CHAINING + i));
    aesCmacUpdate(SCHEDULE, KEY, DATA, 9);
    aesCbcEncrypt(SCHEDULE, CHAINING, DATA, 9);
    let agree = true;
    for (let i = 0; i < 16; i++) {
      if (load<u8>(KEY + i) != load<u8>(CHAINING + i)) agree = false;
    }
    expect<bool>(agree).toBe(true);
  });
});
