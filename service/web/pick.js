// Which attempt to see beside this one.

import { el } from "./elements.js";
import { recents } from "./recents.js";

const ANY_ID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi;

/** Which second analysis: one of those that this browser knows, or any by its link. */
export function pickView(root, { words }, id) {
  const { say, moment } = words;
  const others = recents().filter((entry) => entry.id !== id && entry.status === "completed");
  const field = el("input", {
    type: "text",
    id: "other",
    class: "field",
    autocomplete: "off",
    "aria-describedby": "other-wrong",
  });
  const wrong = el("p", { class: "wrong", id: "other-wrong", role: "alert" });
  const go = (event) => {
    event.preventDefault();
    const found = (field.value.match(ANY_ID) ?? []).map((text) => text.toLowerCase()).find((text) => text !== id);
    if (found) location.hash = `#/a/${id}/with/${found}`;
    else wrong.textContent = say("compare_bad");
  };
  root.append(
    el(
      "div",
      { class: "narrow" },
      el("h1", {}, say("compare_pick")),
      others.length > 0 &&
        el(
          "ul",
          { class: "clips" },
          others.map((entry) =>
            el(
              "li",
              { class: "clip" },
              el("a", { class: "grow name", href: `#/a/${id}/with/${entry.id}` }, entry.name ?? entry.id),
              el("span", { class: "quiet small" }, moment(entry.at)),
            ),
          ),
        ),
      el(
        "form",
        { class: "stack", onsubmit: go },
        el("label", { for: "other" }, say(others.length ? "compare_link" : "compare_none")),
        field,
        wrong,
        el(
          "div",
          { class: "row" },
          el("button", { class: "button main" }, say("compare_go")),
          el("a", { class: "button plain", href: `#/a/${id}` }, say("cancel")),
        ),
      ),
    ),
  );
}
