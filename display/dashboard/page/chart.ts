/// <reference lib="dom" />
/** A chart of several curves. */
import uPlot from "uplot";

/** A curve: its name, its colour, and its values by place. */
export interface Curve {
  readonly name: string;
  readonly colour: string;
  readonly dash?: readonly number[];
  readonly values: readonly (readonly [x: number, y: number | null])[];
}

/** Colours that are told apart by those who see red and green alike, on light and on dark. */
export const COLOURS = ["#2f74d0", "#d9730d", "#2a9d77", "#b04fc1", "#c9a100", "#5b8def", "#e0526e", "#7f8c3b"];

const FONT = "12px system-ui, sans-serif";

const variable = (name: string) => () => getComputedStyle(document.documentElement).getPropertyValue(name);

/** What the variables of the style sheet come to, for a canvas knows no light-dark(). */
function resolved(name: string): () => string {
  return () => {
    const probe = document.createElement("span");
    probe.style.color = variable(name)();
    document.body.append(probe);
    const colour = getComputedStyle(probe).color;
    probe.remove();
    return colour;
  };
}

function axis(size: number): uPlot.Axis {
  const line = { stroke: resolved("--line"), width: 1 };
  return { stroke: resolved("--quiet"), font: FONT, grid: line, ticks: { show: false }, gap: 4, size };
}

/** A chart as wide as its place, which is drawn anew where its curves are others. */
export class Chart {
  #plot: uPlot | null = null;
  #names = "";

  /** A chart in `place`. */
  constructor(readonly place: HTMLElement) {
    place.setAttribute("role", "img");
    new ResizeObserver(() => this.#plot?.setSize(this.#size())).observe(place);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#plot?.redraw(false, true));
  }

  #size() {
    return { width: Math.max(this.place.clientWidth, 50), height: Math.max(this.place.clientHeight, 50) };
  }

  /** Shows these curves; `said` tells them to those who do not see. */
  show(curves: readonly Curve[], said: string): void {
    this.place.setAttribute("aria-label", said);
    const data = dataOf(curves), names = JSON.stringify(curves.map(({ name, colour }) => [name, colour]));
    this.place.dataset.points = `${data[0].length}`;
    this.place.dataset.curves = `${curves.length}`;
    if (names === this.#names && this.#plot !== null) return this.#plot.setData(data);
    this.#plot?.destroy();
    this.#names = names;
    this.#plot = new uPlot(
      {
        ...this.#size(),
        legend: { show: false },
        cursor: { show: false },
        series: [
          {},
          ...curves.map(({ name, colour, dash }): uPlot.Series => ({
            ...{
              label: name,
              stroke: colour,
              width: 2,
              spanGaps: true,
              points: { show: data[0].length < 40, size: 5, fill: colour },
            },
            ...(dash && { dash: [...dash] }),
          })),
        ],
        scales: { x: { time: false } },
        axes: [axis(26), axis(56)],
        padding: [8, 12, 0, 0],
      },
      data,
      this.place,
    );
  }
}

/** The places that any curve has, in order, and the values of each curve there. */
function dataOf(curves: readonly Curve[]): uPlot.AlignedData {
  const places = [...new Set(curves.flatMap(({ values }) => values.map(([x]) => x)))].sort((a, b) => a - b);
  const at = new Map(places.map((x, i) => [x, i]));
  const rows = curves.map(({ values }) => {
    const row: (number | null)[] = Array(places.length).fill(null);
    for (const [x, y] of values) row[at.get(x)!] = y !== null && Number.isFinite(y) ? y : null;
    return row;
  });
  return [places, ...rows] as uPlot.AlignedData;
}
