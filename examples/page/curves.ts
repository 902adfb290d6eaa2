/// <reference lib="dom" />
/** Curves of what is right and of the loss, over the steps. */
import uPlot from "uplot";

/** The most points of a curve: where more come, every second one is left out. */
const POINTS = 600;

const AXES_FONT = "12px system-ui, sans-serif";

/** A colour of the style sheet, as it is now. */
const colour = (name: string) => () => getComputedStyle(document.documentElement).getPropertyValue(name);

/** A series in a colour, dashed or solid, so that it is known without the colour too. */
function series(label: string, name: string, dash?: number[]): uPlot.Series {
  return { label, stroke: colour(name), width: 2, spanGaps: true, points: { show: false }, ...(dash && { dash }) };
}

function axis(more: uPlot.Axis = {}): uPlot.Axis {
  const line = { stroke: colour("--line"), width: 1 };
  return { stroke: colour("--quiet"), font: AXES_FONT, grid: line, ticks: { show: false }, gap: 4, ...more };
}

/** A chart of values over the steps, as wide as its place. */
export class Curve {
  readonly #plot: uPlot;
  #rows: (number | null)[][];

  constructor(place: HTMLElement, values: readonly uPlot.Series[], scale: uPlot.Scale, valueAxis: uPlot.Axis = {}) {
    this.#rows = [[], ...values.map(() => [])];
    this.#plot = new uPlot(
      {
        width: place.clientWidth,
        height: place.clientHeight,
        legend: { show: false },
        cursor: { show: false },
        series: [{}, ...values],
        scales: { x: { time: false, range: (_, __, last) => [0, Math.max(last ?? 0, 50)] }, y: scale },
        axes: [axis({ size: 28 }), axis({ size: 44, ...valueAxis })],
        padding: [8, 12, 0, 0],
      },
      this.#data(),
      place,
    );
    new ResizeObserver(() => this.#fit(place)).observe(place);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#plot.redraw(false, true));
  }

  /** Adds a value of each series at a step, or `null` where one has none. */
  add(step: number, ...values: (number | null)[]): void {
    if (this.#rows[0].length >= POINTS) this.#rows = this.#rows.map((row) => row.filter((_, i) => i % 2 === 0));
    const isShown = (value: number | null) => value !== null && Number.isFinite(value); // a loss that has grown past all bounds
    [step, ...values].forEach((value, i) => this.#rows[i].push(isShown(value) ? value : null));
    this.#plot.setData(this.#data());
  }

  /** Takes everything off the chart. */
  clear(): void {
    this.#rows = this.#rows.map(() => []);
    this.#plot.setData(this.#data());
  }

  #data(): uPlot.AlignedData {
    return this.#rows as unknown as uPlot.AlignedData;
  }

  #fit(place: HTMLElement): void {
    const { clientWidth: width, clientHeight: height } = place;
    if (width > 0 && width !== this.#plot.width) this.#plot.setSize({ width, height });
  }
}

/** The part of the held-out digits that is right, from 0 to 100. */
export function accuracyCurve(place: HTMLElement): Curve {
  return new Curve(place, [series("right", "--accent")], { range: [0, 100] });
}

/** The loss on held-out digits and on those that are learned from, on a logarithmic scale. */
export function lossCurve(place: HTMLElement): Curve {
  const both = [series("held out", "--accent"), series("learned from", "--ink", [5, 4])];
  const range = (_: uPlot, low: number | null, high: number | null): [number, number] => {
    return [10 ** Math.floor(Math.log10(Math.max(low ?? 0.1, 1e-4))), 10 ** Math.ceil(Math.log10(high ?? 1))];
  };
  return new Curve(place, both, { distr: 3, range }, { splits: powersOfTen });
}

/** The powers of ten in a range. */
function powersOfTen(_: uPlot, __: number, low: number, high: number): number[] {
  const [first, last] = [low, high].map((value) => Math.round(Math.log10(value)));
  return Array.from({ length: last - first + 1 }, (_, i) => Number(`1e${first + i}`));
}
