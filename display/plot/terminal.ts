/** Plots of characters: curves in braille, eight dots a character, and blocks for heights and shades. */
import { short } from "./spec.ts";

/** A curve: its name and its points. */
export interface Series {
  /** What stands at its end. */
  readonly name: string;
  /** From left to right. */
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** What is drawn around curves. */
interface LineOptions {
  /** Characters of a line in all. */
  readonly columns: number;
  /** Lines of the drawing, without the axis below. */
  readonly rows: number;
  /** What the horizontal axis is called. */
  readonly xTitle: string;
  /** Whether the horizontal axis has a logarithmic scale. */
  readonly logX?: boolean;
}

/** The bit of each dot of a braille character, by row and column. */
const DOTS = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

/** Dots that are set one by one, and read as lines of braille. */
class Canvas {
  readonly #cells: Uint8Array;

  constructor(readonly columns: number, readonly rows: number) {
    this.#cells = new Uint8Array(columns * rows);
  }

  set(x: number, y: number): void {
    const [column, row] = [x >> 1, y >> 2];
    if (column < 0 || column >= this.columns || row < 0 || row >= this.rows) return;
    this.#cells[row * this.columns + column] |= DOTS[y & 3][x & 1];
  }

  /** Dots from one place to another, at least one a column or row. */
  line([x0, y0]: readonly [number, number], [x1, y1]: readonly [number, number]): void {
    const steps = Math.max(1, Math.abs(x1 - x0), Math.abs(y1 - y0));
    for (let i = 0; i <= steps; i++) {
      this.set(Math.round(x0 + (x1 - x0) * i / steps), Math.round(y0 + (y1 - y0) * i / steps));
    }
  }

  lines(): string[] {
    return Array.from({ length: this.rows }, (_, row) => {
      const cells = this.#cells.subarray(row * this.columns, (row + 1) * this.columns);
      return Array.from(cells, (bits) => bits === 0 ? " " : String.fromCharCode(0x2800 + bits)).join("");
    });
  }
}

/** The least and the largest of numbers, made apart where they are equal. */
function extent(values: readonly number[]): [low: number, high: number] {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  if (low > high) return [0, 1];
  return low === high ? [low - 0.5, high + 0.5] : [low, high];
}

/** Curves over one axis: numbers at the left, and the name of each at its end. */
export function drawLines(all: readonly Series[], { columns, rows, xTitle, logX = false }: LineOptions): string {
  const scale = logX ? Math.log10 : (x: number) => x;
  const series = all.map(({ name, points }) => ({
    name,
    points: points.map(([x, y]) => [scale(x), y] as const).filter((point) => point.every(Number.isFinite)),
  }));
  const points = series.flatMap(({ points }) => points);
  const [[left, right], [low, high]] = [extent(points.map(([x]) => x)), extent(points.map(([, y]) => y))];
  const [top, bottom] = [short(high), short(low)];
  const margin = Math.max(top.length, bottom.length);
  const names = Math.max(0, ...all.map(({ name }) => name.length));
  const canvas = new Canvas(Math.max(8, columns - margin - names - 3), rows);
  const place = ([x, y]: readonly [number, number]): [number, number] => [
    Math.round((x - left) / (right - left) * (2 * canvas.columns - 1)),
    Math.round((high - y) / (high - low) * (4 * rows - 1)),
  ];
  for (const { points } of series) {
    points.forEach((point, i) => canvas.line(place(points[Math.max(0, i - 1)]), place(point)));
  }
  const last = series.map((
    { name, points },
  ): [string, number] => [name, points.length ? place(points.at(-1)!)[1] >> 2 : 0]);
  const ends = namesAtEnds(last, rows);
  const label = (row: number) => (row === 0 ? top : row === rows - 1 ? bottom : "").padStart(margin);
  const drawn = canvas.lines().map((line, row) => `${label(row)} ┤${line} ${ends.get(row) ?? ""}`.trimEnd());
  const [from, to] = (logX ? [10 ** left, 10 ** right] : [left, right]).map(short);
  const axis = `${from}${xTitle.padStart((canvas.columns - from.length - to.length + xTitle.length) >> 1)}`;
  return [...drawn, " ".repeat(margin + 2) + axis.padEnd(canvas.columns - to.length) + to].join("\n");
}

/** The row of each name: where its curve ends, or the nearest one that is free. */
function namesAtEnds(wanted: readonly (readonly [name: string, row: number])[], count: number): Map<number, string> {
  const taken = new Map<number, string>();
  for (const [name, row] of wanted) {
    const free = Array.from({ length: count }, (_, i) => i).filter((i) => !taken.has(i));
    free.sort((a, b) => Math.abs(a - row) - Math.abs(b - row));
    if (free.length > 0) taken.set(free[0], name);
  }
  return taken;
}

const HEIGHTS = " ▁▂▃▄▅▆▇█";
const SHADES = " ░▒▓█";

/** Numbers from 0 as a line of bars. */
export function drawBars(values: readonly number[]): string {
  const most = Math.max(...values, 0) || 1;
  return values.map((value) => HEIGHTS[value > 0 ? Math.max(1, Math.round(8 * value / most)) : 0]).join("");
}

/** Levels from 0 to 1 as rows of shades, by default two characters each, so that a cell is about a square. */
export function drawShades(levels: readonly (readonly number[])[], width = 2): string {
  const shade = (level: number) => SHADES[Math.round(4 * Math.min(1, Math.max(0, level)))].repeat(width);
  return levels.map((row) => row.map(shade).join("").trimEnd()).join("\n");
}

/** A table with columns two spaces apart: after the first, which has names, numbers are aligned right. */
export function drawTable(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [heads, ...rows];
  const widths = heads.map((_, c) => Math.max(...all.map((cells) => cells[c].length)));
  const isNumber = heads.map((_, c) => c > 0 && rows.every((cells) => /^[-+\d.,e%–]*$/.test(cells[c])));
  return all.map((cells) =>
    cells.map((cell, c) => isNumber[c] ? cell.padStart(widths[c]) : cell.padEnd(widths[c])).join("  ").trimEnd()
  ).join("\n");
}
