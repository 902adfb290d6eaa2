/** A reader of numbers in an archive that knows the archive's end. */
export class ZipView {
  readonly #view: DataView;

  /** A view of `bytes`, which errors call `where`. */
  constructor(readonly bytes: Uint8Array, readonly where: string) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The unsigned 16 bits at byte `at`. */
  short(at: number): number {
    return this.#view.getUint16(at, true);
  }

  /** The unsigned 32 bits at byte `at`. */
  int(at: number): number {
    return this.#view.getUint32(at, true);
  }

  /** The unsigned 64 bits at byte `at`, rounded past 2^53, which no archive reaches. */
  long(at: number): number {
    return Number(this.#view.getBigUint64(at, true));
  }

  /** Checks that a record of `length` bytes with this signature stands at byte `at`, before `end`. */
  expect(signature: number, at: number, length: number, what: string, end: number = this.bytes.length): void {
    if (!(at + length <= end)) throw this.range(`the ${what} at byte ${at} ends past byte ${end}`);
    if (this.int(at) !== signature) {
      const found = this.int(at).toString(16).padStart(8, "0");
      throw this.syntax(`byte ${at} begins no ${what}: found ${found}, not ${signature.toString(16).padStart(8, "0")}`);
    }
  }

  /** An error about the archive's form. */
  syntax(message: string): SyntaxError {
    return new SyntaxError(`Cannot read ${this.where}: ${message}`);
  }

  /** An error about a size or an offset. */
  range(message: string): RangeError {
    return new RangeError(`Cannot read ${this.where}: ${message}`);
  }
}
