/** As bill.test.ts, of what members who stay may ask for. Apart, so that the two run at the same time. */
import { stayingMeans } from "../../measure/bench/cost/staying-attackers.ts";
import { testCharges } from "./a-bill.ts";

testCharges(stayingMeans);
