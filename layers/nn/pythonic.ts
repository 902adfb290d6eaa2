/** How settings stand in PyTorch's printed form. */

/** A setting as Python prints it: `True`, `1e-05`, `0.0`, `(3, 4)`. */
export function pythonic(value: boolean | number | null | readonly number[], kind: "int" | "float" = "int"): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number") return kind === "float" ? pythonFloat(value) : pythonPower(`${value}`);
  return value.length === 1 ? `(${value[0]},)` : `(${value.join(", ")})`;
}

function pythonFloat(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e16) return `${value}.0`;
  const size = Math.abs(value);
  const text = size < 1e-4 || size >= 1e16 ? value.toExponential() : `${value}`;
  return pythonPower(text).replace("Infinity", "inf");
}

/** Python's powers of ten have two digits. */
function pythonPower(text: string): string {
  return text.replace(/e([+-])(\d)$/, "e$10$2");
}
