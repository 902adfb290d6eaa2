/**
 * Objects of programs in a checkpoint, such as `argparse.Namespace`, beside the part that is read: their names are kept, what belongs
 * to them is dropped, and nothing is called.
 */
import { opcodesOf, type PickleReader } from "../pickle/pickle_reader.ts";
import { kindOf } from "../pickle/pickle_values.ts";

/** An object of a class that is not read, or the class itself. */
export class Foreign {
  /** What the pickle calls `name` at byte `at`, and why it is not read. */
  constructor(readonly name: string, readonly why: string, readonly at: number) {}
}

/** The opcodes that make an object of a class: what they leave is the class's name. */
export const FOREIGN_OPCODES = opcodesOf(
  ["\x81", "NEWOBJ", (r) => newObject(r, 2)],
  ["\x92", "NEWOBJ_EX", (r) => newObject(r, 3)],
);

function newObject(reader: PickleReader, operands: number): void {
  const [type] = reader.popSome(operands);
  if (!(type instanceof Foreign)) throw reader.error(`${kindOf(type)} where a class must be that is not read`);
  reader.push(type);
}
