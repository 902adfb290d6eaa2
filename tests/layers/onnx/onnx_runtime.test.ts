/** What ONNX Runtime and the checker of ONNX make of every layer and the three networks of `deno task train`. */
import { assert, assertEquals } from "@std/assert";
import { afterAll, beforeAll, describe, it } from "../../bdd.ts";
import { exportOnnx } from "@gradus/gradus/onnx";
import { granted } from "../../../core/host/host.ts";
import { itFetching, ofNpm } from "../../everywhere/installed.ts";
import { runIn } from "../../everywhere/programs.ts";
import { allCases, furthest, inputsOf, largerInputs, outputsOf } from "./cases.ts";

// Its library lies in the package; the script that is left out would fetch those of other processors.
const RUNTIME = ofNpm("onnxruntime-node@1.30.0", "node", "--ignore-scripts");
const PYTHON = "/usr/bin/python3";

/** Whether Debian's python3-onnx is installed, and may be asked. */
function hasChecker(): boolean {
  if (!granted({ name: "run", command: PYTHON })) return false;
  try {
    return new Deno.Command(PYTHON, { args: ["-c", "import onnx.checker"], stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

const CHECK = `
import json, sys, onnx
found = {}
for name in json.load(open(sys.argv[1] + "/names.json")):
    try:
        onnx.checker.check_model(onnx.load(f"{sys.argv[1]}/{name}.onnx"), full_check=True)
        found[name] = "accepted"
    except Exception as error:
        found[name] = str(error)
print(json.dumps(found))
`;

const itRuns = await itFetching("by ONNX Runtime", RUNTIME);
const itChecks = hasChecker() ? it : it.skip;

describe("every layer and network that exportOnnx() writes", () => {
  const cases = allCases();
  let folder = "";
  beforeAll(async () => {
    folder = await Deno.makeTempDir();
    for (const one of cases) await exportOnnx(one.model, one.example, `${folder}/${one.name}.onnx`);
    const list = cases.map((one) => ({
      name: one.name,
      inputs: largerInputs(one).map((x) => ({ dtype: x.dtype, shape: x.shape, data: Array.from(x.contiguous().data) })),
    }));
    await Deno.writeTextFile(`${folder}/list.json`, JSON.stringify(list));
    await Deno.writeTextFile(`${folder}/names.json`, JSON.stringify(cases.map(({ name }) => name)));
  });
  afterAll(async () => await Deno.remove(folder, { recursive: true }));

  itRuns("gives within 1e-5 what the model gives, for a larger batch than the example's", async () => {
    const program = new URL("runtime.js", import.meta.url).pathname;
    const answers = JSON.parse(await runIn(folder, RUNTIME[0], ...RUNTIME.slice(1), program, folder));
    assertEquals(answers.length, cases.length);
    cases.forEach((one, i) => {
      const { error, outputs } = answers[i];
      assertEquals(error, undefined, `${one.name}: ${error}`);
      outputsOf(one, largerInputs(one)).forEach((y, at) => {
        assertEquals([one.name, outputs[at].shape], [one.name, y.shape]);
        const distance = furthest(outputs[at].data, y.data);
        assert(distance <= 1e-5, `${one.name} is off by ${distance}`);
      });
    });
  });

  itChecks(`is accepted by the checker of ONNX (${PYTHON} with python3-onnx)`, async () => {
    const found = JSON.parse(await runIn(folder, PYTHON, "-c", CHECK, folder));
    assertEquals(found, Object.fromEntries(cases.map(({ name }) => [name, "accepted"])));
  });

  it("is there with an example each", () => {
    assert(cases.every((one) => inputsOf(one).length > 0));
  });
});
