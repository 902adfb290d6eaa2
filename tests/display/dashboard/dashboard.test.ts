import { describe, it } from "../../bdd.ts";
import { assert, assertAlmostEquals, assertEquals, assertMatch, assertNotEquals, assertThrows } from "@std/assert";
import { nn, optim, tensor } from "@gradus/gradus";
import { Dashboard, type DashboardOptions, watchRuns } from "@gradus/gradus/display";
import { type Callback, Checkpoints, Learner } from "@gradus/gradus/train";
import { pageFingerprint, pageSources } from "../../../display/dashboard/build.ts";
import type { Update } from "../../../display/dashboard/messages.ts";
import { PAGE, PAGE_FINGERPRINT } from "../../../display/dashboard/page_files.ts";
import { inFolder } from "../../core/io/in_folder.ts";
import { smallLearner } from "../../layers/train/small_run.ts";

const KEY = "0123456789abcdef";

/** The address in the line that a dashboard prints. */
function addressed(options: DashboardOptions = {}): { dashboard: Dashboard; address: Promise<string> } {
  const { promise, resolve } = Promise.withResolvers<string>();
  const dashboard = new Dashboard({ ...options, print: (line) => resolve(line.replace("Watch the run at ", "")) });
  return { dashboard, address: promise };
}

/** What a page is told, until `isLast` says so. */
async function told(address: string, isLast: (update: Update) => boolean): Promise<Update[]> {
  const { body } = await fetch(`${address}events`);
  const updates: Update[] = [];
  let text = "";
  for await (const part of body!.pipeThrough(new TextDecoderStream())) {
    const parts = (text + part).split("\n\n");
    text = parts.pop()!;
    updates.push(...parts.map((message) => JSON.parse(/^data: (.*)$/m.exec(message)![1])));
    if (updates.some(isLast)) break;
  }
  return updates;
}

async function control(address: string, body: unknown, type = "application/json"): Promise<number> {
  const response = await fetch(`${address}control`, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": type },
  });
  await response.body?.cancel();
  return response.status;
}

/** A line y = 2x by steps of a known size. */
function lineLearner(callbacks: Callback[], lr = 0.1): { learner: Learner; model: nn.Linear } {
  const model = new nn.Linear(1, 1);
  const optimizer = new optim.SGD(model.parameters(), { lr });
  const data = { train: [[tensor([[1]]), tensor([[2]])]] as const };
  return { learner: new Learner({ model, optimizer, loss: nn.functional.mse, data, callbacks }), model };
}

