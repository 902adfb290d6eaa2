/** What is written, synced and renamed where a file is written, in its order. */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { basename } from "node:path";

const done = [], names = new Map();
const plain = (path) => basename(path).replace(/\.[0-9a-f-]{36}\.tmp$/, ".tmp");
const { open, fsync, write } = fs, { rename } = fs.promises;
fs.open = (path, flags, mode, then) =>
  open(path, flags, mode, (error, descriptor) => {
    names.set(descriptor, plain(path));
    then(error, descriptor);
  });
fs.write = (descriptor, ...args) => {
  done.push(`write ${names.get(descriptor)}`);
  return write(descriptor, ...args);
};
fs.fsync = (descriptor, then) => {
  done.push(`sync ${names.get(descriptor)}`);
  return fsync(descriptor, then);
};
fs.promises.rename = (from, to) => {
  done.push(`rename ${plain(from)} to ${plain(to)}`);
  return rename(from, to);
};
syncBuiltinESMExports();

const { tensor } = await import("@gradus/gradus");
const { writeSafetensors } = await import("@gradus/gradus/io");
const [folder] = globalThis.process.argv.slice(2);
await writeSafetensors(`${folder}/w.safetensors`, { w: tensor([1]) });
console.log(JSON.stringify(done));
