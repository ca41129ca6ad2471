/** Parity bits of DES keys: FIPS 46-3. The bytes are secret. */

/** FIPS 46-3: bit 0 of every byte makes the number of ones odd. Without a branch on the material. */
export function setOddParity(bytes: Uint8Array): void {
  for (let i = 0; i < bytes.length; i++) {
    const high = bytes[i]! & 0xfe;
    let ones = high ^ (high >> 4);
    ones ^= ones >> 2;
    ones ^= ones >> 1;
    bytes[i] = high | (~ones & 1);
  }
}
