/** Wasm's own memory: where the operands of one call stand. It grows to the largest call, and is used again. */

/** What the module exports. */
export interface WasmKernel {
  /** Everything that C sees. */
  memory: WebAssembly.Memory;
  /** Where the part begins that C does not use itself. */
  __heap_base: WebAssembly.Global;
  /** As in `kernels.h`, with addresses for pointers. */
  gradus_gemm(descriptor: number, a: number, b: number, c: number, bias: number): number;
  /** As in `kernels.h`. */
  gradus_map(descriptor: number, x: number, out: number): number;
  /** As in `kernels.h`. */
  gradus_gate(descriptor: number, g: number, y: number, out: number, db: number): number;
}

/** A kernel, and the way to make room for its operands. */
export interface WasmRoom {
  /** The functions. */
  kernel: WasmKernel;
  /** Addresses for blocks of so many bytes each; the memory holds them all until the next call. */
  place(lengths: readonly number[]): number[];
}

const PAGE = 65536;

/** The room of a kernel. */
export function wasmRoom(kernel: WasmKernel): WasmRoom {
  const start = align(kernel.__heap_base.value);
  const place = (lengths: readonly number[]): number[] => {
    let end = start;
    const at = lengths.map((length) => {
      const here = end;
      end = align(end + length);
      return here;
    });
    grow(kernel.memory, end);
    return at;
  };
  return { kernel, place };
}

function grow(memory: WebAssembly.Memory, end: number): void {
  const missing = end - memory.buffer.byteLength;
  if (missing <= 0) return;
  try {
    memory.grow(Math.ceil(missing / PAGE));
  } catch (cause) {
    const asked = `Cannot place ${(end / 1e9).toFixed(1)} GB of operands in WebAssembly's memory`;
    const cure = 'take smaller batches, or useBackend("native") or useBackend("reference")';
    throw new RangeError(
      `${asked}: it has ${(memory.buffer.byteLength / 1e9).toFixed(1)} GB and ends at 4.3; ${cure}`,
      { cause },
    );
  }
}

/** To the next cache line. */
function align(address: number): number {
  return Math.ceil(address / 64) * 64;
}
