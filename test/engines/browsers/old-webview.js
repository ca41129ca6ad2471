/**
 * Runs before the page's other scripts and takes away what a WebView of 2017 (Chrome 61, as Android 8.0 shipped) did not have:
 * builtins, `WebAssembly.Global`, and compiling more than 4 KB of WebAssembly on the main thread without waiting. Syntax is brought
 * down by the bundler, SIMD is switched off by a flag.
 */
(() => {
  /** @type {any} */
  const scope = window;

  /** @type {[holder: any, names: string[]][]} */
  const later = [
    [
      scope,
      ["BigInt", "BigInt64Array", "BigUint64Array", "FinalizationRegistry", "WeakRef", "queueMicrotask", "structuredClone"],
    ],
    [Object, ["fromEntries", "groupBy", "hasOwn"]],
    [Promise, ["allSettled", "any", "try", "withResolvers"]],
    [Promise.prototype, ["finally"]],
    [Symbol.prototype, ["description"]],
    [Array, ["fromAsync"]],
    [Array.prototype, ["at", "findLast", "findLastIndex", "flat", "flatMap", "toReversed", "toSorted", "toSpliced", "with"]],
    [Object.getPrototypeOf(Uint8Array).prototype, ["at", "findLast", "findLastIndex", "toReversed", "toSorted", "with"]],
    [Uint8Array, ["fromBase64", "fromHex"]],
    [Uint8Array.prototype, ["setFromBase64", "setFromHex", "toBase64", "toHex"]],
    [String.prototype, ["at", "isWellFormed", "matchAll", "replaceAll", "toWellFormed", "trimEnd", "trimStart"]],
    [TextEncoder.prototype, ["encodeInto"]],
    [Crypto.prototype, ["randomUUID"]],
    [WebAssembly, ["Exception", "Global", "JSTag", "Tag"]],
  ];
  for (const [holder, names] of later) {
    for (const name of names) {
      delete holder[name];
      if (name in holder) throw new Error(`${name} cannot be taken away`);
    }
  }
  // Last, since nothing after it can do without: scripts of that time say `self` or `window`.
  delete scope.globalThis;

  /** What was compiled, for the limit on instances. */
  const lengths = new WeakMap();
  /** @param {string} what @param {number} length */
  const limit = (what, length) => {
    if (length <= 4096) return;
    throw new RangeError(`WebAssembly.${what} is disallowed on the main thread, if the buffer size is larger than 4KB.`);
  };
  const { compile, Instance, instantiate, Module } = WebAssembly;
  scope.WebAssembly.compile = (/** @type {Uint8Array<ArrayBuffer>} */ bytes) =>
    compile(bytes).then((module) => {
      lengths.set(module, bytes.byteLength);
      return module;
    });
  // An export of a constant was its value, where it is a WebAssembly.Global now.
  scope.WebAssembly.instantiate = (/** @type {WebAssembly.Module} */ module, /** @type {WebAssembly.Imports} */ imports) =>
    instantiate(module, imports).then((instance) => ({
      exports: Object.assign(Object.create(null), instance.exports, plainConstants(instance.exports)),
    }));
  /** @param {WebAssembly.Exports} exports */
  const plainConstants = (exports) => {
    /** @type {Record<string, number>} */
    const constants = {};
    for (const name of Object.keys(exports)) {
      const value = exports[name];
      if (Object.prototype.toString.call(value) === "[object WebAssembly.Global]") constants[name] = Number(value?.valueOf());
    }
    return constants;
  };
  scope.WebAssembly.Module = new Proxy(Module, {
    construct(target, [bytes]) {
      limit("Compile", bytes.byteLength);
      return new target(bytes);
    },
  });
  scope.WebAssembly.Instance = new Proxy(Instance, {
    construct(target, [module, imports]) {
      limit("Instance", lengths.get(module) ?? 0);
      return new target(module, imports);
    },
  });
})();
