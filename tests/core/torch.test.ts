/**
 * PyTorch itself, where it is installed, on random numbers of every dtype: each line of the table is an expression of `a` and `b` for
 * both. What differs on purpose stands in the table, and in the README.
 */
import { assertEquals } from "@std/assert";
import { describe, it } from "../bdd.ts";
import {
  cat,
  cdist,
  type DType,
  hstack,
  kron,
  nn,
  outer,
  stack,
  type Tensor,
  tensor,
  where,
  zerosLike,
} from "@gradus/gradus";
import { Mt19937 } from "../../core/random/engines.ts";
import { askTorch, isTorchThere } from "./installed_torch.ts";

/** What PyTorch refuses here and this library allows: no PyTorch to compare with. */
type Wider = "bool" | "whole" | "mixed" | "";
type Entry = [torch: string, ours: (a: Tensor, b: Tensor) => Tensor, wider?: Wider];

const [PICKED, OTHER, PAIRS] = [[2, 0, 2], [1, 4, 1], [[3, 0], [1, 1]]].map((x) => tensor(x, { dtype: "int32" }));

const TABLE: Entry[] = [
  ["a + b", (a, b) => a.add(b)],
  ["a - b", (a, b) => a.sub(b), "bool"],
  ["a * b", (a, b) => a.mul(b)],
  ["a / b", (a, b) => a.div(b)],
  ["torch.pow(a, b)", (a, b) => a.pow(b), "bool"],
  ["torch.maximum(a, b)", (a, b) => a.maximum(b)],
  ["torch.minimum(a, b)", (a, b) => a.minimum(b)],
  ["torch.remainder(a, b)", (a, b) => a.remainder(b), "bool"],
  ["torch.fmod(a, b)", (a, b) => a.fmod(b), "bool"],
  ["a == b", (a, b) => a.eq(b)],
  ["a < b", (a, b) => a.lt(b)],
  ["a >= b", (a, b) => a.ge(b)],
  ["torch.logical_and(a, b)", (a, b) => a.logicalAnd(b)],
  ["torch.where(a > b, a, b)", (a, b) => where(a.gt(b), a, b)],
  ["torch.where(a != 0, a, 2.5)", (a) => where(a.ne(0), a, 2.5)],
  ["torch.cat([a, b])", (a, b) => cat([a, b])],
  ["torch.stack([b, a], 1)", (a, b) => stack([b, a], 1)],
  ["a + 2", (a) => a.add(2)],
  ["a * -0.5", (a) => a.mul(-0.5)],
  ["a / 300", (a) => a.div(300)],
  ["a < 2.5", (a) => a.lt(2.5)],
  ["a ** 2", (a) => a.pow(2)],
  ["a.clamp(1, 3)", (a) => a.clamp(1, 3)],
  ["a.clamp(0.5, nan)", (a) => a.clamp(0.5, NaN)],
  ["-a", (a) => a.neg(), "bool"],
  ["a.abs()", (a) => a.abs(), "bool"],
  ["a.square()", (x) => x.square()],
  ["a.sign()", (x) => x.sign()],
  ["a.round()", (x) => x.round(), "bool"],
  ["a.floor()", (x) => x.floor(), "bool"],
  ["torch.relu(a)", (a) => a.relu(), "bool"],
  ["a.exp()", (a) => a.exp()],
  ["a.log1p()", (x) => x.log1p()],
  ["a.sqrt()", (a) => a.sqrt()],
  ["a.rsqrt()", (x) => x.rsqrt()],
  ["a.tanh()", (a) => a.tanh()],
  ["a.sigmoid()", (a) => a.sigmoid()],
  ["torch.erf(a)", (x) => x.erf()],
  ["a.sum(0)", (a) => a.sum(0)],
  ["a.sum((0, 1), True)", (a) => a.sum([0, 1], true)],
  ["a.prod(1)", (a) => a.prod(1)],
  ["a.cumsum(0)", (a) => a.cumsum(0)],
  ["a.max(1).values", (a) => a.max(1).values, "bool"],
  ["a.min(0).indices", (a) => a.min(0).indices, "bool"],
  ["a.max()", (a) => a.max()],
  ["a.argmax(1)", (a) => a.argmax(1), "bool"],
  ["a.logsumexp(1)", (a) => a.logsumexp(1)],
  ["a.bool().all(1)", (a) => a.bool().all(1)],
  ["a.float()", (a) => a.float()],
  ["a.double()", (a) => a.double()],
  ["a.int()", (a) => a.int()],
  ["a.byte()", (a) => a.to("uint8")],
  ["a.bool()", (a) => a.bool()],
  ["a @ b.t()", (a, b) => a.matmul(b.t()), "mixed"],
  ["a.clone().copy_(b)", (a, b) => a.clone().copy_(b)],
  ["a.tan()", (x) => x.tan()],
  ["a.atan()", (x) => x.atan()],
  ["a.acos()", (x) => x.acos()],
  ["a.sinh()", (x) => x.sinh()],
  ["a.exp2()", (x) => x.exp2()],
  ["a.log2()", (x) => x.log2()],
  ["a.trunc()", (x) => x.trunc(), "bool"],
  ["torch.atan2(a, b)", (a, b) => a.atan2(b)],
  ["a.flip(0, 1)", (a) => a.flip(0, 1)],
  ["a.roll([1, -2], [0, 1])", (a) => a.roll([1, -2], [0, 1])],
  ["a.rot90(-1)", (a) => a.rot90(-1)],
  ["a.repeat(2, 1, 2)", (a) => a.repeat(2, 1, 2)],
  ["a.repeat_interleave(2)", (a) => a.repeatInterleave(2)],
  ["a.tril(-1)", (a) => a.tril(-1)],
  ["a.triu(2)", (a) => a.triu(2)],
  ["a.diagonal(1)", (a) => a.diagonal(1).clone()],
  ["a[0].diag(-1)", (a) => a.at(0).diag(-1)],
  ["a[:4, :4].trace()", (a) => a.at(":4", ":4").trace(), "bool"],
  ["torch.kron(a, b[:2, :2])", (a, b) => kron(a, b.at(":2", ":2"))],
  ["torch.outer(a[0], b[1])", (a, b) => outer(a.at(0), b.at(1))],
  ["a.sort(stable=True, dim=1).values", (a) => a.sort(1).values, "bool"],
  ["a.sort(stable=True, dim=0, descending=True).indices", (a) => a.sort(0, true).indices, "bool"],
  ["a.topk(3, 1).values", (a) => a.topk(3, 1).values, "bool"],
  ["a.kthvalue(2, 1).values", (a) => a.kthvalue(2, 1).values, "bool"],
  ["a.median(1).values", (a) => a.median(1).values, "bool"],
  ["a.median()", (a) => a.median(), "bool"],
  ["a.cummax(1).values", (a) => a.cummax(1).values, "bool"],
  ["a.cummin(0).indices", (a) => a.cummin(0).indices, "bool"],
  ["a.cumprod(1)", (a) => a.cumprod(1)],
  ["a.diff(dim=0)", (a) => a.diff({ dim: 0 })],
  ["a.amax((0, 1))", (a) => a.amax([0, 1])],
  ["a.amin(1)", (a) => a.amin(1)],
  ["a[:, torch.tensor([2, 0, 2])]", (a) => a.index(":", PICKED)],
  ["a[torch.tensor([2, 0, 2]), torch.tensor([1, 4, 1])]", (a) => a.index(PICKED, OTHER)],
  ["a[a != 0]", (a) => a.index(a.ne(0))],
  ["a.masked_fill(b != 0, 1)", (a, b) => a.maskedFill(b.ne(0), 1)],
  ["a.nonzero()", (a) => a.nonzero()],
  ["a.gather(1, torch.tensor([[3, 0], [1, 1]]))", (a) => a.gather(1, PAIRS)],
  ["a.scatter(1, torch.tensor([[3, 0], [1, 2]]), 1)", (a) => a.scatter(1, tensor([[3, 0], [1, 2]]).int(), 1)],
  ["a.index_select(1, torch.tensor([2, 0, 2]))", (a) => a.indexSelect(1, PICKED)],
  [
    "a.index_put((torch.tensor([2, 0]), torch.tensor([1, 4])), a[0, :2])",
    (a) => a.indexPut([tensor([2, 0]).int(), tensor([1, 4]).int()], a.at(0, ":2")),
  ],
  ["a.int().bool().unique()", (a) => a.int().bool().unique()],
  ["a.clamp(min=b[0])", (a, b) => a.clamp(b.at(0)), "mixed"],
  ["a.nan_to_num(1, 2, 3)", (a) => a.nanToNum({ nan: 1, posinf: 2, neginf: 3 })],
  ["torch.zeros_like(a)", (a) => zerosLike(a)],
  [
    "a.double().quantile(torch.tensor([0.3, 0.75], dtype=torch.float64), 1)",
    (a) => a.double().quantile([0.3, 0.75], 1),
  ],
  [
    "a.float().quantile(0.5, 0, interpolation='nearest')",
    (a) => a.float().quantile(0.5, { dim: 0, interpolation: "nearest" }),
  ],
  ["torch.logaddexp(a.double(), b.double())", (a, b) => a.double().logaddexp(b.double())],
  ["torch.hypot(a.double(), b.double())", (a, b) => a.double().hypot(b.double())],
  ["torch.lerp(a.double(), b.double(), 0.25)", (a, b) => a.double().lerp(b.double(), 0.25)],
  [
    "torch.clamp(a.double(), b.double()[0], b.double()[1])",
    (a, b) => a.double().clamp(b.double().at(0), b.double().at(1)),
  ],
  ["torch.cdist(a.double(), b.double(), p=1)", (a, b) => cdist(a.double(), b.double(), 1)],
  ["a.double().norm(p=3, dim=1)", (a) => a.double().norm({ p: 3, dim: 1 })],
  ["a.double().norm(p=-inf, dim=0)", (a) => a.double().norm({ p: -Infinity, dim: 0 })],
  ["a.float().frac()", (a) => a.float().frac()],
  ["torch.nn.functional.one_hot(a.bool().long(), 3)", (a) => nn.functional.oneHot(a.bool().int(), 3)],
  ["torch.nn.functional.normalize(a.double(), dim=1)", (a) => nn.functional.normalize(a.double(), { dim: 1 })],
  ["torch.hstack([a, b])", (a, b) => hstack([a, b])],
];

