import { describe, it } from "../bdd.ts";
import { assertAlmostEquals, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { randn, type Tensor, useBackend } from "@gradus/gradus";
import { Peer, type PeerCommand, startPeers } from "../../bench/peers/peer.ts";
import { geometricMean, measure, median, type Row } from "../../bench/peers/rounds.ts";
import { header, jsonLine, jsonLines, meansLine, ratiosTo, tableLine } from "../../bench/peers/table.ts";
import { checkedStep, checkProduct } from "../../bench/peers/verify.ts";
import { CONVOLUTIONS, LENET_STEP } from "../../bench/peers/image_workloads.ts";
import { operations, product, type Step, type Workload, WORKLOADS } from "../../bench/peers/workloads.ts";

const WORKLOAD = product(10, 100, 10); // 20,000 operations

/** A row with these times in microseconds. */
function row(us: Record<string, number>, peak: number | null = 40): Row {
  return { workload: WORKLOAD, us: new Map(Object.entries(us)), peak };
}

/** A peer that answers the given number of times with 7 µs and then ends. */
function answering(times: number, name = "clock"): PeerCommand {
  const program = `
    import process from "node:process";
    import { createInterface } from "node:readline";
    let left = ${times};
    for await (const _ of createInterface({ input: process.stdin })) {
      if (left-- === 0) throw new Error("tired");
      console.log("noise");
      console.log('{"us":7}');
    }`;
  const address = `data:application/javascript,${encodeURIComponent(program)}`;
  return { name, command: Deno.execPath(), args: ["run", "-q", "--no-config", address], install: "write it" };
}

const mayRun = Deno.permissions.querySync({ name: "run", command: Deno.execPath() }).state === "granted";
const itRuns = mayRun ? it : it.skip;
const missing: PeerCommand = {
  name: "nobody",
  command: Deno.execPath(),
  args: [],
  cwd: "/no-such-folder",
  install: "buy it",
};

describe("median()", () => {
  it("is the middle of an unordered list", () => {
    assertEquals(median([9, 1, 5]), 5);
  });
});

describe("geometricMean()", () => {
  it("lets half and twice cancel", () => {
    assertAlmostEquals(geometricMean([0.5, 2]), 1, 1e-15);
  });
});

describe("operations()", () => {
  it("counts a multiplication and an addition for each term of a product", () => {
    assertEquals(operations(WORKLOAD), 20_000);
  });
  it("counts three products for a layer of a training step, and two for the first", () => {
    const step = WORKLOADS.find((workload): workload is Step => workload.kind === "step" && workload.batch === 1)!;
    assertEquals(operations(step), 2 * (2 * 784 * 50) + 3 * (2 * 50 * 10));
  });
  it("counts the windows of a convolution, and three times as many both ways", () => {
    const [forward, both] = CONVOLUTIONS;
    assertEquals(operations(forward), 2 * 64 * 8 * 14 * 14 * 5 * 5); // 28 pixels, two more on each side, every other one
    assertEquals(operations(both), 3 * operations(forward));
  });
  it("counts convolutions and linear layers of a network", () => {
    const linear = 400 * 120 + 120 * 84 + 84 * 10;
    const [first, second] = [6 * 28 * 28 * 25, 16 * 10 * 10 * 6 * 25];
    assertEquals(operations(LENET_STEP), 64 * 2 * (2 * first + 3 * (second + linear)));
  });
});

describe("jsonLines()", () => {
  it("names another way than the usual one after the workload", () => {
    const [line] = jsonLines("used memory", row({ "used memory": 2, torch: 4 }), ["torch"]);
    const [usual] = jsonLines("gradus", row({ gradus: 2, torch: 4 }), ["torch"]);
    assertEquals(JSON.parse(line).work, `${JSON.parse(usual).work}, used memory`);
  });
  it("has exactly the keys that programs read", () => {
    assertEquals(jsonLines("gradus", row({ gradus: 2, torch: 4 }), ["torch"]).map((line) => JSON.parse(line)), [
      { work: "matmul 10x100 @ 100x10", us: 2, gflops: 10, peer: "torch", peerUs: 4, ratio: 0.5 },
    ]);
  });
  it("leaves out a peer that does not have the workload", () => {
    assertEquals(jsonLines("gradus", row({ gradus: 2 }), ["torch"]), []);
  });
  it("is empty where this library does not have the workload", () => {
    assertEquals(jsonLines("gradus", row({ torch: 4 }), ["torch"]), []);
  });
});

describe("jsonLine()", () => {
  it("keeps four digits", () => {
    assertEquals(JSON.parse(jsonLine("x", 1, 0, "y", 3)).ratio, 0.3333);
  });
});

describe("tableLine()", () => {
  it("shows the speed, the share of the peak, and the ratio to each peer", () => {
    const line = tableLine("gradus", row({ gradus: 2, torch: 4 }), ["torch", "jax-js"]);
    assertEquals(line.split(/\s{2,}/), ["matmul 10x100 @ 100x10", "2.0", "10.0", "25 %", "4.0", "0.500", "-", ""]);
  });
  it("is as wide as its header", () => {
    const peers = ["torch", "jax-js"];
    assertEquals(tableLine("gradus", row({ gradus: 2, torch: 4 }), peers).length, header("gradus", peers).length);
  });
});

describe("meansLine()", () => {
  it("averages the ratios of the rows that both did", () => {
    const rows = [row({ gradus: 1, torch: 2 }), row({ gradus: 4, torch: 2 }), row({ gradus: 1 })];
    assertStringIncludes(meansLine("matmul", "gradus", rows, ["torch"]), "1.000");
    assertEquals(ratiosTo("torch", "gradus", rows), [0.5, 2]);
  });
});

describe("startPeers()", () => {
  itRuns("leaves out a peer that is not installed, and says how to install it", async () => {
    const said: string[] = [];
    const peers = await startPeers([missing, answering(9)], WORKLOAD, (line) => said.push(line));
    assertEquals(peers.map(({ name }) => name), ["clock"]);
    assertMatch(said.join("\n"), /^nobody is left out: .*no-such-folder.*\. To install it: buy it$/);
    await peers[0].stop();
  });
  itRuns("leaves out a peer that ends before its first answer", async () => {
    assertEquals(await startPeers([answering(0)], WORKLOAD, () => {}), []);
  });
});

describe("measure()", () => {
  itRuns("takes the median of what a peer answers, and overlooks what else it prints", async () => {
    const peer = new Peer(answering(3));
    const { us, peak } = await measure([peer], WORKLOAD, 3, () => 80, () => {});
    assertEquals([...us, peak], [["clock", 7], 80]);
    await peer.stop();
  });
  itRuns("drops a peer that dies midway, says so, and goes on with the others", async () => {
    const peers = [new Peer(answering(1, "mortal")), new Peer(answering(3))];
    const said: string[] = [];
    const { us } = await measure(peers, WORKLOAD, 3, null, (line) => said.push(line));
    assertEquals([...us.keys(), ...peers.map(({ name }) => name)], ["clock", "clock"]);
    assertEquals(said, [
      'mortal ended before it answered (error: Uncaught (in promise) Error: tired): left out from "matmul 10x100 @ 100x10" on',
    ]);
    await peers[0].stop();
  });
});

describe("checkProduct()", () => {
  it("accepts a right product", () => {
    checkProduct(randn([30, 20]), randn([20, 7]));
  });
  it("refuses a wrong one", () => {
    const a = randn([30, 20]);
    Object.defineProperty(a, "matmul", { value: (b: Tensor) => a.t().t().matmul(b).add(1e-3) });
    assertThrows(() => checkProduct(a, randn([20, 7])), Error, "Cannot time [30, 20] @ [20, 7]");
  });
});

describe("checkedStep()", () => {
  const workload = WORKLOADS.find((one: Workload): one is Step => one.kind === "step")!;
  it("refuses a step whose losses differ from the reference's", () => {
    useBackend("auto");
    let calls = 0;
    assertThrows(() => checkedStep(workload, () => () => calls++), Error, "on the reference back end");
    useBackend("auto");
  });
});
