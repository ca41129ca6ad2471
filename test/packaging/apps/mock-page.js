/** A terminal and its host in one page, without a port: what a demonstration or a test in a browser needs. */
import { PosTerminal } from "viopay-pos-crypto/client";
import { createMockServer } from "viopay-pos-crypto/mock";

const mock = createMockServer();
console.log(typeof PosTerminal, typeof mock.fetch);
