/** Measured times as a table for people and as lines of JSON for programs. */
import { geometricMean, type Row } from "./rounds.ts";
import { operations } from "./workloads.ts";

const NAME = 48; // characters of the first column

/** The names of the columns; `us` is the peer that is compared with the others. */
export function header(us: string, peers: readonly string[]): string {
  const cells = [us.padStart(11), "GFLOP/s".padStart(8), "of peak".padStart(8)];
  return "µs".padEnd(NAME) + [...cells, ...peers.map((name) => name.padStart(12) + "ratio".padStart(7))].join("");
}

/** A row: the time of `us`, its speed and share of the peak, then each peer's time and the ratio of `us` to it. */
export function tableLine(us: string, { workload, us: times, peak }: Row, peers: readonly string[]): string {
  const mine = times.get(us) ?? NaN;
  const gflops = operations(workload) / mine / 1000;
  const share = peak === null ? "-" : `${(100 * gflops / peak).toFixed(0)} %`;
  const cells = [mine.toFixed(1).padStart(11), gflops.toFixed(1).padStart(8), share.padStart(8)];
  return workload.name.padEnd(NAME) + [...cells, ...peers.map((name) => peerCells(mine, times.get(name)))].join("");
}

function peerCells(us: number, peerUs: number | undefined): string {
  if (peerUs === undefined) return "-".padStart(12) + "".padStart(7);
  return peerUs.toFixed(1).padStart(12) + (us / peerUs).toFixed(3).padStart(7);
}

/** The geometric means of the ratios of several rows. */
export function meansLine(title: string, us: string, rows: readonly Row[], peers: readonly string[]): string {
  const cells = peers.map((name) => {
    const ratios = ratiosTo(name, us, rows);
    return "".padStart(12) + (ratios.length === 0 ? "-" : geometricMean(ratios).toFixed(3)).padStart(7);
  });
  return `geometric mean, ${title}`.padEnd(NAME + 27) + cells.join("");
}

/** `us / peerUs` of each row that both have. */
export function ratiosTo(peer: string, us: string, rows: readonly Row[]): number[] {
  return rows.flatMap(({ us: times }) => {
    const [mine, theirs] = [times.get(us), times.get(peer)];
    return mine === undefined || theirs === undefined ? [] : [mine / theirs];
  });
}

/**
 * One line for each peer: `{"work","us","gflops","peer","peerUs","ratio"}`, where `work` is the workload and `ratio` is `us / peerUs`.
 * Where another way of this library than the usual one is compared, `work` ends with its name.
 */
export function jsonLines(us: string, { workload, us: times }: Row, peers: readonly string[]): string[] {
  const mine = times.get(us);
  if (mine === undefined) return [];
  const gflops = operations(workload) / mine / 1000;
  const name = us === "gradus" ? workload.name : `${workload.name}, ${us}`;
  return peers.flatMap((peer) => {
    const theirs = times.get(peer);
    return theirs === undefined ? [] : [jsonLine(name, mine, gflops, peer, theirs)];
  });
}

/** A comparison; `gflops` is 0 for workloads without arithmetic. */
export function jsonLine(work: string, us: number, gflops: number, peer: string, peerUs: number): string {
  const figures = { us: round(us), gflops: round(gflops), peer, peerUs: round(peerUs), ratio: round(us / peerUs) };
  return JSON.stringify({ work, ...figures });
}

function round(x: number): number {
  return Number(x.toPrecision(4));
}
