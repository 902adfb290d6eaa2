/**
 * Replays a document on MNIST, with its seed, and prints its numbers beside these.
 *
 *     deno task replay 000|002|003 [--data DIR] [--epochs N]
 */
import { replayUses } from "./document_data.ts";
import { main000 } from "./document_000.ts";
import { main002 } from "./document_002.ts";
import { main003 } from "./document_003.ts";
import { REQUIRE_PERMISSIONS } from "./permissions.ts";
import { runScript, UsageError } from "./script.ts";

const HELP = `Replay a document: deno task replay 000|002|003 [--data DIR] [--epochs N]

  000  a network from memory, log-softmax over the whole batch: 20 epochs
  002  sigmoid networks in float64: 784-16-10 and 784-100-100-10
  003  two layers, their loss before training and their gradients by hand

With --require-permissions, as the task says, it ends where a permission is missing, instead of doing without.

deno task replay 000 --help tells what each may be told.`;

const REPLAYS: Record<string, (args: string[]) => Promise<void>> = { "000": main000, "002": main002, "003": main003 };

async function main(): Promise<void> {
  const [name, ...args] = Deno.args.filter((arg) => arg !== REQUIRE_PERMISSIONS); // which the task puts before the number
  if (name === "--help") return console.log(HELP);
  if (!Object.hasOwn(REPLAYS, name ?? "")) {
    throw new UsageError(`Cannot replay document ${name ?? "without a number"}: expected 000, 002 or 003`);
  }
  await REPLAYS[name](args);
}

await runScript(main, replayUses);
