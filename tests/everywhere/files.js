/**
 * What is written to and read from files, in a folder that is empty: the same in every runtime that has files.
 *
 * @module
 */
import "./plain_simd.js";
import { nn, tensor } from "@gradus/gradus";
import { fromCsv, imageFolder } from "@gradus/gradus/data";
import { readNpy, readNpz, readSafetensors, writeNpy, writeNpz, writeSafetensors } from "@gradus/gradus/io";
import { Checkpoints, exportTs } from "@gradus/gradus/train";
import { losses, lossesOf, newLearner } from "./losses.js";

const [folder] = globalThis.Deno?.args ?? globalThis.process.argv.slice(2);

/** The error of what must fail. */
const refusal = async (promise) => await promise.then(() => "nothing was refused", ({ message }) => message);

/** Three epochs in one go, and in two runs of which the second goes on from the checkpoint of the first. */
async function resumed() {
  const first = newLearner([new Checkpoints(`${folder}/runs`)]);
  await first.fit(2);
  const second = newLearner([new Checkpoints(`${folder}/runs`)]);
  await second.fit(3, { resume: true });
  const busy = newLearner([new Checkpoints(`${folder}/runs`)]);
  const keeper = new Checkpoints(`${folder}/runs`);
  await keeper.open();
  const other = await refusal(busy.fit(4, { resume: true }));
  keeper.cleanUp();
  return { losses: lossesOf(second), other: other.replaceAll(folder, "") };
}

const w = tensor([[1, 2], [3, 4]]);
await writeSafetensors(`${folder}/w.safetensors`, { w }, { step: "7" });
await writeNpy(`${folder}/w.npy`, w);
await writeNpz(`${folder}/w.npz`, { w, b: tensor([5]) });
const { tensors, metadata } = await readSafetensors(`${folder}/w.safetensors`);
const source = await exportTs(new nn.Sequential(new nn.Linear(2, 1)), `${folder}/model.ts`);
const table = await fromCsv(`${folder}/table.csv`);
const zipped = await fromCsv(`${folder}/table.csv.gz`);

console.log(JSON.stringify({
  ...await losses(),
  resumed: await resumed(),
  safetensors: [tensors.get("w").toArray(), metadata.get("step")],
  npy: (await readNpy(`${folder}/w.npy`)).toArray(),
  npz: [...await readNpz(`${folder}/w.npz`)].map(([name, found]) => [name, found.toArray()]),
  csv: [table.x.toArray(), zipped.x.toArray()],
  source: source.length > 100,
  missing: /no such file/i.test(await refusal(readNpy(`${folder}/none.npy`))),
  unwritable: (await refusal(writeNpy(`${folder}/no/w.npy`, w))).replaceAll(folder, "").split(":")[0],
  pictures: (await refusal(imageFolder(`${folder}/none`))).replaceAll(folder, ""),
}));
