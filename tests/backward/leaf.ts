import { tensor } from "../../core/create.ts";

/** A vector that requires a gradient. */
export const leaf = (...numbers: number[]) => tensor(numbers).requiresGrad_();
