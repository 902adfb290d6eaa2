/// <reference lib="dom" />
/**
 * Visits the page in Chromium and prints what was found, as JSON. It runs in a process of its own, for what drives the browser asks for
 * more of the environment than tests may see.
 *
 *     deno run -A tests/examples/page/visit_page.ts CHROMIUM
 */
import { removeWhole } from "../../core/io/in_folder.ts";
import type { Page } from "playwright-core";
import { buildPage, type Site } from "../../../examples/page/build.ts";
import { respond } from "../../../examples/page/serve.ts";
import {
  barsOf,
  downloaded,
  draw,
  drawAtOnce,
  guessOf,
  longestTask,
  pause,
  seenBy,
  textOf,
  Visitor,
  waitForAtLeast,
} from "./browser_page.ts";
import { type DrawnDigit, hundredDigits } from "./drawn_digits.ts";
import { idxFiles } from "./idx_files.ts";

/** Learns, and reads a hundred digits meanwhile. */
async function learnAndRead(visitor: Visitor) {
  const start = performance.now();
  const page = await visitor.visit();
  await waitForAtLeast(page, "#accuracy", 95);
  const seconds = (performance.now() - start) / 1000;
  const wrong: string[] = [];
  for (const { digit, strokes } of hundredDigits(2026)) {
    await drawAtOnce(page, strokes);
    const guess = await guessOf(page);
    if (guess !== `${digit}`) wrong.push(`${digit} as ${guess}`);
  }
  const filters = await page.locator("#filters canvas").count();
  await page.context().close();
  return { seconds, wrong, filters };
}

/** How long the main thread is held at most, in milliseconds, while the network learns and ten digits are drawn. */
async function hold(visitor: Visitor): Promise<number> {
  return await longestTask(visitor.browser, async () => {
    const page = await visitor.visit();
    await waitForAtLeast(page, "#accuracy", 95);
    for (const { strokes } of hundredDigits(4).slice(0, 10)) await draw(page, strokes);
    await guessOf(page);
  });
}

/** Keeps weights and loads them into another page; runs what it exported. */
async function keep(visitor: Visitor, { strokes }: DrawnDigit) {
  const page = await visitor.visit();
  await waitForAtLeast(page, "#accuracy", 80);
  await pause(page);
  await draw(page, strokes);
  const bars = await barsOf(page), picture = await seenBy(page);
  const weights = await downloaded(page, "#save"), source = await downloaded(page, "#export");
  const { predict } = await import(`data:text/typescript;base64,${source.bytes.toBase64()}`);
  await page.reload();
  await waitForAtLeast(page, "#steps", 1);
  await page.setInputFiles("#load", { name: weights.name, mimeType: "", buffer: Buffer.from(weights.bytes) });
  await page.waitForFunction(() => document.getElementById("steps")!.textContent === "0");
  await draw(page, strokes);
  const loaded = await barsOf(page), running = await textOf(page, "#run");
  await page.context().close();
  return { names: [weights.name, source.name], bars, loaded, running, predicted: predict(picture) as number[] };
}

/** Goes away, comes back, and reloads: it learns each time. */
async function comeBack(visitor: Visitor) {
  const page = await visitor.visit();
  await waitForAtLeast(page, "#steps", 1);
  await page.goto(`${visitor.url}licences.html`);
  await page.goBack();
  await waitForAtLeast(page, "#steps", 1);
  await page.reload();
  await waitForAtLeast(page, "#steps", 1);
  await page.context().close();
  return true;
}

/** Pauses, takes a step, changes rate and width, and begins again. */
async function press(visitor: Visitor) {
  const page = await visitor.visit();
  await waitForAtLeast(page, "#steps", 1);
  await pause(page);
  const steps = async () => Number(await textOf(page, "#steps"));
  const paused = await steps();
  await page.waitForTimeout(300);
  const still = await steps();
  await page.click("#step");
  await waitForAtLeast(page, "#steps", paused + 1);
  await page.selectOption("#rate", "0.01");
  await page.selectOption("#width", "4");
  await page.waitForFunction(() => document.querySelectorAll("#filters canvas").length === 4);
  const begun = await steps(), filters = await page.locator("#filters canvas").count();
  await page.click("#run");
  await waitForAtLeast(page, "#steps", 2);
  await page.context().close();
  return { stood: paused === still, begun, filters };
}

