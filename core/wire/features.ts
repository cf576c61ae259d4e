/** How a client says what it can do, on its WebSocket and with a request. Names that this server does not know say nothing to it. */
import * as z from "zod";
import { featuresAmong } from "../lobby/features.ts";
import { wireLimits } from "./limits.ts";

export const featuresShape = z
  .array(z.string().max(wireLimits.featureLength))
  .max(wireLimits.features)
  .transform(featuresAmong);
