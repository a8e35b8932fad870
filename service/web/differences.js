// What two attempts measure, and by how much they differ.

import { el } from "./elements.js";
import { namesOf, shown } from "./numbers.js";

/** A table of two results; null where one of them does not know stays a dash. */
export function differencesOf(loaded, words) {
  const { say } = words;
  const [a, b] = loaded.map(({ result }) => ({
    ...result.metrics,
    economy: { value: result.economy?.value ?? null, unit: "1" },
  }));
  const head = ["measure", "attempt_a", "attempt_b", "difference"];
  const row = (name) => {
    const cells = [cell(name, a, words), cell(name, b, words), difference(name, a, b, words)];
    return el(
      "tr",
      {},
      el("th", { scope: "row" }, say(name)),
      cells.map((content) => el("td", {}, content)),
    );
  };
  const table = el(
    "table",
    { class: "differences" },
    el(
      "thead",
      {},
      el(
        "tr",
        {},
        head.map((name) => el("th", { scope: "col" }, say(name))),
      ),
    ),
    el("tbody", {}, namesOf({ ...a, ...b }).map(row)),
  );
  return el("section", { class: "block" }, el("h2", {}, say("numbers")), table);
}

function cell(name, metrics, words) {
  if (!metrics[name] || metrics[name].value === null) return "–";
  const { value, unit } = shown(name, metrics[name], words);
  return [value, unit && el("small", { class: "quiet" }, ` ${unit}`)];
}

function difference(name, a, b, words) {
  const [from, to] = [a[name]?.value ?? null, b[name]?.value ?? null];
  if (from === null || to === null) return "–";
  const { value } = shown(name, { ...b[name], value: Math.abs(to - from) }, words);
  const nothing = shown(name, { ...b[name], value: 0 }, words).value;
  return value === nothing ? "=" : `${to > from ? "+" : "−"}${value}`;
}
