/** Key blocks inside the module: statuses, and that nothing secret stays in scratch on any way out. */
import { aesEncryptBlock, aesExpandKey } from "../../assembly/aes/cipher";
import { aesCtr } from "../../assembly/aes/modes";
import { hexDecode } from "../../assembly/hex";
import { unwrapKeyBlock, wrapKeyBlock } from "../../assembly/key-block";
import { createKey, materialOffset } from "../../assembly/keys";
import { CHAIN, IO, IO_SIZE, KIND_AES, KIND_HMAC, KIND_OPAQUE, KIND_TDES } from "../../assembly/layout";
import { BAD_LENGTH, FAILED, slotFree, slotKindAt, slotLengthAt, slotPointer, STALE, WRONG_KIND } from "../../assembly/slots";
import { load64be, store64be, wipe } from "../../assembly/word";

const KBPK_D = "88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6";
const BLOCK_D =
  "D0112P0AE00E0000B82679114F470F540165EDFBF7E250FCEA43F810D215F8D207E2E417C07156A27E8E31DA05F7425509593D03A457DC34";
const KBPK_B = "DD7515F2BFC17F85CE48F3CA25CB21F6";
const BLOCK_B = "B0080P0TE00E000094B420079CC80BA3461F86FE26EFC4A3B8E4FA4C5F5341176EED7B727B8A248E";
const KBPK_C = "B8ED59E0A279A295E9F5ED7944FD06B9";
const BLOCK_C = "C0096B0TX12S0100KS1800604B120F9292800000BFB9B689CB567E66FC3FEE5AD5F52161FC6545B9D60989015D02155C";

function put(at: usize, text: string): i32 {
  for (let i = 0; i < text.length; i++) store<u8>(at + i, u8(text.charCodeAt(i)));
  return text.length;
}

function keyOf(kind: i32, digits: string): i32 {
  put(IO, digits);
  hexDecode(IO, IO, digits.length);
  const handle = createKey(kind, IO, digits.length >> 1);
  wipe(IO, digits.length);
  return handle;
}

/** Bytes that are not zero between CHAIN and the end of IO. */
function residue(): i32 {
  let count = 0;
  for (let p = CHAIN; p < IO + IO_SIZE; p++) count += i32(load<u8>(p) != 0);
  return count;
}

/** Unwraps `block`, whose header text has `header` characters, and checks that scratch and IO are clean. */
function unwrap(kbpk: i32, block: string, header: i32, kind: i32): i32 {
  const length = put(IO, block);
  const result = unwrapKeyBlock(kbpk, block.charCodeAt(0), header, length, kind);
  expect<i32>(residue()).toBe(0, "residue");
  return result;
}

function firstWord(handle: i32): u64 {
  const slot = slotPointer(handle);
  return load64be(slot + materialOffset(slotKindAt(slot)));
}

describe("unwrapKeyBlock", () => {
  it("opens published blocks of versions D, B and C, and leaves nothing", () => {
    const d = keyOf(KIND_AES, KBPK_D);
    const fromD = unwrap(d, BLOCK_D, 16, KIND_AES);
    expect<i32>(fromD).toBeGreaterThan(0);
    expect<u64>(firstWord(fromD)).toBe(0x3f41_9e1c_b707_9442);
    expect<i32>(slotLengthAt(slotPointer(fromD))).toBe(16);
    const b = keyOf(KIND_TDES, KBPK_B);
    const fromB = unwrap(b, BLOCK_B, 16, KIND_TDES);
    expect<u64>(firstWord(fromB)).toBe(0x3f41_9e1c_b707_9442);
    const c = keyOf(KIND_TDES, KBPK_C);
    const fromC = unwrap(c, BLOCK_C, 40, KIND_TDES);
    expect<u64>(firstWord(fromC)).toBe(0xedb3_80dd_340b_c262);
    slotFree(fromD);
    slotFree(fromB);
    slotFree(fromC);
    slotFree(d);
    slotFree(b);
    slotFree(c);
  });

  it("fails alike for a damaged header, payload and MAC, another key, and what cannot be a block", () => {
    const d = keyOf(KIND_AES, KBPK_D);
    const other = keyOf(KIND_AES, KBPK_B + KBPK_C);
    expect<i32>(unwrap(d, BLOCK_D.replace("P0AE", "P0AB"), 16, KIND_AES)).toBe(FAILED);
    expect<i32>(unwrap(d, BLOCK_D.replace("B826", "B827"), 16, KIND_AES)).toBe(FAILED);
    expect<i32>(unwrap(d, BLOCK_D.replace("DC34", "DC35"), 16, KIND_AES)).toBe(FAILED);
    expect<i32>(unwrap(other, BLOCK_D, 16, KIND_AES)).toBe(FAILED);
    expect<i32>(unwrap(d, BLOCK_D.replace("B826", "B82G"), 16, KIND_AES)).toBe(FAILED);
    expect<i32>(unwrap(d, BLOCK_D.slice(0, 110), 16, KIND_AES)).toBe(FAILED);
    expect<i32>(unwrap(d, BLOCK_D.slice(0, 111), 16, KIND_AES)).toBe(FAILED);
    expect<i32>(unwrap(d, BLOCK_D, 112, KIND_AES)).toBe(FAILED);
    expect<i32>(unwrap(d, BLOCK_D, 0, KIND_AES)).toBe(FAILED);
    expect<i32>(unwrap(d, BLOCK_D, -16, KIND_AES)).toBe(FAILED);
    expect<i32>(unwrap(d, BLOCK_D, 0x7ffffff0, KIND_AES)).toBe(FAILED);
    slotFree(d);
    slotFree(other);
  });

  it("tells a KBPK of a wrong kind or size, and one that is gone", () => {
    const d = keyOf(KIND_AES, KBPK_D);
    const b = keyOf(KIND_TDES, KBPK_B);
    const single = keyOf(KIND_TDES, KBPK_B.slice(0, 16));
    const mac = keyOf(KIND_HMAC, KBPK_D);
    expect<i32>(unwrap(b, BLOCK_D, 16, KIND_AES)).toBe(WRONG_KIND);
    expect<i32>(unwrap(d, BLOCK_B, 16, KIND_AES)).toBe(WRONG_KIND);
    expect<i32>(unwrap(single, BLOCK_B, 16, KIND_AES)).toBe(WRONG_KIND);
    expect<i32>(unwrap(mac, BLOCK_D, 16, KIND_AES)).toBe(WRONG_KIND);
    expect<i32>(unwrap(b, "F" + BLOCK_B.slice(1), 16, KIND_AES)).toBe(WRONG_KIND);
    slotFree(d);
    expect<i32>(unwrap(d, BLOCK_D, 16, KIND_AES)).toBe(STALE);
    slotFree(b);
    slotFree(single);
    slotFree(mac);
  });

  it("makes an opaque key of a length that does not suit the kind", () => {
    const d = keyOf(KIND_AES, KBPK_D);
    const key = keyOf(KIND_OPAQUE, KBPK_B.slice(0, 28));
    const header = "D0112P0AE00E0000";
    put(IO, header);
    const length = wrapKeyBlock(d, 0x44, 16, key, 0);
    expect<i32>(length).toBe(64);
    for (let i = 63; i >= 0; i--) store<u8>(IO + 16 + i, load<u8>(IO + i));
    put(IO, header);
    const opened = unwrapKeyBlock(d, 0x44, 16, 80, KIND_TDES);
    expect<i32>(slotKindAt(slotPointer(opened))).toBe(KIND_OPAQUE);
    expect<i32>(slotLengthAt(slotPointer(opened))).toBe(14);
    expect<i32>(residue()).toBe(0, "residue");
    slotFree(opened);
    slotFree(key);
    slotFree(d);
  });
});

