/** The time of a program that computes one product, and of one that does nothing. */
import { median } from "./rounds.ts";

const RUNS = 9;

/** Milliseconds of whole programs, medians of nine runs in turns, with the compiled kernel in the cache. */
export async function coldStart(flags: readonly string[]): Promise<{ empty: number; gradus: number }> {
  await milliseconds(flags, "first_matmul.ts");
  await milliseconds(flags, "empty_program.ts");
  const [empty, gradus]: [number[], number[]] = [[], []];
  for (let run = 0; run < RUNS; run++) {
    empty.push(await milliseconds(flags, "empty_program.ts"));
    gradus.push(await milliseconds(flags, "first_matmul.ts"));
  }
  return { empty: median(empty), gradus: median(gradus) };
}

async function milliseconds(flags: readonly string[], file: string): Promise<number> {
  const args = ["run", "-q", ...flags, `${import.meta.dirname}/${file}`];
  const start = performance.now();
  const { success } = await new Deno.Command(Deno.execPath(), { args, stdout: "null", stderr: "inherit" }).output();
  if (!success) throw new Error(`Cannot time ${file}: it failed`);
  return performance.now() - start;
}
