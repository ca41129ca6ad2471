/** How strictly a block is read: the options of the library's knobs, under the same defaults. */
import type { UnwrapOptions } from "../../core/key-block/unwrap.js";
import type { Options } from "../options.js";

/** `any-case` is the default, and is accepted since it was not always. */
export const KNOBS = { "hex-case": "text", "any-case": "flag", grammar: "text", "length-hiding": "text" } as const;

export function readKnobs(options: Options): Pick<UnwrapOptions, "hexCase" | "grammar" | "lengthHiding"> {
  return {
    hexCase: options.choice("hex-case", ["any", "upper"]) ?? "any",
    grammar: options.choice("grammar", ["lenient", "strict"]) ?? "lenient",
    lengthHiding: options.choice("length-hiding", ["any", "required"]) ?? "any",
  };
}
