/** An explanation's graph as a picture: text of Mermaid, or SVG by Graphviz. */
import { show } from "../../core/shape.ts";
import type { ExplainedValue, ExplanationParts } from "./explanation.ts";
import { figure } from "./graph.ts";

/** A value with the number by which pictures know it. */
interface Drawn {
  readonly id: string;
  readonly value: ExplainedValue;
  /** The step that made it; 0 where it was not made. */
  readonly step: number;
}

/** An edge, in the direction of the way back. */
interface Edge {
  readonly from: string;
  readonly to: string;
  readonly label: string;
}

function drawn({ root, steps }: ExplanationParts): { values: Drawn[]; edges: Edge[] } {
  const found = new Map<string, Drawn>();
  const draw = (value: ExplainedValue, step = 0) => {
    const { id } = found.get(value.name) ?? { id: `v${found.size}` };
    found.set(value.name, { id, value, step: step || (found.get(value.name)?.step ?? 0) });
    return id;
  };
  draw(root);
  const edges = steps.flatMap(({ output, number, sent }) => {
    const from = draw(output, number);
    return sent.map(({ to, norm }) => ({ from, to: draw(to), label: norm === null ? "" : figure(norm) }));
  });
  return { values: [...found.values()], edges };
}

const kindOf = ({ value, step }: Drawn) => step === 0 ? value.kind : "operation";

/** The graph in the language of Mermaid. */
export function toMermaid(parts: ExplanationParts): string {
  const { values, edges } = drawn(parts);
  const boxes = values.map((node) => {
    const text = `${mermaidText(node.value.name)}<br>${mermaidText(show(node.value.shape))}`;
    return kindOf(node) === "operation" ? `  ${node.id}["${text}"]` : `  ${node.id}(["${text}"])`;
  });
  const arrows = edges.map(({ from, to, label }) =>
    label === "" ? `  ${from} -.- ${to}` : `  ${from} -->|${label}| ${to}`
  );
  return ["flowchart TD", ...boxes, ...arrows].join("\n") + "\n";
}

/** Text in a label: everything that could end it, or be taken for HTML, by its number. */
function mermaidText(text: string): string {
  return text.replaceAll(/[^\w .,\-\u0080-\uffff]/g, (letter) => `#${letter.codePointAt(0)};`);
}

/** The graph in the language of Graphviz. */
export function toDot(parts: ExplanationParts): string {
  const { values, edges } = drawn(parts);
  const nodes = values.map((node) => {
    const kind = kindOf(node);
    const link = node.step === 0 ? "" : `, URL="#step-${node.step}", target="_self"`;
    const shape = kind === "operation" ? "box" : kind === "leaf" ? "ellipse" : "plaintext";
    const label = `${dotText(node.value.name)}\\n${dotText(show(node.value.shape))}`;
    return `  ${node.id} [label="${label}", tooltip="${
      dotText(node.value.name)
    }", class="${kind}", shape=${shape}${link}];`;
  });
  const arrows = edges.map(({ from, to, label }) =>
    label === ""
      ? `  ${from} -> ${to} [style=dotted, arrowhead=none];`
      : `  ${from} -> ${to} [label=" ${label} ", tooltip="gradient of norm ${label}"];`
  );
  return `digraph way_back {
  bgcolor=transparent;
  node [fontname="sans-serif", fontsize=12];
  edge [fontname="sans-serif", fontsize=10];
${[...nodes, ...arrows].join("\n")}
}
`;
}

/** Text within quotes of Graphviz, which also reads entities. */
function dotText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll(/[\n\r]/g, " ");
}

/** Text within HTML or SVG. */
export function escaped(text: string): string {
  const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  return text.replaceAll(/[&<>"']/g, (letter) => entities[letter]);
}

const STYLE = `svg { color-scheme: light dark; }
.node text, .edge text { fill: #1d2430; } .node polygon, .node ellipse { fill: #eef2f8; stroke: #5b6778; }
.leaf ellipse { fill: #e2f3e4; } .constant polygon { fill: none; stroke: none; }
.edge path { stroke: #5b6778; } .edge polygon { fill: #5b6778; stroke: #5b6778; }
@media (prefers-color-scheme: dark) {
.node text, .edge text { fill: #e6eaf0; } .node polygon, .node ellipse { fill: #263041; stroke: #9aa7b8; }
.leaf ellipse { fill: #1f3b2b; } .constant polygon { fill: none; }
.edge path { stroke: #9aa7b8; } .edge polygon { fill: #9aa7b8; stroke: #9aa7b8; }
}`;

/**
 * The graph as SVG with a title, a description and colours for light and dark.
 *
 * @throws {Error} If Graphviz could not be loaded.
 */
export async function toSvg(dot: string, { root, steps }: ExplanationParts): Promise<string> {
  const svg = (await graphviz()).dot(dot, "svg");
  const title = escaped(`The way back from ${root.name}`);
  const leaves = new Set(
    steps.flatMap(({ sent }) => sent.filter(({ to }) => to.kind === "leaf").map(({ to }) => to.name)),
  );
  const desc = escaped(
    `${steps.length} operations, from ${root.name} to ${
      [...leaves].join(", ") || "no leaf"
    }; arrows have the norm of the gradient`,
  );
  return svg.slice(svg.indexOf("<svg")).replace(/<title>[^<]*<\/title>\n?/, "")
    .replace(
      /<svg ([^>]*)>/,
      `<svg role="graphics-document document" $1><title>${title}</title><desc>${desc}</desc><style>${STYLE}</style>`,
    );
}

async function graphviz(): Promise<{ dot(source: string, format: "svg"): string }> {
  try {
    const { Graphviz } = await import("@hpcc-js/wasm-graphviz"); // 900 kB, for those who want a picture
    return await Graphviz.load();
  } catch (error) {
    throw new Error("Cannot draw the graph: install @hpcc-js/wasm-graphviz, or take mermaid()", { cause: error });
  }
}
