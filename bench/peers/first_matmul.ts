/** What a program waits for before its first result: the library is loaded, its kernel opened, one product computed. */
import { ones } from "@gradus/gradus";

ones([64, 64]).matmul(ones([64, 64]));
