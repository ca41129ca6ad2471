/** `Object.hasOwn` (ES2022), which WebViews older than Chrome 93 and Node before 16.9 do not have. */
export function hasOwn(object: object, name: PropertyKey): boolean {
  // biome-ignore lint/suspicious/noPrototypeBuiltins: what it asks for is what is missing
  return Object.prototype.hasOwnProperty.call(object, name);
}
