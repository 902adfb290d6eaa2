/** The live page of a run, as a callback. */
import { checkOptions, describe, requireArray, shown } from "../../core/arguments.ts";
import { memoryInUse } from "../../core/host/program.ts";
import type { Callback, Learner } from "../../layers/train/train.ts";
import type { Control, FirstWeights, Point, RunStatus, Update } from "./messages.ts";
import { firstWeights, Monitor } from "./monitor.ts";
import { runsIn } from "./runs.ts";
import { newKey, PageServer } from "./server.ts";

/** The options of {@linkcode Dashboard}. */
export interface DashboardOptions {
  /**
   * The port at 127.0.0.1, 0 for any that is free.
   *
   * @default {0}
   */
  port?: number;
  /** The key in the address, at least 16 letters and digits; without it a new one each time. */
  key?: string;
  /**
   * What the run is called.
   *
   * @default {"this run"}
   */
  name?: string;
  /** The folder whose runs are laid over this one: each folder in it with a `history.jsonl`, as `Checkpoints` write it. */
  runs?: string;
  /**
   * The names of the classes.
   *
   * @default {their numbers}
   */
  classes?: readonly string[];
  /**
   * Whether the page stays open after the run, until `close()`.
   *
   * @default {false}
   */
  stay?: boolean;
  /**
   * Prints the line with the address.
   *
   * @default {console.log}
   */
  print?: (line: string) => void;
}

/** The most points of a curve: where more come, every second one is left out. */
const POINTS = 600;
/** The part of a run's time that looking into the model may take. */
const AFFORDED = 0.005;
/** Milliseconds from one message to the next, and from one look into the model to the next. */
const TELL_EVERY = 500, LOOK_EVERY = 1000;

/**
 * Serves a page about the run at 127.0.0.1: loss, metrics, rate, throughput and memory as they grow, activations and gradients by layer,
 * the worst mistakes of the last validation, the weights of the first layer, and other runs over this one. It can pause the run, stop it
 * after the epoch, and scale the learning rate: that of a schedule as well, which goes on by its own numbers.
 *
 * The address has a random key, without which nothing is answered; the page asks for nothing from elsewhere. It costs a run less than 2 %
 * of its time.
 *
 * @example
 * ```ts
 * import { nn, optim, tensor } from "@gradus/gradus";
 * import { Dashboard } from "@gradus/gradus/display";
 * import { Learner } from "@gradus/gradus/train";
 * import { assertMatch } from "@std/assert";
 *
 * let line = "";
 * const dashboard = new Dashboard({ print: (text) => line = text });
 * const model = new nn.Linear(1, 1);
 * const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 });
 * const data = { train: [[tensor([[1]]), tensor([[2]])]] as const };
 * await new Learner({ model, optimizer, loss: nn.functional.mse, data, callbacks: [dashboard] }).fit(2);
 * assertMatch(line, /^Watch the run at http:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{32}\/$/);
 * await dashboard.close();
 * ```
 */
export class Dashboard implements Callback {
  /** Before the history notes the learning rate, and before schedules set the next one. */
  readonly order: number = 5;
  readonly #options: DashboardOptions;
  readonly #monitor: Monitor;
  readonly #server: PageServer;
  #learner: Learner | null = null;
  #points: Point[] = [];
  #stride = 1;
  #waiting: Point[] = [];
  #told = 0;
  #looked = 0;
  #epochsTold = 0;
  /** When the last batch was done, and the moving average of rows a second. */
  #since = 0;
  #rows = 0;
  /** Megabytes at the last message: to ask takes longer than a small step. */
  #memory: number | null = null;
  #begun = 0;
  #searching = false;
  #looking = false;
  #seen = false;
  #rates: number[] = [];
  #weights: FirstWeights | null = null;
  #factor = 1;
  #stopping = false;
  #ended = "";
  #pause: { readonly over: Promise<void>; end(): void } | null = null;

