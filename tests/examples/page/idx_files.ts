/** Files as MNIST's, of digits that the library draws. */
import { digits } from "@gradus/gradus/data";

/** An IDX file of bytes. */
function idx(name: string, shape: readonly number[], bytes: ArrayLike<number>): File {
  const header = new DataView(new ArrayBuffer(4 + 4 * shape.length));
  header.setUint32(0, 0x800 + shape.length);
  shape.forEach((size, i) => header.setUint32(4 + 4 * i, size));
  return new File([header.buffer, Uint8Array.from(bytes)], name);
}

/** The two files of a set: `NAME-images-idx3-ubyte` and `NAME-labels-idx1-ubyte`. */
export function idxFiles(name: string, count: number): File[] {
  const { images, labels } = digits({ train: count, test: 0 }).train;
  return [
    idx(`${name}-images-idx3-ubyte`, images.shape, images.data),
    idx(`${name}-labels-idx1-ubyte`, labels.shape, labels.data),
  ];
}
