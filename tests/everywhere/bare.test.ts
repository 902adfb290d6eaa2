import { assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "../bdd.ts";
import config from "../../deno.json" with { type: "json" };

/** What a Worker answers that is sent the entry points. */
async function answerOf(url: URL): Promise<Record<string, unknown>> {
  const worker = new Worker(url, { type: "module" });
  try {
    return await new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => reject(new Error(event.message));
      worker.postMessage(Object.keys(config.exports).map((entry) => config.name + entry.slice(1)));
    });
  } finally {
    worker.terminate();
  }
}

describe("without Deno, process and Node.js's modules", () => {
  it("every entry point can be imported, and a Learner learns the same in WebAssembly", async () => {
    const { error, losses, refusals, source, ...found } = await answerOf(new URL("bare_worker.js", import.meta.url));
    assertEquals(error, undefined);
    assertEquals(found, {
      present: [],
      rows: [2, 2, "SyntaxError"],
      backend: "wasm",
      gradient: [[7, 11], [9, 13]],
      same: true,
      exported: true,
      onnx: true,
    });
    const [first, , last] = losses as number[][];
    assertEquals([last[0] < first[0] / 2, last[2] > 0.8], [true, true]);
    assertEquals(refusals, [
      "Cannot read model.safetensors | give bytes, a Blob or a Response",
      "Cannot write x.npy | the functions named encode… give its bytes",
      "Cannot read pictures | read its files by readPng()",
      "Cannot read mnist | read its files by readIdx()",
      "Cannot write model.ts | without a path the text is returned",
      "Cannot write model.onnx | without a path the bytes are returned",
      "Cannot keep checkpoints in runs | keep model.stateDict() by encodeSafetensors()",
      "Cannot read the checkpoint runs | keep model.stateDict() by encodeSafetensors()",
    ]);
    assertMatch(source as string, /^built-in generator.*a browser has no files/);
  });
});