describe("wrapKeyBlock", () => {
  it("leaves the block's body and nothing else", () => {
    const d = keyOf(KIND_AES, KBPK_D);
    const key = keyOf(KIND_AES, "3F419E1CB7079442AA37474C2EFBF8B8");
    put(IO, BLOCK_D.slice(0, 16) + "..............");
    put(IO + 0x100, "1C2965473CE206BB855B01533782");
    hexDecode(IO + 16, IO + 0x100, 28);
    wipe(IO + 0x100, 28);
    const length = wrapKeyBlock(d, 0x44, 16, key, 14);
    expect<i32>(length).toBe(96);
    for (let i = 0; i < length; i++) expect<i32>(load<u8>(IO + i)).toBe(BLOCK_D.charCodeAt(16 + i));
    wipe(IO, length);
    expect<i32>(residue()).toBe(0, "residue");
    slotFree(key);
    slotFree(d);
  });

  it("refuses lengths that do not fit, and slots that are gone", () => {
    const d = keyOf(KIND_AES, KBPK_D);
    const key = keyOf(KIND_AES, KBPK_D);
    for (let padding = -1; padding < 40; padding++) {
      const fits = padding == 14 || padding == 30;
      put(IO, "D0112P0AE00E0000");
      const result = wrapKeyBlock(d, 0x44, 16, key, padding);
      expect<i32>(result).toBe(fits ? 2 * (34 + padding + 16) : BAD_LENGTH);
      wipe(IO, max(result, 0));
      expect<i32>(residue()).toBe(0, "residue");
    }
    slotFree(key);
    expect<i32>(wrapKeyBlock(d, 0x44, 16, key, 14)).toBe(STALE);
    slotFree(d);
    expect<i32>(wrapKeyBlock(d, 0x44, 16, d, 14)).toBe(STALE);
  });
});

describe("the counter of version E", () => {
  it("carries through all 128 bits", () => {
    const schedule = IO;
    const counter = IO + 0x400;
    const data = IO + 0x500;
    for (let i = 0; i < 32; i++) store<u8>(IO + 0x480 + i, u8(i));
    aesExpandKey(IO + 0x480, 32, schedule);
    store64be(counter, 0xffff_ffff_ffff_ffff);
    store64be(counter + 8, 0xffff_ffff_ffff_ffff);
    aesCtr(schedule, counter, data, 40);
    for (let block = 0; block < 3; block++) {
      store64be(counter, block == 0 ? u64.MAX_VALUE : 0);
      store64be(counter + 8, u64(block) - 1);
      aesEncryptBlock(schedule, counter, counter);
      for (let i = 0; i < min(16, 40 - 16 * block); i++) {
        expect<u8>(load<u8>(data + 16 * block + i)).toBe(load<u8>(counter + i));
      }
    }
    wipe(IO, 0x600);
  });
});
