// The page: language, address, and which view stands in the middle.

import { compareView, pickView } from "./compare.js";
import { el } from "./elements.js";
import { homeView } from "./home.js";
import { preference } from "./recents.js";
import { rules } from "./rules.js";
import { makeService } from "./service.js";
import { helpView } from "./troubles.js";
import { watchView } from "./watch.js";
import { LANGUAGES, makeWords, pickLanguage } from "./words.js";

const ID = "([0-9a-fA-F-]{36})";
const ROUTES = [
  [new RegExp(`^#/a/${ID}$`), watchView],
  [new RegExp(`^#/a/${ID}/with$`), pickView],
  [new RegExp(`^#/a/${ID}/with/${ID}$`), compareView],
  [/^#\/help$/, helpView],
];

const main = document.getElementById("main");
let leave = null;
let turn = 0;

function context(language) {
  return { words: makeWords(language), service: makeService(language) };
}

async function show() {
  const mine = ++turn;
  leave?.();
  leave = null;
  const language = pickLanguage(preference("language"));
  const { words, service } = context(language);
  document.documentElement.lang = language;
  document.title = "Performate";
  document.getElementById("skip").textContent = words.say("skip");
  header(words, language);
  footer(words);
  main.replaceChildren();
  const [view, args] = wanted(location.hash);
  const end = await view(main, { words, service }, ...args);
  if (mine === turn) leave = typeof end === "function" ? end : null;
  else end?.();
}

function footer({ say }) {
  document.getElementById("foot").replaceChildren(el("a", { href: "/status" }, say("pipeline")), el("a", { href: "#/help" }, say("help")),
    el("a", { href: "/openapi.json" }, "API"), el("span", {}, `Performate ${rules.version}`));
}

function wanted(hash) {
  for (const [pattern, view] of ROUTES) {
    const found = pattern.exec(hash);
    if (found) return [view, found.slice(1).map((id) => id.toLowerCase())];
  }
  return [homeView, []];
}

function header({ say }, language) {
  const choice = (code, label) => el("label", { class: "chip" },
    el("input", { type: "radio", name: "language", value: code, checked: code === language, onchange: () => (preference("language", code), show()) }),
    el("span", { lang: code, title: label }, code.toUpperCase()));
  document.getElementById("top").replaceChildren(
    el("a", { class: "brand", href: "#/" }, el("img", { src: new URL("./mark.svg", import.meta.url).href, alt: "", width: 28, height: 28 }), "Performate"),
    el("fieldset", { class: "languages" }, el("legend", { class: "unseen" }, say("language")), Object.entries(LANGUAGES).map(([code, label]) => choice(code, label))));
}

window.addEventListener("hashchange", () => {
  show();
  main.focus({ preventScroll: true });
  scrollTo(0, 0);
});
show();
