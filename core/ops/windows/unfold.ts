/** Windows of images as columns (im2col), and columns added up to images: each place of the kernel is one strided copy or sum. */
import { requireTensor } from "../../arguments.ts";
import type { Strided } from "../../backend/backend.ts";
import { backend } from "../../backend/choose.ts";
import { windowsOn } from "../../backend/reference/planes.ts";
import { isFloating } from "../../dtype.ts";
import { newZeros } from "../../memory/allocate.ts";
import { record, type WindowSettings } from "../../record.ts";
import { type Shape, show, sizeOf } from "../../shape.ts";
import type { Tensor } from "../../tensor.ts";
import { detached, reshape, squeeze, unsqueeze } from "../movement.ts";
import { asPair, bySize, type NumberOrPair, type Placement, type RowsColumns, windowsThatFit } from "./sizes.ts";

/** The options of `unfold` and `fold`, whose names were checked. */
interface UnfoldOptions {
  stride?: NumberOrPair;
  padding?: NumberOrPair;
  dilation?: NumberOrPair;
}

/**
 * The windows of images [n, channels, height, width] as columns [n, channels · rows · columns of the kernel, windows]; without n as well.
 *
 * @throws {RangeError} If the kernel is larger than the padded image.
 * @throws {TypeError} If the images are of integers.
 */
export function unfold(x: Tensor, kernelSize: NumberOrPair, options: UnfoldOptions): Tensor {
  requireFloats(x, "unfold");
  if (x.ndim !== 3 && x.ndim !== 4) {
    throw new RangeError(
      `Cannot unfold ${show(x.shape)}: expected [n, channels, height, width] or [channels, height, width]`,
    );
  }
  const kernel = asPair("unfold", "kernelSize", kernelSize, 2, 1);
  const place = placement("unfold", options);
  const refuse = (why: string) =>
    new RangeError(`Cannot unfold ${show(x.shape)} with a kernel of ${bySize(kernel, 2)}: ${why}`);
  const [height, width] = x.shape.slice(-2);
  windowsThatFit([height, width], kernel, place, refuse);
  const columns = imagesToColumns(x.ndim === 3 ? unsqueeze(x, 0) : x, settingsOf(place, kernel));
  return x.ndim === 3 ? squeeze(columns, 0) : columns;
}

/**
 * Columns [n, channels · rows · columns of the kernel, windows] added up to images [n, channels, ...outputSize]; without n as well.
 *
 * @throws {RangeError} If there are not as many windows in such an image, or the columns do not divide into channels.
 * @throws {TypeError} If the columns are of integers.
 */
export function fold(x: Tensor, outputSize: NumberOrPair, kernelSize: NumberOrPair, options: UnfoldOptions): Tensor {
  requireFloats(x, "fold");
  if (x.ndim !== 2 && x.ndim !== 3) {
    throw new RangeError(
      `Cannot fold ${show(x.shape)}: expected [n, channels · kernel, windows] or [channels · kernel, windows]`,
    );
  }
  const [size, kernel] = [
    asPair("fold", "outputSize", outputSize, 2, 1),
    asPair("fold", "kernelSize", kernelSize, 2, 1),
  ];
  const place = placement("fold", options);
  const refuse = (why: string) =>
    new RangeError(`Cannot fold ${show(x.shape)} with a kernel of ${bySize(kernel, 2)} to ${bySize(size, 2)}: ${why}`);
  const [rows, windows] = x.shape.slice(-2);
  const count = windowsThatFit(size, kernel, place, refuse);
  if (rows % sizeOf(kernel) !== 0) throw refuse(`its ${rows} rows do not divide into channels of ${sizeOf(kernel)}`);
  if (windows !== sizeOf(count)) {
    throw refuse(
      `it has ${windows} windows, and there are ${count[0]} · ${count[1]} = ${sizeOf(count)} in such an image`,
    );
  }
  const images = columnsToImages(x.ndim === 2 ? unsqueeze(x, 0) : x, settingsOf(place, kernel), size);
  return x.ndim === 2 ? squeeze(images, 0) : images;
}

