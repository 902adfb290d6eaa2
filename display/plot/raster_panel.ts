/** Pixels with axes around them: a panel whose picture is one PNG instead of a rectangle for each value. */
import { dataUrl, enlarged, type Picture } from "./picture.ts";
import { quantity } from "./spec.ts";

/** Where the picture's edges lie, and what the axes are called. */
interface PanelAxes {
  /** From the left edge to the right one. */
  readonly x: readonly [number, number];
  /** From the lower edge to the upper one. */
  readonly y: readonly [number, number];
  /** What the horizontal axis is called. */
  readonly xTitle: string;
  /** What the vertical axis is called. */
  readonly yTitle: string;
}

/** A panel of this size; `above` are layers over the picture. */
export function rasterPanel(
  picture: Picture,
  axes: PanelAxes,
  [width, height]: readonly [number, number],
  above: readonly object[] = [],
): object {
  const domain = ([low, high]: readonly [number, number]) => ({
    scale: { domain: [low, high], nice: false, zero: false },
  });
  const times = Math.max(1, Math.floor(width / picture.width));
  return {
    ...{ width, height },
    encoding: {
      x: quantity("x", axes.xTitle, domain(axes.x)),
      y: quantity("y", axes.yTitle, domain(axes.y)),
    },
    layer: [
      {
        data: { values: [{ x: axes.x[0], y: axes.y[1], url: dataUrl(enlarged(picture, times)) }] },
        mark: { type: "image", width, height, aspect: false, align: "left", baseline: "top" },
        encoding: { url: { field: "url", type: "nominal" } },
      },
      ...above,
    ],
  };
}

/** A colour between white, for 0, and this one, for 1. */
export function tint([red, green, blue]: readonly [number, number, number], level: number): [number, number, number] {
  return [red, green, blue].map((part) => Math.round(255 + (part - 255) * level)) as [number, number, number];
}
