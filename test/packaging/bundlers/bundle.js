/** The common shape of what bundlers write, and what of it is loaded. */
import { basename } from "node:path";

/**
 * What every bundler here answers: the files it wrote, which of them starts, and what went in.
 *
 * @typedef {object} Output
 * @property {string} name
 * @property {string} code
 * @property {string[]} imports names of the files that it loads at once
 * @property {string[]} inputs files of the library and its dependencies that something was taken from
 *
 * @typedef {object} Bundle
 * @property {string} folder that the files are in
 * @property {string} entry name of the file to start
 * @property {Output[]} files
 */

/**
 * @typedef {object} BundleOptions
 * @property {string} project has the packed library installed
 * @property {string} entry a file in it
 * @property {boolean} minify
 * @property {boolean} [chunks] esbuild: false for one file, as it does by default
 * @property {boolean} [onNode] esbuild: modules of Node are there
 */

/** @typedef {(options: BundleOptions) => Promise<Bundle>} Bundler */

/** The files that starting a bundle loads; the others wait for `import()`. @param {Bundle} bundle @returns {Output[]} */
export function loadedFiles({ entry, files }) {
  return closure(entry, files, ({ imports }) => imports);
}

/**
 * The files that a bundle can ever load. Bundlers also write the targets of an `import()` in code that they have dropped; those are in
 * no other file's text.
 * @param {Bundle} bundle @returns {Output[]}
 */
export function carriedFiles({ entry, files }) {
  const names = files.map(({ name }) => name);
  return closure(entry, files, ({ code }) => names.filter((name) => code.includes(basename(name))));
}

/** @param {string} entry @param {Output[]} files @param {(file: Output) => string[]} next */
function closure(entry, files, next) {
  const found = new Set(files.filter(({ name }) => name === entry));
  for (const file of found) {
    const names = next(file);
    for (const other of files) if (names.includes(other.name)) found.add(other);
  }
  return [...found];
}
