import { assert, assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "../../../bdd.ts";
import { tensor } from "@gradus/gradus";
import { encodeNpy, encodeNpz, encodeSafetensors, readTorch } from "@gradus/gradus/io";
import { fromFileUrl } from "@std/path";
import { granted } from "../../../../core/host/host.ts";
import { runAtOnce } from "../../../../core/event_loop.ts";
import { Cap } from "../../../../core/io/read_file.ts";
import { unzip } from "../../../../core/io/zip/unzip.ts";
import { isTorchThere } from "../../installed_torch.ts";
import { inFolder } from "../in_folder.ts";
import { zipFile } from "../zip/zip_file.ts";
import { op } from "../pickle/pickle_file.ts";
import { archive, dict, storage, torchTensor } from "./torch_archive.ts";
import { FACTS, FILES } from "./torch_files.ts";

const SCRIPT = fromFileUrl(new URL("../../../reference/make_torch_files.py", import.meta.url));
const PYTHON = "/usr/bin/python3";

const bytesOf = (file: string) => Deno.readFile(`${FILES}/${file}`);

describe("readTorch()", () => {
  for (const [fact, check] of FACTS) it(`readTorch() ${fact}`, () => check(FILES));

  it("readTorch() takes bytes, a Blob, a File and a Response", async () => {
    const bytes = await bytesOf("alone.pt");
    for (const source of [bytes, new Blob([bytes]), new File([bytes], "w.pt"), new Response(bytes)]) {
      assertEquals((await readTorch(source)).tensors.get("")?.toArray(), [1, 2]);
    }
  });

  it("readTorch() reads a file whose record byteorder says big", async () => {
    const bytes = await bytesOf("kinds.pt"), sizes = [8, 4, 2, 2, 8, 8, 4, 2, 1, 1, 1, 8]; // of the records, in order
    const members = runAtOnce(unzip(bytes, "kinds.pt", new Cap("kinds.pt", {}, bytes.length))).map(
      ({ name, content }) => {
        const [, key] = /\/data\/(\d+)$/.exec(name) ?? [], copy = runAtOnce(content()).slice();
        if (key === undefined) return { name, content: copy };
        const size = sizes[Number(key)];
        for (let at = 0; at < copy.length; at += size) copy.subarray(at, at + size).reverse();
        return { name, content: copy };
      },
    );
    const order = (text: string) => [...members, { name: "kinds/byteorder", content: new TextEncoder().encode(text) }];
    const [big, little] = [await readTorch(zipFile(order("big"))), await readTorch(bytes)];
    assertEquals(big.tensors.size, 12);
    for (const [name, t] of big.tensors) assertEquals(t.toArray(), little.tensors.get(name)!.toArray(), name);
    await assertRejects(() => readTorch(zipFile(order("middle"))), SyntaxError, 'byteorder says "middle"');
  });

  it("readTorch() reads what only names, and says which name there is in place of a wrong one", async () => {
    const { tensors } = await readTorch(await bytesOf("mlp.pt"), {
      only: ["1", "3.bias"],
      skip: ["1.num_batches_tracked"],
    });
    assertEquals([...tensors.keys()], ["1.weight", "1.bias", "1.running_mean", "1.running_var", "3.bias"]);
    await assertRejects(
      async () => await readTorch(await bytesOf("lstm.pt"), { only: ["weight_hh_l1"] }),
      RangeError,
      'Cannot read the bytes with only "weight_hh_l1": it has no tensor of that name, the names are weight_ih_l0, ' +
        "weight_hh_l0, bias_ih_l0, bias_hh_l0, the nearest is weight_hh_l0",
    );
    for (const only of ["weight", [1]] as unknown as string[][]) {
      await assertRejects(() => readTorch(new Uint8Array(), { only }), TypeError, "give names, as in");
    }
  });

  it("readTorch() says what there is, where there is nothing at the place", async () => {
    const wrong = async () => await readTorch(await bytesOf("mlp.pt"), { at: "state_dict" });
    await assertRejects(wrong, RangeError, 'Cannot read the bytes at "state_dict": nothing is there, it holds 0, 1, 3');
  });

  it("readTorch() names the tensor whose integers no dtype holds, and reads the others", async () => {
    const long = torchTensor({
      storage: storage("0", op.small(3), "Long"),
      shape: [...op.small(3), ...op.tuple1],
      strides: [...op.small(1), ...op.tuple1],
    });
    const huge = { name: "m/data/0", content: new Uint8Array(new BigInt64Array([0n, 2n ** 60n, 0n]).buffer) };
    const file = archive(dict({ seed: long, n: op.small(7) }), [huge]);
    await assertRejects(() => readTorch(file), RangeError, 'holds exactly: leave out tensor "seed" with');
    assertEquals((await readTorch(file, { skip: ["seed"] })).values.get("n"), 7);
  });

  it("readTorch() counts tensors before any of their records is read", async () => {
    const bytes = await bytesOf("views.pt");
    await assertRejects(() => readTorch(bytes, { maxBytes: 20_000 }), RangeError, "with tensor");
  });
});

describe("readTorch() of PyTorch as it is installed", () => {
  const there = isTorchThere() && granted({ name: "run", command: PYTHON });
  (there ? it : it.skip)(
    "readTorch() finds in fresh files what it finds in the committed ones",
    () =>
      inFolder(async (folder) => {
        const { success } = await new Deno.Command(PYTHON, { args: [SCRIPT, folder], stderr: "null" }).output();
        assert(success);
        for (const [, check] of FACTS) await check(folder);
      }),
  );
});

describe("readTorch() names what it does not read", () => {
  const npy = encodeNpy(tensor([1])), npz = encodeNpz({ x: tensor([1]) }), safe = encodeSafetensors({ x: tensor([1]) });
  const text = (words: string) => new TextEncoder().encode(words);
  const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 45678\n";
  for (
    const [what, bytes, message] of [
      ["a file from before PyTorch 1.6", bytesOf("legacy.pt"), "byte 0 begins a PyTorch file as before version 1.6"],
      ["a TorchScript program", bytesOf("script.pt"), "torch.save(torch.jit.load(FILE).state_dict(), FILE)"],
      ["a pickle", bytesOf("plain.pkl"), "byte 0 begins a pickle that torch.save did not write"],
      ["an npz file", npz, "its records are npy files: read it with readNpz"],
      ["an npy file", npy, "byte 0 begins an npy file: read it with readNpy"],
      ["a safetensors file", safe, "byte 0 begins a safetensors file: read it with readSafetensors"],
      [
        "a git-lfs pointer",
        text(pointer),
        "byte 0 begins a git-lfs pointer to 45678 bytes: fetch them with git lfs pull",
      ],
      ["an HTML page", text("\n<!DOCTYPE html>\n<title>Sign in"), "byte 0 begins an HTML page"],
      ["JSON", text('{"error": "not found"}'), "byte 0 begins JSON"],
      ["a gzipped file", Uint8Array.of(0x1f, 0x8b, 8, 0), "packed with gzip"],
      ["another archive", zipFile([{ name: "a/b.txt", content: text("b") }]), "the archive has no record data.pkl"],
      ["nothing", new Uint8Array(), "no zip archive ends at byte 0"],
    ] as [string, Uint8Array | Promise<Uint8Array>, string][]
  ) {
    it(`readTorch() names ${what}`, async () => {
      const error = await assertRejects(async () => await readTorch(await bytes), SyntaxError, message);
      assert(error.message.startsWith("Cannot read the bytes: "), error.message);
    });
  }

  for (
    const [file, kind, message] of [
      ["complex.pt", TypeError, 'tensor "fft", made at byte'],
      ["complex.pt", TypeError, 'is of C64, which no dtype here holds: leave it out with { skip: ["fft"] }'],
      ["sparse.pt", SyntaxError, '_rebuild_sparse_tensor", a sparse tensor: save it with to_dense()'],
      ["quantised.pt", SyntaxError, "a quantised tensor: save it with dequantize()"],
      [
        "whole_model.pt",
        SyntaxError,
        'GLOBAL at byte 2 found the name "torch.nn.modules.linear Linear", which is refused',
      ],
      ["whole_model.pt", SyntaxError, "nothing in it is called: save model.state_dict()"],
    ] as const
  ) {
    it(`readTorch() refuses ${file}: ${message}`, async () => {
      await assertRejects(() => readTorch(`${FILES}/${file}`), kind, message);
    });
  }
});
