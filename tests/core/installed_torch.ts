/** PyTorch itself, where it is installed. */
import { assert } from "@std/assert";
import { granted } from "../../core/host/host.ts";

const PYTHON = "/usr/bin/python3"; // Debian's, which sees Debian's PyTorch

/** Whether PyTorch is installed, and may be asked. */
export function isTorchThere(): boolean {
  if (!granted({ name: "run", command: PYTHON })) return false;
  const look = "import importlib.util, sys; sys.exit(importlib.util.find_spec('torch') is None)";
  try {
    return new Deno.Command(PYTHON, { args: ["-c", look], stderr: "null" }).outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** What a Python program answers, as JSON, to the text on its standard input. */
// deno-lint-ignore no-explicit-any
export async function askTorch(program: string, text: string): Promise<any> {
  const child = new Deno.Command(PYTHON, { args: ["-c", program], stdin: "piped", stdout: "piped" }).spawn();
  const [{ success, stdout }] = await Promise.all([
    child.output(),
    new Response(text).body!.pipeTo(child.stdin),
  ]);
  assert(success);
  return JSON.parse(new TextDecoder().decode(stdout));
}