/** The windows of images x as columns. */
export function imagesToColumns(x: Tensor, settings: WindowSettings): Tensor {
  const [n, channels, height, width] = x.shape;
  const count = windowsIn([height, width], settings);
  const columns = newZeros([n, channels, ...settings.kernel, ...count], x.dtype);
  eachTap(columns, x, settings, (shape, part, image) => backend().unary("copy", shape, image, part, 0, 0));
  const joined = reshape(columns, [n, channels * sizeOf(settings.kernel), sizeOf(count)]);
  return record("im2col", joined, [x], settings);
}

/** Columns x added up to images of `size`. */
export function columnsToImages(x: Tensor, settings: WindowSettings, size: RowsColumns): Tensor {
  const { kernel } = settings;
  const [n, channels] = [x.shape[0], x.shape[1] / sizeOf(kernel)];
  const images = newZeros([n, channels, ...size], x.dtype);
  const columns = reshape(detached(x), [n, channels, ...kernel, ...windowsIn(size, settings)]);
  eachTap(columns, images, settings, (shape, part, image) => backend().binary("add", shape, image, part, image));
  return record("col2im", images, [x], settings);
}

/** How many windows fit, which was checked before. */
function windowsIn(size: RowsColumns, { kernel, stride, dilation, padding }: WindowSettings): RowsColumns {
  const along = (d: 0 | 1) =>
    Math.floor((size[d] + 2 * padding[d] - dilation[d] * (kernel[d] - 1) - 1) / stride[d]) + 1;
  return [along(0), along(1)];
}

/** Visits each place of the kernel: those of its elements in columns [n, channels, rows, columns, …windows] that lie on the image, and these. */
function eachTap(
  columns: Tensor,
  images: Tensor,
  { stride, dilation, padding, kernel }: WindowSettings,
  visit: (shape: Shape, part: Strided, image: Strided) => void,
): void {
  const [part, image] = [columns.strides, images.strides];
  const windows = (d: 0 | 1, k: number) =>
    windowsOn(k * dilation[d] - padding[d], stride[d], columns.shape[4 + d], images.shape[2 + d]);
  for (let r = 0; r < kernel[0]; r++) {
    for (let s = 0; s < kernel[1]; s++) {
      const [[top, bottom], [left, right]] = [windows(0, r), windows(1, s)];
      const shape = [columns.shape[0], columns.shape[1], bottom - top, right - left];
      const [row, column] = [
        top * stride[0] + r * dilation[0] - padding[0],
        left * stride[1] + s * dilation[1] - padding[1],
      ];
      if (shape.includes(0)) continue;
      visit(shape, {
        data: columns.data,
        offset: columns.offset + r * part[2] + s * part[3] + top * part[4] + left * part[5],
        strides: [part[0], part[1], part[4], part[5]],
      }, {
        data: images.data,
        offset: images.offset + row * image[2] + column * image[3],
        strides: [image[0], image[1], stride[0] * image[2], stride[1] * image[3]],
      });
    }
  }
}

function placement(action: string, { stride = 1, padding = 0, dilation = 1 }: UnfoldOptions): Placement {
  const before = asPair(action, "padding", padding, 2, 0);
  return {
    stride: asPair(action, "stride", stride, 2, 1),
    dilation: asPair(action, "dilation", dilation, 2, 1),
    before,
    after: before,
  };
}

function settingsOf({ stride, dilation, before }: Placement, kernel: RowsColumns): WindowSettings {
  return { stride, dilation, padding: before, kernel };
}

function requireFloats(x: Tensor, action: string): void {
  requireTensor(x, action);
  if (!isFloating(x.dtype)) throw new TypeError(`Cannot ${action} a tensor of ${x.dtype}: cast it with float()`);
}
