/** Imports entry points where there is no `Deno`, no `process` and nothing else of Node.js, and uses them: what a browser is like. */
import "fflate"; // Deno itself needs what is taken away here to load the first package of npm

for (const name of ["Deno", "process", "Buffer", "global", "setImmediate", "clearImmediate"]) delete globalThis[name];

self.onmessage = async ({ data: entries }) => {
  try {
    for (const entry of entries) await import(entry);
    const { losses } = await import("./losses.js");
    const { readSafetensors } = await import("@gradus/gradus/io");
    const { fromCsv, loadMnist } = await import("@gradus/gradus/data");
    const refusal = await readSafetensors("model.safetensors").catch((error) => error.message);
    const table = await fromCsv(new Blob(["x,y\n1,2\n3,4\n"]).stream());
    const { source } = await loadMnist({ offline: true });
    const present = ["Deno", "process"].filter((name) => name in globalThis);
    self.postMessage({ present, refusal, rows: table.x.shape[0], source, ...await losses() });
  } catch (error) {
    self.postMessage({ error: error.stack });
  }
};