/** Goes over the page by the tabulator, and draws by arrow keys. */
async function useKeys(visitor: Visitor) {
  const page = await visitor.visit();
  await waitForAtLeast(page, "#accuracy", 95);
  const reached: string[] = [], unseen: string[] = [];
  for (let i = 0; i < 14; i++) {
    await page.keyboard.press("Tab");
    const { name, isSeen } = await page.evaluate(focused);
    reached.push(name);
    if (!isSeen) unseen.push(name);
  }
  await page.focus("#pad");
  const stroke = async (...ways: (readonly [keys: string[], times: number])[]) => {
    await page.keyboard.press("Space");
    for (const [keys, times] of ways) await held(page, keys, times);
    await page.keyboard.press("Space");
  };
  await stroke([["ArrowDown"], 14]);
  const one = await guessOf(page);
  await page.keyboard.press("Backspace");
  const undone = await guessOf(page);
  await held(page, ["ArrowUp"], 14);
  await stroke([["ArrowRight"], 8], [["ArrowLeft", "ArrowDown"], 4], [["ArrowDown"], 10]);
  const seven = await guessOf(page), before = await seenBy(page);
  await page.keyboard.press("Space");
  await held(page, ["ArrowRight"], 3);
  await page.keyboard.press("Backspace"); // which lifts the pen, too
  await held(page, ["ArrowRight"], 3);
  await guessOf(page);
  const isTheSame = (await seenBy(page)).every((level, i) => level === before[i]);
  const told = await page.waitForFunction((digit) => {
    const { textContent } = document.getElementById("reading-told")!;
    return textContent!.includes(digit) && textContent;
  }, seven);
  const learning = await page.waitForFunction(() => document.getElementById("summary")!.textContent); // said now and then
  const spoken = [await told.jsonValue(), await learning.jsonValue()];
  await page.keyboard.press("Escape");
  const cleared = await guessOf(page);
  await page.context().close();
  return { reached, unseen, one, undone, seven, isTheSame, cleared, spoken };
}

/** Holds keys, and repeats the last of them as a keyboard does. */
async function held(page: Page, keys: readonly string[], times: number): Promise<void> {
  for (const key of keys.slice(0, -1)) await page.keyboard.down(key);
  for (let i = 0; i < times; i++) await page.keyboard.down(keys.at(-1)!);
  for (const key of keys) await page.keyboard.up(key);
}

/** The element that has the focus, and whether that can be seen. */
function focused(): { name: string; isSeen: boolean } {
  const element = document.activeElement!;
  const marked = element.closest(".paper, .button") ?? element;
  const { outlineStyle, outlineWidth } = getComputedStyle(marked);
  const name = element.id || element.textContent!;
  return { name, isSeen: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2 };
}

/** What is wider than a phone, and whether dark is dark. */
async function onPhone(visitor: Visitor) {
  const options = {
    viewport: { width: 390, height: 844 },
    colorScheme: "dark",
    hasTouch: true,
    isMobile: true,
  } as const;
  const page = await visitor.visit(options);
  await waitForAtLeast(page, "#accuracy", 50);
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await drawByFinger(page, [[0.5, 0.2, 0.5, 0.5, 0.5, 0.8]]);
  const seen = (await seenBy(page)).reduce((sum, level) => sum + level, 0);
  await page.context().close();
  return { width, background, seen };
}

