/** What `kills.js` kills: it writes, trains or holds a lock, once it has said so; and a thread that asks for a lock. */
import { parentPort, workerData } from "node:worker_threads";
import { tensor } from "@gradus/gradus";
import { writeSafetensors } from "@gradus/gradus/io";
import { Checkpoints } from "@gradus/gradus/train";

/** Locks a folder; what gives it back. */
export async function hold(folder) {
  const keeper = new Checkpoints(folder);
  await keeper.open();
  return () => keeper.cleanUp();
}

async function say(folder, long) {
  const refused = ({ message }) => message.replace(folder, "runs");
  const said = await hold(folder).then((release) => (long || release(), "held"), refused);
  console.log(said);
  if (said === "held" && long) setInterval(() => {}, 1000);
}

async function write(folder) {
  for (let n = 1;; n++) {
    await writeSafetensors(`${folder}/w.safetensors`, { w: tensor(new Float32Array(100_000).fill(n)) });
    if (n === 1) console.log("begins");
  }
}

async function train(folder) {
  const { bitsOf, EPOCHS, smallLearner } = await import("./small_run.js");
  const warn = (damage) => damage.includes("it has no manifest.json") || console.log(`damaged ${damage}`);
  const learner = smallLearner([new Checkpoints(folder, { everySteps: 1, keepLast: 2, warn })]);
  console.log("begins");
  await learner.fit(EPOCHS, { resume: true });
  console.log(`ends ${JSON.stringify(bitsOf(learner))}`);
}

const [, script, what, folder] = globalThis.process.argv;
if (parentPort !== null) {
  await hold(workerData).then((release) => (release(), "held"), ({ message }) => message).then((said) =>
    parentPort.postMessage(said.replace(workerData, "runs"))
  );
} else if (script.endsWith("killed.js")) {
  if (what === "write") await write(folder);
  else if (what === "train") await train(folder);
  else await say(folder, what === "hold long");
}