const KINDS: DType[] = ["float32", "float64", "int32", "uint8", "bool"];
// Not so far apart that the order of a sum or a product decides.
const FLOATS = [NaN, Infinity, -Infinity, 0, -0, 1, -1, 0.5, -0.5, -2.5, 3, 100.25, 3e9];
const INTEGERS = [0, 1, -1, 2, 7, -128, 65536, 16777217, 2147483647, -2147483648];
const VALUES: Record<DType, number[]> = {
  float32: FLOATS,
  float64: FLOATS,
  int32: INTEGERS,
  uint8: [0, 1, 2, 3, 127, 128, 255],
  bool: [0, 1],
};

/** A matrix as both read it. */
interface Given {
  dtype: DType;
  values: number[];
}
const [ROWS, COLUMNS] = [4, 5];

function draw(words: Mt19937): Given {
  const dtype = KINDS[words.nextWord() % KINDS.length];
  return {
    dtype,
    values: Array.from({ length: ROWS * COLUMNS }, () => VALUES[dtype][words.nextWord() % VALUES[dtype].length]),
  };
}

const ours = ({ dtype, values }: Given) => tensor(Float64Array.from(values), { dtype }).view(ROWS, COLUMNS);

const PROGRAM = `
import sys, json, warnings, torch
from math import nan, inf
warnings.filterwarnings("ignore")
def read(x): return torch.tensor([float(v) for v in x["values"]], dtype=torch.float64).to(getattr(torch, x["dtype"])).reshape(4, 5)
def answer(case):
  try: y = eval(case["text"], {"torch": torch, "nan": nan, "inf": inf, "a": read(case["a"]), "b": read(case["b"])})
  except RuntimeError as e: return str(e).split("\\n")[0]
  return [str(y.dtype)[6:], list(y.shape), [repr(v) for v in y.to(torch.float64).flatten().tolist()]]
print(json.dumps([answer(c) for c in json.load(sys.stdin)]))
`;

