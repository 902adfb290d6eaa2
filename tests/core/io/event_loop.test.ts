import { assertEquals, assertLess } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { arange, type Tensor, tensor, zeros } from "@gradus/gradus";
import {
  decodeSafetensors,
  encodeSafetensors,
  readNpy,
  readNpz,
  readSafetensors,
  readTorch,
  writeNpz,
  writeSafetensors,
} from "@gradus/gradus/io";
import { runAtOnce } from "../../../core/event_loop.ts";
import { joinInSteps } from "../../../core/io/in_steps.ts";
import { zipParts } from "../../../core/io/zip/zip.ts";
import { longestGap } from "../../longest_gap.ts";
import { op, pickle } from "./pickle/pickle_file.ts";
import { dict, elements, storage, torchTensor } from "./torch/torch_archive.ts";

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Holds the event loop no longer than it may. */
async function within<T>(work: () => Promise<T>): Promise<T> {
  let result!: T;
  assertLess(await longestGap(async () => result = await work()), 100);
  return result;
}

const COUNT = 1 << 21;

/** An npy file of version 1.0. */
function npy(descr: string, count: number, data: Uint8Array): Uint8Array {
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${count},), }`.padEnd(117) + "\n";
  const head = [0x93, ...new TextEncoder().encode("NUMPY"), 1, 0, 118, 0, ...new TextEncoder().encode(text)];
  const file = new Uint8Array(128 + data.length);
  file.set(head);
  file.set(data, 128);
  return file;
}

describe("writeNpz() and readNpz()", () => {
  it("let the event loop turn, stored and deflated", () =>
    inFolder(async (folder) => {
      const x = arange(COUNT / 2);
      for (const compress of [false, true]) {
        await within(() => writeNpz(`${folder}/x.npz`, { x }, { compress }));
        const y = (await within(() => readNpz(`${folder}/x.npz`))).get("x")!;
        assertEquals(y.eq(x).sum().item(), COUNT / 2);
      }
    }));
});

describe("readNpy()", () => {
  const cases: [descr: string, bytes: number, bits: (i: number, view: DataView) => void, dtype: string][] = [
    [">f8", 8, (i, view) => view.setFloat64(8 * i, i), "float64"],
    ["<i8", 8, (i, view) => view.setBigInt64(8 * i, BigInt(i), true), "int32"],
  ];
  for (const [descr, size, set, dtype] of cases) {
    it(`lets the event loop turn while it turns ${descr} into ${dtype}`, () =>
      inFolder(async (folder) => {
        const data = new Uint8Array(COUNT * size), view = new DataView(data.buffer);
        for (let i = 0; i < COUNT; i++) set(i, view);
        await Deno.writeFile(`${folder}/x.npy`, npy(descr, COUNT, data));
        const x = await within(() => readNpy(`${folder}/x.npy`));
        assertEquals([x.dtype, x.shape], [dtype, [COUNT]]);
        assertEquals(x.data.findIndex((value, i) => value !== i), -1);
      }));
  }
  it("widens all longs where one past the first megabyte is past int32", () =>
    inFolder(async (folder) => {
      const longs = new BigInt64Array(1 << 18);
      longs[0] = -5n;
      longs[longs.length - 1] = 2n ** 40n;
      await Deno.writeFile(`${folder}/x.npy`, npy("<i8", longs.length, new Uint8Array(longs.buffer)));
      const x = await readNpy(`${folder}/x.npy`);
      assertEquals([x.dtype, x.data[0], x.data.at(-1)], ["float64", -5, 2 ** 40]);
    }));
});

describe("writeSafetensors() and readSafetensors()", () => {
  it("let the event loop turn, and keep every bit", () =>
    inFolder(async (folder) => {
      const tensors: Record<string, Tensor> = { a: arange(COUNT), b: tensor([1, 2]), c: zeros([0, 3]) };
      await within(() => writeSafetensors(`${folder}/x.safetensors`, tensors));
      const { tensors: read } = await within(() => readSafetensors(`${folder}/x.safetensors`));
      assertEquals([...read.keys()].sort(), ["a", "b", "c"]);
      assertEquals(read.get("a")!.eq(tensors.a).sum().item(), COUNT);
    }));
  const words: [what: string, metadata: Record<string, string>][] = [
    ["many words about them", Object.fromEntries(Array.from({ length: 400_000 }, (_, i) => [`key ${i}`, `${i}`]))],
    ["60 MB of words about them", Object.fromEntries(Array.from({ length: 60 }, (_, i) => [i, "x".repeat(1 << 20)]))],
  ];
  for (const [what, metadata] of words) {
    it(`let the event loop turn while they read ${what}`, () =>
      inFolder(async (folder) => {
        await Deno.writeFile(`${folder}/x.safetensors`, encodeSafetensors({ x: tensor([1, 2]) }, metadata));
        const read = await within(() => readSafetensors(`${folder}/x.safetensors`));
        assertEquals(read.metadata.size, Object.keys(metadata).length);
        assertEquals(Object.keys(metadata).find((key) => read.metadata.get(key) !== metadata[key]), undefined);
      }));
  }
  it("let the event loop turn while they write very many tensors", () =>
    inFolder(async (folder) => {
      const x = tensor([1, 2]), count = 200_000, path = `${folder}/x.safetensors`;
      const tensors = new Map(Array.from({ length: count }, (_, i) => [`layers.${(i * 7919) % count}.weight`, x]));
      await within(() => writeSafetensors(path, tensors));
      const { tensors: read } = decodeSafetensors(await Deno.readFile(path));
      assertEquals([read.size, [...read.keys()]], [count, [...tensors.keys()].sort()]);
    }));
  it("let the event loop turn for many tensors in any order", () =>
    inFolder(async (folder) => {
      const count = 30_000, path = `${folder}/x.safetensors`;
      const entries = Array.from({ length: count }, (_, i) => {
        const at = (i * 7919) % count;
        return `"${at}":{"dtype":"U8","shape":[1],"data_offsets":[${at},${at + 1}]}`;
      });
      const header = new TextEncoder().encode(`{${entries.join(",")}}`);
      const file = new Uint8Array(8 + header.length + count);
      new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true);
      file.set(header, 8);
      file.set(Uint8Array.from({ length: count }, (_, i) => i), 8 + header.length);
      await Deno.writeFile(path, file);
      const { tensors } = await within(() => readSafetensors(path));
      assertEquals([tensors.size, [...tensors].findIndex(([name, x], i) => name !== `${i}` || x.item() !== i % 256)], [
        count,
        -1,
      ]);
    }));
});

describe("readTorch()", () => {
  /** An archive of these records. */
  function torchFile(dict: number[], records: [name: string, content: Uint8Array][]): Uint8Array {
    const steps = function* (content: Uint8Array) {
      yield;
      return content;
    };
    const all = [["m/data.pkl", pickle(op.proto(), dict, op.stop)] as const, ...records];
    const parts = runAtOnce(zipParts(all.map(([name, content]) => [name, steps(content)]), false));
    return runAtOnce(joinInSteps(parts));
  }

  it("lets the event loop turn while it turns big-endian longs of 16 MB into int32", async () => {
    const data = new Uint8Array(8 * COUNT), view = new DataView(data.buffer);
    for (let i = 0; i < COUNT; i++) view.setInt32(8 * i + 4, i);
    const count = op.signed(COUNT);
    const x = torchTensor({
      storage: storage("0", count, "Long"),
      shape: [...count, ...op.tuple1],
      strides: [...op.small(1), ...op.tuple1],
    });
    const order: [string, Uint8Array] = ["m/byteorder", new TextEncoder().encode("big")];
    const file = torchFile(dict({ x }), [["m/data/0", data], order]);
    const found = (await within(() => readTorch(file))).tensors.get("x")!;
    assertEquals([found.dtype, found.data.findIndex((value, i) => value !== i)], ["int32", -1]);
  });

  it("lets the event loop turn while it reads very many tensors", async () => {
    const names = Array.from({ length: 10_000 }, (_, i) => `layers.${i}.weight`);
    const all = dict(Object.fromEntries(
      names.map((name, i) => [name, torchTensor({ storage: storage(`${i}`, op.small(6)) })]),
    ));
    const file = torchFile(all, names.map((_, i) => [`m/data/${i}`, elements]));
    const { tensors } = await within(() => readTorch(file));
    assertEquals([[...tensors.keys()], tensors.get(names[77])?.toArray()], [names, [[1, 2, 3], [4, 5, 6]]]);
  });
});
