import { describe, it } from "../bdd.ts";
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";

const ROOT = new URL("../../", import.meta.url);

/** The gradients that every stage must find on the same weights and batch. */
const SAME_GRADIENTS = [
  "w1.g [100,50] norm tensor(2.9554)",
  "b1.g [50] norm tensor(0.8784)",
  "w2.g [50,1] norm tensor(4.8159)",
  "b2.g [1] norm tensor(0.9838)",
];

/** What each script must print, line by line or in part. */
const MUST_PRINT: Record<string, readonly (string | RegExp)[]> = {
  "01_neuron.ts": ["sum(x * w) + bias   tensor([135.7027])", "near(output, y)     true"],
  "02_matmul_ladder.ts": ["norm: tensor(16.8819)", ...rungsNear()],
  "03_broadcasting.ts": [
    "tensor([[-1.4652, -1.0989, -0.7326],\n        [-0.3663,  0.0000,  0.3663],\n        [ 0.7326,  1.0989,  1.4652]])",
    "tensor([[11., 22., 43.],\n        [14., 25., 46.],\n        [17., 28., 49.]])",
    "its storage\n 10.0\n 20.0\n 40.0\n[FloatStorage of size 3]\nits stride [0,1], its shape [3,3]",
    "tensor([[11., 12., 13.],\n        [24., 25., 26.],\n        [37., 38., 39.]])",
    "Cannot add [2, 3] and [2]: sizes 3 and 2 differ",
    "(predictions - targets).shape [4,4]",
  ],
  "04_einsum.ts": [
    "tensor([[120., 150., 180.],\n        [240., 300., 360.],\n        [360., 450., 540.]])",
    "w.g three ways: the same",
  ],
  "05_initialisation.ts": [
    "weights of size 1: mean NaN, std NaN",
    "weights of size 0.01: mean 0.00, std 0.00",
    /weights of size 1\/√100: mean -?0\.\d+, std 1\.\d+/,
    /with ReLU, weights of size 1\/√100: mean \S+e-\d, std \S+e-8/,
    /with ReLU, weights of size √\(2\/100\): mean 0\.\d+, std 1\.\d+/,
    /kaimingNormal_: std 0\.05\d\d, √\(2\/784\) is 0\.0505/,
  ],
  "06_forward_and_backward.ts": [
    "loss tensor(2.7944)",
    ...SAME_GRADIENTS,
    "w1.g[3, 7] 0.007804, measured 0.007804",
  ],
  "07_layers_as_classes.ts": ["loss tensor(2.7944)", ...SAME_GRADIENTS, /step 30: loss 0\.2\d+\nWith LeakyRelu/],
  "08_layer_function.ts": [
    "loss tensor(2.7944)",
    ...SAME_GRADIENTS,
    "d/dp 2pq tensor([ 20.,  80., 180.])",
    /w\.g by einsum +norm (tensor\(\S+\))\nw\.g by inp\.t\(\) @ norm \1, the same/,
  ],
  "09_function.ts": [
    "loss 2.7944",
    ...SAME_GRADIENTS,
    "2a + 1 at 3: tensor([7.])",
    "gradcheck finds no fault in MyRelu",
  ],
  "10_nn.ts": [
    "p1.shape [2,10], p2.shape [2]",
    "    (0): Linear(in_features=100, out_features=50, bias=True)",
    "loss 2.7944",
    "layers.0.weight g [50,100] norm tensor(2.9554)",
    "layers.2.weight g [1,50] norm tensor(4.8159)",
    /step 30: loss 0\.2\d+\n/,
  ],
  "11_minibatches.ts": [
    /loss by hand (\d\.\d{4}), crossEntropy \1, ln 10 2\.3026/,
    "accuracy before training 0.1",
    /with a DataLoader and an optimizer\n(\d .*\n){3}\nas a Learner\n(epoch \d\/3 .*\n){3}/,
    "largest difference from the loop above 0\naccuracy 0.95",
  ],
  "12_convolution.ts": [
    /rung +near +microseconds +there\n(0[1-5]_\w+ +true +[\d.]+.*\n){5}/,
    "kernels [4,1,3,3], features [1,4,26,26]",
    /Conv2d\(16, 10, kernel_size=\(3, 3\), stride=\(2, 2\), padding=\(1, 1\)\) +\[1,10,1,1\]/,
    "5274 weights; 784-50-10 has 39760",
    /epoch 5\/5 .* accuracy 0\.[6-9]/,
  ],
  "13_autoencoder.ts": [
    "a picture [1,28,28] goes through [4,8,8]",
    /error of the mean picture 0\.0[56]\d+, before training 0\.[12]\d+/,
    /\nerror 0\.0[0-3]\d+\n/,
  ],
  "14_learner.ts": [
    /accuracy: "0\.9\d+", loss: "0\.\d+", epoch: 1, train: "eval"/,
    /lr +0\.0010 +loss 2\.3\d\d #+\n(lr .* #+\n){8,}findLr\(\) suggests 0\.0\d+/,
  ],
  "15_activations.ts": [
    /a bad start\nepoch 1\/1 .* accuracy 0\.[01]\d+/,
    /a better one\nepoch 1\/1 .* accuracy 0\.[4-9]\d+/,
    /layer 7 +0\.02 ±0\.0\d .* %\n/,
    /\n 0\.00 \|@{60}\n/,
  ],
  "16_initialising.ts": [
    /PyTorch's weights, pixels from 0 to 1 +0\.0\d +0\.\d+/,
    /LSUV +1\.00 +0\.\d+/,
    /batch norm, twice the rate +0\.\d\d +(0\.\d+ *){3}\n/,
  ],
  "17_accelerated_sgd.ts": [
    // where C adds without fusing, as in WebAssembly, the rules by hand have the same bits
    /SGD +0\.\d+ +(\de-[89]|0e\+0)\nmomentum +0\.\d+ +(\de-[789]|0e\+0)\nRMSProp +0\.\d+ +\de-[789]\nAdam +0\.\d+ +\de-[789]\n/,
    /cosine: accuracy 0\.\d+\nstep +0 +lr 0\.00300/,
    /one cycle: accuracy 0\.\d+\nstep +0 +lr 0\.00040 +β₁ 0\.950/,
  ],
  "18_resnet.ts": [
    /ResBlock +\[1,16,14,14\] +to \[1,32,7,7\] +\d+ weights\n/,
    /epoch 4\/4 .* accuracy 0\.[3-9]\d+\n[\d.]+ s\n/,
  ],
  "19_augmentation.ts": [/epoch 3\/3 .* accuracy 0\.\d+\n[\d.]+ s\n/],
};

