/** Packages of this folder's own package.json: sources are checked in clones that have not installed them. */
declare module "@babel/core";
declare module "metro";
declare module "quickjs-emscripten";
