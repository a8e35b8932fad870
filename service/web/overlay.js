// The drawing on the video: hip line coloured by speed, hand placements, phase. One canvas, glued to the picture.

import { colourOf, contain, GAP, lastBefore, phaseAt, shiftAt, trackOf, valueAt } from "./geometry.js";

const SHADES = 12;
const RING_SECONDS = 1.2;

/** What was climbed so far as a few paths, one for each shade, that grow as time goes on. */
class Line {
  constructor(track, size) {
    this.track = track;
    this.size = size;
    this.shade = track.speed.map((v) => Math.min(SHADES - 1, Math.floor((v / track.fast) * SHADES)));
    this.clear();
  }

  clear() {
    this.upTo = 0;
    this.paths = Array.from({ length: SHADES }, () => new Path2D());
    this.under = new Path2D();
  }

  point(k) {
    return [this.track.wallX[k] * this.size.width, this.track.wallY[k] * this.size.height];
  }

  /** Adds the pieces up to sample `k`; starts again where time went back. */
  grow(k) {
    if (k < this.upTo) this.clear();
    for (let i = this.upTo + 1; i <= k; i += 1) {
      if (this.track.t[i] - this.track.t[i - 1] > GAP) continue;
      const from = this.point(i - 1);
      const to = this.point(i);
      for (const path of [this.paths[this.shade[i]], this.under]) {
        path.moveTo(...from);
        path.lineTo(...to);
      }
    }
    this.upTo = Math.max(k, 0);
  }
}

export class Overlay {
  /** `size` is the picture as displayed, in its own pixels; `say` gives the words of the label. */
  constructor(canvas, result, { say, number }) {
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
    this.result = result;
    this.size = { width: result.video.width, height: result.video.height };
    this.track = trackOf(result);
    this.line = this.track && new Line(this.track, this.size);
    this.placements = result.events.filter((event) => event.kind === "placement" && event.x !== null && event.y !== null);
    this.words = { say, number };
    this.layers = { line: true, placements: true, phase: true };
    this.now = 0;
    this.took = 0;
  }

  /** Takes the size of its box, in the screen's own pixels. */
  fit() {
    const box = { width: this.canvas.clientWidth, height: this.canvas.clientHeight };
    const density = window.devicePixelRatio || 1;
    const [width, height] = [Math.round(box.width * density), Math.round(box.height * density)];
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
    this.density = density;
    this.place = contain({ width, height }, this.size);
    this.draw(this.now);
  }

  draw(t) {
    const began = performance.now();
    this.now = t;
    const { pen, place, size } = this;
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    if (!place?.width) return;
    pen.save();
    pen.beginPath();
    pen.rect(place.x, place.y, place.width, place.height);
    pen.clip();
    this.scale = place.width / size.width;
    this.unit = Math.max(2.2 * this.density, Math.min(place.width, place.height) / 130);
    if (this.track && this.layers.line) this.drawLine(t);
    if (this.layers.placements) this.drawPlacements(t);
    if (this.track && this.layers.line) this.drawHip(t);
    if (this.layers.phase) this.drawPhase(t);
    pen.restore();
    this.took = performance.now() - began;
  }

  drawLine(t) {
    const { pen, place, scale, line } = this;
    const shift = shiftAt(this.track, t);
    line.grow(lastBefore(this.track.t, t));
    pen.setTransform(scale, 0, 0, scale, place.x + shift.x * place.width, place.y + shift.y * place.height);
    pen.lineCap = "round";
    pen.lineWidth = (this.unit * 2) / scale;
    pen.strokeStyle = "rgba(0, 0, 0, 0.55)";
    pen.stroke(line.under);
    pen.lineWidth = (this.unit * 1.25) / scale;
    line.paths.forEach((path, shade) => {
      pen.strokeStyle = colourOf((shade + 0.5) / SHADES);
      pen.stroke(path);
    });
    pen.setTransform(1, 0, 0, 1, 0, 0);
  }

  /** Where something at (x, y) of the picture at `then` lies on the canvas at `t`. */
  at(x, y, then, t) {
    const [was, is] = this.track ? [shiftAt(this.track, then), shiftAt(this.track, t)] : [{ x: 0, y: 0 }, { x: 0, y: 0 }];
    const { place } = this;
    return [place.x + (x + is.x - was.x) * place.width, place.y + (y + is.y - was.y) * place.height];
  }

  drawHip(t) {
    const x = valueAt(this.track, this.track.x, t);
    const y = valueAt(this.track, this.track.y, t);
    if (x === null) return;
    const [cx, cy] = [this.place.x + x * this.place.width, this.place.y + y * this.place.height];
    this.dot(cx, cy, this.unit * 2.6, "#fff");
    this.dot(cx, cy, this.unit * 1.8, colourOf((valueAt(this.track, this.track.speed, t) ?? 0) / this.track.fast));
  }

  dot(x, y, radius, colour) {
    this.pen.beginPath();
    this.pen.arc(x, y, radius, 0, 2 * Math.PI);
    this.pen.fillStyle = colour;
    this.pen.fill();
  }

  /** A placement is a ring when it happens, and a small mark afterwards. */
  drawPlacements(t) {
    for (const event of this.placements) {
      const age = t - event.t;
      if (age < 0) continue;
      const [x, y] = this.at(event.x, event.y, event.t, t);
      const young = Math.max(0, 1 - age / RING_SECONDS);
      for (const [colour, width] of [["rgba(0, 0, 0, 0.6)", 1.9], ["#ffd400", 1]]) {
        this.pen.beginPath();
        this.pen.arc(x, y, this.unit * (2.4 + 4 * young), 0, 2 * Math.PI);
        this.pen.lineWidth = this.unit * width * (0.7 + 0.5 * young);
        this.pen.strokeStyle = colour;
        this.pen.stroke();
      }
    }
  }

  drawPhase(t) {
    const kind = phaseAt(this.result, t);
    const speed = this.track ? valueAt(this.track, this.track.speed, t) : null;
    const { say, number } = this.words;
    const parts = [kind && say(`phase_${kind}`), speed !== null && `${number(speed, 1)} ${say("torso/s")}`].filter(Boolean);
    if (!parts.length) return;
    const size = Math.max(11 * this.density, Math.min(this.place.width, this.place.height) / 30);
    this.label(parts.join(" · "), this.place.x + size * 0.8, this.place.y + size * 0.8, size);
  }

  label(text, x, y, size) {
    const { pen } = this;
    pen.font = `600 ${size}px system-ui, sans-serif`;
    const width = Math.min(pen.measureText(text).width + size * 1.2, this.place.width - size * 1.6);
    pen.fillStyle = "rgba(0, 0, 0, 0.62)";
    pen.beginPath();
    pen.roundRect(x, y, width, size * 1.8, size * 0.9);
    pen.fill();
    pen.fillStyle = "#fff";
    pen.textBaseline = "middle";
    pen.fillText(text, x + size * 0.6, y + size * 0.95, width - size * 1.2);
  }
}
