/**
 * A forecast: what a series will be in the next 12 hours, by an LSTM, by dilated convolutions, and by guesses that learn nothing and are
 * often hard to beat.
 *
 *     deno run examples/series.ts
 */
import { cat, manualSeed, nn, noGrad, optim, rand, randn, type Tensor, tensor } from "@gradus/gradus";
import { DataLoader, seriesWindows } from "@gradus/gradus/data";

manualSeed(42);
const [STEPS, LENGTH, HORIZON, DAY] = [1600, 48, 12, 24];

// A made-up load of so many hours: a day's wave whose height wanders, now and then a jump that fades away, and noise.
const [drift, noise, chance] = [randn([STEPS]), randn([STEPS]), rand([STEPS])].map((x) => x.toArray() as number[]);
const load: number[] = [];
for (let t = 0, height = 1, jump = 0; t < STEPS; t++) {
  height += 0.02 * drift[t] - 0.01 * (height - 1);
  jump = 0.9 * jump + (chance[t] < 0.02 ? 1.5 : 0);
  const hour = (2 * Math.PI * t) / DAY;
  load.push(height * (Math.sin(hour) + 0.4 * Math.cos(2 * hour)) + jump + 0.1 * noise[t]);
}

// Cut first, then windows of each part, so that no window of the second one was seen.
const series = tensor(load);
const learned = seriesWindows(series.narrow(0, 0, 1200), { length: LENGTH, horizon: HORIZON });
const [past, future] = seriesWindows(series.narrow(0, 1200, 400), { length: LENGTH, horizon: HORIZON }).tensors;

/** The mean of |error| over all hours that are foretold. */
const errorOf = (forecast: Tensor) => forecast.sub(future).abs().mean().item();

/** An LSTM reads the past hour by hour; its last state knows what matters. */
class Recurrent extends nn.Module {
  lstm = new nn.LSTM(1, 32, { batchFirst: true });
  head = new nn.Linear(32, HORIZON);
  forward(x: Tensor): Tensor {
    const [states] = this.lstm.call(x.unsqueeze(2)); // [batch, hour, 32]
    return this.head.call(states.select(1, -1));
  }
}

/** Convolutions of two places, twice as far apart in each layer: after five of them an output sees 32 hours. */
class Dilated extends nn.Module {
  body = new nn.Sequential(
    ...[1, 2, 4, 8, 16].flatMap((dilation, i) => [new nn.Conv1d(i === 0 ? 1 : 24, 24, 2, { dilation }), new nn.ReLU()]),
  );
  head = new nn.Linear(24, HORIZON);
  forward(x: Tensor): Tensor {
    return this.head.call(this.body.call(x.unsqueeze(1)).select(2, -1));
  }
}

/** What the model foretells after it has learned. Both learn only how the future differs from the last value. */
function forecastBy(model: nn.Module, epochs = 12): Tensor {
  const loader = new DataLoader(learned, { batchSize: 64, shuffle: true });
  const optimizer = new optim.Adam(model.parameters(), { lr: 1e-2 });
  const schedule = new optim.OneCycleLR(optimizer, { maxLr: 1e-2, totalSteps: epochs * loader.length });
  const forecast = (x: Tensor) => model.call(x).add(x.narrow(1, LENGTH - 1, 1));
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (const [x, y] of loader) {
      optimizer.zeroGrad();
      nn.functional.mse(forecast(x), y).backward();
      optimizer.step();
      schedule.step();
    }
  }
  return noGrad(() => forecast(past));
}

const lastValue = past.narrow(1, LENGTH - 1, 1).expand(past.shape[0], HORIZON);
const yesterday = past.narrow(1, LENGTH - DAY, HORIZON);
const [recurrent, dilated] = [new Recurrent(), new Dilated()];
const rows: [name: string, forecast: Tensor, weights: number][] = [
  ["the last value", lastValue, 0],
  ["the same hour of yesterday", yesterday, 0],
  ["an LSTM", forecastBy(recurrent), recurrent.parameters().reduce((sum, p) => sum + p.numel(), 0)],
  ["dilated convolutions", forecastBy(dilated), dilated.parameters().reduce((sum, p) => sum + p.numel(), 0)],
];
console.log(`${learned.length} windows to learn from, ${past.shape[0]} to judge by, ${HORIZON} hours each`);
console.log(`${"forecast".padEnd(28)}error   weights`);
for (const [name, forecast, weights] of rows) {
  console.log(`${name.padEnd(28)}${errorOf(forecast).toFixed(3)}   ${weights}`);
}

const first = cat([future.narrow(0, 0, 1), ...rows.slice(2).map(([, forecast]) => forecast.narrow(0, 0, 1))]);
const line = (x: Tensor) => (x.toArray() as number[]).map((v) => v.toFixed(1).padStart(5)).join("");
["what came", "an LSTM", "convolutions"].forEach((name, i) => console.log(name.padEnd(14) + line(first.select(0, i))));
