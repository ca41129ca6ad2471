/**
 * AES (FIPS 197) for the rest of the core: keys of 128, 192 and 256 bits, blocks, CBC, CMAC (and its chain, which is CBC-MAC), CTR.
 *
 * Pointers are addresses in linear memory without alignment; blocks are 16 bytes in the standard's order; CBC and CTR work in place.
 * A schedule is 496 bytes (schedule.ts). Constant time in key, data and chaining value; lengths and key size are public.
 */
export { aesExpandKey, aesEncryptBlock, aesDecryptBlock, aesCbcEncrypt, aesCbcDecrypt, aesCmacUpdate } from "./cipher";
export { aesCmacSubkeys, aesCmac, aesCtr } from "./modes";
