import { assert, assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { type ArffOptions, readArff } from "@gradus/gradus/data";
import { inFolder } from "../../core/io/in_folder.ts";
import { gzip } from "./gzip.ts";

const read = (text: string, options: ArffOptions = {}) =>
  readArff(new Response(text).body!, { name: "bad.arff", ...options });

async function refuses(text: string, message: string, options: ArffOptions = {}, kind: typeof Error = SyntaxError) {
  const error = await assertRejects(() => read(text, options), kind, message);
  assert(error.message.includes("bad.arff"), error.message);
}

/** The first lines of OpenML's mnist_784, with two pixels. */
const mnist = `% 1. Title: MNIST
@RELATION mnist_784

@ATTRIBUTE pixel1 real
@ATTRIBUTE pixel2 real
@ATTRIBUTE class {0,1,2,3,4,5,6,7,8,9}

@DATA
0,255,5
3.5,0,0
`;

const head = (...attributes: string[]) => `@relation r\n${attributes.join("\n")}\n@data\n`;

describe("readArff()", () => {
  it("readArff() reads OpenML's mnist_784: pixels, and the last attribute as the target", async () => {
    const { x, y, columns, target } = await read(mnist);
    assertEquals([x.dtype, x.toArray()], ["float32", [[0, 255], [3.5, 0]]]);
    assertEquals([y!.dtype, y!.toArray(), target!.categories.length], ["int32", [5, 0], 10]);
    assertEquals(columns.map(({ name }) => name), ["pixel1", "pixel2"]);
  });

  it("readArff() takes another target, or none, and leaves out what to skip", async () => {
    assertEquals((await read(mnist, { target: "pixel1" })).y!.toArray(), [0, 3.5]);
    const { x, y } = await read(mnist, { target: null, skip: ["pixel2"] });
    assertEquals([x.toArray(), y], [[[0, 5], [3.5, 0]], null]);
  });

  it("readArff() reads quoted names and values, with commas and escapes in them", async () => {
    const text = head(`@ATTRIBUTE 'a \\'b\\'' NUMERIC`, `@attribute "c d" {'x, y', "z", w}`) +
      `1,'x, y'\n 2 , w \n3,"z"\n`;
    const { y, columns, target } = await read(text);
    assertEquals([columns[0].name, target, y!.toArray()], [
      "a 'b'",
      { name: "c d", kind: "categorical", missing: 0, categories: ["x, y", "z", "w"] },
      [0, 2, 1],
    ]);
  });

  it("readArff() ends a list of values at the first brace that is not quoted", async () => {
    const text = head("@attribute a {u,'v}'} % or {w}", "@attribute b real % {") + "'v}',1\n";
    assertEquals((await read(text)).columns[0].categories, ["u", "v}"]);
  });

  it("readArff() keeps what is unknown as NaN, and counts it, or leaves the row out", async () => {
    const text = head("@attribute a integer", "@attribute b {u,v}", "@attribute c real") + "?,u,1\n2,?,3\n4,v,5\n";
    const { x, columns } = await read(text);
    assertEquals([x.toArray(), columns.map(({ missing }) => missing)], [[[NaN, 0], [2, NaN], [4, 1]], [1, 1]]);
    assertEquals((await read(text, { skipIncomplete: true })).x.toArray(), [[4, 1]]);
  });

  it("readArff() notes what it left out and what float32 cannot hold, and keeps that in float64", async () => {
    const text = head("@attribute a real", "@attribute b real") + "1e39,1\n?,1\n";
    const notes: string[] = [];
    await read(text, { skipIncomplete: true, onNote: (note) => notes.push(note) });
    assertEquals(notes, [
      "bad.arff: 1 of 2 rows have an empty cell and are left out",
      'bad.arff: line 5, column "a" holds 1e39, past float32, and became infinite: read it with dtype "float64"',
    ]);
    assertEquals((await read(text, { dtype: "float64" })).x.toArray(), [[1e39], [NaN]]);
  });

  it("readArff() reads strings as categories, sorted", async () => {
    assertEquals((await read(head("@attribute s string") + "'b'\na\n")).target!.categories, ["a", "b"]);
  });

  it("readArff() overlooks comments, blank lines and CRLF", async () => {
    assertEquals((await read(mnist.replaceAll("\n", "\r\n\r\n% c\r\n"))).x.shape, [2, 2]);
  });

  it("readArff() reads a file, gzipped or not", () =>
    inFolder(async (folder) => {
      await Deno.writeTextFile(`${folder}/m.arff`, mnist);
      await Deno.writeFile(`${folder}/m.arff.gz`, await gzip(new TextEncoder().encode(mnist)));
      for (const name of ["m.arff", "m.arff.gz"]) assertEquals((await readArff(`${folder}/${name}`)).x.shape, [2, 2]);
      await Deno.writeFile(`${folder}/n.arff.gz`, (await gzip(new TextEncoder().encode(mnist))).slice(0, -9));
      await assertRejects(() => readArff(`${folder}/n.arff.gz`), SyntaxError, `${folder}/n.arff.gz after line`);
    }));
});

describe("readArff() refuses", () => {
  const one = head("@attribute a real", "@attribute b {u,v}");

  for (
    const [what, text, message] of [
      ["a row of too few values", one + "1\n", "line 5 has 1 cells, and there are 2 columns"],
      ["a word for a number", one + "x,u\n", 'line 5, column "a" holds "x", no number'],
      ["a value that was not declared", one + "1,w\n", 'line 5, column "b" holds "w", which is none of its declared'],
      ["an unknown target", one + "1,?\n", 'line 5 has no target "b"'],
      ["a sparse row", one + "{0 1}\n", "line 5 is sparse: save it with every value"],
      ["a quote that does not end", one + "1,'u\n", "line 5 has a quote that does not end"],
      ["a line that is no declaration", "@relation r\n@attribute a\n", 'line 2 is "@attribute a", no @ATTRIBUTE'],
      ["a line before the data that is none of ARFF's", "1,2\n", 'line 1 is "1,2", no @ATTRIBUTE'],
      ["a kind that is not read", head("@attribute d date"), 'line 2 gives "d" the type date'],
      ["values that repeat", head("@attribute d {a,a}"), 'line 2 gives "d" values that repeat'],
      [
        "an attribute that comes twice",
        head("@attribute a real", "@attribute a real"),
        'line 3 declares "a" a second time',
      ],
      ["data without attributes", "@relation r\n@data\n1\n", "line 2 begins data without attributes"],
      ["a file without data", "@relation r\n", "it ends at line 1, and no line says @DATA"],
    ]
  ) {
    it(`readArff() refuses ${what}, and names the line`, () => refuses(text, message));
  }

  it("readArff() refuses a file of no rows, and a target that is not there", async () => {
    await refuses(one, "it holds no rows", {}, RangeError);
    await refuses(mnist, 'Cannot find the target "digit"', { target: "digit" }, RangeError);
  });
});