/** Examples beside the path, each of one thing. */
const BESIDE: typeof MUST_PRINT = {
  "gradient_penalty.ts": [
    "the clouds lie 5 apart",
    /without a penalty: distance \d{3,}\.\d, mean slope \d{2,}\.\d\n/,
    /with a penalty: +distance 5\.[0-4]\d, mean slope (0\.9|1\.0)\d\n/,
  ],
  "k_means.ts": [
    /k-means\+\+: mean squared distance 10\.\d\d after \d rounds\n/,
    /each true centre is at most 0\.[0-4]\d from one that was found\n/,
    /over 20 trials, from any points [4-9]\d\.\d, from k-means\+\+ 1\d\.\d\n/,
  ],
  "mean_shift.ts": [
    "1500 points, spread 3.19",
    /step 2: spread 0\.26\d\nstep 3: spread 0\.00\d\n/,
    /6 places\neach true centre is at most 0\.[0-4]\d from one of them\n/,
  ],
  "characters.ts": [
    /^\d+ characters, \d+ different ones; \d+ weights\nepoch 1: loss [23]\.\d+, it writes: /,
    /\nepoch 3: loss 2\.\d+, it writes: \S/,
  ],
  "names.ts": [
    "1066 names of 27 characters, 106 of them kept to judge by",
    /pairs, counted +loss 2\.4[56]\d\npairs, learned +loss 2\.4[5-8]\d, 729 weights: [a-z ]+\n/,
    /perceptron of 1 character +loss 2\.4\d\d.*\nperceptron of 3 characters +loss 2\.3[0-3]\d.*\n/,
    /recurrent, of 3 characters +loss 2\.3[0-4]\d.*\nrecurrent, of all characters +loss 2\.2\d\d, 17931 weights: [a-z ]+\n/,
  ],
  "series.ts": [
    "1141 windows to learn from, 341 to judge by, 12 hours each",
    /the last value +0\.[89]\d\d +0\nthe same hour of yesterday +0\.[34]\d\d +0\n/,
    /an LSTM +0\.[23]\d\d +4876\ndilated convolutions +0\.[23]\d\d +5076\n/,
  ],
  "newton.ts": [
    /Newton's step 7 from +\de-(19|2\d)\nNewton, 7 steps: +\de[-+]\d+ at \(1,1\)\n/,
    "gradient descent, 10000 steps:  6e-5",
    /logistic regression 6: loss 0\.260221, gradient +\de-7\n/,
  ],
};

