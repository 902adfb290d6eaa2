/** An empty program, for `cold_start.ts`: the time that Deno itself takes to start. */
export {};
