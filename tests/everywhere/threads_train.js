/** Four worker threads that train at once, two from each of two seeds: their last losses. */
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { fileURLToPath } from "node:url";
import { lossesOf, newLearner } from "./losses.js";

if (isMainThread) {
  const path = fileURLToPath(import.meta.url);
  const losses = await Promise.all([1, 2, 1, 2].map((epochs) =>
    new Promise((resolve, reject) => {
      const worker = new Worker(path, { workerData: epochs });
      worker.on("message", resolve);
      worker.on("error", reject);
    })
  ));
  console.log(JSON.stringify(losses));
} else {
  const learner = newLearner();
  await learner.fit(workerData);
  parentPort.postMessage(lossesOf(learner).at(-1));
}
