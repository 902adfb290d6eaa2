/// <reference lib="dom" />
/** The page in a Chromium without a window: what a visitor does and sees. */
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import type { Stroke } from "../../../examples/page/centre.ts";

/** What a page says in a trace, so that its main thread is known. */
const MARK = "the page";

/** An event of a trace; times are in microseconds. */
interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  /** How long it took, and how long a processor worked for it. */
  readonly dur?: number;
  readonly tdur?: number;
}

/** A browser that was opened, with what its pages complained about and fetched. */
export class Visitor {
  readonly complaints: string[] = [];
  readonly fetched: string[] = [];

  private constructor(readonly browser: Browser, readonly url: string) {}

  /** Opens the browser at a path. */
  static async open(executablePath: string, url: string, ...args: string[]): Promise<Visitor> {
    const own = ["--no-sandbox", "--disable-dev-shm-usage", ...args];
    return new Visitor(await chromium.launch({ executablePath, args: own }), url);
  }

  /** A new page, at the address of the site. */
  async visit(options: BrowserContextOptions = {}): Promise<Page> {
    const context = await this.browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    const page = await context.newPage();
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") this.complaints.push(message.text());
    });
    page.on("pageerror", (error) => this.complaints.push(error.message));
    page.on("request", (request) => this.fetched.push(request.url()));
    await page.addInitScript((mark) => void performance.mark(mark), MARK);
    await page.goto(this.url);
    return page;
  }
}

/**
 * The longest time in milliseconds for which the main thread of a page was held while `body` visits it. Time in which the processor
 * worked for other programs does not count.
 */
export async function longestTask(browser: Browser, body: () => Promise<void>): Promise<number> {
  const categories = ["disabled-by-default-devtools.timeline", "blink.user_timing"];
  await browser.startTracing(undefined, { categories });
  await body();
  const trace = JSON.parse(new TextDecoder().decode(await browser.stopTracing()));
  const events: TraceEvent[] = trace.traceEvents, mark = events.find(({ name }) => name === MARK);
  const tasks = events.filter(({ name, pid, tid }) => name === "RunTask" && pid === mark?.pid && tid === mark.tid);
  if (tasks.length === 0) throw new Error("Cannot tell how long the page was held: its trace has no tasks");
  return tasks.reduce((most, { dur = 0, tdur = dur }) => Math.max(most, Math.min(dur, tdur)), 0) / 1000;
}

/** The text of an element. */
export async function textOf(page: Page, selector: string): Promise<string> {
  return (await page.textContent(selector))!;
}

/** Waits until a number on the page, such as `"98.7 %"` or `"1,024"`, is at least this. */
export async function waitForAtLeast(page: Page, selector: string, least: number, timeout = 60_000): Promise<void> {
  const isThere = ([selector, least]: [string, number]) =>
    parseFloat(document.querySelector(selector)!.textContent!.replace(",", "")) >= least;
  await page.waitForFunction(isThere, [selector, least] as [string, number], { timeout });
}

/** Draws strokes on the paper with the mouse, point by point, after what was there is cleared. */
export async function draw(page: Page, strokes: readonly Stroke[]): Promise<void> {
  await page.click("#clear");
  const { x, y, width, height } = (await page.locator("#pad").boundingBox())!;
  for (const stroke of strokes) {
    for (let i = 0; i < stroke.length; i += 2) {
      await page.mouse.move(x + stroke[i] * width, y + stroke[i + 1] * height);
      if (i === 0) await page.mouse.down();
    }
    await page.mouse.up();
  }
}

/** The same by events that are made in the page: a mouse moves once a frame, which takes its time. */
export async function drawAtOnce(page: Page, strokes: readonly Stroke[]): Promise<void> {
  await page.evaluate((strokes) => {
    document.getElementById("clear")!.click();
    const pad = document.getElementById("pad")!, { left, top, width, height } = pad.getBoundingClientRect();
    const send = (type: string, x: number, y: number) => {
      const place = { clientX: left + x * width, clientY: top + y * height };
      pad.dispatchEvent(new PointerEvent(type, { ...place, pointerId: 1, button: 0, buttons: 1 })); // 1 is the mouse
    };
    for (const stroke of strokes) {
      send("pointerdown", stroke[0], stroke[1]);
      for (let i = 2; i < stroke.length; i += 2) send("pointermove", stroke[i], stroke[i + 1]);
      send("pointerup", 0, 0);
    }
  }, strokes);
}

/** The digit that the page reads, once it has read all that is drawn. */
export async function guessOf(page: Page): Promise<string> {
  await page.waitForSelector('#bars[aria-busy="false"]');
  return await textOf(page, "#guess");
}

/** The texts of the ten bars. */
export async function barsOf(page: Page): Promise<string[]> {
  await page.waitForSelector('#bars[aria-busy="false"]');
  return await page.locator("#bars .part").allTextContents();
}

/** Pauses learning, and waits for the verdict that comes last. */
export async function pause(page: Page): Promise<void> {
  await page.click("#run");
  await page.waitForFunction(() => document.getElementById("run")!.textContent === "Go on");
  await page.waitForTimeout(500);
}

/** What is downloaded when a button is pressed. */
export async function downloaded(
  page: Page,
  button: string,
): Promise<{ name: string; bytes: Uint8Array<ArrayBuffer> }> {
  const [download] = await Promise.all([page.waitForEvent("download"), page.click(button)]);
  return { name: download.suggestedFilename(), bytes: await Deno.readFile(await download.path()) };
}

/** What the network sees of the drawing: levels from 0 to 1, row by row. */
export async function seenBy(page: Page): Promise<number[]> {
  return await page.evaluate(() => {
    const copy = new OffscreenCanvas(28, 28).getContext("2d", { willReadFrequently: true })!; // else the browser advises it
    copy.drawImage(document.querySelector<HTMLCanvasElement>("#seen")!, 0, 0);
    const { data } = copy.getImageData(0, 0, 28, 28);
    return Array.from({ length: 784 }, (_, i) => data[4 * i + 3] / 255);
  });
}
