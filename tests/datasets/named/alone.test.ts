import { assertEquals } from "@std/assert";
import { describe, it } from "../../bdd.ts";

/** The value of `expression` in a worker that has imported `module` as `m`, and nothing else. */
async function alone(module: string, expression: string): Promise<unknown> {
  const url = new URL(`../../../${module}`, import.meta.url).href;
  const worker = new Worker(new URL("alone_worker.ts", import.meta.url), { type: "module" });
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  worker.onmessage = ({ data }) => resolve(data);
  worker.onerror = (event) => {
    event.preventDefault();
    reject(new Error(event.message));
  };
  worker.postMessage({ url, expression });
  try {
    return await promise;
  } finally {
    worker.terminate();
  }
}

// Each makes a tensor, so that the module must import core/tensor.ts, directly or not.
const uses: [module: string, expression: string, expected: unknown][] = [
  ["datasets/formats/idx.ts", "m.parseIdx(new Uint8Array([0, 0, 8, 1, 0, 0, 0, 1, 7])).toArray()", [7]],
  ["datasets/digits/digits.ts", "m.digits({ train: 1, test: 0 }).train.images.shape", [1, 28, 28]],
  ["datasets/loader/dataset.ts", "m.collate([1, 2]).toArray()", [1, 2]],
  ["datasets/loader/data_loader.ts", "[...new m.DataLoader([1, 2])].map((batch) => batch.toArray())", [[1], [2]]],
  ["datasets/loader/normalize.ts", "typeof m.normalizer({ mean: 0, std: 1 })", "function"],
  ["datasets/formats/csv.ts", 'await m.fromCsv(new Response("1,2\\n").body).then(({ x }) => x.toArray())', [[1, 2]]],
  [
    "datasets/formats/arff.ts",
    'await m.readArff(new Response("@attribute a real\\n@data\\n1\\n").body).then(({ y }) => y.toArray())',
    [1],
  ],
  [
    "core/io/safetensors/safetensors.ts",
    `m.decodeSafetensors(new Uint8Array([57, 0, 0, 0, 0, 0, 0, 0,
      ...new TextEncoder().encode('{"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}'.padEnd(57)), 7])).tensors.get("t").item()`,
    7,
  ],
];

describe("a module used alone", () => {
  for (const [module, expression, expected] of uses) {
    it(`${module} makes tensors though nothing else was imported`, async () => {
      assertEquals(await alone(module, expression), expected);
    });
  }
});
