/** Ten thousand training steps; prints the resident megabytes after step 1,000 and after the last. */
import { manualSeed, nn, optim, rand, randint } from "@gradus/gradus";

manualSeed(42);
const model = new nn.Sequential(new nn.Linear(784, 50), new nn.ReLU(), new nn.Linear(50, 10));
const optimizer = new optim.Adam(model.parameters());
const [x, y] = [rand([64, 784]), randint(0, 10, [64])];
const resident: number[] = [];
for (let step = 1; step <= 10_000; step++) {
  optimizer.zeroGrad();
  nn.functional.crossEntropy(model.call(x), y).backward();
  optimizer.step();
  if (step === 1000 || step === 10_000) resident.push(Deno.memoryUsage().rss / 1e6);
}
console.log(JSON.stringify(resident));
