/// <reference lib="dom" />
/** Paper that is drawn on with a mouse, a finger or a pen, or by keys. */
import type { Stroke } from "./centre.ts";
import { contextOf } from "./element.ts";

/** The width of a line, and the size of the ring that shows where the pen of the keyboard is, as parts of the paper's side. */
const LINE = 0.065, RING = 0.05;

/** How far an arrow key moves the pen, as a part of the paper's side. */
const STEP = 0.03;

/** Where each arrow key moves the pen. */
const ARROWS: Readonly<Record<string, readonly [x: number, y: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** The strokes on a canvas, which is paper of side 1. */
export class DrawingPad {
  #strokes: number[][] = [];
  /** The pointer that draws; others, such as a second finger, do not. */
  #pointer: number | null = null;
  /** The pen that keys move. */
  readonly #pen = { x: 0.5, y: 0.5, isDown: false };
  readonly #pressed = new Set<string>();
  #drawsByKeys = false;

  /** Draws on this canvas, and calls `onChange` after each change. */
  constructor(readonly canvas: HTMLCanvasElement, readonly onChange: () => void) {
    canvas.addEventListener("pointerdown", (event) => this.#begin(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    for (const type of ["pointerup", "pointercancel"] as const) {
      canvas.addEventListener(type, ({ pointerId }) => void (pointerId === this.#pointer && (this.#pointer = null)));
    }
    canvas.addEventListener("keydown", (event) => this.#press(event));
    canvas.addEventListener("keyup", ({ key }) => void this.#pressed.delete(key));
    canvas.addEventListener("focus", () => this.#focus());
    canvas.addEventListener("blur", () => this.#leave());
    new ResizeObserver(() => this.#fit()).observe(canvas);
  }

  /** What is drawn. */
  get strokes(): readonly Stroke[] {
    return this.#strokes;
  }

  /** Takes everything off the paper. */
  clear(): void {
    this.#strokes = [];
    this.#lift();
    this.#changed();
  }

  /** Takes the last stroke off the paper. */
  undo(): void {
    this.#strokes.pop();
    this.#lift();
    this.#changed();
  }

  /** Ends the stroke that is being drawn: what follows would else go on with the one before it. */
  #lift(): void {
    this.#pointer = null;
    this.#pen.isDown = false;
  }

  #changed(): void {
    this.#paint();
    this.onChange();
  }

  // By pointer.

  #begin(event: PointerEvent): void {
    if (this.#pointer !== null || event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.#pointer = event.pointerId;
    this.#drawsByKeys = this.#pen.isDown = false;
    this.#strokes.push([...this.#place(event)]);
    this.#changed();
  }

  #move(event: PointerEvent): void {
    if (event.pointerId !== this.#pointer) return;
    const places = event.getCoalescedEvents().map((between) => this.#place(between));
    this.#strokes.at(-1)?.push(...(places.length > 0 ? places.flat() : this.#place(event)));
    this.#changed();
  }

  #place({ clientX, clientY }: PointerEvent): readonly [x: number, y: number] {
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    return [(clientX - left) / width, (clientY - top) / height];
  }

  // By keys.

  #focus(): void {
    this.#drawsByKeys = this.canvas.matches(":focus-visible");
    this.#paint();
  }

  #leave(): void {
    this.#pressed.clear();
    this.#drawsByKeys = this.#pen.isDown = false;
    this.#paint();
  }

  #press(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = event.key in ARROWS ? () => this.#movePen(event.key, event.shiftKey) : this.#deedOf(event);
    if (act === undefined) return;
    event.preventDefault(); // the page does not scroll
    this.#drawsByKeys = true;
    act();
  }

  #deedOf({ key, repeat }: KeyboardEvent): (() => void) | undefined {
    if (key === " " || key === "Enter") return () => void (repeat || this.#turnPen());
    if (key === "Backspace") return () => this.undo();
    return key === "Escape" || key === "Delete" ? () => this.clear() : undefined;
  }

  /** Puts the pen down or lifts it. */
  #turnPen(): void {
    const { x, y, isDown } = this.#pen;
    this.#pen.isDown = !isDown;
    if (!isDown) this.#strokes.push([x, y]);
    this.#paint();
    this.onChange();
  }

  /** Moves the pen by all arrow keys that are held, so that two of them go aslant. */
  #movePen(key: string, isFine: boolean): void {
    const { x, y, isDown } = this.#pen, step = isFine ? STEP / 3 : STEP;
    this.#pressed.add(key);
    const [dx, dy] = [0, 1].map((axis) => [...this.#pressed].reduce((sum, held) => sum + ARROWS[held][axis], 0));
    this.#pen.x = Math.min(Math.max(x + step * dx, 0), 1);
    this.#pen.y = Math.min(Math.max(y + step * dy, 0), 1);
    if (isDown) this.#strokes.at(-1)?.push(this.#pen.x, this.#pen.y);
    this.#paint();
    if (isDown) this.onChange();
  }

  // On the canvas.

  #fit(): void {
    const side = Math.round(this.canvas.clientWidth * devicePixelRatio);
    if (side === 0 || side === this.canvas.width) return;
    this.canvas.width = this.canvas.height = side;
    this.#paint();
  }

  #paint(): void {
    const { canvas } = this, side = canvas.width, context = contextOf(canvas);
    context.clearRect(0, 0, side, side);
    context.lineCap = context.lineJoin = "round";
    context.lineWidth = LINE * side;
    for (const stroke of this.#strokes) {
      context.beginPath();
      context.moveTo(stroke[0] * side, stroke[1] * side);
      for (let i = 0; i < stroke.length; i += 2) context.lineTo(stroke[i] * side, stroke[i + 1] * side);
      context.stroke();
    }
    if (this.#drawsByKeys) this.#paintPen(context, side);
  }

  /** A ring where the pen is, filled while it is down. */
  #paintPen(context: CanvasRenderingContext2D, side: number): void {
    const { x, y, isDown } = this.#pen;
    context.beginPath();
    context.arc(x * side, y * side, RING * side, 0, 2 * Math.PI);
    context.lineWidth = 0.008 * side;
    context.strokeStyle = context.fillStyle = "#555";
    if (isDown) context.fill();
    context.stroke();
    context.strokeStyle = context.fillStyle = "#000";
  }
}
