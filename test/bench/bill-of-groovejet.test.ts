/** As bill.test.ts, of groovejet's rooms. Apart, so that they run at the same time. */
import { groovejetMeans } from "../../measure/bench/cost/groovejet-attackers.ts";
import { testCharges } from "./a-bill.ts";

testCharges(groovejetMeans);
