// The drawing on the video, glued to the picture: what stays (trail.js), and over it what moves.

import { colourOf, contain, lastBefore, phaseAt, shiftAt, trackOf, valueAt } from "./geometry.js";
import { Trail } from "./trail.js";

const RING_SECONDS = 1;
const NO_SHIFT = { x: 0, y: 0 };
const NO_TRACK = { t: [], x: [], y: [], wallX: [], wallY: [], speed: [], fast: 1 };

export class Overlay {
  /** `root` lies over the whole box of the video; the picture's place in it is found here. */
  constructor(root, result, { say, number }) {
    this.root = root;
    this.result = result;
    this.words = { say, number };
    this.size = { width: result.video.width, height: result.video.height };
    this.track = trackOf(result);
    const [trail, moving] = [document.createElement("canvas"), document.createElement("canvas")];
    this.frame = document.createElement("div");
    this.frame.append(trail, moving);
    root.replaceChildren(this.frame);
    this.canvas = moving;
    this.pen = moving.getContext("2d");
    this.placements = result.events
      .filter((event) => event.kind === "placement" && event.x !== null && event.y !== null)
      .map((event) => this.onWall(event));
    this.trail = new Trail(trail, this.track ?? NO_TRACK, this.placements);
    this.layers = { line: true, placements: true, phase: true };
    this.dirty = [];
    this.now = 0;
  }

  /** An event's place on the wall, from its place in its own picture. */
  onWall({ t, x, y }) {
    const shift = this.track ? shiftAt(this.track, t) : NO_SHIFT;
    return { t, x: x - shift.x, y: y - shift.y };
  }

  setLayer(name, on) {
    this.layers[name] = on;
    Object.assign(this.trail.layers, { line: this.layers.line, placements: this.layers.placements });
    this.trail.clear();
    this.draw(this.now);
  }

  /** Takes the size of its box, in the screen's own pixels. */
  fit() {
    const density = window.devicePixelRatio || 1;
    const place = contain({ width: this.root.clientWidth, height: this.root.clientHeight }, this.size);
    if (!place.width) return;
    this.place = place;
    this.unit = Math.max(2.2, Math.min(place.width, place.height) / 130);
    Object.assign(this.frame.style, {
      left: `${place.x}px`,
      top: `${place.y}px`,
      width: `${place.width}px`,
      height: `${place.height}px`,
    });
    Object.assign(this.canvas, {
      width: Math.round(place.width * density),
      height: Math.round(place.height * density),
    });
    Object.assign(this.canvas.style, { width: `${place.width}px`, height: `${place.height}px` });
    this.pen.scale(this.canvas.width / place.width, this.canvas.height / place.height);
    this.dirty = [];
    this.trail.fit(place, density, this.unit);
    this.draw(this.now);
  }

  draw(t) {
    this.now = t;
    if (!this.place) return;
    const shift = this.track ? shiftAt(this.track, t) : NO_SHIFT;
    for (const box of this.dirty) this.pen.clearRect(...box);
    this.dirty = [];
    this.trail.show(t, shift);
    if (this.layers.placements) this.drawFresh(t, shift);
    if (this.track && this.layers.line) this.drawHip(t, shift);
    if (this.layers.phase) this.drawPhase(t);
  }

  drawHip(t, shift) {
    const [x, y] = [valueAt(this.track, this.track.x, t), valueAt(this.track, this.track.y, t)];
    if (x === null || y === null) return;
    const here = [x * this.place.width, y * this.place.height];
    const colour = colourOf((valueAt(this.track, this.track.speed, t) ?? 0) / this.track.fast);
    const last = lastBefore(this.track.t, t);
    const from = [
      (this.track.wallX[last] + shift.x) * this.place.width,
      (this.track.wallY[last] + shift.y) * this.place.height,
    ];
    this.pen.beginPath();
    this.pen.moveTo(...from);
    this.pen.lineTo(...here);
    this.pen.lineWidth = this.unit * 1.3;
    this.pen.strokeStyle = colour;
    this.pen.stroke();
    this.spoil(from, this.unit);
    this.dot(here, this.unit * 2.6, "#fff");
    this.dot(here, this.unit * 1.8, colour);
    this.spoil(
      [(from[0] + here[0]) / 2, (from[1] + here[1]) / 2],
      Math.hypot(here[0] - from[0], here[1] - from[1]) / 2 + this.unit,
    );
  }

  dot(at, radius, colour) {
    this.pen.beginPath();
    this.pen.arc(...at, radius, 0, 2 * Math.PI);
    this.pen.fillStyle = colour;
    this.pen.fill();
    this.spoil(at, radius);
  }

  /** A placement that has just happened is a ring that closes in on its place. */
  drawFresh(t, shift) {
    for (const { t: then, x, y } of this.placements) {
      const age = t - then;
      if (age < 0 || age > RING_SECONDS) continue;
      const at = [(x + shift.x) * this.place.width, (y + shift.y) * this.place.height];
      const radius = this.unit * (2.6 + 5 * (1 - age / RING_SECONDS));
      this.pen.beginPath();
      this.pen.arc(...at, radius, 0, 2 * Math.PI);
      this.pen.lineWidth = this.unit;
      this.pen.strokeStyle = "#ffd400";
      this.pen.stroke();
      this.spoil(at, radius + this.unit);
    }
  }

  drawPhase(t) {
    const kind = phaseAt(this.result, t);
    const speed = this.track ? valueAt(this.track, this.track.speed, t) : null;
    const { say, number } = this.words;
    const parts = [
      kind && say(`phase_${kind}`),
      speed !== null && this.place.width > 220 && `${number(speed, 1)} ${say("torso/s")}`,
    ].filter(Boolean);
    if (parts.length) this.label(parts.join(" · "), Math.max(11, Math.min(this.place.width, this.place.height) / 30));
  }

  label(text, size) {
    const { pen } = this;
    const [x, y] = [size * 0.8, size * 0.8];
    pen.font = `600 ${size}px system-ui, sans-serif`;
    const width = Math.min(pen.measureText(text).width + size * 1.2, this.place.width - size * 1.6);
    pen.fillStyle = "rgba(0, 0, 0, 0.62)";
    pen.beginPath();
    pen.roundRect(x, y, width, size * 1.8, size * 0.9);
    pen.fill();
    pen.fillStyle = "#fff";
    pen.textBaseline = "middle";
    pen.fillText(text, x + size * 0.6, y + size * 0.95, width - size * 1.2);
    this.dirty.push([x - 2, y - 2, width + 4, size * 1.8 + 4]);
  }

  /** Remembers what the next drawing has to clear. */
  spoil([x, y], radius) {
    this.dirty.push([x - radius - 2, y - radius - 2, 2 * radius + 4, 2 * radius + 4]);
  }
}
