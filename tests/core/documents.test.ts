import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { describe, it } from "../bdd.ts";
import { arange, einsum, eye, near, ones, tensor, testEq, testNearZero, zeros } from "@gradus/gradus";

/** What the documents print, as they print it. */
const m = tensor([[1, 2, 3], [4, 5, 6], [7, 8, 9]]);
const c = tensor([10, 20, 40]);

describe("element-wise arithmetic in the documents", () => {
  const [a, b] = [tensor([10, 6, -4]), tensor([2, 8, 7])];
  const printed: [string, unknown, string][] = [
    ["a + b", a.add(b), "tensor([12., 14.,  3.])"],
    ["a < b", a.lt(b), "tensor([False,  True,  True])"],
    ["(a < b).all()", a.lt(b).all(), "tensor(False)"],
    ["(a == b).all()", a.eq(b).all(), "tensor(False)"],
    ["(a == a).all()", a.eq(a).all(), "tensor(True)"],
    ["(a + b).mean()", a.add(b).mean(), "tensor(9.6667)"],
    ["(a + b).mean().item()", a.add(b).mean().item(), "9.666666984558105"],
    ["m*m", m.mul(m), "tensor([[ 1.,  4.,  9.],\n        [16., 25., 36.],\n        [49., 64., 81.]])"],
    ["a > 0", tensor([10, 4, -4]).gt(0), "tensor([ True,  True, False])"],
    [
      "(m - 5) / 2.73",
      m.sub(5).div(2.73),
      "tensor([[-1.4652, -1.0989, -0.7326],\n        [-0.3663,  0.0000,  0.3663],\n        [ 0.7326,  1.0989,  1.4652]])",
    ],
    ["the Frobenius norm", m.mul(m).sum().sqrt(), "tensor(16.8819)"],
    ["m.norm()", m.norm(), "tensor(16.8819)"],
  ];
  for (const [name, value, text] of printed) {
    it(`${name} prints ${text.split("\n")[0]}`, () => assertEquals(`${value}`, text));
  }
});

describe("broadcasting in the documents", () => {
  it("m + c adds the vector to each row, on either side", () => {
    const text = "tensor([[11., 22., 43.],\n        [14., 25., 46.],\n        [17., 28., 49.]])";
    assertEquals([`${m.add(c)}`, `${c.add(m)}`], [text, text]);
  });
  it("c.expand_as(m) prints three rows", () => {
    const text = "tensor([[10., 20., 40.],\n        [10., 20., 40.],\n        [10., 20., 40.]])";
    assertEquals(`${c.expandAs(m)}`, text);
  });
  it("t.storage() holds three numbers", () => {
    // The document's PyTorch writes torch.FloatStorage; which name is printed is for the printing tests to say.
    assertMatch(`${c.expandAs(m).storage()}`, /^ 10\.0\n 20\.0\n 40\.0\n\[(torch\.)?FloatStorage of size 3\]$/);
  });
  it("t.stride(), t.shape are (0, 1) and [3, 3]", () => {
    const t = c.expandAs(m);
    assertEquals([t.stride(), t.shape], [[0, 1], [3, 3]]);
  });
  it("a vector of 3 is added to a matrix of 2 rows", () => {
    assertEquals(tensor([10, 20, 30]).add(m.at(":2")).toArray(), [[11, 22, 33], [14, 25, 36]]);
  });
  it("a vector of 2 is not", () => {
    const error = assertThrows(() => tensor([10, 20]).add(m.at(":2")), RangeError);
    assertEquals(error.message.split("\n")[0].startsWith("Cannot add [2] and [2, 3]: sizes 2 and 3 differ"), true);
  });
  it("c.unsqueeze(1) + m adds the vector to each column", () => {
    const column = tensor([10, 20, 30]).unsqueeze(1);
    assertEquals([column.shape, column.add(m).toArray()], [[3, 1], [[11, 12, 13], [24, 25, 26], [37, 38, 39]]]);
  });
  it("res - y_valid of [n, 1] and [n] is [n, n], and [n, 1] with y_valid[:, None]", () => {
    const [res, y] = [ones([7, 1]), ones([7])];
    assertEquals([res.sub(y).shape, res.sub(y.at(":", null)).shape, res.at(":", 0).sub(y).shape], [[7, 7], [7, 1], [
      7,
    ]]);
  });
  it("q = res[None, :, None] is [1, n, 1, 1], and q.squeeze() is [n]", () => {
    const q = ones([7, 1]).at(null, ":", null);
    assertEquals([q.shape, q.squeeze().shape, ones([7, 1]).squeeze().shape], [[1, 7, 1, 1], [7], [7]]);
  });
});

describe("products in the documents", () => {
  it("einsum() of c and m begins with 120", () => {
    const text = "tensor([[120., 150., 180.],\n        [240., 300., 360.],\n        [360., 450., 540.]])";
    const columns = tensor([[10], [20], [30]]).expandAs(m);
    assertEquals(`${einsum("ik,kj->ij", columns, m)}`, text);
    assertEquals(`${einsum("ik,kj->ij", tensor([10, 20, 30]).unsqueeze(1), m)}`, text);
  });
  it("inp.T @ out.g, its einsum, and the sum of outer products agree", () => {
    const [inp, g] = [arange(6).view(2, 3), arange(8).view(2, 4)];
    const product = inp.T.matmul(g);
    testEq(einsum("ij,ik->jk", inp, g), product);
    testEq(inp.unsqueeze(-1).mul(g.unsqueeze(1)).sum(0), product);
  });
  it("near() of a product and itself by other means is true", () => {
    assertEquals(near(m.matmul(m), einsum("ik,kj->ij", m, m)), true);
    assertEquals(near(m.matmul(m), m.mul(m)), false);
  });
  it("testNearZero() passes for a normalised tensor", () => {
    const x = arange(100).sub(arange(100).mean()).div(arange(100).std());
    testNearZero(x.mean());
    testNearZero(x.std().sub(1));
  });
  it("(out[:, 0] - targ).pow(2).mean() is the documents' loss", () => {
    assertEquals(tensor([[1], [4]]).at(":", 0).sub(tensor([0, 2])).pow(2).mean().item(), 2.5);
  });
  it("2. * (inp.squeeze() - targ).unsqueeze(-1) / n is its gradient", () => {
    const g = tensor([[1], [4]]).squeeze().sub(tensor([0, 2])).unsqueeze(-1).mul(2).div(2);
    assertEquals(g.toArray(), [[1], [2]]);
  });
  it("c[i, j] += a[i, k] * b[k, j] fills a matrix element by element", () => {
    const out = zeros([3, 3]);
    for (let i = 0; i < 3; i++) {
      for (let j = 0; j < 3; j++) for (let k = 0; k < 3; k++) out.at(i, j).add_(m.at(i, k).mul(eye(3).at(k, j)));
    }
    testEq(out, m);
  });
});
