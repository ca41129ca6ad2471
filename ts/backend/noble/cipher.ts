/** What a block cipher of the noble backend offers: AES (block-cipher.ts) and TDES (des.ts). Lengths are the caller's concern. */

export interface BlockCipher {
  readonly blockSize: 8 | 16;
  encryptBlock(block: Uint8Array): Uint8Array;
  decryptBlock(block: Uint8Array): Uint8Array;
  /** `data` is a multiple of the block. */
  cbcEncrypt(iv: Uint8Array, data: Uint8Array): Uint8Array;
  cbcDecrypt(iv: Uint8Array, data: Uint8Array): Uint8Array;
  cmac(data: Uint8Array): Uint8Array;
  /** Counter mode with a counter of the whole block; AES only. */
  ctr?(counter: Uint8Array, data: Uint8Array): Uint8Array;
  /** TDES only. */
  retailMac?(data: Uint8Array): Uint8Array;
  /** Wipes what was expanded from the key; the material stays the caller's. */
  destroy(): void;
}
