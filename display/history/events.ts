/**
 * The messages of TensorBoard's event files that are written here, and their bytes.
 *
 * Source: https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/util/event.proto, and summary.proto and histogram.proto
 * beside it
 */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/** How the elements of a tensor are spread. */
export interface HistogramCounts {
  /** The least element. */
  readonly min: number;
  /** The greatest. */
  readonly max: number;
  /** How many there are. */
  readonly num: number;
  /** Their sum. */
  readonly sum: number;
  /** The sum of their squares. */
  readonly sumSquares: number;
  /** The upper end of each bucket. */
  readonly limits: readonly number[];
  /** How many elements are in each. */
  readonly counts: readonly number[];
}

/** A picture as a file of PNG. */
export interface PngPicture {
  /** Its rows. */
  readonly height: number;
  /** Its columns. */
  readonly width: number;
  /** 1 for grey, 3 for colours, 4 with transparency. */
  readonly channels: number;
  /** The file. */
  readonly png: Uint8Array;
}

/** What stands under a tag: one of the three. */
export type SummaryValue =
  | { readonly tag: string; readonly scalar: number }
  | { readonly tag: string; readonly histogram: HistogramCounts }
  | { readonly tag: string; readonly image: PngPicture };

const { Varint, Bit32, Bit64, LengthDelimited } = WireType;

/** The event that each file begins with. */
export function fileVersion(wallTime: number): Uint8Array {
  return new BinaryWriter().tag(1, Bit64).double(wallTime).tag(3, LengthDelimited).string("brain.Event:2").finish();
}

/** An event with one value; `wallTime` in seconds. */
export function eventOf(value: SummaryValue, step: number, wallTime: number): Uint8Array {
  const writer = new BinaryWriter().tag(1, Bit64).double(wallTime).tag(2, Varint).int64(step);
  const summary = writer.tag(5, LengthDelimited).fork().tag(1, LengthDelimited).fork();
  summary.tag(1, LengthDelimited).string(value.tag);
  if ("scalar" in value) summary.tag(2, Bit32).float(value.scalar);
  else if ("image" in value) writeImage(summary.tag(4, LengthDelimited).fork(), value.image).join();
  else writeHistogram(summary.tag(5, LengthDelimited).fork(), value.histogram).join();
  return summary.join().join().finish();
}

function writeImage(writer: BinaryWriter, { height, width, channels, png }: PngPicture): BinaryWriter {
  for (const [field, size] of [height, width, channels].entries()) writer.tag(field + 1, Varint).int32(size);
  return writer.tag(4, LengthDelimited).bytes(png);
}

function writeHistogram(writer: BinaryWriter, histogram: HistogramCounts): BinaryWriter {
  const { min, max, num, sum, sumSquares, limits, counts } = histogram;
  for (const [field, value] of [min, max, num, sum, sumSquares].entries()) writer.tag(field + 1, Bit64).double(value);
  for (const [field, values] of [[6, limits], [7, counts]] as const) {
    writer.tag(field, LengthDelimited).fork();
    for (const value of values) writer.double(value);
    writer.join();
  }
  return writer;
}
