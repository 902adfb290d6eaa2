/** What the worker does: it learns while it may, and between two steps answers what the page asks. */
import { nn } from "@gradus/gradus";
import { encodeSafetensors, readSafetensors } from "@gradus/gradus/io";
import { exportTs } from "@gradus/gradus/train";
import { SIDE } from "./centre.ts";
import {
  builtInDigits,
  type DigitData,
  digitsBeside,
  digitsPicked,
  type FilesBeside,
  summaryOf,
} from "./digit_data.ts";
import { judging } from "./judge.ts";
import type { DataSource, FromWorker, Settings, ToWorker } from "./messages.ts";
import { missing } from "./missing.ts";
import { firstKernels, networkWith, probabilitiesOf } from "./network.ts";
import { Trainer } from "./trainer.ts";

/** Milliseconds between two reports, and at least between two verdicts. */
const REPORT = 100, JUDGE = 250;

/** A verdict takes at most one part in so many of the time. */
const PARTS = 5;

/** What exported files begin with. */
const EXPORT_HEADER = `// A network that learned digits on a page of Gradus.
// predict() takes a picture of 28 × 28 values, row by row, from 0 (paper) to 1 (ink): the digit fills a box of 20 × 20, and the
// centre of its mass is in the middle. It returns how probable each of the digits 0 to 9 is.
`;

/** A page's network, and all that is asked of it. */
export class Session {
  #settings: Settings = { width: 8, rate: 0.002 };
  #trainer: Trainer;
  #learning = false;
  /** Steps that were asked for one by one. */
  #owed = 0;
  #looping = false;
  #reported = 0;
  /** When the next verdict is due, in milliseconds; 0 for at once. */
  #due = 0;

  private constructor(
    readonly post: (message: FromWorker) => void,
    readonly turn: () => Promise<void>,
    readonly beside: FilesBeside,
    data: DigitData,
  ) {
    this.#trainer = new Trainer(data, this.#settings);
    this.#begin(this.#trainer);
  }

  /**
   * Begins with MNIST where its files are beside the page, else with the library's own digits; `post` sends to the page, `turn` lets its
   * messages in.
   */
  static async open(
    post: (message: FromWorker) => void,
    turn: () => Promise<void>,
    beside: FilesBeside = [],
  ): Promise<Session> {
    post({ type: "ready", missing: missing(), beside: beside.length > 0 });
    const data = beside.length === 0 ? null : await digitsBeside(beside).catch((error) => {
      post({ type: "problem", sentence: (error as Error).message });
      return null;
    });
    return new Session(post, turn, beside, data ?? builtInDigits());
  }

  /** Does what the page asks; what cannot be done is told it in a sentence. */
  async answer(message: ToWorker): Promise<void> {
    try {
      await this.#answer(message);
    } catch (error) {
      this.post({ type: "problem", sentence: (error as Error).message });
    }
  }

  async #answer(message: ToWorker): Promise<void> {
    switch (message.type) {
      case "run":
        return this.#run(message.learning);
      case "step":
        this.#run(false);
        this.#owed++;
        return;
      case "rate":
        this.#settings = { ...this.#settings, rate: message.rate };
        this.#trainer.rate = message.rate;
        return;
      case "reset":
        return this.#beginWith(this.#trainer.data, message.width);
      case "data":
        return this.#beginWith(await this.#digits(message.source), this.#settings.width);
      case "read":
        return this.#read(message.id, message.picture);
      case "save":
        return this.post({ type: "saved", bytes: this.#weights() });
      case "load":
        return await this.#load(message.file);
      case "export":
        return this.post({ type: "exported", source: await this.#source() });
    }
  }

  #run(learning: boolean): void {
    this.#learning = learning;
    this.#due = 0; // the last verdict was on an earlier step
    this.post({ type: "running", learning });
    this.#goOn();
  }

  /** Does what is due; one loop at a time. */
  #goOn(): void {
    if (this.#looping) return;
    this.#looping = true;
    this.#loop().catch((error) => {
      this.#looping = this.#learning = false;
      this.#owed = 0;
      this.post({ type: "running", learning: false });
      this.post({ type: "problem", sentence: (error as Error).message });
    });
  }

  /** Learns, reports and judges as long as anything of it is due. */
  async #loop(): Promise<void> {
    await this.turn();
    while (this.#learning || this.#owed > 0 || this.#due === 0) {
      if (this.#learning || this.#owed > 0) this.#trainer.learn();
      this.#owed = Math.max(0, this.#owed - 1);
      this.#report();
      if (performance.now() >= this.#due) await this.#judge();
      await this.turn();
    }
    this.#looping = false;
  }

  #report(): void {
    const now = performance.now();
    if (now < this.#reported + REPORT) return;
    this.#reported = now;
    this.post({ type: "progress", ...this.#trainer.progress() });
  }

  /** Judges the network as it is; nothing is learned meanwhile. */
  async #judge(): Promise<void> {
    const trainer = this.#trainer, start = performance.now(), progress = trainer.progress();
    this.#due = Infinity; // unless somebody asks for another one meanwhile
    const pieces = judging(trainer.network, trainer.data.held);
    for (let piece = pieces.next(); trainer === this.#trainer; piece = pieces.next()) {
      if (piece.done) {
        this.post({ type: "judged", progress, verdict: piece.value });
        this.#postFilters();
        const now = performance.now();
        if (this.#due > 0) this.#due = now + Math.max(JUDGE, (PARTS - 1) * (now - start));
        return;
      }
      await this.turn();
    }
  }

  #postFilters(): void {
    const { network, settings: { width } } = this.#trainer;
    this.post({ type: "filters", kernels: firstKernels(network), width });
  }

  #beginWith(data: DigitData, width: number): void {
    this.#settings = { ...this.#settings, width };
    this.#begin(new Trainer(data, this.#settings));
  }

  #begin(trainer: Trainer): void {
    this.#trainer = trainer;
    this.#due = 0;
    this.post({ type: "begun", data: summaryOf(trainer.data), ...trainer.settings });
    this.#goOn();
  }

  async #digits(source: DataSource): Promise<DigitData> {
    if (source === "built-in") return builtInDigits();
    return source === "beside" ? await digitsBeside(this.beside) : await digitsPicked(source);
  }

  #read(id: number, picture: Float32Array<ArrayBuffer>): void {
    this.post({ type: "reading", id, probabilities: probabilitiesOf(this.#trainer.network, picture) });
  }

  #weights(): Uint8Array<ArrayBuffer> {
    const { network, data, settings } = this.#trainer, { step } = this.#trainer.progress();
    const about = { data: data.name, width: `${settings.width}`, step: `${step}` };
    return Uint8Array.from(encodeSafetensors(network.stateDict(), about));
  }

  /** Goes on with weights from a file, once it is told to. */
  async #load(file: File): Promise<void> {
    const { network, width } = networkWith((await readSafetensors(file)).tensors);
    this.#run(false);
    this.#owed = 0;
    this.#settings = { ...this.#settings, width };
    this.#begin(new Trainer(this.#trainer.data, this.#settings, network));
  }

  async #source(): Promise<string> {
    const complete = new nn.Sequential(this.#trainer.network, new nn.Softmax(1));
    return EXPORT_HEADER + await exportTs(complete, undefined, { inputShape: [1, SIDE, SIDE] });
  }
}
