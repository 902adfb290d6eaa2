/** How memory grows in a long training run. */

/**
 * A sentence with the resident memory of a training run after 1,000 and after 10,000 steps.
 *
 * @throws {Error} If the run fails; the reason is on standard error.
 */
export async function memoryGrowth(flags: readonly string[]): Promise<string> {
  const args = ["run", "-q", ...flags, `${import.meta.dirname}/memory_steps.ts`];
  const { success, stdout } = await new Deno.Command(Deno.execPath(), { args, stderr: "inherit" }).output();
  if (!success) throw new Error("Cannot measure memory: memory_steps.ts failed");
  const [early, late]: number[] = JSON.parse(new TextDecoder().decode(stdout));
  const grown = `grew by ${(late - early).toFixed(1)} MB`;
  return `memory: ${early.toFixed(1)} MB after step 1,000, ${late.toFixed(1)} MB after step 10,000: ${grown}`;
}