function rungsNear(): RegExp[] {
  const rungs = ["01_loops", "02_row_dot", "03_broadcast", "04_einsum", "05_flat", "06_blocked", "07_wasm"];
  return rungs.map((name) => new RegExp(`^${name} +true +[\\d.]+ +[\\d.]+$`, "m"));
}

const here = Deno.execPath();
const mayRun = Deno.permissions.querySync({ name: "run", command: here }).state === "granted";

describe("examples/", () => {
  it("has a test here for every numbered script", () => {
    const scripts = Array.from(Deno.readDirSync(new URL("examples/", ROOT)), ({ name }) => name);
    assertEquals(scripts.filter((name) => /^\d/.test(name)).sort(), Object.keys(MUST_PRINT).sort());
  });
  it("names the step and the document or notebook in the header of every numbered script", () => {
    for (const name of Object.keys(MUST_PRINT)) {
      const [step] = /^0?\d+/.exec(name)!;
      assertMatch(headerOf(name), new RegExp(`^/\\*\\*\\n \\* Step ${Number(step)}, `), name);
      const followed = Number(step) <= 10
        ? /\n \* Follows document 00[0-4], "/
        : /\n \* Follows notebook \d\d of the course, "/;
      assertMatch(headerOf(name), followed, name);
    }
  });
  it("has a row for every numbered script in the README's path, in their order", () => {
    const readme = Deno.readTextFileSync(new URL("README.md", ROOT));
    const rows = readme.matchAll(/^\| (\d+), .*\(examples\/(\w+\.ts)\)/gm);
    assertEquals(
      Array.from(rows, ([, step, name]) => [Number(step), name]),
      Object.keys(MUST_PRINT).map((name) => [parseInt(name), name]),
    );
  });
  it("is told of in the README, every one beside the path", () => {
    const readme = Deno.readTextFileSync(new URL("README.md", ROOT));
    for (const name of Object.keys(BESIDE)) assertStringIncludes(readme, `[${name}](examples/${name})`);
  });
  for (const [name, wanted] of Object.entries({ ...MUST_PRINT, ...BESIDE })) {
    (mayRun ? it : it.skip)(`${name} runs by the command in its header and prints what it shows`, async () => {
      const printed = await run(commandOf(name));
      for (const text of wanted) {
        if (typeof text === "string") assertStringIncludes(printed, text);
        else assertMatch(printed, text);
      }
    });
  }
});

function headerOf(name: string): string {
  return Deno.readTextFileSync(new URL(`examples/${name}`, ROOT)).split("*/", 1)[0];
}

/** The arguments after `deno` in a script's header. */
function commandOf(name: string): string[] {
  const command = /^ \* {5}deno (run .*)$/m.exec(headerOf(name))?.[1];
  if (command === undefined) throw new SyntaxError(`Cannot run examples/${name}: its header shows no deno run command`);
  return command.split(" ");
}

/** The output of a command, which must succeed. */
async function run([run, ...args]: string[]): Promise<string> {
  const command = new Deno.Command(here, {
    args: [run, "--quiet", "--no-prompt", ...args],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    stdin: "null",
  });
  const { code, stdout, stderr } = await command.output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assertEquals(code, 0, decode(stderr));
  return decode(stdout);
}
