// What stands behind a result: times, versions, the whole of it as a file, and its link.

import { button, copied, el, fold } from "./elements.js";

const TIMES = ["queued_ms", "download_ms", "extract_ms", "analyze_ms", "store_ms"];

export function sharing({ result, words }) {
  const { say } = words;
  const link = new URL(`#/a/${result.analysis_id}`, location.href).href;
  const share = button(
    say("share"),
    () => {
      if (navigator.share && matchMedia("(pointer: coarse)").matches) navigator.share({ url: link }).catch(() => null);
      else copied(share, link, say("copied"));
    },
    { class: "button", id: "share" },
  );
  return el(
    "section",
    { class: "block row wrap" },
    share,
    button(say("download"), () => save(result), { class: "button", id: "download" }),
    el("span", { class: "quiet small" }, say("share_note")),
  );
}

function save(result) {
  const address = URL.createObjectURL(new Blob([JSON.stringify(result, null, 2)], { type: "application/json" }));
  el("a", { href: address, download: `performate-${result.analysis_id}.json` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

export function detailsOf({ result, words }) {
  const { say, number, moment, megabytes, percent } = words;
  const { video, quality, timing } = result;
  const longest = Math.max(1, ...TIMES.map((name) => timing[name]));
  const rows = {
    analyzer: result.analyzer_type,
    schema: String(result.schema_version),
    completed_at: moment(result.metadata.timestamp),
    clip: `${video.width} × ${video.height}, ${number(video.duration_s)} s, ${video.codec}/${video.container}, ${megabytes(video.bytes)}`,
    camera: say(`camera_${quality.camera}`),
    how_sure: percent(quality.confidence),
  };
  return fold(
    say("details"),
    el(
      "ul",
      { class: "bars" },
      TIMES.map((name) => bar(say(`t_${name}`), timing[name], longest, words)),
      el(
        "li",
        { class: "sum" },
        el("span", {}, say("t_total_ms")),
        el("span", {}),
        el("span", {}, milliseconds(timing.total_ms, words)),
      ),
    ),
    el(
      "dl",
      { class: "facts" },
      Object.entries(rows).map(([name, value]) =>
        el("div", {}, el("dt", {}, say(name, { percent: "" }).replace(/: $/, "")), el("dd", {}, value)),
      ),
    ),
  );
}

export function bar(label, value, longest, words) {
  return el(
    "li",
    {},
    el("span", {}, label),
    el("progress", { max: longest, value: value ?? 0, "aria-label": label }),
    el("span", {}, value === null || value === undefined ? "–" : milliseconds(value, words)),
  );
}

export function milliseconds(value, { number }) {
  return value < 1000 ? `${number(value, 0)} ms` : `${number(value / 1000)} s`;
}
