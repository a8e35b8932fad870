// The pipeline page: the prober's verdict, its stages, its past. What nobody knows is grey.

import { bar, milliseconds } from "./details.js";
import { announce, button, copied, el, fill } from "./elements.js";
import { frame } from "./frame.js";
import { makeService } from "./service.js";
import { STATUS_TEXTS } from "./texts_status.js";
import { makeWords } from "./words.js";

const EVERY = 15000;
const STRIP = 50;
const NOBODY_KNOWS = ["PROBE_STALE", "STORE_UNAVAILABLE"];

const main = document.getElementById("main");
let timer = 0;
let said = null;
let shown = null;

/** pass, warn, fail or unknown. A verdict that could not be had is as unknown as one that nobody gave. */
export function standing(verdict) {
  if (!verdict || !["pass", "warn", "fail"].includes(verdict.status)) return "unknown";
  return NOBODY_KNOWS.includes(verdict.error_code) && !verdict.failed_stage ? "unknown" : verdict.status;
}

export function ago(seconds, { number }) {
  if (seconds < 90) return `${number(seconds, 0)} s`;
  return seconds < 5400 ? `${number(seconds / 60, 0)} min` : `${number(seconds / 3600, 0)} h`;
}

async function show() {
  clearTimeout(timer);
  if (document.hidden) return;
  const language = frame(show);
  const words = makeWords(language, STATUS_TEXTS);
  const service = makeService(language);
  const [verdict, history, health] = await Promise.all([
    service.pipeline().catch(() => null),
    service.history().catch(() => null),
    service.health().catch(() => null),
  ]);
  render(verdict, history, health?.waiting, words);
  timer = setTimeout(show, EVERY);
}

/** All of it anew only when there is news: whoever reads or has the focus somewhere keeps it. */
function render(verdict, history, waiting, words) {
  const { say } = words;
  const stands = standing(verdict);
  document.title = `${say(stands)} – ${say("title")}`;
  if (said !== stands) announce(say(stands));
  said = stands;
  const { age_s: _, ...lasting } = verdict ?? {};
  const now = JSON.stringify([words.language, lasting, history, waiting]);
  if (now === shown) return main.querySelector(".verdict").replaceWith(banner(stands, verdict, words));
  shown = now;
  main.replaceChildren();
  fill(
    main,
    el("h1", {}, say("title")),
    el("p", { class: "lead" }, say("lead")),
    banner(stands, verdict, words),
    el(
      "div",
      { class: "pipeline" },
      uptimes(verdict?.uptime ?? history?.uptime, words),
      strip(history?.runs ?? [], words),
      stages(verdict, words),
      backlog(waiting, words),
      failure(verdict, words),
    ),
  );
}

function banner(stands, verdict, words) {
  const { say, moment, language } = words;
  const time = (at) => new Date(at).toLocaleTimeString(language, { timeStyle: "short" });
  const facts = verdict
    ? [
        verdict.age_s === null ? say("never") : say("checked", { age: ago(verdict.age_s, words) }),
        verdict.since && say("since", { time: moment(verdict.since) }),
        verdict.running
          ? say("running", { stage: say(`stage_${verdict.running.stage}`) })
          : verdict.next_run_at && say("next", { time: time(verdict.next_run_at) }),
      ]
    : [say("unreachable")];
  return el(
    "section",
    { class: `verdict ${stands}` },
    el("h2", {}, say(stands)),
    verdict?.output && el("p", {}, verdict.output),
    verdict?.notes.map((note) => el("p", { class: "small" }, note)),
    el("p", { class: "small" }, [...facts, say("refreshed", { time: time(Date.now()) })].filter(Boolean).join(" · ")),
  );
}

function stages(verdict, words) {
  const { say } = words;
  const checks = Object.entries(verdict?.checks ?? {}).map(([name, [check]]) => ({
    stage: name.split(":")[0],
    ...check,
  }));
  if (!checks.length) return null;
  const longest = Math.max(1, ...checks.map((check) => check.observedValue));
  const row = ({ stage, observedValue, status }) => {
    const why = status === "fail" ? say("failed_here") : status === "warn" ? say("slow_here") : "";
    const item = bar(why ? `${say(`stage_${stage}`)} – ${why}` : say(`stage_${stage}`), observedValue, longest, words);
    item.classList.add(status);
    return item;
  };
  return el(
    "section",
    { class: "card" },
    el("h2", {}, say("stages")),
    el(
      "ul",
      { class: "bars" },
      checks.map(row),
      el(
        "li",
        { class: "sum" },
        el("span", {}, say("in_all")),
        el("span", {}),
        el("span", {}, verdict.wall_ms === null ? "–" : milliseconds(verdict.wall_ms, words)),
      ),
    ),
  );
}

