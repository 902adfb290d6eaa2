/** What an SVG is made of, without its numbers: to compare one with another that was looked at. */

/** A line for each element: its depth, its name, its role; neighbours of one kind are counted. */
export function structureOf(svg: string): string[] {
  const open: string[] = [];
  const lines: string[] = [];
  for (
    const [, closes, name, attributes, empty] of svg.matchAll(/<(\/?)([\w:]+)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>/g)
  ) {
    if (closes === "/") {
      const opened = open.pop();
      if (opened !== name) throw new SyntaxError(`</${name}> closes <${opened}>`);
      continue;
    }
    const role = /\bclass="([^"]*)"/.exec(attributes)?.[1] ?? "";
    lines.push(`${"  ".repeat(open.length)}${name}${role === "" ? "" : `.${role.replaceAll(" ", ".")}`}`);
    if (empty === "") open.push(name);
  }
  if (open.length > 0) throw new SyntaxError(`<${open.at(-1)}> is not closed`);
  const text = svg.replace(/<\/?[\w:]+(?:\s+[\w:-]+="[^"<]*")*\s*\/?>/g, "");
  if (/[<>]|&(?!(amp|lt|gt|quot|apos|#\d+|#x[\da-f]+);)/i.test(text)) throw new SyntaxError("text that is not escaped");
  return counted(lines);
}

function counted(lines: readonly string[]): string[] {
  const found: [line: string, count: number][] = [];
  for (const line of lines) {
    const last = found.at(-1);
    if (last?.[0] === line) last[1]++;
    else found.push([line, 1]);
  }
  return found.map(([line, count]) => count === 1 ? line : `${line} × ${count}`);
}
