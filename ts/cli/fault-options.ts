/** `--fault` and `--seed` of the commands that start a mock server. */
import { FAULT_STEPS, type FaultRule, type MockServerOptions, readFault } from "../mock/index.js";
import { type Options, refusalOf, usageError } from "./options.js";

/** As the mock takes it and prints it: 32 bits. */
const LARGEST_SEED = 0xffff_ffff;

/** The faults asked for, in order, and what repeats their chances. */
export function readFaults(options: Options): Pick<MockServerOptions, "faults" | "seed"> {
  const faults = options.list("fault").map(readFaultOption);
  const seed = options.wholeNumber("seed", 0, LARGEST_SEED);
  if (seed !== undefined && faults.length === 0) throw usageError("--seed drives faults: it needs --fault");
  return { faults, ...(seed === undefined ? {} : { seed }) };
}

function readFaultOption(text: string): FaultRule {
  try {
    return readFault(text, "--fault");
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal === undefined) throw error;
    throw usageError(
      `"${refusal.argument}" must be ${refusal.expected}; kinds of faults: ${Object.keys(FAULT_STEPS).join(", ")}`,
    );
  }
}
