/** Says the losses, where it runs: what bundlers are given. */
import "./plain_simd.js";
import { losses } from "./losses.js";

losses().then((found) => {
  const text = JSON.stringify(found), pre = globalThis.document?.querySelector("pre");
  if (pre) pre.textContent = text;
  else console.log(text);
});