async function drawByFinger(page: Page, strokes: number[][]): Promise<void> {
  const box = (await page.locator("#pad").boundingBox())!;
  const client = await page.context().newCDPSession(page);
  const touch = (type: "touchStart" | "touchMove", x: number, y: number) =>
    client.send("Input.dispatchTouchEvent", {
      type,
      touchPoints: [{ x: box.x + x * box.width, y: box.y + y * box.height }],
    });
  for (const stroke of strokes) {
    await touch("touchStart", stroke[0], stroke[1]);
    for (let i = 2; i < stroke.length; i += 2) await touch("touchMove", stroke[i], stroke[i + 1]);
    await client.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
  }
  await guessOf(page);
}

/** Learns from files beside the page, and from files that are picked. */
async function otherDigits(visitor: Visitor, pairs: readonly File[]) {
  const page = await visitor.visit();
  const isTold = (text: string) =>
    page.waitForFunction((text) => document.getElementById("data")!.textContent === text, text);
  await isTold("MNIST: 400 to learn from, 150 held out.");
  await waitForAtLeast(page, "#steps", 2);
  await page.click("#built-in");
  await isTold("Built-in digits: 8,000 to learn from, 1,000 held out.");
  const picked = await Promise.all(
    pairs.map(async (file) => ({ name: file.name, mimeType: "", buffer: Buffer.from(await file.bytes()) })),
  );
  await page.setInputFiles("#mnist", picked);
  await isTold("Your files: 400 to learn from, 150 held out.");
  await page.setInputFiles("#mnist", picked.slice(1));
  await page.waitForSelector("#problem:not([hidden])");
  const problem = await textOf(page, "#problem");
  await page.context().close();
  return problem;
}

/** What the page says where WebAssembly has no SIMD; it learns all the same. */
async function withoutSimd(chromium: string, url: string) {
  const visitor = await Visitor.open(chromium, url, "--js-flags=--no-enable-ssse3"); // V8 needs it for SIMD
  const page = await visitor.visit();
  await waitForAtLeast(page, "#steps", 1);
  const said = await textOf(page, "#missing");
  await visitor.browser.close();
  return { said, complaints: visitor.complaints };
}

/** Serves a site while a function uses it. */
async function served<T>(site: Site, use: (url: string) => Promise<T>): Promise<T> {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => respond(site, request),
  );
  try {
    return await use(`http://127.0.0.1:${server.addr.port}/`);
  } finally {
    await server.shutdown();
  }
}

/** Everything with the built-in digits. */

async function ownDigits(chromium: string, url: string) {
  const visitor = await Visitor.open(chromium, url);
  const parts = {
    learning: await learnAndRead(visitor),
    longest: await hold(visitor),
    kept: await keep(visitor, hundredDigits(7)[18]),
    back: await comeBack(visitor),
    pressed: await press(visitor),
    keys: await useKeys(visitor),
    phone: await onPhone(visitor),
  };
  await visitor.browser.close();
  const elsewhere = visitor.fetched.filter((address) => !address.startsWith(url));
  return { ...parts, elsewhere, complaints: visitor.complaints };
}

/** Everything with digits in files. */
async function inFiles(chromium: string) {
  const folder = await Deno.makeTempDir(), files = [...idxFiles("t10k", 150), ...idxFiles("train", 400)];
  try {
    for (const file of files) await Deno.writeFile(`${folder}/${file.name}`, file.stream());
    return await served(await buildPage(folder), async (url) => {
      const visitor = await Visitor.open(chromium, url);
      const problem = await otherDigits(visitor, files);
      await visitor.browser.close();
      return { problem, complaints: visitor.complaints };
    });
  } finally {
    await removeWhole(folder);
  }
}

/** Everything. */
async function visitPage(chromium: string) {
  const found = await served(await buildPage(), async (url) => ({
    ...await ownDigits(chromium, url),
    plain: Deno.build.arch === "x86_64" ? await withoutSimd(chromium, url) : null,
  }));
  return { ...found, files: await inFiles(chromium) };
}

/** What was found. */
export type Found = Awaited<ReturnType<typeof visitPage>>;

if (import.meta.main) console.log(JSON.stringify(await visitPage(Deno.args[0])));