/** What waits now; what could not be read is a dash. */
function backlog(waiting, words) {
  const { say, number } = words;
  if (!waiting) return null;
  const rows = {
    queue_ingest: waiting.ingest === null ? "–" : number(waiting.ingest, 0),
    queue_analysis: waiting.analysis === null ? "–" : number(waiting.analysis, 0),
    oldest_waits: waiting.oldest_s === null ? "–" : ago(waiting.oldest_s, words),
  };
  return el(
    "section",
    { class: "card backlog" },
    el("h2", {}, say("waiting")),
    el(
      "dl",
      { class: "facts" },
      Object.entries(rows).map(([name, value]) => el("div", {}, el("dt", {}, say(name)), el("dd", {}, value))),
    ),
  );
}

function strip(runs, { say, moment }) {
  const newest = runs.slice(0, STRIP).reverse();
  if (!newest.length) return null;
  const tell = (run) =>
    `${moment(run.finished_at)}: ${say(`run_${run.result}`)}${run.failed_stage ? ` (${say(`stage_${run.failed_stage}`)})` : ""}`;
  return el(
    "section",
    { class: "card" },
    el("h2", {}, say("runs", { n: newest.length })),
    el(
      "ol",
      { class: "strip" },
      newest.map((run) =>
        el("li", { class: run.result, title: tell(run) }, el("span", { class: "unseen" }, tell(run))),
      ),
    ),
    el("p", { class: "row small quiet" }, el("span", { class: "grow" }, say("oldest")), say("newest")),
  );
}

function uptimes(uptime, { say, percent, language }) {
  if (!uptime) return null;
  const share = (value) => value.toLocaleString(language, { style: "percent", maximumFractionDigits: 2 });
  const one = ([window, { share: good, unknown_share: unknown, runs }]) => {
    const known = 1 - unknown;
    const parts = [
      ["good", known * (good ?? 0)],
      ["bad", good === null ? 0 : known * (1 - good)],
      ["unknown", good === null ? 1 : unknown],
    ];
    return el(
      "li",
      {},
      el("h3", {}, say(window)),
      el("p", { class: "value" }, good === null ? "–" : share(good)),
      el(
        "div",
        { class: "parts", "aria-hidden": "true" },
        parts.map(([kind, part]) => {
          const piece = el("span", { class: kind });
          piece.style.flexGrow = String(part);
          return piece;
        }),
      ),
      el(
        "p",
        { class: "small quiet" },
        [
          runs ? say("of_runs", { n: runs }) : say("no_runs"),
          unknown > 0 && say("unknown_share", { percent: percent(unknown) }),
        ]
          .filter(Boolean)
          .join(", "),
      ),
    );
  };
  return el(
    "section",
    { class: "card" },
    el("h2", {}, say("uptime")),
    el("ul", { class: "uptimes" }, Object.entries(uptime).map(one)),
  );
}

function failure(verdict, words) {
  const { say, moment } = words;
  const last = verdict?.last_failure;
  if (!verdict) return null;
  if (!last)
    return el(
      "section",
      { class: "card" },
      el("h2", {}, say("last_failure")),
      el("p", { class: "quiet" }, say("none")),
    );
  const copy = button(say("copy"), () => copied(copy, last.trace_id, say("copied")), {
    class: "button small copy",
    "aria-label": `${say("copy")}: ${say("trace")}`,
  });
  const rows = {
    when: moment(last.at),
    stage: last.failed_stage && say(`stage_${last.failed_stage}`),
    code: last.error_code && el("code", {}, last.error_code),
    trace: last.trace_id && [el("code", { class: "trace" }, last.trace_id), " ", copy],
    runbook: last.runbook && el("code", {}, last.runbook),
  };
  return el(
    "section",
    { class: "card" },
    el("h2", {}, say("last_failure")),
    last.title && el("p", {}, last.title),
    el(
      "dl",
      { class: "facts" },
      Object.entries(rows).map(([name, value]) => value && el("div", {}, el("dt", {}, say(name)), el("dd", {}, value))),
    ),
  );
}

document.addEventListener("visibilitychange", show);
show();
