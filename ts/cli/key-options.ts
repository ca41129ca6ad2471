/** Keys of commands: read from their source into handles that are destroyed when the command ends. */
import { importKey, type KeyAttributes, type SecretKey } from "../core/keys/key.js";
import type { Sources } from "./options.js";

export class Keys {
  readonly #sources: Sources;
  readonly #made: SecretKey[] = [];

  constructor(sources: Sources) {
    this.#sources = sources;
  }

  /** The key whose hexadecimal digits option `name` points to. */
  async read(name: string, source: string, attributes: KeyAttributes): Promise<SecretKey> {
    return this.keep(importKey(await this.#sources.key(name, source), attributes));
  }

  keep(key: SecretKey): SecretKey {
    this.#made.push(key);
    return key;
  }

  destroy(): void {
    for (const key of this.#made) key.destroy();
  }
}
