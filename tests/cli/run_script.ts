/** Runs commands and scripts as their tasks do, without a prompt. */

/** The project's root. */
export const ROOT = new URL("../../", import.meta.url);

/** Whether scripts may be run at all. */
export const mayRun = Deno.permissions.querySync({ name: "run", command: Deno.execPath() }).state === "granted";

/** The exit code and the output of a script. */
export interface Said {
  code: number;
  out: string;
  err: string;
}

/** Runs a command of `cli/` by its name, or a script by its path, with these permissions and arguments. */
export function runScript(name: string, permissions: readonly string[], ...args: string[]): Promise<Said> {
  return runScriptWith({}, name, permissions, ...args);
}

/** The same with variables in its environment. */
export async function runScriptWith(
  env: Record<string, string>,
  name: string,
  permissions: readonly string[],
  ...args: string[]
): Promise<Said> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-q", "--no-check", "--no-prompt", ...permissions, ...programOf(name), ...args],
    cwd: ROOT,
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
  }).output();
  return { code, out: decode(stdout), err: decode(stderr) };
}

/** Starts a command with every permission, to be talked to while it runs. */
export function spawnCommand(stdio: Deno.CommandOptions, name: string, ...args: string[]): Deno.ChildProcess {
  const all = ["run", "-q", "-A", "--no-check", ...programOf(name), ...args];
  return new Deno.Command(Deno.execPath(), { args: all, cwd: ROOT, ...stdio }).spawn();
}

/** A script's path, or a command's with its name. */
export function programOf(name: string): string[] {
  return name.endsWith(".ts") ? [name] : ["cli/cli.ts", name];
}

/** The output of a program as text. */
export function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** The value of the last line, which is JSON. */
export function lastJson({ out }: Said): Record<string, number | string> {
  return JSON.parse(out.trimEnd().split("\n").at(-1)!);
}
