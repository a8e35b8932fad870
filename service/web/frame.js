// What stands round every view: brand, language, the ways to other pages.

import { el } from "./elements.js";
import { preference } from "./recents.js";
import { rules } from "./rules.js";
import { LANGUAGES, makeWords, pickLanguage } from "./words.js";

/** Draws it in the reader's language, which it returns. `changed` is called when the reader chooses another. */
export function frame(changed) {
  const language = pickLanguage(preference("language"));
  const { say } = makeWords(language);
  document.documentElement.lang = language;
  document.getElementById("skip").textContent = say("skip");
  const choice = (code, label) =>
    el(
      "label",
      { class: "chip" },
      el("input", {
        type: "radio",
        name: "language",
        value: code,
        checked: code === language,
        onchange: () => (preference("language", code), changed()),
      }),
      el("span", { lang: code, title: label }, code.toUpperCase()),
    );
  document.getElementById("top").replaceChildren(
    el(
      "a",
      { class: "brand", href: "/#/" },
      el("img", { src: new URL("./mark.svg", import.meta.url).href, alt: "", width: 28, height: 28 }),
      "Performate",
    ),
    el(
      "fieldset",
      { class: "languages" },
      el("legend", { class: "unseen" }, say("language")),
      Object.entries(LANGUAGES).map(([code, label]) => choice(code, label)),
    ),
  );
  document
    .getElementById("foot")
    .replaceChildren(
      el("a", { href: "/#/" }, say("home")),
      el("a", { href: "/status" }, say("pipeline")),
      el("a", { href: "/#/help" }, say("help")),
      el("a", { href: "/openapi.json" }, "API"),
      el("span", {}, `Performate ${rules.version}`),
    );
  return language;
}
