/** The peers: how each is started, and how it is installed. */
import { resolve } from "@std/path";
import type { PeerCommand } from "./peer.ts";

/** The peers, this library in several ways first. */
export interface Commands {
  /** This library through `nn` and the tape, on one thread. */
  readonly gradus: PeerCommand;
  /** The same steps through the layer classes of stage 2. */
  readonly classes: PeerCommand;
  /** Products into memory that is used again: the difference to `gradus` is the cost of new memory. */
  readonly usedMemory: PeerCommand;
  /** Products on two threads. */
  readonly twoThreads: PeerCommand;
  /** Products as WebAssembly. */
  readonly wasm: PeerCommand;
  /** PyTorch, on one thread. */
  readonly torch: PeerCommand;
  /** TensorFlow.js with its WebAssembly back end, on one thread. */
  readonly tfjs: PeerCommand;
  /** jax-js with its WebAssembly back end. */
  readonly jax: PeerCommand;
  /** ONNX Runtime in Node.js, on one thread, with the models in a folder. */
  readonly onnx: (models: string) => PeerCommand;
}

/** The permissions to compile the kernel, load it and read the environment. */
export const FLAGS: readonly string[] = [
  ...["--allow-read", "--allow-write", "--allow-ffi", "--allow-env", "--allow-run=cc"],
];

const TORCH = "apt-get install --no-install-recommends python3-torch libopenblas0-pthread";
const NPM = "npm install --ignore-scripts @tensorflow/tfjs @tensorflow/tfjs-backend-wasm @jax-js/jax";

const ONNX = "npm install --ignore-scripts onnxruntime-node";

/** The commands, with the JavaScript peers in `folder` and PyTorch in the interpreter `python`. */
export function commandsOf(folder: string, python: string): Commands {
  return {
    gradus: gradus("gradus", [], {}),
    classes: gradus("stage 2", ["classes"], {}),
    usedMemory: gradus("used memory", ["used"], {}),
    twoThreads: gradus("two threads", [], { GRADUS_THREADS: "2" }),
    wasm: gradus("gradus wasm", [], { GRADUS_BACKEND: "wasm" }),
    torch: { name: "torch", command: python, args: ["-B", `${import.meta.dirname}/pytorch.py`], install: TORCH },
    tfjs: javascript("tfjs-wasm", "tfjs", folder),
    jax: javascript("jax-js", "jax", folder),
    onnx: (models) => ({
      ...{ name: "onnxruntime", command: "node", args: [`${import.meta.dirname}/onnx_runtime.mjs`, models] },
      ...{ cwd: resolve(folder), install: inFolder(ONNX) },
    }),
  };
}

function gradus(name: string, args: readonly string[], env: Record<string, string>): PeerCommand {
  const file = `${import.meta.dirname}/gradus.ts`;
  return { name, command: Deno.execPath(), args: ["run", "-q", ...FLAGS, file, ...args], env };
}

function javascript(name: string, which: string, folder: string): PeerCommand {
  return {
    name,
    command: Deno.execPath(),
    args: ["run", "-A", "--no-config", "--node-modules-dir=manual", `${import.meta.dirname}/js.mjs`, which],
    cwd: resolve(folder),
    install: inFolder(NPM),
  };
}

function inFolder(command: string): string {
  return `in a folder outside the project: ${command}, and name the folder in GRADUS_PEERS`;
}
