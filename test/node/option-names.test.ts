/**
 * The names that the prototype cases plant are those of all options that the entries' functions, constructors and methods take: read from
 * the sources by the compiler, so that a new option is planted or this test fails.
 */
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { expect, test } from "vitest";
import { OPTION_NAMES } from "../option-names.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const ENTRIES = [
  "ts/index.ts",
  "ts/client/index.ts",
  "ts/client/store/file.ts",
  "ts/client/store/indexeddb.ts",
  "ts/mock/index.ts",
];

/** Objects that are data, handed on or parsed member by member as JSON, and handles of other libraries: no options. */
const DATA = ["JsonObject", "Envelope", "KeysResponse", "IncomingRequest", "Context", "StoredTerminal", "JournalRecord"];

function optionNames(): string[] {
  const { config } = ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const program = ts.createProgram(
    ENTRIES.map((file) => root + file),
    { ...options, noEmit: true },
  );
  const checker = program.getTypeChecker();
  const names = new Set<string>();
  const seen = new Set<ts.Type>();

  const isOurs = (symbol: ts.Symbol) =>
    (symbol.declarations ?? []).every((at) => at.getSourceFile().fileName.startsWith(`${root}ts/`));

  const collect = (type: ts.Type): void => {
    if (seen.has(type)) return;
    seen.add(type);
    if (type.isUnionOrIntersection()) {
      for (const part of type.types) collect(part);
      return;
    }
    if ((type.flags & ts.TypeFlags.Object) === 0 || type.isClass() || type.getCallSignatures().length > 0) return;
    const symbol = type.aliasSymbol ?? type.getSymbol();
    if (symbol !== undefined && (DATA.includes(symbol.name) || (symbol.flags & ts.SymbolFlags.Class) !== 0)) return;
    const element = checker.getIndexTypeOfType(type, ts.IndexKind.Number);
    if (element !== undefined) {
      if (checker.isArrayType(type) || checker.isTupleType(type)) collect(element);
      return;
    }
    const isMapped = ((type as ts.ObjectType).objectFlags & ts.ObjectFlags.Mapped) !== 0;
    if (!isMapped && symbol !== undefined && !isOurs(symbol)) return;
    const properties = type.getProperties();
    // An interface of methods is a backend, a store or a client: an object that is used, no options.
    if (properties.some((property) => (property.flags & ts.SymbolFlags.Method) !== 0)) return;
    for (const property of properties) {
      names.add(property.name);
      collect(checker.getTypeOfSymbol(property));
    }
  };

  const collectSignature = (signature: ts.Signature): void => {
    for (const parameter of signature.parameters) collect(checker.getTypeOfSymbol(parameter));
  };

  for (const file of ENTRIES) {
    const module = checker.getSymbolAtLocation(program.getSourceFile(root + file)!)!;
    for (const exported of checker.getExportsOfModule(module)) {
      const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
      if ((symbol.flags & (ts.SymbolFlags.Function | ts.SymbolFlags.Class)) === 0) continue;
      const type = checker.getTypeOfSymbol(symbol);
      for (const signature of type.getCallSignatures()) collectSignature(signature);
      for (const signature of type.getConstructSignatures()) {
        collectSignature(signature);
        for (const member of checker.getReturnTypeOfSignature(signature).getProperties()) {
          const memberType = checker.getTypeOfSymbol(member);
          for (const call of memberType.getCallSignatures()) collectSignature(call);
        }
      }
    }
  }
  return [...names].sort();
}

test("the names that are planted are those of the declarations", { timeout: 120_000 }, () => {
  expect([...OPTION_NAMES].sort()).toEqual(optionNames());
});
