/// <reference lib="dom" />
/** Runs over each other, by epoch: this one, and those that have been written down. */
import type { EpochRecord } from "../../../layers/train/train.ts";
import type { WrittenRun } from "../messages.ts";
import { Chart, COLOURS, type Curve } from "./chart.ts";
import { element, figure, made } from "./element.ts";

/** The charts of losses, metrics and runs. */
export class Epochs {
  #live: WrittenRun | null = null;
  #written: readonly WrittenRun[] = [];
  readonly #hidden = new Set<string>();
  readonly #charts = new Map<string, Chart>();
  #drawn = "";

  /** Shows the history of the run that is under way. */
  showLive(name: string, history: readonly EpochRecord[]): void {
    this.#live = { name, history };
    this.#draw();
  }

  /** Shows runs from their files. */
  showWritten(runs: readonly WrittenRun[]): void {
    this.#written = runs;
    this.#draw();
  }

  /** This run first, and no file that is its own. */
  #runs(): WrittenRun[] {
    const live = this.#live === null || this.#live.history.length === 0 ? [] : [this.#live];
    const own = JSON.stringify(live[0]?.history.at(0)?.seconds);
    return [...live, ...this.#written.filter(({ history }) => JSON.stringify(history[0].seconds) !== own)];
  }

  #draw(): void {
    const runs = this.#runs(), text = JSON.stringify([runs, [...this.#hidden]]);
    if (text === this.#drawn) return;
    this.#drawn = text;
    element("epochs", HTMLElement).hidden = runs.length === 0;
    this.#drawRuns(runs);
    const shown = runs.map((run, i) => ({ ...run, colour: COLOURS[i % COLOURS.length] }))
      .filter(({ name }, i) => !this.#hidden.has(`${i}: ${name}`));
    for (const key of keysOf(runs)) {
      const curves = shown.flatMap(({ name, colour, history }): Curve[] => {
        const values = history.map((record): [number, number | null] => [record.epoch, numberOf(record, key)]);
        return values.every(([, value]) => value === null) ? [] : [{ name, colour, values }];
      });
      const said = curves.map(({ name, values }) => `${name} ${figure(values.at(-1)?.[1])}`);
      this.#chart(key).show(curves, `${key} by epoch: ${said.join(", ")}`);
    }
    this.#drawTable(runs[0]);
  }

  #chart(key: string): Chart {
    const known = this.#charts.get(key);
    if (known !== undefined) return known;
    const place = made("div");
    place.className = "chart";
    element("epoch-charts", HTMLDivElement).append(made("figure", made("figcaption", key), place));
    const chart = new Chart(place);
    this.#charts.set(key, chart);
    return chart;
  }

  /** A box for each run, by which it is hidden. */
  #drawRuns(runs: readonly WrittenRun[]): void {
    const boxes = runs.map(({ name, history }, i) => {
      const box = made("input"), swatch = made("span"), id = `${i}: ${name}`;
      [box.type, box.checked] = ["checkbox", !this.#hidden.has(id)];
      swatch.className = "swatch";
      swatch.style.color = COLOURS[i % COLOURS.length];
      box.addEventListener("change", () => {
        if (box.checked) this.#hidden.delete(id);
        else this.#hidden.add(id);
        this.#draw();
      });
      return made("label", box, swatch, `${name} (${history.length})`);
    });
    element("runs", HTMLFieldSetElement).replaceChildren(made("legend", "Runs, with their epochs"), ...boxes);
  }

  #drawTable(run: WrittenRun | undefined): void {
    const keys = ["epoch", "seconds", "lr", ...keysOf(run === undefined ? [] : [run])];
    const head = made("tr", ...keys.map((key) => made("th", key)));
    const rows = (run?.history ?? []).map((record) =>
      made("tr", ...keys.map((key) => made("td", figure(numberOf(record, key)))))
    );
    element("history", HTMLTableElement).replaceChildren(made("thead", head), made("tbody", ...rows));
  }
}

/** The numbers that runs have by epoch: losses first, then metrics. */
function keysOf(runs: readonly WrittenRun[]): string[] {
  const records = runs.flatMap(({ history }) => history);
  const metrics = records.flatMap((record) =>
    Object.keys(record.metrics).filter((key) => numberOf(record, key) !== null)
  );
  return [
    ...new Set([
      "trainLoss",
      ...records.some((record) => record.validLoss !== undefined) ? ["validLoss"] : [],
      ...metrics,
    ]),
  ];
}

function numberOf(record: EpochRecord, key: string): number | null {
  const own = ["epoch", "seconds", "lr", "trainLoss", "validLoss"].includes(key);
  const value: unknown = own ? record[key as keyof EpochRecord] : record.metrics[key];
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}
