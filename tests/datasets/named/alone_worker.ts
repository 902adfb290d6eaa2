/** A worker that imports one module of the library as `m`, and answers with the value of an expression. */
self.addEventListener("message", async (event) => {
  const { url, expression } = (event as MessageEvent<{ url: string; expression: string }>).data;
  const evaluate = new Function("m", `return (async () => ${expression})()`);
  const answer = await import(url).then(evaluate as (m: unknown) => unknown).catch(String);
  (self as unknown as { postMessage(answer: unknown): void }).postMessage(answer);
});
