/** Keys of commands: read from their source into handles that are destroyed when the command ends. */
import { PosCryptoError } from "../base/errors.js";
import { importKey, type KeyAttributes, type SecretKey } from "../core/keys/key.js";
import { refusalOf } from "./options.js";
import type { Sources } from "./sources.js";

/** What a person at a terminal is asked for, by option. */
const QUESTIONS: Readonly<Record<string, string>> = {
  key: "key in hex",
  kbpk: "KBPK in hex",
  "from-kbpk": "present KBPK in hex",
  "to-kbpk": "new KBPK in hex",
  tpk: "PIN key in hex",
  "to-key": "PIN key to translate to, in hex",
};

export class Keys {
  readonly #sources: Sources;
  readonly #made: SecretKey[] = [];

  constructor(sources: Sources) {
    this.#sources = sources;
  }

  /** The key whose hexadecimal digits option `name` points to, or that the person at the terminal types. */
  async read(name: string, source: string | undefined, attributes: KeyAttributes): Promise<SecretKey> {
    const digits = await this.#sources.key(name, source, QUESTIONS[name] ?? name);
    return this.keep(inOptionsName(name, () => importKey(digits, attributes)));
  }

  keep(key: SecretKey): SecretKey {
    this.#made.push(key);
    return key;
  }

  destroy(): void {
    for (const key of this.#made) key.destroy();
  }
}

/** The library calls a key's bytes `material`; the person knows them by the option. The length is not secret. */
export function inOptionsName<T>(name: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal?.argument !== "material") throw error;
    const got = /, got (\d+)$/.exec((error as Error).message)?.[1];
    const was = got === undefined ? "" : `, got ${got}`;
    throw new PosCryptoError("ERR_INVALID_ARGUMENT", `--${name} must be ${refusal.expected}${was}`);
  }
}
