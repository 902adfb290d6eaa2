/** Wrong calls of what the entry point for several processes exports. */
import * as parallel from "@gradus/gradus/parallel";
import { type Cases, model, NEITHER, x } from "./cases.ts";

export const PARALLEL: Record<string, Cases | typeof NEITHER> = {
  init: { options: [["timout", "timeout", parallel.init]] },
  DataParallel: { options: [["buketBytes", "bucketBytes", (o) => new parallel.DataParallel(model(), o)]] },
  SyncBatchNorm: {
    options: [["moment", "momentum", (o) => new parallel.SyncBatchNorm(2, o)]],
    tensors: [(x) => new parallel.SyncBatchNorm(2).call(x)],
  },
  rank: NEITHER,
  worldSize: NEITHER,
  barrier: NEITHER,
  allReduce: { options: [["opp", "op", (o) => parallel.allReduce(x, o)]], tensors: [parallel.allReduce] },
  allReduce_: { options: [["opp", "op", (o) => parallel.allReduce_(x, o)]], tensors: [parallel.allReduce_] },
  reduceScatter: { options: [["opp", "op", (o) => parallel.reduceScatter(x, o)]], tensors: [parallel.reduceScatter] },
  allGather: { tensors: [parallel.allGather] },
  broadcast: { options: [["form", "from", (o) => parallel.broadcast(x, o)]], tensors: [parallel.broadcast] },
  broadcast_: { options: [["form", "from", (o) => parallel.broadcast_(x, o)]], tensors: [parallel.broadcast_] },
};
