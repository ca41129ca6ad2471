/** Everything that entry `.` has. */
export * from "viopay-pos-crypto";
