/// <reference lib="dom" />
/**
 * Visits the live page in Chromium and prints what was found, as JSON; in a process of its own, as the visit of the page of `examples/`.
 *
 *     deno run -A tests/display/dashboard/visit_dashboard.ts CHROMIUM [FOLDER_FOR_SCREENSHOTS]
 */
import { manualSeed, nn, optim } from "@gradus/gradus";
import { Dashboard, watchRuns } from "@gradus/gradus/display";
import { type Callback, Checkpoints, Learner, metrics } from "@gradus/gradus/train";
import type { Page } from "playwright-core";
import { Visitor } from "../../examples/page/browser_page.ts";
import { inOrder, network, shuffled } from "../../layers/train/small_run.ts";

const KEY = "keyofthesetests0123456789";
/** A name that would be a program if it became HTML. */
const EVIL = `<img src=x onerror="document.title='broken'"><script>document.title='broken'<\u002fscript>`;

/** A run that goes on until it is stopped, 20 ms a batch. */
function learnerWith(callbacks: Callback[], pause = 20): Learner {
  manualSeed(3);
  const model = network(), optimizer = new optim.Adam(model.parameters(), { lr: 0.01 });
  const slow: Callback = { afterBatch: () => new Promise((resolve) => setTimeout(resolve, pause)) };
  return new Learner({
    ...{ model, optimizer, loss: nn.functional.crossEntropy, data: { train: shuffled(), valid: inOrder() } },
    ...{ metrics: [metrics.accuracy()], callbacks: [...callbacks, slow] },
  });
}

async function begun(folder: string, port: number, stay: boolean) {
  const { promise, resolve } = Promise.withResolvers<string>();
  const print = (line: string) => resolve(line.split(" ").at(-1)!);
  const dashboard = new Dashboard({
    ...{ runs: folder, port, key: KEY, name: EVIL, classes: [EVIL, EVIL] },
    stay,
    print,
  });
  const learner = learnerWith([dashboard]);
  return { dashboard, learner, running: learner.fit(10_000), address: await promise };
}

const numberOf = (page: Page, id: string, what: string) =>
  page.evaluate(([id, what]) => Number(document.getElementById(id)?.dataset[what] ?? 0), [id, what]);

/** Milliseconds until the state says so. */
async function untilState(page: Page, word: string): Promise<number> {
  const start = performance.now();
  await page.waitForFunction((word) => document.querySelector("#state")!.textContent!.includes(word), word, {
    polling: 20,
  });
  return performance.now() - start;
}

/** Curves grow, what was found is shown, controls act. */
async function watch(visitor: Visitor, learner: Learner, running: Promise<unknown>) {
  const page = await visitor.visit();
  await page.waitForFunction(() => Number(document.getElementById("loss-chart")?.dataset.points) > 3);
  const before = await numberOf(page, "loss-chart", "points");
  await page.waitForSelector("#mistakes li");
  await page.waitForSelector("#gradients tbody tr");
  await page.waitForFunction(
    (before) => Number(document.getElementById("loss-chart")?.dataset.points) > before + 10,
    before,
  );
  const grown = await numberOf(page, "loss-chart", "points") - before;
  await page.waitForFunction(() =>
    [...document.querySelectorAll("#epoch-charts .chart")].every((c) => (c as HTMLElement).dataset.curves === "3")
  );
  const runs = await page.locator("#runs label").allTextContents();
  await page.locator("#runs input").nth(1).uncheck();
  const left = await page.evaluate(() =>
    (document.querySelector("#epoch-charts .chart") as HTMLElement).dataset.curves
  );
  const rows = await page.locator("#gradients tbody tr").count();
  await page.click("#pause");
  const paused = await untilState(page, "Paused");
  await page.waitForTimeout(100);
  const { step } = learner;
  await page.waitForTimeout(200);
  const stood = learner.step === step;
  await page.click("#pause");
  const resumed = await untilState(page, "Training");
  await page.fill("#factor", "0.5");
  await page.click("#apply");
  await page.waitForFunction(() => document.querySelector("output#rate")!.textContent === "0.005", null, {
    polling: 20,
  });
  await page.click("#stop");
  const stopping = await untilState(page, "Ended: stopped");
  await running;
  const title = await page.title(), images = await page.locator("main img, header img").count();
  const mistakes = await page.locator("#mistakes li").first().textContent();
  await page.context().close();
  return { grown, runs, left, rows, paused, stood, resumed, stopping, title, images, mistakes };
}

/** The server goes, and comes back at the same address. */
async function reconnect(visitor: Visitor, folder: string, port: number) {
  const first = await begun(folder, port, true);
  const page = await visitor.visit();
  await untilState(page, "Training");
  await first.dashboard.close();
  await untilState(page, "The server is gone");
  first.learner.stop("the test");
  await first.running;
  const second = await begun(folder, port, true);
  await untilState(page, "Training");
  await page.waitForFunction(() => Number(document.getElementById("loss-chart")?.dataset.points) > 3);
  second.learner.stop("the test");
  await second.running;
  await page.context().close();
  await second.dashboard.close();
}

/** The page of a folder of runs alone. */
async function watchFolder(visitor: Visitor, folder: string, port: number) {
  const { close } = await watchRuns(folder, { port, key: KEY });
  const page = await visitor.visit();
  await page.waitForSelector("#runs label");
  const [runs, state] = [await page.locator("#runs label").allTextContents(), await page.textContent("#state")];
  const hidden = await page.evaluate(() =>
    ["controls", "live", "layers"].every((id) => (document.getElementById(id) as HTMLElement).hidden)
  );
  await page.context().close();
  await close();
  return { runs, state, hidden };
}

/** By how much the page is wider than its window. */
async function looks(visitor: Visitor, screenshots: string | undefined): Promise<number[]> {
  const widths: number[] = [];
  const schemes = screenshots === undefined ? ["light"] as const : ["light", "dark"] as const;
  for (const width of [390, 1280]) {
    for (const colorScheme of schemes) {
      const page = await visitor.visit({ viewport: { width, height: 900 }, colorScheme });
      await page.waitForSelector("#gradients tbody tr");
      widths.push(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth));
      if (screenshots) await page.screenshot({ path: `${screenshots}/${width}_${colorScheme}.png`, fullPage: true });
      await page.context().close();
    }
  }
  return widths;
}

async function visit(chromium: string, screenshots?: string) {
  const folder = await Deno.makeTempDir();
  for (const name of ["one", "two <b>"]) await learnerWith([new Checkpoints(`${folder}/${name}`)], 0).fit(3);
  const { dashboard, learner, running, address } = await begun(folder, 0, true);
  const port = Number(new URL(address).port), visitor = await Visitor.open(chromium, address);
  try {
    const widths = await looks(visitor, screenshots);
    const watched = await watch(visitor, learner, running);
    await dashboard.close();
    const complaints = [...visitor.complaints]; // of the server that is gone the browser complains
    await reconnect(visitor, folder, port);
    const files = await watchFolder(visitor, folder, port);
    const elsewhere = visitor.fetched.filter((url) => !url.startsWith(address) && !url.startsWith("data:"));
    return { widths, watched, files, complaints, elsewhere };
  } finally {
    await visitor.browser.close();
    await Deno.remove(folder, { recursive: true });
  }
}

/** What was found. */
export type Found = Awaited<ReturnType<typeof visit>>;

if (import.meta.main) {
  console.log(JSON.stringify(await visit(Deno.args[0], Deno.args[1])));
  Deno.exit(0);
}
