import { assert, assertEquals, assertGreater, assertMatch, assertStringIncludes } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { centred } from "../../../examples/page/centre.ts";
import type { FromWorker, ToWorker } from "../../../examples/page/messages.ts";
import { missing } from "../../../examples/page/missing.ts";
import { Session } from "../../../examples/page/session.ts";
import { idxFiles } from "./idx_files.ts";

type Received<T extends FromWorker["type"]> = Extract<FromWorker, { type: T }>;

const nextTask = () => new Promise<void>((done) => void setTimeout(done));

/** A session, and what it has told so far. */
class Line {
  readonly said: FromWorker[] = [];
  #turns = 0;
  #session: Session | undefined;

  static async open(): Promise<Line> {
    const line = new Line();
    line.#session = await Session.open((message) => void line.said.push(message), () => line.#turn());
    return line;
  }

  async #turn(): Promise<void> {
    this.#turns++;
    await nextTask();
    this.#turns--;
  }

  ask(message: ToWorker): Promise<void> {
    return this.#session!.answer(message);
  }
  last<T extends FromWorker["type"]>(type: T): Received<T> | undefined {
    return this.said.findLast((message): message is Received<T> => message.type === type);
  }
  /** Waits for a message of a type after what has been said. */
  async next<T extends FromWorker["type"]>(type: T): Promise<Received<T>> {
    for (const from = this.said.length;;) {
      const found = this.said.slice(from).find((message): message is Received<T> => message.type === type);
      if (found !== undefined) return found;
      await nextTask();
    }
  }
  /** Waits until it does nothing more. */
  async idle(): Promise<void> {
    await nextTask();
    while (this.#turns > 0) await nextTask();
  }
  async reading(): Promise<readonly number[]> {
    await this.ask({ type: "read", id: 7, picture: centred([[0.2, 0.2, 0.6, 0.2, 0.3, 0.9]]) });
    return this.last("reading")!.probabilities;
  }
}

describe("Session", () => {
  it("says what it learns from, and judges the network before it has learned", async () => {
    const line = await Line.open();
    const { verdict, progress } = await line.next("judged");
    assertEquals(line.said[0], { type: "ready", missing: missing(), beside: false });
    assertEquals(line.last("begun")?.data, { name: "Built-in digits", train: 8000, held: 1000 });
    assertEquals([progress.step, verdict.held, verdict.mistakes.length], [0, 1000, 12]);
    assert(verdict.mistakes.every(({ truth, guess, picture }) => truth !== guess && picture.length === 784));
    assertEquals(line.last("filters")?.kernels.length, 8 * 25);
    await line.idle();
  });

  it("takes one step at a time, and judges the network after each", async () => {
    const line = await Line.open();
    await line.next("judged");
    for (let step = 1; step <= 3; step++) {
      void line.ask({ type: "step" });
      const { progress: { step: taken, loss, perSecond } } = await line.next("judged");
      assertEquals([taken, loss > 0, perSecond > 0], [step, true, true]);
    }
    await line.idle();
  });

  it("learns until it is paused, and answers meanwhile", async () => {
    const line = await Line.open();
    void line.ask({ type: "run", learning: true });
    await line.next("judged");
    assertEquals((await line.reading()).length, 10);
    void line.ask({ type: "run", learning: false });
    const { progress } = await line.next("judged");
    await line.idle();
    assertGreater(progress.step, 0);
    assertEquals(line.last("judged")?.progress.step, progress.step);
  });

  it("gives weights that bring the same reading back, and a file of TypeScript that reads the same", async () => {
    const line = await Line.open();
    void line.ask({ type: "step" });
    await line.next("judged");
    const reading = await line.reading();
    await line.ask({ type: "save" });
    await line.ask({ type: "export" });
    const source = line.last("exported")!.source;
    const { predict } = await import(`data:text/typescript,${encodeURIComponent(source)}`);
    const predicted: number[] = predict(centred([[0.2, 0.2, 0.6, 0.2, 0.3, 0.9]]));
    assertEquals(predicted.map((p) => p.toFixed(5)), reading.map((p) => p.toFixed(5))); // float32 in another order

    const other = await Line.open();
    await other.ask({ type: "reset", width: 4 });
    await other.ask({ type: "load", file: new File([line.last("saved")!.bytes], "digits.safetensors") });
    assertEquals(other.last("begun")?.width, 8);
    assertEquals(await other.reading(), reading);
    await Promise.all([line.idle(), other.idle()]);
  });

  it("begins anew with another width, and takes another rate for what follows", async () => {
    const line = await Line.open();
    await line.ask({ type: "rate", rate: 0.01 });
    await line.ask({ type: "reset", width: 4 });
    const { rate, width } = line.last("begun")!;
    assertEquals([rate, width], [0.01, 4]);
    assertEquals((await line.next("filters")).kernels.length, 4 * 25);
    await line.idle();
  });

  it("learns from files that were picked, of two pairs from the larger one", async () => {
    const line = await Line.open();
    const files = [...idxFiles("t10k", 120), ...idxFiles("train", 300)];
    await line.ask({ type: "data", source: files });
    assertEquals(line.last("begun")?.data, { name: "Your files", train: 300, held: 120 });
    await line.ask({ type: "data", source: files.slice(2) });
    assertEquals(line.last("begun")?.data, { name: "Your files", train: 270, held: 30 });
    void line.ask({ type: "step" });
    assertEquals((await line.next("judged")).verdict.held, 30);
    await line.idle();
  });

  it("says in a sentence what it cannot do, and goes on with what it had", async () => {
    const line = await Line.open();
    await line.ask({ type: "data", source: idxFiles("train", 300).slice(0, 1) });
    assertStringIncludes(line.last("problem")!.sentence, "Cannot learn from these files: they hold uint8 [300,28,28]");
    await line.ask({ type: "load", file: new File(["{}"], "x.safetensors") });
    assertStringIncludes(line.last("problem")!.sentence, "Cannot read x.safetensors");
    await line.reading();
    assertEquals(line.said.filter(({ type }) => type === "begun").length, 1);
    await line.idle();
  });
});

describe("missing()", () => {
  const engine = (validate: boolean) => ({ validate: () => validate });
  it("says nothing where WebAssembly or the compiled kernel computes", () => {
    assertEquals([missing("wasm"), missing("native")], [null, null]);
  });
  it("says what is missing where plain loops do", () => {
    assertMatch(missing("reference", null)!, /^This browser has no WebAssembly/);
    assertMatch(missing("reference", engine(false))!, /^WebAssembly has no SIMD here/);
    assertMatch(missing("reference", engine(true))!, /^WebAssembly cannot be used here \(.*\)\. The network learns/);
  });
  it("knows SIMD where it is", () => {
    assertMatch(missing("reference", WebAssembly)!, /^WebAssembly cannot be used here/);
  });
});
