/** `--fault` and `--seed` of the commands that start a mock server. */
import { PosCryptoError } from "../errors.js";
import { FAULT_STEPS, type FaultRule, type MockServerOptions, readFault } from "../mock/index.js";
import { type Options, usageError } from "./options.js";

/** The faults asked for, in order, and what repeats their chances. */
export function readFaults(options: Options): Pick<MockServerOptions, "faults" | "seed"> {
  const faults = options.list("fault").map(readFaultOption);
  const seed = options.wholeNumber("seed", 0, 999_999_999);
  if (seed !== undefined && faults.length === 0) throw usageError("--seed drives faults: it needs --fault");
  return { faults, ...(seed === undefined ? {} : { seed }) };
}

function readFaultOption(text: string): FaultRule {
  try {
    return readFault(text, "--fault");
  } catch (error) {
    if (!(error instanceof PosCryptoError)) throw error;
    throw usageError(`${error.message}\nkinds of faults: ${Object.keys(FAULT_STEPS).join(", ")}`);
  }
}
