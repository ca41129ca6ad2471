/** An app that only reads headers of key blocks: imports one function of core. */
import { parseKeyBlock } from "viopay-pos-crypto";

const block = "D0112P0AE00E0000B82679114F470F540165EDFBF7E250FCEA43F810D215F8D207E2E417C07156A27E8E31DA05F7425509593D03A457DC34";
console.log(JSON.stringify(parseKeyBlock(block)));
