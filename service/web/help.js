// Every error there is, what it means, and what to do.

import { el, fold } from "./elements.js";
import { catalogue } from "./troubles.js";

/** Every code there is, each under its own name. */
export async function helpView(root, { service, words }) {
  const { say, language } = words;
  const entries = [...(await catalogue(service)).values()];
  root.append(
    el("h1", {}, say("help")),
    el("p", { class: "lead" }, say("help_lead")),
    el(
      "div",
      { class: "stack" },
      entries.map((entry) =>
        fold(
          entry.title[language],
          el("p", {}, entry.detail[language]),
          el(
            "ul",
            { class: "steps" },
            entry.suggestions[language].map((step) => el("li", {}, step)),
          ),
          el("p", { class: "quiet" }, el("code", {}, entry.code)),
        ),
      ),
    ),
  );
}
