import { assert, assertEquals } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import * as fc from "fast-check";
import { TableSchema } from "@gradus/gradus/data";
import { damage, damages } from "../../core/io/damage.ts";

const CASES = { numRuns: 3_000, seed: 7 };
const encode = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

const TEXT = "size,day,kind,on\n1.5,2025-01-31,a,yes\n,2025-02-01,b,no\n3,,a,\n4,2025-03-01,a,yes\n";

/** Checks that what is promised comes, or an error that names the file. */
async function givesOrRefuses<T>(promise: Promise<T>, isRight: (value: T) => boolean): Promise<void> {
  const result = await promise.then((value) => ({ value }), (error) => ({ error }));
  if ("error" in result) {
    const { error } = result;
    assert(error instanceof SyntaxError || error instanceof RangeError, `${error}`);
    assert(/^Cannot (read|find|learn|scale) .*(bad|column)/.test(error.message), error.message);
  } else assert(isRight(result.value), "a wrong table");
}

describe("a damaged table", () => {
  it("is fitted to and read as features that are finite, or is an error that names the file", async () => {
    const schema = await TableSchema.fit(new Blob([TEXT]), { target: "kind", minCount: 1 });
    const width = schema.featureNames.length;
    const property = fc.asyncProperty(damages, async (all) => {
      const file = () => new File([damage(encode(TEXT), all)], "bad");
      await givesOrRefuses(schema.read(file()), ({ x }) => x.shape[1] === width && x.data.every(Number.isFinite));
      await givesOrRefuses(
        TableSchema.fit(file(), { target: 0 }),
        (own) => own.rows >= own.fittedRows && own.columns.length > 0,
      );
    });
    await fc.assert(property, CASES);
  });
});

describe("a damaged schema", () => {
  it("is refused with a sentence, or encodes a record to features that are numbers", async () => {
    const schema = await TableSchema.fit(new Blob([TEXT]), { target: "size", skipIncomplete: true, minCount: 1 });
    const text = JSON.stringify(schema), record = { day: "2025-01-01", kind: "a", on: "no" };
    const values = schema.encode(record).toArray();
    const property = fc.property(
      fc.array(fc.tuple(fc.nat(text.length), fc.constantFrom(...'0-"[]{},:ne')), { maxLength: 3 }),
      (all) => {
        const damaged = all.reduce((from, [at, by]) => from.slice(0, at) + by + from.slice(at + 1), text);
        let json: unknown;
        try {
          json = JSON.parse(damaged);
        } catch {
          return;
        }
        try {
          const x = TableSchema.fromJSON(json).encode(record);
          assert(x.data.every((value: number) => !Number.isNaN(value)));
          if (damaged === text) assertEquals(x.toArray(), values);
        } catch (error) {
          assert(/^Cannot (read|scale) /.test((error as Error).message), `${error}`);
        }
      },
    );
    fc.assert(property, CASES);
  });
});
