/// <reference lib="dom" />
/** The page: what is pressed goes to the worker, what the worker answers is shown. */
import { Board } from "./board.ts";
import { DrawingPad } from "./drawing_pad.ts";
import { download, element } from "./element.ts";
import { BUILT_IN, type FromWorker, type Settings, type ToWorker } from "./messages.ts";
import { Reader } from "./reader.ts";

const worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
const ask = (message: ToWorker) => worker.postMessage(message);

const pad = new DrawingPad(element("pad", HTMLCanvasElement), onDrawing);
const reader = new Reader(() => pad.strokes, ask);
const board = new Board();
const runButton = element("run", HTMLButtonElement);
const [rate, width] = ["rate", "width"].map((id) => element(id, HTMLSelectElement));

let learning = true;
/** Whether it learned before the page was hidden. */
let wasLearning = false;

function onDrawing(): void {
  element("pad-hint").hidden = pad.strokes.length > 0;
  reader.read();
}

function tell(id: "missing" | "problem", sentence: string | null): void {
  element(id).hidden = sentence === null;
  element(id).textContent = sentence;
}

function showRunning(now: boolean): void {
  learning = now;
  runButton.textContent = now ? "Pause" : "Go on";
  if (!now) element("speed").textContent = "–";
}

/** Shows what a network is that begins; settings that the page does not offer, as of loaded weights, are added. */
function showBegun({ data, ...settings }: Extract<FromWorker, { type: "begun" }>): void {
  board.begin(data);
  choose(width, settings.width, `${settings.width} filters`);
  choose(rate, settings.rate, `${settings.rate}`);
  element("built-in").hidden = data.name === BUILT_IN;
  if (pad.strokes.length > 0) reader.readAgain();
}

function choose(select: HTMLSelectElement, value: Settings["width"], name: string): void {
  if (!Array.from(select.options).some((option) => option.value === `${value}`)) {
    select.add(new Option(name, `${value}`));
  }
  select.value = `${value}`;
}

/** What is done with each message of the worker. */
const RECEIVE: { readonly [T in FromWorker["type"]]: (message: Extract<FromWorker, { type: T }>) => void } = {
  ready({ missing, beside }) {
    tell("missing", missing);
    element("beside").hidden = !beside;
    if (beside) board.waitForData();
    ask({ type: "run", learning });
  },
  begun: showBegun,
  running: (message) => showRunning(message.learning),
  progress: (progress) => board.progress(progress),
  judged({ progress, verdict }) {
    board.judged(progress, verdict);
    if (pad.strokes.length > 0) reader.readAgain(); // the network has changed
  },
  filters: ({ kernels, width }) => board.filters(kernels, width),
  reading: ({ id, probabilities }) => reader.receive(id, probabilities),
  saved: ({ bytes }) => download("digits.safetensors", bytes, "application/octet-stream"),
  exported: ({ source }) => download("digits.ts", source, "text/plain"),
  problem({ sentence }) {
    board.tellData();
    tell("problem", `${sentence}.`);
  },
};

worker.addEventListener("message", ({ data }: MessageEvent<FromWorker>) => {
  (RECEIVE[data.type] as (message: FromWorker) => void)(data);
});
worker.addEventListener("error", ({ message }) => {
  tell("problem", `Cannot learn: the worker of this page ended${message ? ` (${message})` : ""}; reload the page.`);
});

/** Asks something when a button is pressed; what went wrong before is over. */
function onPress(id: string, message: () => ToWorker): void {
  element(id, HTMLButtonElement).addEventListener("click", () => {
    tell("problem", null);
    ask(message());
  });
}

/** Asks something when files are picked, also when they are the same as before. */
function onPick(id: string, message: (files: File[]) => ToWorker): void {
  const input = element(id, HTMLInputElement);
  input.addEventListener("change", () => {
    const files = Array.from(input.files ?? []);
    input.value = "";
    tell("problem", null);
    if (files.length > 0) ask(message(files));
  });
}

onPress("run", () => ({ type: "run", learning: !learning }));
onPress("step", () => ({ type: "step" }));
onPress("reset", () => ({ type: "reset", width: Number(width.value) }));
onPress("beside", () => {
  board.waitForData();
  return { type: "data", source: "beside" };
});
onPress("built-in", () => ({ type: "data", source: "built-in" }));
onPress("save", () => ({ type: "save" }));
onPress("export", () => ({ type: "export" }));
onPick("mnist", (source) => {
  board.waitForData();
  return { type: "data", source };
});
onPick("load", ([file]) => ({ type: "load", file }));
rate.addEventListener("change", () => ask({ type: "rate", rate: Number(rate.value) }));
width.addEventListener("change", () => ask({ type: "reset", width: Number(width.value) }));
element("clear").addEventListener("click", () => pad.clear());
element("undo").addEventListener("click", () => pad.undo());

document.addEventListener("visibilitychange", () => {
  if (document.hidden) wasLearning = learning;
  if (wasLearning) ask({ type: "run", learning: !document.hidden });
});
