/**
 * `viopay-pos key combine`: the components of a key ceremony become a key. Each is read from where secrets come from, or typed by
 * its custodian at the terminal, who sees its check value. The key comes out only if its check value is the letter's, where one is
 * stated.
 */
import { loadCrypto } from "../../backend/select.js";
import { PosCryptoError } from "../../base/errors.js";
import { keyCheckValue, verifyKeyCheckValue } from "../../core/keys/check-value.js";
import { usualMethods } from "../../core/keys/check-value-methods.js";
import { importKeyComponents } from "../../core/keys/components.js";
import { importKey, type KeyAttributes, type SecretKey } from "../../core/keys/key.js";
import type { Io } from "../io.js";
import { inOptionsName, Keys } from "../key-options.js";
import { ATTRIBUTE_ARGUMENTS, HEADER_OPTIONS, readWanted } from "../keyblock/header-options.js";
import { readOptions, usageError, withOptionValues } from "../options.js";
import { pastedCheckValue } from "../pasted.js";
import { Sources } from "../sources.js";
import { printKey, type Surroundings, wantsBlock } from "./result.js";

/** `importKeyComponents` has no more. */
const MOST_COMPONENTS = 9;

const TABLE = { component: "texts", kcv: "text", kbpk: "text", expose: "flag", json: "flag", ...HEADER_OPTIONS } as const;

interface Component {
  readonly digits: string;
  /** As `8A3F21 (CMAC), 77D0B1 (ANSI_X9_24)`. */
  readonly checkValues: string;
}

export async function run(args: readonly string[], io: Io): Promise<number> {
  const options = readOptions(args, TABLE);
  const wanted = readWanted(options);
  const sources = new Sources(io);
  const keys = new Keys(sources);
  const around = { options, sources, keys, io };
  wantsBlock(around);
  await loadCrypto();
  try {
    const attributes = { ...wanted.attributes, extractable: options.flag("expose") };
    const components = await withOptionValues(ATTRIBUTE_ARGUMENTS, () => readComponents(attributes, around));
    const key = keys.keep(
      importKeyComponents(
        components.map(({ digits }) => digits),
        attributes,
      ),
    );
    io.err(`${components.length} components give ${key.algorithm}, ${key.bits} bits, check value ${checkValues(key)}\n`);
    const method = await compareWithLetter(key, around);
    const facts = {
      components: components.map((component) => component.checkValues),
      ...(method === undefined ? {} : { method }),
    };
    await printKey(key, wanted, around, facts);
    return 0;
  } finally {
    keys.destroy();
  }
}

function checkValues(key: SecretKey): string {
  return usualMethods(key.algorithm)
    .map((method) => `${keyCheckValue(key, { method })} (${method})`)
    .join(", ");
}

async function readComponents(attributes: KeyAttributes, around: Surroundings): Promise<Component[]> {
  const { options, sources, io } = around;
  const given = options.list("component");
  if (given.length === 1) throw usageError("--component is given once for each component: at least twice");
  const components: Component[] = [];
  const add = (component: Component) => {
    components.push(component);
    io.err(`component ${components.length}: check value ${component.checkValues}\n`);
  };
  for (const source of given) add(inspect(await sources.key("component", source, "component in hex"), attributes));
  if (given.length === 0 && !sources.interactive) throw usageError("--component is missing");
  if (given.length > 0) return components;
  while (components.length < MOST_COMPONENTS) {
    const component = await askForComponent(components.length + 1, attributes, around);
    if (component === undefined) break;
    add(component);
  }
  return components;
}

/** `undefined`: there are no more. A slip is asked about again. */
async function askForComponent(
  number: number,
  attributes: KeyAttributes,
  { sources, io }: Surroundings,
): Promise<Component | undefined> {
  for (;;) {
    const end = number > 2 ? "; Enter alone: no more" : "";
    const digits = (await sources.optionalSecret("component", undefined, `component ${number} in hex${end}`)).replace(/\s+/g, "");
    if (digits === "" && number > 2) return undefined;
    try {
      return inspect(digits, attributes);
    } catch (error) {
      if (!(error instanceof PosCryptoError) || !error.message.startsWith("--component ")) throw error;
      io.err(`${error.message.replace("--component", `component ${number}`)}; once more\n`);
    }
  }
}

/** Refuses what cannot be a component of such a key, in the option's name. */
function inspect(digits: string, { algorithm, usage, hash }: KeyAttributes): Component {
  const attributes: KeyAttributes = { algorithm, usage, ...(hash === undefined ? {} : { hash }) };
  const part = inOptionsName("component", () => importKey(digits, attributes));
  try {
    return { digits, checkValues: checkValues(part) };
  } finally {
    part.destroy();
  }
}

/** The method by which the letter's check value is the key's; `undefined` where nobody states one. */
async function compareWithLetter(key: SecretKey, { options, sources, io }: Surroundings): Promise<string | undefined> {
  const isTyped = options.text("kcv") === undefined && options.list("component").length === 0;
  const stated =
    options.text("kcv") ?? (isTyped ? await sources.ask("check value in the key letter (Enter alone: none): ") : undefined);
  const { text } = pastedCheckValue(stated ?? "");
  if (text === "") return undefined;
  const { method } = await withOptionValues({ expected: "kcv" }, () => verifyKeyCheckValue(key, text));
  io.err(`right: the key letter has the same check value (${String(method)})\n`);
  return String(method);
}
