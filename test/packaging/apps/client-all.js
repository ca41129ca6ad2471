/** Everything that entries `.` and `./client` have. */
export * from "viopay-pos-crypto";
export * from "viopay-pos-crypto/client";
