/** Locks a folder of checkpoints, says so, and holds the lock until it is killed, or only a moment. */
import { Checkpoints } from "@gradus/gradus/train";

const [folder, howLong] = globalThis.process.argv.slice(2);
const keeper = new Checkpoints(folder);
try {
  await keeper.open();
  console.log("held");
  if (howLong === "long") setInterval(() => {}, 1000);
  else keeper.cleanUp();
} catch (error) {
  console.log(error.message.replace(folder, "runs"));
}
