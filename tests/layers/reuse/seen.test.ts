/** Ways in which user code may see memory of a backward pass: what it sees is never used again. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { afterAll, beforeAll, describe, it } from "../../bdd.ts";
import { cat, nn, noGrad, ones, randn, Tensor, tensor } from "@gradus/gradus";
import { exportOnnx, importOnnx } from "@gradus/gradus/onnx";
import { registerHook } from "@gradus/gradus/autograd";
import { backend } from "../../../core/backend/choose.ts";
import { bytesKept, setReuse } from "../../../core/memory/pool.ts";

describe("memory that is used again", () => {
  beforeAll(() => setReuse("spoil"));
  afterAll(() => setReuse("on"));

  it("is none that a method put on the indices of max() has made", () => {
    const x = tensor([[1, 2], [4, 3]]).requiresGrad_();
    const { values, indices } = x.max(1);
    const made: Tensor[] = [];
    for (const method of ["reshape", "view", "eq"] as const) {
      Object.defineProperty(indices, method, {
        value(...args: unknown[]) {
          made.push(ones([2]).mul(3));
          return Reflect.apply(Tensor.prototype[method], this, args);
        },
      });
    }
    values.sum().backward();
    indices.reshape(2);
    assertEquals([x.g?.toArray(), ...made.map((y) => y.toArray())], [[[0, 1], [1, 0]], [3, 3]]);
  });

  it("is none that a method of Tensor sees in place of the library's: it cannot be replaced", () => {
    const { add } = Tensor.prototype;
    assertThrows(() => (Tensor.prototype.add = add), TypeError, "read only");
    assertThrows(() => Object.defineProperty(Tensor.prototype, "add", { value: () => add }), TypeError);
  });

  it("is none that a verb of a back end sees in place of the library's: it cannot be replaced", () => {
    const { binary } = backend();
    assertThrows(() => (backend().binary = binary), TypeError, "read only");
  });

  it("is none that a replaced backward() of a node was shown", () => {
    const x = tensor([1, 2]).requiresGrad_();
    const y = x.exp();
    const shown: Tensor[] = [];
    const node = y.node!;
    const { backward } = node;
    node.backward = (g) => {
      shown.push(g);
      return backward.call(node, g);
    };
    y.mul(3).sum().backward();
    assertEquals(shown.map((g) => g.toArray()), [[3, 3]]);
  });

  it("is none that a node of one's own makes when it is released", () => {
    const x = tensor([1, 2]).requiresGrad_();
    const made: Tensor[] = [];
    const y = tensor([3, 4]).requiresGrad_();
    y.node = { name: "own", inputs: [x], backward: (g) => [g], release: () => void made.push(ones([2]).mul(3)) };
    y.mul(2).sum().backward();
    assertEquals([x.g?.toArray(), ...made.map((z) => z.toArray())], [[2, 2], [3, 3]]);
  });

  it("is none that a hook was shown which another hook registered, beside a value that it made a leaf", () => {
    const leaves = [1, 2, 3].map((i) => tensor([i]).requiresGrad_());
    const [a, b, c] = leaves.map((x) => x.mul(1));
    const shown: Tensor[] = [];
    registerHook(leaves[2], () => {
      b.node = null;
      registerHook(a, (g) => void shown.push(g));
    });
    cat([a, b, c]).mul(5).sum().backward();
    b.g = null; // nobody has read it: its memory is used again
    assertEquals(shown.map((g) => g.toArray()), [[5]]);
  });
});

describe("memory that a Sequential uses again in a prediction", () => {
  beforeAll(() => setReuse("spoil"));
  afterAll(() => setReuse("on"));

  const bits = (x: Tensor) => x.clone().toArray();
  const layers = () => [new nn.Linear(4, 8), new nn.ReLU(), new nn.Flatten(), new nn.Linear(8, 8), new nn.Sigmoid()];

  it("changes no result: with spoilt memory each layer gives what it gives by itself", () => {
    const x = randn([2, 3, 8, 8]);
    const models = [
      [
        new nn.Conv2d(3, 4, 3),
        new nn.ReLU(),
        new nn.MaxPool2d(2),
        new nn.Dropout(),
        new nn.Flatten(),
        new nn.Linear(36, 5),
      ],
      [new nn.BatchNorm2d(3), new nn.Identity(), new nn.Upsample({ scaleFactor: 2 }), new nn.Softmax(1), new nn.GELU()],
      [
        new nn.GroupNorm(3, 3),
        new nn.Flatten(),
        new nn.Unflatten(1, [3, 64]),
        new nn.Conv1d(3, 2, 3),
        new nn.LayerNorm(62),
      ],
    ];
    for (const modules of models) {
      const model = new nn.Sequential(...modules).eval();
      const expected = bits(modules.reduce((y: Tensor, module) => noGrad(() => module.call(y)), x));
      assertEquals(noGrad(() => model.call(x)).toArray(), expected);
    }
  });

  it("is none of a result, nor of what was given", () => {
    const model = new nn.Sequential(...layers()), x = randn([3, 4]), given = bits(x);
    const first = noGrad(() => model.call(x)), kept = bits(first);
    for (let i = 0; i < 5; i++) noGrad(() => model.call(randn([3, 4])));
    assertEquals([first.toArray(), x.toArray()], [kept, given]);
  });

  it("is none that a module of one's own, a nested model, a replaced forward or a hook was given or gave", () => {
    const seen: Tensor[] = [], bitsOfSeen: unknown[] = [];
    const see = (x: Tensor) => {
      seen.push(x);
      bitsOfSeen.push(bits(x));
      return x;
    };
    class Watcher extends nn.Module {
      forward(x: Tensor): Tensor {
        return see(see(x).mul(2));
      }
    }
    const replaced = new nn.Linear(8, 8), { forward } = nn.Linear.prototype;
    replaced.forward = (x) => see(forward.call(replaced, see(x)));
    const called = new nn.ReLU();
    called.call = (x) => see(called.forward(see(x)));
    const hooked = new nn.Linear(8, 8);
    hooked.registerForwardHook((_, [x], y) => void [x, y].forEach(see));
    const activation = new nn.ReLU(); // would be joined to the layer before it
    activation.registerForwardHook((_, [x], y) => void [x, y].forEach(see));
    const inner = new nn.Sequential(new nn.Linear(8, 8), new Watcher());
    const watched = [new Watcher(), replaced, called, new nn.Tanh(), inner, new nn.Linear(8, 8), hooked, activation];
    const model = new nn.Sequential(...layers(), ...watched, new nn.Linear(8, 2));
    for (let i = 0; i < 3; i++) noGrad(() => model.call(randn([3, 4])));
    assertEquals([seen.length, seen.map((x) => x.toArray())], [3 * 12, bitsOfSeen]);
  });

  it("is none of a model that was traced, or that records", async () => {
    class Own extends nn.Sequential {
      override forward(x: Tensor): Tensor {
        return super.forward(x).add(1);
      }
    }
    const model = new Own(...layers());
    const again = await importOnnx(await exportOnnx(model, randn([2, 4])));
    const x = randn([3, 4]);
    assert(again.call(x).sub(noGrad(() => model.call(x))).abs().max().item() < 1e-6);
    const y = model.call(x);
    noGrad(() => model.call(randn([3, 4])));
    const expected = bits(noGrad(() => model.call(x)));
    y.sum().backward();
    assertEquals(y.toArray(), expected);
  });

  it("makes the next prediction without new buffers", () => {
    setReuse("on");
    const model = new nn.Sequential(new nn.Conv2d(1, 8, 3, { padding: 1 }), new nn.ReLU(), new nn.Conv2d(8, 1, 3))
      .eval();
    const x = randn([1, 1, 64, 64]); // 131 kB between the layers
    noGrad(() => model.call(x));
    const before = bytesKept();
    for (let i = 0; i < 10; i++) noGrad(() => model.call(x));
    assertEquals(bytesKept(), before);
    assert(before >= 8 * 64 * 64 * 4);
    setReuse("spoil");
  });
});
