// What stays on the picture once it was drawn: the line so far, and the places of the hands. Drawn piece by piece as
// time goes on, on a canvas that is as large as the wall that was seen and moves with it.

import { colourOf, GAP, lastBefore } from "./geometry.js";

const SHADES = 16;
const CASING = "#10161b";
const RING = "#ffd400";
const LARGEST = 16_000_000;

export class Trail {
  /** `placements`: [{t, x, y}], x and y on the wall, by time. */
  constructor(canvas, track, placements) {
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
    this.track = track;
    this.placements = placements;
    this.layers = { line: true, placements: true };
    this.shade = track.t.map((_, k) => Math.min(SHADES - 1, Math.floor((track.speed[k] / track.fast) * SHADES)));
    this.bounds = boundsOf(track);
    this.upTo = -1;
    this.rings = 0;
  }

  /** `picture`: {width, height} on the screen in CSS pixels; `unit`: the line's thickness in them. */
  fit(picture, density, unit) {
    const { left, top, width, height } = this.bounds;
    const [wide, tall] = [width * picture.width, height * picture.height];
    this.density = Math.min(density, Math.sqrt(LARGEST / Math.max(1, wide * tall)));
    Object.assign(this.canvas, { width: Math.ceil(wide * this.density), height: Math.ceil(tall * this.density) });
    Object.assign(this.canvas.style, {
      width: `${wide}px`,
      height: `${tall}px`,
      left: `${left * picture.width}px`,
      top: `${top * picture.height}px`,
    });
    this.picture = picture;
    this.unit = unit * this.density;
    this.clear();
  }

  clear() {
    this.pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.upTo = -1;
    this.rings = 0;
  }

  at(x, y) {
    const { bounds, picture, density } = this;
    return [(x - bounds.left) * picture.width * density, (y - bounds.top) * picture.height * density];
  }

  /** Everything up to `t`; starts again where time went back. `shift`: where the wall lies in the picture now. */
  show(t, shift) {
    this.canvas.style.transform = `translate(${shift.x * this.picture.width}px, ${shift.y * this.picture.height}px)`;
    const to = lastBefore(this.track.t, t);
    if (to < this.upTo || (this.rings && this.placements[this.rings - 1].t > t)) this.clear();
    if (this.layers.line && to > this.upTo) this.addLine(Math.max(this.upTo, 0), to);
    this.upTo = to;
    while (this.layers.placements && this.rings < this.placements.length && this.placements[this.rings].t <= t)
      this.addRing(this.placements[this.rings++]);
  }

  /** The samples after `from`, up to `to`. The casing goes under what is there. */
  addLine(from, to) {
    const { pen } = this;
    pen.lineCap = pen.lineJoin = "round";
    const whole = new Path2D();
    for (let k = from + 1; k <= to; ) {
      const piece = new Path2D();
      const shade = this.shade[k];
      piece.moveTo(...this.point(k - 1));
      whole.moveTo(...this.point(k - 1));
      for (; k <= to && this.shade[k] === shade && this.track.t[k] - this.track.t[k - 1] <= GAP; k += 1) {
        piece.lineTo(...this.point(k));
        whole.lineTo(...this.point(k));
      }
      if (k <= to && this.track.t[k] - this.track.t[k - 1] > GAP) k += 1;
      this.stroke(piece, colourOf((shade + 0.5) / SHADES), 1.3);
    }
    pen.globalCompositeOperation = "destination-over";
    this.stroke(whole, CASING, 2.2);
    pen.globalCompositeOperation = "source-over";
  }

  point(k) {
    return this.at(this.track.wallX[k], this.track.wallY[k]);
  }

  addRing({ x, y }) {
    const ring = new Path2D();
    ring.arc(...this.at(x, y), this.unit * 2.6, 0, 2 * Math.PI);
    this.stroke(ring, CASING, 1.7);
    this.stroke(ring, RING, 0.9);
  }

  stroke(path, colour, width) {
    this.pen.strokeStyle = colour;
    this.pen.lineWidth = this.unit * width;
    this.pen.stroke(path);
  }
}

/** The part of the wall that the track and some room about it take, in pictures. */
function boundsOf({ wallX, wallY }) {
  const edge = (values, pick, start) => values.reduce((found, value) => pick(found, value), start);
  const [left, top] = [edge(wallX, Math.min, 0) - 0.1, edge(wallY, Math.min, 0) - 0.1];
  return { left, top, width: edge(wallX, Math.max, 1) + 0.1 - left, height: edge(wallY, Math.max, 1) + 0.1 - top };
}
