/** What Deno itself takes to start: the measure of `cold_start.ts`. */
export {};
