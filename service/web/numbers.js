// A card for each metric: the number with its unit, how sure, by which method, what it means; or why there is none.

import { el } from "./elements.js";

export const METRICS = [
  "height_gain",
  "on_wall_s",
  "hand_placements",
  "hesitation_s",
  "rests",
  "still_share",
  "path_efficiency",
  "path_length",
  "gie",
  "speed_p50",
  "speed_p95",
  "cut_feet",
];

/** {value, unit} as read by people. */
export function shown(name, metric, { say, number, percent }) {
  const { value, unit } = metric;
  if (name === "economy") return { value: number(value, 0), unit: "" };
  if (name === "path_efficiency" || name === "still_share") return { value: percent(value), unit: "" };
  if (unit === "count") return { value: number(value, 0), unit: "" };
  if (unit === "1") return { value: number(value, 2), unit: "" };
  return { value: number(value, 1), unit: unit === "s" ? "s" : say(unit) };
}

/** Names in our order, then those that this page does not know yet. */
export function namesOf(metrics) {
  return [
    ...METRICS.filter((name) => name in metrics),
    ...Object.keys(metrics).filter((name) => !METRICS.includes(name)),
  ];
}

export function numbersOf({ result, words, notices }) {
  const { say, language } = words;
  const names = namesOf(result.metrics);
  const known = names.filter((name) => result.metrics[name].value !== null);
  const unknown = names.filter((name) => result.metrics[name].value === null);
  const reason = (code) => notices[code]?.[language] ?? code ?? say("reason_unknown");
  return el(
    "section",
    { class: "block" },
    el("h2", {}, say("numbers")),
    result.track.length > 1 && notes(result, reason, words),
    el(
      "div",
      { class: "cards" },
      result.economy && economyCard(result, words),
      known.map((name) => card(name, result.metrics[name], words)),
    ),
    unknown.length > 0 &&
      el(
        "div",
        { class: "unmeasured" },
        el("h3", {}, say("not_measured")),
        missing(unknown, result.metrics, reason, words),
      ),
  );
}

function notes(result, reason, { say, language }, warnings = result.quality.warnings) {
  return (
    warnings.length > 0 &&
    el(
      "div",
      { class: "panel note" },
      el("h3", {}, say("notes")),
      el(
        "ul",
        { class: "steps" },
        warnings.map(({ code, message }) => el("li", {}, reason(code) === code ? message : reason(code, language))),
      ),
    )
  );
}

function card(name, metric, words) {
  const { say } = words;
  const { value, unit } = shown(name, metric, words);
  return el(
    "article",
    { class: "card metric", "data-metric": name },
    el("h3", {}, say(name)),
    el("p", { class: "value" }, value, unit && el("small", {}, ` ${unit}`)),
    el("p", { class: "quiet small" }, say(`${name}_means`) === `${name}_means` ? "" : say(`${name}_means`)),
    surety(metric.confidence, `${say(`method_${metric.method}`)}`, words),
  );
}

function economyCard(result, words) {
  const { say, number } = words;
  const sure = Math.min(...["gie", "hesitation_s", "on_wall_s"].map((name) => result.metrics[name]?.confidence ?? 0));
  const inputs = Object.entries(result.economy.inputs)
    .map(([name, value]) => `${name} = ${number(value, 2)}`)
    .join(", ");
  return el(
    "article",
    { class: "card metric main", "data-metric": "economy" },
    el("h3", {}, say("economy")),
    el("p", { class: "value" }, number(result.economy.value, 0), el("small", {}, ` ${say("of_100")}`)),
    el("p", { class: "quiet small" }, say("economy_means")),
    el(
      "details",
      { class: "small" },
      el("summary", {}, say("formula")),
      el("p", {}, el("code", {}, result.economy.formula)),
      el("p", { class: "quiet" }, inputs),
    ),
    surety(sure, say(`method_${result.quality.method}`), words),
  );
}

function surety(confidence, method, { say, percent }) {
  return el(
    "p",
    { class: "surety small" },
    el("meter", {
      min: 0,
      max: 1,
      low: 0.4,
      high: 0.6,
      optimum: 1,
      value: confidence,
      "aria-label": say("how_sure", { percent: percent(confidence) }),
    }),
    el("span", {}, `${say("sure", { percent: percent(confidence) })} · ${method}`),
  );
}

/** One entry for each reason: what could not be measured because of it, and how to film so that it can. */
function missing(names, metrics, reason, { say }) {
  const codes = [...new Set(names.map((name) => metrics[name].reason))];
  return el(
    "ul",
    { class: "reasons" },
    codes.map((code) =>
      el(
        "li",
        { class: "card" },
        el(
          "b",
          {},
          names
            .filter((name) => metrics[name].reason === code)
            .map((name) => say(name))
            .join(", "),
        ),
        el("p", {}, reason(code)),
      ),
    ),
  );
}