describe("Dashboard", () => {
  it("answers nothing without its key, under another name, or by another method", async () => {
    const { dashboard, address } = addressed({ stay: true });
    await lineLearner([dashboard]).learner.fit(1);
    const url = new URL(await address);
    const asked: [string, RequestInit?][] = [
      ["/"],
      ["/events"],
      [`/${KEY}/`],
      [`${url.pathname.slice(0, -2)}/`],
      [url.pathname.slice(0, -1)],
      [`${url.pathname}../`],
      [`${url.pathname}nothing`],
      [`${url.pathname}constructor`],
      [`/${KEY}/control`, { method: "POST", body: "{}" }],
      [url.pathname, { method: "DELETE" }],
    ];
    for (const [path, init] of asked) {
      const response = await fetch(new URL(path, url), init);
      assertEquals([response.ok, await response.text()], [false, ""], path);
    }
    const elsewhere = await Deno.connect({ hostname: "127.0.0.1", port: Number(url.port) });
    await elsewhere.write(
      new TextEncoder().encode(`GET ${url.pathname} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n`),
    );
    assertMatch(await new Response(elsewhere.readable).text(), /^HTTP\/1\.1 404 /);
    await dashboard.close();
  });

  it("serves a page that may fetch nothing from elsewhere", async () => {
    const { dashboard, address } = addressed({ stay: true });
    await lineLearner([dashboard]).learner.fit(1);
    for (const [name, text] of Object.entries(PAGE)) {
      const response = await fetch(await address + name);
      assertEquals(await response.text(), text);
      assertMatch(response.headers.get("content-security-policy")!, /^default-src 'none'; script-src 'self'; /);
    }
    await dashboard.close();
  });

  it("tells a page that comes late everything, and how the run ended", async () => {
    const { dashboard, address } = addressed({ stay: true, name: "a run" });
    const learner = smallLearner([dashboard]);
    await learner.fit(2);
    const [whole] = await told(await address, ({ whole }) => whole === true);
    assertEquals(whole.status?.name, "a run");
    assertEquals([whole.status?.state, whole.status?.note], ["ended", "finished"]);
    assertEquals(whole.points?.map(({ step }) => step), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    assertEquals(whole.history, JSON.parse(JSON.stringify(learner.history)));
    assertEquals(whole.mistakes?.length, 12);
    assert(whole.mistakes!.every(({ loss }, i, all) => i === 0 || loss <= all[i - 1].loss));
    assertEquals(whole.weights?.name, learner.model.namedParameters()[0][0]);
    await dashboard.close();
  });

  it("tells of layers once a second while somebody looks, and leaves no hook behind", async () => {
    const { dashboard, address } = addressed({ stay: true });
    const slow: Callback = { afterBatch: () => new Promise((resolve) => setTimeout(resolve, 20)) };
    const learner = smallLearner([dashboard, slow]);
    const running = learner.fit(3);
    const updates = await told(await address, ({ gradients, whole }) => !whole && (gradients?.length ?? 0) > 0);
    const { activations, gradients } = updates.at(-1)!;
    assertEquals(gradients!.map(({ name }) => name), learner.model.namedParameters().map(([name]) => name));
    assertEquals(activations!.map(({ name }) => name), [
      "0 Linear",
      "1 BatchNorm1d",
      "2 ReLU",
      "3 Dropout",
      "4 Linear",
    ]);
    assert(gradients!.every(({ std, counts }) => std >= 0 && counts.length === 24));
    await running;
    await dashboard.close();
  });

  it("scales the learning rate of the steps that follow, and leaves a schedule's numbers alone", async () => {
    const { dashboard, address } = addressed({ stay: true });
    const rates: number[] = [];
    const spy: Callback = {
      order: 6, // between the dashboard and the history
      beforeStep: ({ optimizer }) => void rates.push(optimizer.paramGroups[0].lr),
      afterBatch: async ({ step }) =>
        void (step === 2 && await control(await address, { action: "rate", factor: 0.5 })),
    };
    const { learner } = lineLearner([dashboard, spy], 0.2);
    const { history } = await learner.fit(4);
    assertEquals(rates, [0.2, 0.2, 0.1, 0.1]);
    assertEquals(history.map(({ lr }) => lr), rates);
    assertEquals(learner.optimizer.paramGroups[0].lr, 0.2);
    await dashboard.close();
  });

  it("pauses a run, lets it go on, and stops it after the epoch", async () => {
    const { dashboard, address } = addressed({ stay: true });
    const slow: Callback = { afterBatch: () => new Promise((resolve) => setTimeout(resolve, 1)) };
    const { learner } = lineLearner([dashboard, slow]);
    const running = learner.fit(100_000);
    assertEquals(await control(await address, { action: "pause" }), 204);
    await told(await address, ({ status }) => status?.state === "paused");
    await new Promise((resolve) => setTimeout(resolve, 20)); // the batch that was on
    const { step } = learner;
    await new Promise((resolve) => setTimeout(resolve, 60));
    assertEquals(learner.step, step);
    assertEquals(await control(await address, { action: "resume" }), 204);
    await told(await address, ({ status }) => (status?.step ?? 0) > step);
    assertEquals(await control(await address, { action: "stop" }), 204);
    const { outcome, reason } = await running;
    assertEquals([outcome, reason], ["stopped", "the dashboard"]);
    await dashboard.close();
  });

  it("takes no command that is none, or that another site's page could send", async () => {
    const { dashboard, address } = addressed({ stay: true });
    await lineLearner([dashboard]).learner.fit(1);
    const url = await address;
    for (
      const body of [{}, { action: "rm" }, { action: "rate" }, { action: "rate", factor: -1 }, null, "x".repeat(2000)]
    ) {
      assertEquals(await control(url, body), 400);
    }
    assertEquals(await control(url, { action: "stop" }, "text/plain"), 400);
    await dashboard.close();
  });

  it("computes what a run without it does, bit for bit", async () => {
    const { dashboard, address } = addressed();
    const plain = smallLearner([]);
    await plain.fit(2);
    let page: Response | undefined;
    const looking: Callback = {
      order: 6,
      beforeTrain: async () => void (page ??= await fetch(`${await address}events`)),
    };
    const watched = smallLearner([dashboard, looking]); // which sets the seed
    await watched.fit(2);
    assertMatch(await page!.text(), /"gradients":\[\{"name"/); // it was looked at
    const weights = (learner: Learner) => learner.model.parameters().map((p) => p.toArray());
    assertEquals(weights(watched), weights(plain));
    await dashboard.close();
  });

  it("has another key each time, and refuses one that could be guessed, and an odd port", async () => {
    const keys: string[] = [];
    for (let i = 0; i < 2; i++) {
      const { dashboard, address } = addressed();
      await lineLearner([dashboard]).learner.fit(1);
      keys.push(new URL(await address).pathname);
      await dashboard.close();
    }
    assertNotEquals(keys[0], keys[1]);
    assertThrows(() => new Dashboard({ key: "abc" }), RangeError, "at least 16 letters and digits");
    assertThrows(() => new Dashboard({ port: -1 }), RangeError, "from 0 to 65535");
  });
});

describe("watchRuns()", () => {
  it("serves the histories of a folder, also of a run that is under way, and leaves out what is none", () =>
    inFolder(async (folder) => {
      await smallLearner([new Checkpoints(`${folder}/b`)]).fit(2);
      await smallLearner([new Checkpoints(`${folder}/a`)]).fit(1);
      await Deno.mkdir(`${folder}/empty`);
      await Deno.mkdir(`${folder}/odd`);
      await Deno.writeTextFile(`${folder}/odd/history.jsonl`, "no history\n");
      await Deno.writeTextFile(`${folder}/a/history.jsonl`, '{"epoch":2,"st', { append: true });
      const { address, close } = await watchRuns(folder, { key: KEY });
      const runs = await (await fetch(`${address}runs.json`)).json();
      assertEquals(runs.map(({ name, history }: { name: string; history: unknown[] }) => [name, history.length]), [[
        "a",
        1,
      ], ["b", 2]]);
      assertAlmostEquals(runs[1].history[1].epoch, 2);
      assertEquals(await control(address, { action: "stop" }), 400);
      await close();
    }));
});

describe("page_files.ts", () => {
  it("was built from the page as it is (cure: deno run -A display/dashboard/build.ts)", async () => {
    assertEquals(PAGE_FINGERPRINT, pageFingerprint(await pageSources()));
  });
});
