// Height over time: one curve or two over one time axis. A click, a tap or a drag goes to that moment.

import { svg } from "./elements.js";
import { GAP, simplified } from "./geometry.js";

const TOP = 14;
const BOTTOM = 22;

/** The unbroken pieces of a track as [time, height], `late` seconds later. */
export function piecesOf(track, late = 0) {
  const pieces = [];
  track.t.forEach((t, k) => {
    if (!k || t - track.t[k - 1] > GAP) pieces.push([]);
    pieces.at(-1).push([t + late, track.height[k]]);
  });
  return pieces;
}

/** A round step so that about `count` of them fill the span. */
export function roundStep(span, count) {
  const rough = span / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((m) => m * power).find((step) => step >= rough);
}

export class Chart {
  /** `curves`: [{pieces, kind}], `marks`: [{t, t1, kind}], `span`: [from, to] seconds, `label`: what it shows. */
  constructor({ curves, marks = [], span, label, words, onseek }) {
    Object.assign(this, { curves, marks, span, words, onseek, now: span[0] });
    const heights = curves.flatMap(({ pieces }) => pieces.flatMap((piece) => piece.map(([, height]) => height)));
    this.range = [Math.min(0, ...minmax(heights).slice(0, 1)), Math.max(1, minmax(heights)[1])];
    this.root = svg("svg", { class: "chart", role: "img", "aria-label": label });
    this.root.addEventListener("pointerdown", (event) => this.drag(event));
    this.root.addEventListener("pointermove", (event) => event.buttons === 1 && this.goTo(event));
    new ResizeObserver(() => this.render()).observe(this.root);
  }

  drag(event) {
    this.root.setPointerCapture(event.pointerId);
    this.goTo(event);
  }

  goTo(event) {
    const box = this.root.getBoundingClientRect();
    const part = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
    this.onseek(this.span[0] + part * (this.span[1] - this.span[0]));
  }

  x(t) {
    return ((t - this.span[0]) / (this.span[1] - this.span[0] || 1)) * this.width;
  }

  y(height) {
    const [low, high] = this.range;
    return TOP + (1 - (height - low) / (high - low)) * (this.tall - TOP - BOTTOM);
  }

  render() {
    this.width = this.root.clientWidth;
    this.tall = this.root.clientHeight;
    if (!this.width) return;
    this.root.setAttribute("viewBox", `0 0 ${this.width} ${this.tall}`);
    this.head = svg("line", { class: "playhead", y1: 4, y2: this.tall - BOTTOM });
    this.root.replaceChildren(
      ...this.grid(),
      ...this.marks.map((mark) => this.mark(mark)),
      ...this.curves.flatMap((curve) => this.curve(curve)),
      this.head,
    );
    this.shows(this.now);
  }

  grid() {
    const lines = [];
    const [low, high] = this.range;
    const rise = roundStep(high - low, 3);
    for (let h = Math.ceil(low / rise) * rise; h <= high + 1e-9; h += rise) {
      const y = this.y(h);
      lines.push(svg("line", { class: "rule", x1: 0, x2: this.width, y1: y, y2: y }));
      lines.push(
        svg(
          "text",
          { class: "scale", x: 4, y: y - 4 },
          this.words.number(Math.abs(h) < 1e-9 ? 0 : h, rise < 1 ? 1 : 0),
        ),
      );
    }
    const step = roundStep(this.span[1] - this.span[0], Math.max(2, this.width / 110));
    for (let t = Math.ceil(this.span[0] / step) * step; t <= this.span[1]; t += step) {
      const edge = this.x(t) < 16 ? "start" : this.x(t) > this.width - 20 ? "end" : "middle";
      lines.push(
        svg(
          "text",
          { class: "scale", x: this.x(t), y: this.tall - 6, "text-anchor": edge },
          t < 0 ? `−${this.words.clock(-t)}` : this.words.clock(t),
        ),
      );
    }
    return lines;
  }

  mark({ t, t1, kind }) {
    const x = this.x(t);
    const width = Math.max(3, this.x(t1 ?? t) - x);
    return svg(
      "rect",
      { class: `mark ${kind}`, x, width, y: TOP - 8, height: this.tall - BOTTOM - TOP + 8, rx: 3 },
      svg("title", {}, `${this.words.say(`event_${kind}`)} ${this.words.clock(t)}`),
    );
  }

  curve({ pieces, kind }) {
    return pieces
      .filter((piece) => piece.length > 1)
      .map((piece) => {
        const points = simplified(
          piece.map(([t, height]) => [this.x(t), this.y(height)]),
          0.4,
        );
        const d = points.map(([x, y], k) => `${k ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
        return svg("path", { class: `curve ${kind}`, d });
      });
  }

  /** Moves the line of the present moment. */
  shows(t) {
    this.now = t;
    if (!this.head) return;
    const x = Math.min(Math.max(this.x(t), 0), this.width);
    this.head.setAttribute("x1", x);
    this.head.setAttribute("x2", x);
  }
}

function minmax(values) {
  return values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
}
