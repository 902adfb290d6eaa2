/** Runs each model of a folder by ONNX Runtime, in Node.js: what `list.json` names, with the inputs in it; answers with the outputs. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter } from "node:path";
import process from "node:process";

// npm puts the folder of the package's programs on the path, beside which the package lies.
const places = process.env.PATH.split(delimiter).filter((path) => path.includes("node_modules"));
const require = createRequire(import.meta.url);
const { InferenceSession, Tensor } = require(
  require.resolve("onnxruntime-node", { paths: places.map((path) => `${path}/../..`) }),
);
const ARRAYS = { float32: Float32Array, float64: Float64Array, int32: Int32Array, uint8: Uint8Array, bool: Uint8Array };

const folder = process.argv[2];
const answers = [];
for (const { name, inputs } of JSON.parse(readFileSync(`${folder}/list.json`, "utf8"))) {
  try {
    const session = await InferenceSession.create(`${folder}/${name}.onnx`, {
      logSeverityLevel: 3,
      intraOpNumThreads: 1,
    });
    const tensors = inputs.map(({ dtype, shape, data }) => new Tensor(dtype, ARRAYS[dtype].from(data), shape));
    const feeds = Object.fromEntries(session.inputNames.map((input, i) => [input, tensors[i]]));
    const found = await session.run(feeds);
    const outputs = session.outputNames.map((output) => ({
      ...{ name: output, shape: found[output].dims, data: Array.from(found[output].data, Number) },
    }));
    answers.push({ name, outputs });
  } catch (error) {
    answers.push({ name, error: error.message });
  }
}
console.log(JSON.stringify(answers));
