/** Everything of the mock server: shows that what is looked for in other bundles can be found. */
export * from "viopay-pos-crypto/client";
export * from "viopay-pos-crypto/mock";
