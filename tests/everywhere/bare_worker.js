/** Imports entry points where there is no `Deno`, no `process` and nothing else of Node.js, and uses them: what a browser is like. */
import "fflate"; // Deno itself needs what is taken away here to load the first package of npm

for (const name of ["Deno", "process", "Buffer", "global", "setImmediate", "clearImmediate"]) delete globalThis[name];

self.onmessage = async ({ data: entries }) => {
  try {
    for (const entry of entries) await import(entry);
    const { losses } = await import("./losses.js");
    const { nn, tensor } = await import("@gradus/gradus");
    const { readSafetensors, writeNpy } = await import("@gradus/gradus/io");
    const { fromCsv, imageFolder, loadMnist } = await import("@gradus/gradus/data");
    const { Checkpoints, exportTs, loadCheckpoint } = await import("@gradus/gradus/train");
    const { exportOnnx, importOnnx } = await import("@gradus/gradus/onnx");
    const refused = [
      readSafetensors("model.safetensors"),
      writeNpy("x.npy", tensor([1])),
      imageFolder("pictures"),
      loadMnist({ dir: "mnist" }),
      exportTs(new nn.Sequential(new nn.Linear(2, 1)), "model.ts"),
      exportOnnx(new nn.Linear(2, 1), tensor([[1, 2]]), "model.onnx"),
      new Checkpoints("runs").open(),
      loadCheckpoint("runs"),
    ];
    const said = await Promise.allSettled(refused);
    const refusals = said.map(({ reason }) => reason?.message.replace(/: a browser has no files; /, " | "));
    const table = await fromCsv(new Blob(["x,y\n1,2\n3,4\n"]).stream());
    const packed = new Blob(["x,y\n1,2\n3,4\n"]).stream().pipeThrough(new CompressionStream("gzip"));
    const gzip = new Uint8Array(await new Response(packed).arrayBuffer());
    const inflated = await fromCsv(new File([gzip], "table.csv.gz"));
    gzip[12] ^= 0xff;
    const damaged = await fromCsv(new File([gzip], "table.csv.gz")).catch((error) => error.name);
    const { source } = await loadMnist({ offline: true });
    const layer = new nn.Linear(2, 3), x = tensor([[1, 2], [3, 4]]);
    const written = await importOnnx(await exportOnnx(layer, x));
    const present = ["Deno", "process"].filter((name) => name in globalThis);
    self.postMessage({
      present,
      refusals,
      rows: [table.x.shape[0], inflated.x.shape[0], damaged],
      source,
      onnx: written.call(x).eq(layer.call(x)).all().item() === 1,
      ...await losses(),
    });
  } catch (error) {
    self.postMessage({ error: error.stack });
  }
};
