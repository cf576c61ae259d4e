/**
 * zod compiles its checks to code, unless told before the first of them is made. A page's policy may forbid
 * that. package.json names this file under `sideEffects`: bundlers would leave it out otherwise.
 */
import * as z from "zod";

z.config({ jitless: true });
