import { assert, assertEquals } from "@std/assert";
import { describe, it } from "../../../bdd.ts";
import { type Tensor, tensor, zeros } from "@gradus/gradus";
import { encodeNpy, readNpy, readNpz, writeNpy, writeNpz } from "@gradus/gradus/io";
import { granted } from "../../../../core/host/host.ts";
import { inFolder } from "../in_folder.ts";
import { shownBytes } from "../random_tensor.ts";

/** Debian's Python, which sees Debian's NumPy. */
const PYTHON = "/usr/bin/python3";

/** What a Python program prints, or `null` where it cannot be run. */
function python(program: string, ...args: string[]): string | null {
  if (!granted({ name: "run", command: PYTHON })) return null;
  try {
    const { success, stdout, stderr } = new Deno.Command(PYTHON, { args: ["-c", program, ...args] }).outputSync();
    if (success) return new TextDecoder().decode(stdout);
    const error = new TextDecoder().decode(stderr);
    if (error.includes("No module named 'numpy'")) return null;
    throw new Error(error);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

const numpyIt = python("import numpy") === null ? it.skip : it;

const views: Record<string, Tensor> = {
  floats: tensor([[1.5, -0, NaN], [Infinity, 1e-45, 3]]),
  doubles: tensor([Math.PI, 5e-324], { dtype: "float64" }),
  ints: tensor([[[-(2 ** 31)], [2 ** 31 - 1]]], { dtype: "int32" }),
  bytes: tensor([0, 255], { dtype: "uint8" }),
  bools: tensor([[true], [false]]),
  none: zeros([2, 0, 3]),
  single: tensor(7),
  transposed: tensor([[1, 2, 3], [4, 5, 6]]).t(),
  stepped: tensor([0, 1, 2, 3, 4, 5]).slice(0, 1, 6, 2),
  repeated: tensor([1]).expand(3),
};

const NAMES: Readonly<Record<string, string>> = {
  float32: "float32",
  float64: "float64",
  int32: "int32",
  uint8: "uint8",
  bool: "bool",
};

/** What NumPy must see: dtype, shape and every bit. */
const expected = Object.fromEntries(
  Object.entries(views).map(([name, t]) => [name, [NAMES[t.dtype], t.shape, shownBytes(t).toHex()]]),
);

const LOOK = `
import json, sys, numpy as np
def look(a): return [a.dtype.name, list(a.shape), a.tobytes().hex()]
`;

describe("NumPy", () => {
  numpyIt("NumPy reads what writeNpy() writes, bit for bit", () =>
    inFolder(async (folder) => {
      for (const [name, t] of Object.entries(views)) await writeNpy(`${folder}/${name}.npy`, t);
      const program =
        `${LOOK}print(json.dumps({n: look(np.load(sys.argv[1] + "/" + n + ".npy")) for n in sys.argv[2:]}))`;
      assertEquals(JSON.parse(python(program, folder, ...Object.keys(views))!), expected);
    }));

  for (const compress of [false, true]) {
    numpyIt(
      `NumPy reads what writeNpz() writes${compress ? " deflated" : ""}, bit for bit`,
      () =>
        inFolder(async (folder) => {
          await writeNpz(`${folder}/t.npz`, views, { compress });
          const program = `${LOOK}d = np.load(sys.argv[1]); print(json.dumps({n: look(d[n]) for n in d.files}))`;
          assertEquals(JSON.parse(python(program, `${folder}/t.npz`)!), expected);
        }),
    );
  }

  for (const compress of [false, true]) {
    numpyIt(
      `NumPy reads what writeNpz() writes of no tensors${compress ? ", deflated" : ""}`,
      () =>
        inFolder(async (folder) => {
          await writeNpz(`${folder}/t.npz`, {}, { compress });
          assertEquals(python("import sys, numpy; print(numpy.load(sys.argv[1]).files)", `${folder}/t.npz`), "[]\n");
        }),
    );
  }

  numpyIt("Python's zipfile finds no fault with what writeNpz() writes", () =>
    inFolder(async (folder) => {
      await writeNpz(`${folder}/t.npz`, views, { compress: true });
      assertEquals(
        python("import sys, zipfile; print(zipfile.ZipFile(sys.argv[1]).testzip())", `${folder}/t.npz`),
        "None\n",
      );
    }));

  const SAVE = `
import sys, numpy as np
from numpy.lib import format as f
d = sys.argv[1] + "/"
a = {k: np.array([[1, 2, 3], [4, 5, 100]], k) for k in "|i1 |u1 <i2 <u2 <i4 <u4 <i8 <u8 <f2 <f4 <f8 >i2 >u2 >i4 >u4 >i8 >f4 >f8".split()}
for i, k in enumerate(a):
  np.save(d + "c%d.npy" % i, a[k]); np.save(d + "f%d.npy" % i, np.asfortranarray(a[k]))
for v in (1, 2, 3):
  with open(d + "v%d.npy" % v, "wb") as o: f.write_array(o, a["<f4"], version=(v, 0))
np.save(d + "bool.npy", np.array([True, False])); np.save(d + "rank0.npy", np.float32(7)); np.save(d + "none.npy", np.zeros((0, 3)))
np.savez(d + "z.npz", x=a["<f4"], y=a["<i8"]); np.savez_compressed(d + "zc.npz", x=a["<f4"], y=a["<i8"])
np.save(d + "object.npy", np.array([{}, 1], object), allow_pickle=True)
print(len(a))
`;
  const matrix = [[1, 2, 3], [4, 5, 100]];

  numpyIt(
    "readNpy() reads what NumPy saves: every dtype, byte order, layout and version",
    () =>
      inFolder(async (folder) => {
        const count = Number(python(SAVE, folder));
        assertEquals(count, 18);
        for (let i = 0; i < count; i++) {
          for (const layout of ["c", "f"]) {
            assertEquals((await readNpy(`${folder}/${layout}${i}.npy`)).toArray(), matrix, `${layout}${i}`);
          }
        }
        for (const version of [1, 2, 3]) assertEquals((await readNpy(`${folder}/v${version}.npy`)).toArray(), matrix);
        assertEquals((await readNpy(`${folder}/bool.npy`)).toArray(), [true, false]);
        assertEquals((await readNpy(`${folder}/rank0.npy`)).item(), 7);
        assertEquals((await readNpy(`${folder}/none.npy`)).shape, [0, 3]);
      }),
  );

  numpyIt("readNpz() reads what NumPy's savez and savez_compressed save", () =>
    inFolder(async (folder) => {
      python(SAVE, folder);
      for (const file of ["z.npz", "zc.npz"]) {
        const tensors = await readNpz(`${folder}/${file}`);
        assertEquals([...tensors].map(([name, t]) => [name, t.toArray()]), [["x", matrix], ["y", matrix]]);
      }
    }));

  numpyIt("readNpy() refuses the pickled objects that NumPy saves", () =>
    inFolder(async (folder) => {
      python(SAVE, folder);
      const error = await readNpy(`${folder}/object.npy`).catch((error) => error);
      assert(error instanceof SyntaxError && error.message.includes("descr '|O'"), `${error}`);
    }));

  numpyIt(
    "NumPy finds shape, order and dtype in the header that encodeNpy() writes, and the data at a multiple of 64",
    () =>
      inFolder(async (folder) => {
        await Deno.writeFile(`${folder}/t.npy`, encodeNpy(tensor([[1, 2]])));
        const program = "import sys, numpy as np; f = open(sys.argv[1], 'rb'); np.lib.format.read_magic(f); " +
          "print(np.lib.format.read_array_header_1_0(f), f.tell() % 64)";
        assertEquals(python(program, `${folder}/t.npy`), "((1, 2), False, dtype('float32')) 0\n");
      }),
  );
});
