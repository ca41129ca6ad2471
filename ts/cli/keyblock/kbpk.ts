/** The key block protection key of a command. */
import { type KeyBlockHeader, kbpkAlgorithm } from "../../core/key-block/header.js";
import type { SecretKey } from "../../core/keys/key.js";
import type { Keys } from "../key-options.js";

/** Of the algorithm that the version takes. `name` is the option. */
export async function readKbpk(
  keys: Keys,
  name: string,
  source: string | undefined,
  version: KeyBlockHeader["version"],
): Promise<SecretKey> {
  return await keys.read(name, source, { algorithm: kbpkAlgorithm(version), usage: "K0" });
}
