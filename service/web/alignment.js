// Which moment of one attempt belongs beside a moment of the other. Pure.

import { lastBefore, valueAt } from "./geometry.js";

/** A function from a time of A to a time of B. `a`, `b`: {track, start}, start being when the wall phase begins. */
export function alignment(by, a, b) {
  if (by === "height" && a.track && b.track) return byHeight(a, b);
  return (t) => t - a.start + b.start;
}

/** The highest so far, at each sample from the start on the wall. */
export function climbedSoFar({ track, start }) {
  let most = 0;
  return track.t.map((t, k) => (most = t < start ? 0 : Math.max(most, track.height[k])));
}

/** B at the moment when it first was as high as A has come by then; before the wall, by the start. */
function byHeight(a, b) {
  const [climbedA, climbedB] = [climbedSoFar(a), climbedSoFar(b)];
  return (t) => {
    if (t <= a.start) return t - a.start + b.start;
    const height = valueAt(a.track, climbedA, t) ?? climbedA[Math.max(0, lastBefore(a.track.t, t))];
    return whenAt(b.track.t, climbedB, height) ?? b.track.t.at(-1);
  };
}

/** The time at which a rising series first reaches a value, straight between samples; null if it never does. */
export function whenAt(times, rising, value) {
  const k = rising.findIndex((height) => height >= value);
  if (k < 0) return null;
  if (k === 0 || rising[k] === rising[k - 1]) return times[k];
  const part = (value - rising[k - 1]) / (rising[k] - rising[k - 1]);
  return times[k - 1] + part * (times[k] - times[k - 1]);
}
