/** The shim of MPI, opened by the foreign functions of Deno. Beside the kernel's own, this is the only file that opens a library. */

/** What can be called in it, as `shim_source.ts` has it. */
const SYMBOLS = {
  // int32_t gradus_mpi_open(int32_t *facts)
  gradus_mpi_open: { parameters: ["buffer"], result: "i32" },
  // int32_t gradus_mpi_text(int32_t code, char *text)
  gradus_mpi_text: { parameters: ["i32", "buffer"], result: "i32" },
  // int32_t gradus_mpi_begin(int32_t *d, void *data, void *result)
  gradus_mpi_begin: { parameters: ["buffer", "buffer", "buffer"], result: "i32" },
  // int32_t gradus_mpi_wait(int32_t *d)
  gradus_mpi_wait: { parameters: ["buffer"], result: "i32" },
  // int32_t gradus_mpi_close(void)
  gradus_mpi_close: { parameters: [], result: "i32" },
  // int32_t gradus_mpi_abort(int32_t code)
  gradus_mpi_abort: { parameters: ["i32"], result: "i32" },
} as const;

/** Its functions. */
export type Shim = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

/**
 * The functions of a compiled shim. It stays open until the process ends: MPI can be begun once.
 *
 * @throws {Error} Where it cannot be opened, and in other runtimes than Deno.
 */
export function openShim(path: string): Shim {
  if (typeof Deno === "undefined") throw new Error("MPI is spoken to by the foreign functions of Deno: run it in Deno");
  return Deno.dlopen(path, SYMBOLS).symbols;
}
