/** A plot: one picture in all its forms, made when they are asked for. */
import { checkOptions, requirePath, shown } from "../../core/arguments.ts";
import { JUPYTER_DISPLAY, type MimeBundle } from "../../core/displayer.ts";
import { writeAtomically } from "../../core/io/atomic_write.ts";
import { figureHtml, type Values } from "./html.ts";
import { encodePicture, type Picture } from "./picture.ts";
import { canRender, renderSvg, standalone } from "./render.ts";
import type { VegaLiteSpec } from "./spec.ts";

/** What a plot is made of. */
export interface PlotParts {
  /** What stands above it. */
  readonly title: string;
  /** What it shows, in a sentence that says the numbers that count. */
  readonly description: string;
  /** The specification of Vega-Lite. */
  readonly spec: VegaLiteSpec;
  /** The numbers behind it. */
  readonly values: Values;
  /** The plot in characters. */
  readonly text: (columns: number) => string;
  /** Its pixels, where it has some. */
  readonly picture?: () => Picture;
}

/** The options of `toText`. */
export interface PlotTextOptions {
  /**
   * Characters of a line.
   *
   * @default {72}
   */
  columns?: number;
}

/**
 * A plot, as `plot()` and its like make it: a specification of Vega-Lite 5, an SVG, characters for a terminal, and what a notebook shows.
 *
 * @example
 * ```ts
 * import { plotConfusion } from "@gradus/gradus/display";
 * import { assertEquals } from "@std/assert";
 *
 * const plot = plotConfusion([[3, 1], [0, 4]], { classes: ["no", "yes"] });
 * assertEquals(plot.toText(), "is \\ taken for  no  yes\nno               3    1\nyes              0    4");
 * assertEquals(plot.description, "8 rows of 2 classes, 87.5 % right. Most often no is taken for yes: 1 time.");
 * ```
 */
export class Plot {
  readonly #parts: PlotParts;

  /** A plot of these parts; `plot()` makes them. */
  constructor(parts: PlotParts) {
    checkOptions("make a Plot", parts, ["title", "description", "spec", "values", "text", "picture"]);
    this.#parts = parts;
  }

  /** What stands above it. */
  get title(): string {
    return this.#parts.title;
  }
  /** What it shows, in words: the text that stands for the picture. */
  get description(): string {
    return this.#parts.description;
  }
  /** The numbers behind it, as a table of texts. */
  get values(): Values {
    return this.#parts.values;
  }

  /** The specification of Vega-Lite 5, as plain data: for a notebook, an editor or a page. */
  toSpec(): VegaLiteSpec {
    return structuredClone(this.#parts.spec);
  }

  /**
   * The plot in characters, for a terminal.
   *
   * @throws {RangeError} If there are fewer than 20 columns.
   */
  toText(options: PlotTextOptions = {}): string {
    checkOptions("draw a plot", options, ["columns"], { columns: "number" });
    const { columns = 72 } = options;
    if (!(columns >= 20)) throw new RangeError(`Cannot draw a plot in ${shown(columns)} columns: give 20 or more`);
    return this.#parts.text(Math.floor(columns));
  }

  /** As `toText()`. */
  toString(): string {
    return this.toText();
  }

  /** The plot as SVG, to stand in a page: it takes the page's colour for its text, and has a title and a description. */
  async toSvg(): Promise<string> {
    const { spec, title, description } = this.#parts;
    return await renderSvg(spec, title, description);
  }

  /**
   * The pixels as PNG, where the plot is of pictures.
   *
   * @throws {TypeError} If it is drawn in lines and text.
   */
  toPng(): Uint8Array {
    const { picture, title } = this.#parts;
    if (picture === undefined) {
      throw new TypeError(`Cannot make PNG of "${title}": it is drawn in lines and text, save it as .svg`);
    }
    return encodePicture(picture());
  }

  /**
   * Writes the plot to a file, whole or not at all: `.svg`, `.png` where it has pixels, `.json` for the specification, or `.txt`.
   *
   * @throws {RangeError} If the name ends in something else.
   */
  async save(path: string): Promise<void> {
    requirePath(path, "write");
    await writeAtomically(path, [await this.#encoded(path)]);
  }

  async #encoded(path: string): Promise<Uint8Array> {
    const ending = /\.[^./\\]*$/.exec(path)?.[0].toLowerCase() ?? "";
    if (ending === ".png") return this.toPng();
    const text = await this.#textFor(ending);
    if (text !== null) return new TextEncoder().encode(text);
    throw new RangeError(`Cannot write the plot ${path}: its name must end in .svg, .png, .json or .txt`);
  }

  async #textFor(ending: string): Promise<string | null> {
    if (ending === ".svg") return standalone(await this.toSvg());
    if (ending === ".json") return `${JSON.stringify(this.toSpec(), null, 2)}\n`;
    return ending === ".txt" ? `${this.toText()}\n` : null;
  }

  /** How a notebook shows it: an SVG with its values beside it, the specification, and text. */
  async [JUPYTER_DISPLAY](): Promise<MimeBundle> {
    const { spec, description, values } = this.#parts;
    const svg = await canRender() ? await this.toSvg() : null; // without vega, a notebook draws by the specification
    return {
      "application/vnd.vegalite.v5+json": spec,
      "text/html": figureHtml(svg ?? "", description, values),
      ...(svg === null ? {} : { "image/svg+xml": svg }),
      "text/plain": `${this.toText()}\n${description}`,
    };
  }

  /** How `console.log` shows it. */
  [Symbol.for("Deno.customInspect")](): string {
    return this.toText();
  }
}