  /** A page that opens when a run begins. */
  constructor(options: DashboardOptions = {}) {
    checkOptions("make a Dashboard", options, ["port", "key", "name", "runs", "classes", "stay", "print"], {
      ...{ port: "number", key: "string", name: "string", runs: "string", stay: "boolean", print: "function" },
    });
    const { port = 0, key = newKey(), classes = [] } = options;
    if (!Number.isInteger(port) || port < 0 || port > 65_535) {
      throw new RangeError(`Cannot serve at the port ${shown(port)}: give a whole number from 0 to 65535`);
    }
    if (!/^[A-Za-z0-9]{16,}$/.test(key)) {
      throw new RangeError(`Cannot take ${describe(key)} as the key of a page: give at least 16 letters and digits`);
    }
    requireArray(classes, "name the classes", '["cat", "dog"]');
    this.#options = options;
    this.#monitor = new Monitor(classes.map(String));
    const { runs } = options;
    this.#server = new PageServer({
      whole: () => this.#whole(),
      control: (control) => this.#control(control),
      runs: async () => runs === undefined ? [] : await runsIn(runs),
    }, key);
  }

  /** Opens the page, and prints its address. */
  async beforeFit(learner: Learner): Promise<void> {
    this.#learner = learner;
    [this.#begun, this.#monitor.spent] = [performance.now(), 0];
    [this.#stopping, this.#ended, this.#since, this.#rows] = [false, "", performance.now(), 0];
    const address = await this.#server.open(this.#options.port ?? 0);
    (this.#options.print ?? console.log)(`Watch the run at ${address}`);
  }

  /** Looks into the model at this step, if the last look was long ago and somebody is there to see it. */
  beforeBatch(learner: Learner): void {
    const isDue = this.#looked === 0 || (performance.now() - this.#looked > LOOK_EVERY && this.#isAffordable());
    this.#looking = learner.training && this.#server.isWatched && isDue;
    if (!this.#looking) return;
    this.#looked = performance.now();
    this.#monitor.listen(learner);
  }

  #isAffordable(): boolean {
    return this.#monitor.spent < AFFORDED * (performance.now() - this.#begun);
  }

  /** Looks at the outputs no longer, and at validation for mistakes. */
  afterLoss(learner: Learner): void {
    if (learner.training) this.#monitor.stop();
    else if (this.#searching) this.#monitor.validate(learner);
  }

  /** Looks at the gradients. */
  afterBackward(learner: Learner): void {
    if (!this.#looking || learner.accumulating) return;
    this.#monitor.lookBack(learner);
    this.#seen = true;
  }

  /** Scales the learning rate for this step. */
  beforeStep({ optimizer: { paramGroups } }: Learner): void {
    this.#rates = paramGroups.map(({ lr }) => lr);
    if (this.#factor !== 1) paramGroups.forEach((group) => group.lr *= this.#factor);
  }

  /** Puts the learning rate back, for a schedule that goes on from it, and notes the step. */
  afterStep({ optimizer: { paramGroups }, loss, step }: Learner): void {
    const lr = paramGroups[0].lr;
    paramGroups.forEach((group, i) => group.lr = this.#rates[i]);
    if (step % this.#stride !== 0 && performance.now() - this.#told < TELL_EVERY) return;
    const number = loss.item();
    this.#add({
      ...{ step, loss: Number.isFinite(number) ? number : null, lr, rows: this.#rows },
      memory: this.#memory,
    });
  }

  #add(point: Point): void {
    this.#points.push(point);
    this.#waiting.push(point);
    if (this.#points.length < POINTS) return;
    this.#points = this.#points.filter((_, i) => i % 2 === 1);
    this.#stride *= 2;
  }

  /** Tells the page of the step, and waits while it is paused. */
  async afterBatch(learner: Learner): Promise<void> {
    if (learner.training) this.#time(learner.x.shape[0] ?? 1);
    if (performance.now() - this.#told >= TELL_EVERY) this.#tell();
    if (this.#pause === null) return;
    this.#tell();
    await this.#pause.over;
    this.#since = performance.now();
  }

  #time(rows: number): void {
    const now = performance.now(), rate = 1000 * rows / Math.max(now - this.#since, 1e-3);
    this.#since = now;
    this.#rows = this.#rows === 0 ? rate : 0.9 * this.#rows + 0.1 * rate;
  }

  /** Begins to look for mistakes. */
  beforeValid(): void {
    this.#searching = this.#monitor.mistakes.length === 0 || this.#isAffordable();
    this.#monitor.beginValidation();
  }

  /** Shows the mistakes. */
  afterValid(): void {
    if (this.#searching) this.#monitor.endValidation();
    this.#since = performance.now();
    this.#server.tell({ mistakes: this.#monitor.mistakes });
  }

  /** Stops the run, if the page has asked for it. */
  afterEpoch(learner: Learner): void {
    if (this.#stopping) learner.stop("the dashboard");
  }

  /** Says how the run ended. */
  afterFit(learner: Learner): void {
    this.#ended = learner.outcome;
    this.#tell();
  }

  /** Closes the page, unless it is to stay. */
  cleanUp(): void {
    this.#monitor.stop();
    if (this.#ended === "") this.#ended = "by an error";
    this.#pause?.end();
    this.#tell();
    if (this.#options.stay !== true) this.close().catch(() => {});
  }

  /** Closes the page; resolves when nothing is served any more. */
  async close(): Promise<void> {
    await this.#server.close();
  }

  /** Tells what has changed. */
  #tell(): void {
    const learner = this.#learner;
    if (learner === null) return; // another callback failed before this one began
    const { history } = learner, points = this.#waiting;
    const memory = memoryInUse();
    [this.#told, this.#waiting, this.#memory] = [performance.now(), [], memory === null ? null : memory / 1e6];
    if (!this.#server.isWatched) return;
    const news = this.#seen ? this.#look(learner) : {};
    const grown = history.length !== this.#epochsTold ? { history } : {};
    this.#epochsTold = history.length;
    this.#seen = false;
    this.#server.tell({ status: this.#status(learner), points, ...grown, ...news });
  }

  /** What the last look into the model has shown. */
  #look(learner: Learner): Update {
    const start = performance.now();
    this.#weights = firstWeights(learner);
    this.#monitor.spent += performance.now() - start;
    const { activations, gradients } = this.#monitor;
    return { activations, gradients, weights: this.#weights };
  }

  #whole(): Update {
    const learner = this.#learner;
    if (learner === null) return {};
    this.#weights ??= firstWeights(learner);
    const { activations, gradients, mistakes } = this.#monitor;
    return {
      ...{ status: this.#status(learner), points: this.#points, history: learner.history },
      ...{ activations, gradients, mistakes, weights: this.#weights },
    };
  }

  #status({ epoch, epochs, batch, batches, step }: Learner): RunStatus {
    const state = this.#ended !== "" ? "ended" : this.#pause !== null ? "paused" : "training";
    const note = this.#ended !== "" ? this.#ended : this.#stopping ? "stops after this epoch" : "";
    const name = this.#options.name ?? "this run";
    return { name, state, note, epoch, epochs, batch, batches, step, factor: this.#factor };
  }

  #control(control: Control): void {
    if (control.action === "stop") this.#stopping = true;
    if (control.action === "rate") this.#factor = control.factor;
    if (control.action === "pause" && this.#pause === null && this.#ended === "") this.#pause = newPause();
    if (control.action !== "pause" && control.action !== "rate") this.#resume();
    this.#tell();
  }

  #resume(): void {
    this.#pause?.end();
    this.#pause = null;
  }
}

function newPause(): { readonly over: Promise<void>; end(): void } {
  let end = () => {};
  const over = new Promise<void>((resolve) => end = resolve);
  return { over, end: () => end() };
}

/** The options of {@linkcode watchRuns}. */
export type WatchOptions = Pick<DashboardOptions, "port" | "key">;

/** A page about runs. */
export interface WatchedRuns {
  /** Its address. */
  readonly address: string;
  /** Closes it. */
  close(): Promise<void>;
}

/**
 * Serves the page about the runs in a folder from their files alone, over each other: each folder in it with a `history.jsonl`, as
 * `Checkpoints` write it. Of runs that are under way the curves grow.
 */
export async function watchRuns(folder: string, options: WatchOptions = {}): Promise<WatchedRuns> {
  if (typeof folder !== "string") throw new TypeError(`Cannot watch ${describe(folder)}: give a folder's path`);
  checkOptions("watch runs", options, ["port", "key"], { port: "number", key: "string" });
  const { port = 0, key = newKey() } = options;
  const server = new PageServer({ whole: () => ({}), runs: () => runsIn(folder) }, key);
  return { address: await server.open(port), close: () => server.close() };
}
