// Pure geometry: where the picture lies in its box, and what the track says at a time.
// Times in seconds; x, y are 0..1 of the displayed picture; heights and speeds are in torso lengths.

export const GAP = 0.75; // a longer pause in the track is a new line

/** Where a picture of that size lies in a box that shows all of it, centred: {x, y, width, height}. */
export function contain(box, picture) {
  if (!picture.width || !picture.height || !box.width || !box.height) return { x: 0, y: 0, width: 0, height: 0 };
  const scale = Math.min(box.width / picture.width, box.height / picture.height);
  const width = picture.width * scale;
  const height = picture.height * scale;
  return { x: (box.width - width) / 2, y: (box.height - height) / 2, width, height };
}

/** The index of the last time that is not after `t`; -1 before the first. */
export function lastBefore(times, t) {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] <= t + 1e-6) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length ? sorted[Math.floor(sorted.length / 2)] : 0;
}

function share(values, part) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] : 0;
}

/**
 * The track of a result, glued to the wall: {t, x, y, wallX, wallY, speed, height, fast, torso}, arrays of one length
 * but for the last two. `height` above the first hip of the longest attempt, `fast` the 95th percentile of the speed in
 * it; null where there is no track.
 */
export function trackOf(result) {
  const points = result.track;
  if (points.length < 2) return null;
  const aspect = result.video.width / result.video.height;
  const attempt = mainAttempt(result);
  const inside = (time) => !attempt || (time >= attempt.t0 && time <= attempt.t1);
  const torso = median(points.filter((p) => inside(p.t)).map((p) => p.torso)) || 1;
  const wallX = points.map((p) => p.wall_x ?? p.x);
  const wallY = points.map((p) => p.wall_y ?? p.y);
  const t = points.map((p) => p.t);
  const speed = t.map((now, k) => {
    const span = k ? now - t[k - 1] : 0;
    if (span <= 0 || span > GAP) return 0;
    return Math.hypot((wallX[k] - wallX[k - 1]) * aspect, wallY[k] - wallY[k - 1]) / torso / span;
  });
  const ground = wallY[attempt ? Math.max(0, lastBefore(t, attempt.t0)) : 0];
  return {
    t,
    x: points.map((p) => p.x),
    y: points.map((p) => p.y),
    wallX,
    wallY,
    speed,
    height: wallY.map((y) => (ground - y) / torso),
    fast:
      share(
        speed.filter((v, k) => v > 0 && inside(t[k])),
        0.95,
      ) || 1,
    torso,
  };
}

/** The longest stretch on the wall, or null. */
export function mainAttempt(result) {
  const walls = result.phases.filter((phase) => phase.kind === "on_wall");
  return walls.reduce((best, phase) => (!best || phase.t1 - phase.t0 > best.t1 - best.t0 ? phase : best), null);
}

/** One of the track's arrays at a time, straight between two samples; null outside and in a gap. */
export function valueAt(track, values, t) {
  const k = lastBefore(track.t, t);
  if (k < 0) return null;
  if (k === track.t.length - 1) return t - track.t[k] <= GAP ? values[k] : null;
  const span = track.t[k + 1] - track.t[k];
  if (span > GAP) return t - track.t[k] < 0.05 ? values[k] : null;
  return values[k] + ((values[k + 1] - values[k]) * (t - track.t[k])) / span;
}

/** How far the wall has moved in the picture since its own first one, at a time. */
export function shiftAt(track, t) {
  const k = Math.min(Math.max(lastBefore(track.t, t), 0), track.t.length - 1);
  const next = Math.min(k + 1, track.t.length - 1);
  const span = track.t[next] - track.t[k];
  const part = span > 0 ? Math.min(Math.max((t - track.t[k]) / span, 0), 1) : 0;
  const mix = (on, wall) => (on[k] - wall[k]) * (1 - part) + (on[next] - wall[next]) * part;
  return { x: mix(track.x, track.wallX), y: mix(track.y, track.wallY) };
}

/** Slow is blue, fast is red; `part` 0..1. The ramp of the videos that `performate analyze` draws. */
export function colourOf(part) {
  const p = Math.min(Math.max(part, 0), 1);
  const mix = (slow, fast) => Math.round(slow + (fast - slow) * p);
  return `rgb(${mix(0, 255)}, ${mix(120, 60)}, ${mix(255, 0)})`;
}

/** The phase at a time, or null. */
export function phaseAt(result, t) {
  return result.phases.find((phase) => t >= phase.t0 && t < phase.t1)?.kind ?? null;
}

/** A polyline with fewer points that stays within `tolerance` of the given one (Douglas and Peucker); keeps the ends. */
export function simplified(points, tolerance) {
  const keep = new Uint8Array(points.length);
  keep[0] = keep[points.length - 1] = 1;
  const open = [[0, points.length - 1]];
  while (open.length) {
    const [from, to] = open.pop();
    let worst = 0;
    let at = -1;
    for (let k = from + 1; k < to; k += 1) {
      const off = distance(points[k], points[from], points[to]);
      if (off > worst) [worst, at] = [off, k];
    }
    if (worst > tolerance) {
      keep[at] = 1;
      open.push([from, at], [at, to]);
    }
  }
  return points.filter((_, k) => keep[k]);
}

function distance([x, y], [ax, ay], [bx, by]) {
  const length = Math.hypot(bx - ax, by - ay);
  return length ? Math.abs((bx - ax) * (ay - y) - (ax - x) * (by - ay)) / length : Math.hypot(x - ax, y - ay);
}
