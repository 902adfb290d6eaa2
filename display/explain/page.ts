/** An explanation as one page of HTML. */
import type { ExplainedStep, ExplanationParts } from "./explanation.ts";
import { escaped } from "./picture.ts";
import { elementText, gradientLines, madeText, sourceLines, valueText } from "./text.ts";

/** Selectors begin with the class of the page's own element, because a notebook has other things beside it. */
const STYLE =
  `.way-back { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 0 auto; padding: 1rem;
  color: light-dark(#1d2430, #e6eaf0); background: light-dark(#fff, #14181f); }
.way-back h1 { font-size: 1.3rem; } .way-back h2 { font-size: 1.1rem; }
.way-back figure { margin: 0; overflow-x: auto; }
.way-back figure svg { max-width: 100%; height: auto; max-height: 75vh; }
.way-back details { border: 1px solid light-dark(#c6cedb, #3a4558); border-radius: .4rem; margin: .4rem 0; padding: .4rem .7rem; }
.way-back details:has(:target) { outline: 3px solid light-dark(#2a63d4, #7aa5ff); }
.way-back summary { cursor: pointer; overflow-wrap: anywhere; }
.way-back code, .way-back pre { font: 13px/1.5 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
.way-back a:focus-visible, .way-back summary:focus-visible { outline: 3px solid light-dark(#2a63d4, #7aa5ff); }`;

/** The whole page, or the part of it that a notebook shows. It holds no program, and the whole page forbids every one. */
export function explanationPage(parts: ExplanationParts, svg: string, extent: "page" | "part" = "page"): string {
  const title = escaped(`The way back from ${valueText(parts.root)}`);
  const main = `<main class="way-back">
<style>${STYLE}</style>
<h1>${title}</h1>
<p>A click on a box goes to its step.</p>
<figure>${svg}</figure>
<h2>Steps</h2>
${parts.steps.map(stepPart).join("\n")}
${parts.element === null ? "" : `<h2>One number</h2>\n<pre>${escaped(elementText(parts.element))}</pre>`}
</main>
`;
  if (extent === "part") return main;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${title}</title>
<style>body { margin: 0; background: light-dark(#fff, #14181f); } :root { color-scheme: light dark; }</style>
</head>
<body>
${main}</body>
</html>
`;
}

function stepPart(step: ExplainedStep): string {
  const source = sourceLines(step).map((line) => `<p><code>${escaped(line)}</code></p>`);
  const gradients = gradientLines(step).map((line) => `<li>${escaped(line)}</li>`);
  // Browsers open the details that hold the target of a link.
  return `<details><summary>${step.number}. ${escaped(madeText(step))}</summary>
<div id="step-${step.number}">
${source.join("\n")}
<ul>${gradients.join("")}</ul>
</div>
</details>`;
}
