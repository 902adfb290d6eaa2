/**
 * What is left where a process is killed while it writes files and holds a lock, in the runtime that runs this: Node.js or Bun. It prints
 * what it found.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { Generator } from "@gradus/gradus";
import { readSafetensors } from "@gradus/gradus/io";

const CHILD = fileURLToPath(new URL("killed.js", import.meta.url));
const random = new Generator(3);

/** A child that does `what` in a folder, once it has said that it begins; its lines, and its end. */
async function start(what, folder) {
  const child = spawn(process.execPath, [CHILD, what, folder], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "close");
  let said = "";
  const begun = new Promise((resolve) =>
    child.stdout.on("data", (data) => {
      said += data;
      resolve();
    })
  );
  await Promise.race([begun, ended]);
  return {
    kill: async (milliseconds) => {
      const timer = setTimeout(() => child.kill("SIGKILL"), milliseconds);
      const [, signal] = await ended;
      clearTimeout(timer);
      return signal === "SIGKILL";
    },
    lines: async () => {
      await ended;
      return said.trim().split("\n");
    },
    said: () => said.trim(),
  };
}

/** Kills a process that writes a file over and over; after each kill the file is whole, and at most strays lie beside it. */
async function files(folder) {
  const found = [];
  await mkdir(folder, { recursive: true });
  for (let kill = 0; kill < 8; kill++) {
    await (await start("write", folder)).kill(random.nextDouble() * 40);
    const { tensors } = await readSafetensors(`${folder}/w.safetensors`);
    found.push(new Set(tensors.get("w").data).size);
  }
  const strays = (await readdir(folder)).filter((name) => !/^w\.safetensors(\.[0-9a-f-]{36}\.tmp)?$/.test(name));
  return { found, strays };
}

/** Kills training runs at random moments and resumes them until they end; what they end with, beside a run that nobody killed. */
async function training(folder) {
  const whole = await (await start("train", `${folder}/whole`)).lines();
  const said = [...whole];
  let kills = 0, same = true;
  for (let run = 0; kills < 6; run++) { // one may end before it is killed
    let ends = null;
    while (ends === null) {
      const child = await start("train", `${folder}/run-${run}`);
      if (await child.kill(kills < 6 ? random.nextDouble() * 100 : 60_000)) kills++;
      else ends = await child.lines();
    }
    said.push(...ends);
    same &&= ends.at(-1) === whole.at(-1);
  }
  return { kills, same, said: said.filter((line) => !/^(begins|ends)/.test(line)) };
}

/** Locks of a folder: while it is held, from another thread of the same process, after a kill, and as several find a dead one's. */
async function locks(folder) {
  const again = async () => (await (await start("hold", folder)).lines()).at(-1);
  const holder = await start("hold long", folder);
  const [held, second] = [holder.said(), await again()];
  await holder.kill(0);
  const after = [await again(), await again()];
  const dead = await start("hold long", folder);
  await dead.kill(0);
  const many = await Promise.all(Array.from({ length: 6 }, () => start("hold long", folder)));
  const holders = many.filter((child) => child.said() === "held").length;
  await Promise.all(many.map((child) => child.kill(0)));
  return { held, second, after, holders, thread: await thread(folder) };
}

/** What a second thread is told about a folder that the first has locked. */
async function thread(folder) {
  const { hold } = await import("./killed.js");
  const release = await hold(folder);
  const worker = new Worker(CHILD, { workerData: folder });
  const [said] = await once(worker, "message");
  release();
  await worker.terminate();
  return said;
}

/** A lock of a process that had this one's number before, and one that was killed before it wrote. */
async function leftLocks(folder) {
  const { hold } = await import("./killed.js");
  const left = [];
  for (const text of [`${process.pid} 1`, "", "999999999 5"]) {
    await mkdir(folder, { recursive: true });
    await writeFile(`${folder}/.lock.pid`, text);
    const release = await hold(folder).catch(() => null);
    release?.();
    left.push(release !== null);
  }
  return left;
}

const [folder] = process.argv.slice(2);
console.log(JSON.stringify({
  files: await files(`${folder}/files`),
  training: await training(`${folder}/training`),
  locks: await locks(`${folder}/locks`),
  left: await leftLocks(`${folder}/left`),
}));
