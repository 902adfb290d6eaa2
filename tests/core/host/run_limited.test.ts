import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { runLimited } from "../../../core/host/sync_files.ts";

const deno = Deno.execPath();
const allowed = Deno.permissions.querySync({ name: "run", command: deno }).state === "granted";
const test = allowed ? it : it.skip;
const run = (code: string, milliseconds = 60_000) => runLimited(deno, ["eval", code], undefined, milliseconds);

describe("runLimited()", () => {
  test("runLimited() gives what a program says, on its output or its error output", () => {
    assertEquals(run("console.log('yes'), console.error('no')"), { success: true, output: "yes\n" });
    assertEquals(run("console.log('yes'), console.error('no'), Deno.exit(3)"), { success: false, output: "no\n" });
  });

  test("runLimited() runs in the folder that is given", () => {
    const folder = Deno.realPathSync(Deno.makeTempDirSync());
    try {
      const { output } = runLimited(deno, ["eval", "console.log(Deno.cwd())"], folder, 60_000);
      assertEquals(output, `${folder}\n`);
    } finally {
      Deno.removeSync(folder);
    }
  });

  test("runLimited() ends a program that does not end by itself", () => {
    const start = performance.now();
    const error = assertThrows(() => run("setInterval(() => {}, 1000)", 300), Deno.errors.TimedOut);
    assertEquals(error.message, `${deno} did not end within 0.3 s`);
    assert(performance.now() - start < 20_000);
  });

  it("runLimited() says that there is no such program, or that it must not be run", () => {
    const { message, name } = assertThrows(() => runLimited("no-such-program", [], undefined, 1000), Error);
    assert(name === "NotFound" || message.includes("--allow-run"), message);
  });

  test("runLimited() cuts off what is too long to be read", () => {
    assertEquals(run("console.log('x'.repeat(1e6))").output.length, 1 << 16);
  });
});