type Answer = string | [dtype: string, shape: number[], values: string[]];

/** What PyTorch says to each case. */
async function ask(cases: { text: string; a: Given; b: Given }[]): Promise<Answer[]> {
  const odd = (v: unknown) => typeof v === "number" && (!Number.isFinite(v) || Object.is(v, -0));
  const text = JSON.stringify(cases, (_, v) => (odd(v) ? show(v) : v));
  return await askTorch(PROGRAM, text);
}

const show = (v: number) => (Object.is(v, -0) ? "-0.0" : Number.isNaN(v) ? "nan" : v === Infinity ? "inf" : "-inf");
const number = (text: string) => Number(text.replace("inf", "Infinity"));

/** Whether PyTorch refuses on purpose what this library allows. */
function isWider(wider: Wider | undefined, a: Given, b: Given): boolean {
  if (wider === "bool") return a.dtype === "bool" || b.dtype === "bool";
  return wider === "mixed" && (a.dtype !== b.dtype || a.dtype === "bool");
}

/** What is wrong with our answer, or `null`. */
function verdict([, run, wider]: Entry, a: Given, b: Given, expected: Answer): string | null {
  let y: Tensor;
  try {
    y = run(ours(a), ours(b));
  } catch (error) {
    if (typeof expected === "string" || isWider(wider, a, b)) return null;
    const { message } = error as Error;
    const past = expected[0] === "int64" && message.startsWith("Cannot hold the"); // which int64 may hold, or wraps
    return past ? null : `${message}, PyTorch ${expected[0]}`;
  }
  if (typeof expected === "string") return isWider(wider, a, b) ? null : `allowed; PyTorch: ${expected}`;
  if (isWider(wider, a, b)) return null;
  const [dtype, shape, values] = expected;
  if (y.dtype !== (dtype === "int64" ? "int32" : dtype)) return `dtype ${y.dtype}, PyTorch ${dtype}`;
  assertEquals(y.shape, shape);
  const flat = [...y.double().reshape(-1).data];
  const wrong = flat.findIndex((v, i) => !near(v, number(values[i]), y.dtype === "float32" ? 4e-6 : 1e-12));
  return wrong < 0 ? null : `element ${wrong} is ${flat[wrong]}, PyTorch ${values[wrong]}`;
}

/** Equal, or floats that vectorised functions and other orders of sums bring about: a few dozen units in the last place. */
function near(x: number, y: number, relative: number): boolean {
  return x === y || (Number.isNaN(x) && Number.isNaN(y)) || Math.abs(x - y) <= relative * Math.max(Math.abs(y), 1e-30);
}

describe("PyTorch", () => {
  const DRAWS = 24;
  const words = new Mt19937(20);
  const cases = TABLE.flatMap((entry) =>
    Array.from({ length: DRAWS }, () => ({ entry, text: entry[0], a: draw(words), b: draw(words) }))
  );
  const compared = isTorchThere() ? it : it.skip;
  compared(`PyTorch gives the same for ${TABLE.length} expressions of random numbers of random dtypes`, async () => {
    const answers = await ask(cases.map(({ text, a, b }) => ({ text, a, b })));
    const wrong = cases.flatMap(({ entry, a, b }, i) => {
      const found = verdict(entry, a, b, answers[i]);
      return found === null ? [] : [`${entry[0]} for ${a.dtype} and ${b.dtype}: ${found}`];
    });
    assertEquals(wrong, []);
  });
});
