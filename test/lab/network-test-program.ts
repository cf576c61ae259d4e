/** Opens a page in Chromium, in a namespace of its own, that tests the network to the server of its argument. Prints what the page reports. */
import { networkTestScript } from "../../measure/kit/network-test-page.ts";
import { openLabPage } from "../../measure/lab/lab-page.ts";

const script = await networkTestScript(JSON.stringify(process.argv[2] ?? ""));
const { promise: reported, resolve } = Promise.withResolvers<string>();
const page = await openLabPage(script, async (request, response) => {
  if (request.url === "/report") resolve(String(Buffer.concat(await request.toArray())));
  response.end();
});
console.log(await reported);
await page.close();
process.exit(0);
