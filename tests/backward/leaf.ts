import { tensor } from "@gradus/gradus";

/** A vector that requires a gradient. */
export const leaf = (...numbers: number[]) => tensor(numbers).requiresGrad_();
