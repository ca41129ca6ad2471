/** The knobs as a caller passes them to `unwrapKeyBlock` and `explainKeyBlock`, with their defaults. Nothing here is secret. */
import { choice } from "../../base/arguments.js";
import type { KeyBlockKnobs, SetKnobs } from "./findings.js";

/** Throws `ERR_INVALID_ARGUMENT`. */
export function readKnobs(options: KeyBlockKnobs): SetKnobs {
  return {
    lengthHiding: choice(options, "lengthHiding", ["any", "required"], "any"),
    hexCase: choice(options, "hexCase", ["any", "upper"], "any"),
    grammar: choice(options, "grammar", ["lenient", "strict"], "lenient"),
    policy: choice(options, "policy", ["enforce", "report"], "enforce"),
  };
}
