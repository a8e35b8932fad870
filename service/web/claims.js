// What a vision model said. It is a guest's text: shown as said, never as measured, and never as markup.

import { el } from "./elements.js";

export function claimsOf({ result, words, seek }) {
  const { model } = result;
  // a model that said nothing usable has its warning beside the other ones
  if (!model || !(model.refusal || model.difficulty || model.claims.length)) return null;
  const { say, percent } = words;
  const frames = new Map(result.frames.map((frame) => [frame.id, frame]));
  const grade =
    model.difficulty &&
    (model.difficulty.low === model.difficulty.high
      ? model.difficulty.low
      : `${model.difficulty.low} – ${model.difficulty.high}`);
  return el(
    "section",
    { class: "block" },
    el("h2", {}, say("said")),
    el("p", { class: "quiet small" }, say("said_note", { snapshot: `${model.provider} ${model.snapshot}` })),
    model.refusal && el("p", { class: "panel note" }, say("refused", { text: model.refusal })),
    grade && el("p", {}, say("difficulty", { grade, percent: percent(model.difficulty.confidence) })),
    el(
      "ul",
      { class: "claims" },
      model.claims.map((claim) => claimItem(claim, frames, words, seek)),
    ),
  );
}

function claimItem(claim, frames, words, seek) {
  const { say } = words;
  const cited = claim.frame_ids.map((id) => frames.get(id)).filter(Boolean);
  return el(
    "li",
    { class: `card claim ${claim.kind}` },
    el("p", {}, el("b", { class: "kind" }, say(`kind_${claim.kind}`)), " ", el("span", { class: "said" }, claim.text)),
    claim.metric_ids.length > 0 && el("p", { class: "quiet small" }, claim.metric_ids.map((id) => say(id)).join(", ")),
    cited.length > 0 &&
      el(
        "div",
        { class: "row wrap" },
        cited.map((frame) => thumbnail(frame, words, seek)),
      ),
  );
}

function thumbnail(frame, { say, clock }, seek) {
  const time = clock(frame.t);
  return el(
    "button",
    { type: "button", class: "thumbnail", "aria-label": say("frame_at", { time }), onclick: () => seek(frame.t) },
    frame.url &&
      el("img", {
        src: frame.url,
        alt: "",
        loading: "lazy",
        width: Math.round((96 * frame.width) / frame.height),
        height: 96,
      }),
    el("span", {}, time),
  );
}
