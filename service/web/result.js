// A finished analysis: the video with the line, the height, the moments, the numbers.

import { Chart, piecesOf } from "./chart.js";
import { claimsOf } from "./claims.js";
import { button, el, fill, fold } from "./elements.js";
import { detailsOf, sharing } from "./details.js";
import { mainAttempt, trackOf } from "./geometry.js";
import { numbersOf } from "./numbers.js";
import { Player } from "./player.js";

const STUCK = "hesitation";
const MARKED = ["rest", "hesitation", "drop", "fall"];

/** Fills `root`; returns what ends it. */
export async function resultView(root, context, { result, video, name }) {
  const { words, service } = context;
  const { say } = words;
  const notices = await service.notices().catch(() => ({}));
  const player = new Player(result, words, { name });
  if (result.poster_url) player.video.poster = result.poster_url;
  if (video) player.video.src = video.video_url;
  const track = trackOf(result);
  if (track) player.preview(topOf(track, result), mainAttempt(result)?.t0 ?? 0);
  const parts = { result, words, notices, seek: (t) => player.seek(t) };
  fill(
    root,
    el(
      "div",
      { class: "row title" },
      el("div", { class: "grow" }, el("h1", {}, say("your_climb")), el("p", { class: "lead name" }, name)),
      el("a", { class: "button", href: `#/a/${result.analysis_id}/with` }, say("compare")),
    ),
    el(
      "div",
      { class: result.video.width > result.video.height ? "result wide" : "result" },
      el("div", { class: "watch" }, player.root, el("p", { class: "panel gone-note" }, say("video_gone"))),
      el(
        "div",
        { class: "story" },
        track ? heightOf(parts, player, track) : nothing(parts),
        stuckOf(parts),
        momentsOf(parts),
      ),
    ),
    numbersOf(parts),
    claimsOf(parts),
    sharing(parts),
    detailsOf(parts),
  );
  return () => player.dispose();
}

/** When the hips were highest: the whole line is to be seen then. */
function topOf(track, result) {
  const top = track.height.reduce((best, height, k) => (height > track.height[best] ? k : best), 0);
  return Math.min(track.t[top], result.video.duration_s - 0.1);
}

function heightOf({ result, words, seek }, player, track) {
  const { say, clock, number } = words;
  const duration = result.video.duration_s;
  const highest = track.height.reduce((most, height) => Math.max(most, height), 0);
  const chart = new Chart({
    curves: [{ pieces: piecesOf(track), kind: "only" }],
    marks: result.events.filter((event) => MARKED.includes(event.kind)),
    span: [0, duration],
    label: say("height_alt", { time: clock(duration), height: number(highest) }),
    words,
    onseek: seek,
  });
  player.ontime((t) => chart.shows(t));
  return el(
    "section",
    { class: "card" },
    el("h2", {}, say("height")),
    el("p", { class: "quiet small" }, say("height_unit")),
    chart.root,
    legendOf(result, say),
  );
}

/** Only what is marked in this chart. */
function legendOf(result, say) {
  const kinds = MARKED.filter((kind) => result.events.some((event) => event.kind === kind));
  return (
    kinds.length > 0 &&
    el(
      "p",
      { class: "legend small" },
      kinds.map((kind) => el("span", {}, el("i", { class: kind }), say(`event_${kind}`))),
    )
  );
}

function nothing({ result, words, notices }) {
  const { say, language } = words;
  return el(
    "section",
    { class: "card" },
    el("h2", {}, say("no_line")),
    result.quality.warnings.map(({ code, message }) => el("p", {}, notices[code]?.[language] ?? message)),
  );
}

function stuckOf({ result, words, seek }) {
  const { say, clock, number } = words;
  const stuck = result.events.filter((event) => event.kind === STUCK);
  const measured = typeof result.metrics.hesitation_s?.value === "number";
  if (!stuck.length && !measured) return null;
  return el(
    "section",
    { class: "card" },
    el("h2", {}, say("stuck_title")),
    stuck.length
      ? el(
          "div",
          { class: "row wrap" },
          stuck.map((event) =>
            button(
              say("stuck_at", { time: clock(event.t), length: `${number((event.t1 ?? event.t) - event.t)} s` }),
              () => seek(event.t),
              { class: "button stuck" },
            ),
          ),
        )
      : el("p", { class: "quiet" }, say("stuck_none")),
  );
}

function momentsOf({ result, words, seek }) {
  const { say, clock } = words;
  if (!result.events.length) return null;
  const what = (event) =>
    [say(`event_${event.kind}`), event.limb && say(`limb_${event.limb}`)].filter(Boolean).join(", ");
  return fold(
    `${say("moments")} (${result.events.length})`,
    el(
      "ul",
      { class: "moments" },
      result.events.map((event) =>
        el(
          "li",
          {},
          button([el("b", {}, clock(event.t)), " ", what(event)], () => seek(event.t), {
            class: `button plain moment ${event.kind}`,
            "aria-label": say("go_to", { time: clock(event.t), what: what(event) }),
          }),
        ),
      ),
    ),
  );
}
