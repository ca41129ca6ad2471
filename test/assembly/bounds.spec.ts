import {
  cbcDecrypt,
  cbcEncrypt,
  decodeHex,
  encodeHex,
  equal,
  hashPart,
  hmac,
  macPart,
  open,
  seal,
  slotCreate,
  slotDestroy,
} from "../../assembly/index";
import { outside, outsidePaddedWindow, outsideWindow, withinIo } from "../../assembly/bounds";
import { IO, IO_SIZE, KIND_AES, KIND_HMAC, WINDOW } from "../../assembly/layout";
import { BAD_LENGTH } from "../../assembly/slots";
import { wipe } from "../../assembly/word";

const LENGTHS: StaticArray<i32> = [-1, i32.MIN_VALUE, i32.MAX_VALUE, IO_SIZE + 1, 1 << 30];

/** A byte just past IO, which no refused call may write. */
const BEYOND: usize = IO + IO_SIZE;

describe("bounds", () => {
  it("hold a length from 0 to the limit, and no other", () => {
    expect<bool>(outside(0, 16)).toBe(false);
    expect<bool>(outside(16, 16)).toBe(false);
    expect<bool>(outside(17, 16)).toBe(true);
    expect<bool>(outside(-1, 16)).toBe(true);
    expect<bool>(outside(i32.MIN_VALUE, i32.MAX_VALUE)).toBe(true);
    expect<bool>(outsideWindow(WINDOW)).toBe(false);
    expect<bool>(outsideWindow(WINDOW + 1)).toBe(true);
    expect<bool>(outsidePaddedWindow(WINDOW + 16)).toBe(false);
    expect<bool>(outsidePaddedWindow(WINDOW + 17)).toBe(true);
    expect<i32>(withinIo(-1)).toBe(IO_SIZE);
    expect<i32>(withinIo(5)).toBe(5);
  });

  it("refuse every length outside in the exports, which then touch nothing past IO", () => {
    for (let i: usize = 0; i < 32; i++) store<u8>(IO + i, u8(i));
    const aes = slotCreate(KIND_AES, 16);
    for (let i: usize = 0; i < 32; i++) store<u8>(IO + i, u8(i));
    const mac = slotCreate(KIND_HMAC, 32);
    const beyond = load<u8>(BEYOND);
    let accepted = 0;
    for (let i = 0; i < LENGTHS.length; i++) {
      const length = LENGTHS[i];
      accepted += i32(cbcEncrypt(aes, length, 0, 1) != BAD_LENGTH);
      accepted += i32(cbcDecrypt(aes, length, 0, 1) != BAD_LENGTH);
      accepted += i32(macPart(aes, length) != BAD_LENGTH);
      accepted += i32(hmac(mac, length) != BAD_LENGTH);
      accepted += i32(hashPart(2, length) != BAD_LENGTH);
      accepted += i32(seal(aes, length, 0, 1) != BAD_LENGTH);
      accepted += i32(open(aes, length, 0, 1) != BAD_LENGTH);
      accepted += i32(encodeHex(length) != BAD_LENGTH);
      accepted += i32(decodeHex(length) != BAD_LENGTH);
      accepted += i32(equal(length) != BAD_LENGTH);
    }
    expect<i32>(accepted).toBe(0);
    expect<u8>(load<u8>(BEYOND)).toBe(beyond);
    slotDestroy(aes);
    slotDestroy(mac);
    wipe(IO, 64);
  });
});
