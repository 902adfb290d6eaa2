import { assert, assertAlmostEquals, assertEquals, assertGreater, assertLess, assertMatch } from "@std/assert";
import { beforeAll, describe, it } from "../../bdd.ts";
import { runs } from "../../everywhere/programs.ts";
import { decode, mayRun, ROOT } from "../../cli/run_script.ts";
import type { Found } from "./visit_page.ts";

/** Milliseconds for which the main thread may be held. */
const MAX_HOLD = 50;

/** Where Chromium is, or `null`. */
function chromium(): string | null {
  if (!mayRun || !runs("chromium")) return null;
  const folders = (Deno.env.get("PATH") ?? "").split(":");
  return folders.map((folder) => `${folder}/chromium`).find(isThere) ?? null;
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

const path = chromium();
const name = path === null ? "the page in a browser (skipped: no chromium is on PATH)" : "the page in a browser";

(path === null ? describe.skip : describe)(name, () => {
  let found: Found;
  beforeAll(async () => {
    const args = ["run", "-q", "-A", "--no-check", "tests/examples/page/visit_page.ts", path!];
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: ROOT, stdin: "null" })
      .output();
    assert(success, decode(stderr));
    found = JSON.parse(decode(stdout));
  });

  it("learns the built-in digits to 95 % of held-out ones in 30 s", () => {
    assertLess(found.learning.seconds, 30);
    assertEquals(found.learning.filters, 8);
  });
  it("reads 95 of 100 digits that are drawn meanwhile, off the middle and in three sizes", () => {
    assert(found.learning.wrong.length <= 5, found.learning.wrong.join(", "));
  });
  it("never holds the main thread for more than 50 ms", () => {
    assertLess(found.longest, MAX_HOLD);
  });
  it("complains about nothing and fetches nothing from elsewhere", () => {
    assertEquals([found.complaints, found.files.complaints, found.elsewhere], [[], [], []]);
  });
  it("learns again after a reload, and after it was left and gone back to", () => {
    assert(found.back);
  });
  it("gives weights that bring the same bars back after a reload, and waits then", () => {
    const { names, bars, loaded, running } = found.kept;
    assertEquals([loaded, running], [bars, "Go on"]);
    assertEquals(names, ["digits.safetensors", "digits.ts"]);
  });
  it("gives a file of TypeScript that predicts what the bars show", () => {
    const { bars, predicted } = found.kept;
    const shown = bars.map((text) => parseFloat(text.replace(/[<>]/, "")) / 100);
    // The bars have three digits, and the picture that is read back from the page has 255 levels.
    shown.forEach((part, digit) => assertAlmostEquals(predicted[digit], part, 0.01));
  });
  it("pauses, takes a step, and begins again with another width", () => {
    assertEquals(found.pressed, { stood: true, begun: 0, filters: 4 });
  });
  it("is used by keys alone: every control is reached, and seen to be", () => {
    const controls = ["run", "step", "reset", "undo", "clear", "pad", "Drawing by keyboard", "rate", "width", "mnist"];
    assertEquals(found.keys.reached, [...controls, "save", "load", "export", "Licences"]);
    assertEquals(found.keys.unseen, []);
  });
  it("is drawn on by keys, which also take back and clear", () => {
    const { one, undone, seven, isTheSame, cleared } = found.keys;
    assertEquals([one, undone, seven, isTheSame, cleared], ["1", "–", "7", true, "–"]);
  });
  it("tells in words what it reads and how it learns", () => {
    const [reading, learning] = found.keys.spoken;
    assertMatch(`${reading}`, /^A 7, (more than )?[\d.]+\s% sure\.$/);
    assertMatch(`${learning}`, /^After [\d,]+ steps [\d.]+ % of the held-out digits are right\.$/);
  });
  it("fits a phone, is dark where that is asked for, and takes a finger", () => {
    assertEquals([found.phone.width, found.phone.background], [390, "rgb(22, 21, 18)"]);
    assertGreater(found.phone.seen, 20);
  });
  it("learns from files beside it, and from files that are picked; says which it cannot use", () => {
    assertMatch(found.files.problem, /^Cannot learn from these files: they hold uint8 \[150\], /);
  });
  (Deno.build.arch === "x86_64" ? it : it.skip)("says where WebAssembly has no SIMD, and learns by plain loops", () => {
    const { said, complaints } = found.plain!;
    assertEquals(
      said,
      "WebAssembly has no SIMD here, arithmetic on four numbers at a time. The network learns all the same, by plain loops, but much more slowly.",
    );
    assertEquals(complaints, []);
  });
});
