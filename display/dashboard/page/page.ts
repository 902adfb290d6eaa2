/// <reference lib="dom" />
/** The live page: what the server tells is shown, what is pressed is sent. */
import type { Control, Point, RunStatus, Update, WrittenRun } from "../messages.ts";
import { Chart, COLOURS } from "./chart.ts";
import { element, figure } from "./element.ts";
import { Epochs } from "./epochs.ts";
import { showLayers, showMistakes, showWeights } from "./panels.ts";

const LIVE = [["loss", "loss"], ["rate", "lr"], ["rows", "rows"], ["memory", "memory"]] as const;
/** Milliseconds between two looks at the runs' files, and the most points of a curve. */
const RUNS_EVERY = 2000, POINTS = 1200;

const charts = LIVE.map(([id]) => new Chart(element(`${id}-chart`, HTMLDivElement)));
const epochs = new Epochs();
const state = element("state", HTMLParagraphElement);
const [pause, stop] = ["pause", "stop"].map((id) => element(id, HTMLButtonElement));
const factor = element("factor", HTMLInputElement);
let points: Point[] = [];
let status: RunStatus | null = null;

function reveal(id: string): void {
  element(id, HTMLElement).hidden = false;
}

function showStatus(next: RunStatus): void {
  if (status === null || status.factor !== next.factor) factor.value = `${next.factor}`;
  status = next;
  const { name, state: phase, note, epoch, epochs: all, batch, batches, step } = next;
  element("name", HTMLHeadingElement).textContent = name;
  document.title = `${name}: epoch ${epoch}/${all}`;
  const words = phase === "ended" ? `Ended: ${note}` : phase === "paused" ? "Paused" : "Training";
  const more = phase !== "ended" && note !== "" ? `, ${note}` : "";
  state.textContent = `${words}${more}; epoch ${
    Math.min(epoch + 1, all)
  } of ${all}, batch ${batch} of ${batches}, step ${step}`;
  pause.textContent = phase === "paused" ? "Go on" : "Pause";
  pause.setAttribute("aria-pressed", `${phase === "paused"}`);
  element("controls", HTMLFormElement).hidden = phase === "ended";
}

function showPoints(next: readonly Point[], whole: boolean): void {
  if (whole) points = [];
  points.push(...next);
  if (points.length > POINTS) points = points.filter((_, i) => i % 2 === 1);
  const last = points.at(-1);
  if (last === undefined) return;
  reveal("live");
  LIVE.forEach(([id, key], i) => {
    element(id, HTMLOutputElement).value = figure(last[key]);
    const values = points.map((point): [number, number | null] => [point.step, point[key]]);
    charts[i].show(
      [{ name: id, colour: COLOURS[i], values }],
      `${id} over ${values.length} steps, now ${figure(last[key])}`,
    );
  });
}

function show(update: Update): void {
  if (update.status) showStatus(update.status);
  if (update.points && (update.whole || update.points.length > 0)) showPoints(update.points, update.whole === true);
  if (update.history) epochs.showLive(status?.name ?? "this run", update.history);
  for (const key of ["activations", "gradients"] as const) {
    if (!update[key]?.length) continue;
    reveal("layers");
    showLayers(key, update[key]);
  }
  if (update.mistakes?.length) {
    reveal("mistakes-section");
    showMistakes(update.mistakes);
  }
  if (update.weights) {
    reveal("weights-section");
    showWeights(update.weights);
  }
}

async function send(control: Control): Promise<void> {
  const answer = await fetch("control", {
    ...{ method: "POST", body: JSON.stringify(control), headers: { "content-type": "application/json" } },
  }).catch(() => null);
  if (answer?.ok !== true) state.textContent = "The run does not answer";
}

async function showRuns(): Promise<void> {
  try {
    const answer = await fetch("runs.json");
    if (answer.ok) epochs.showWritten(await answer.json() as WrittenRun[]);
  } catch { // the server is gone: the next look finds it again
  }
}

/** An EventSource comes again by itself where the connection breaks; where the server refuses it, it does not. */
function listen(): void {
  const source = new EventSource("events");
  source.addEventListener("message", ({ data }) => {
    const update = JSON.parse(data) as Update;
    if (update.whole && update.status === undefined) state.textContent = "Runs from their files";
    show(update);
  });
  source.addEventListener("error", () => {
    if (status?.state !== "ended") state.textContent = "The server is gone; waiting for it to come back";
    if (source.readyState !== EventSource.CLOSED) return;
    setTimeout(listen, 1000);
  });
}

pause.addEventListener("click", () => send({ action: status?.state === "paused" ? "resume" : "pause" }));
stop.addEventListener("click", () => send({ action: "stop" }));
element("controls", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  const value = factor.valueAsNumber;
  if (Number.isFinite(value) && value >= 0) send({ action: "rate", factor: value });
});
listen();
showRuns();
setInterval(showRuns, RUNS_EVERY);
