/** A program with one product, for `cold_start.ts`: the library is imported, its kernel loaded, one product computed. */
import { ones } from "@gradus/gradus";

ones([64, 64]).matmul(ones([64, 64]));
