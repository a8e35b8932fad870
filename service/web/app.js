// The page for climbers: which view stands in the middle, by the address. A view's modules come when it is wanted.

import { el } from "./elements.js";
import { frame } from "./frame.js";
import { homeView } from "./home.js";
import { makeService } from "./service.js";
import { makeWords } from "./words.js";

const ID = "([0-9a-fA-F-]{36})";
const ROUTES = [
  [new RegExp(`^#/a/${ID}$`), async (...args) => (await import("./watch.js")).watchView(...args)],
  [new RegExp(`^#/a/${ID}/with$`), async (...args) => (await import("./pick.js")).pickView(...args)],
  [new RegExp(`^#/a/${ID}/with/${ID}$`), async (...args) => (await import("./compare.js")).compareView(...args)],
  [/^#\/help$/, async (...args) => (await import("./help.js")).helpView(...args)],
];

const main = document.getElementById("main");
let leave = null;
let turn = 0;

async function show() {
  const mine = ++turn;
  leave?.();
  leave = null;
  const language = frame(show);
  document.title = "Performate";
  // a root of its own: a view that comes too late fills one that nobody sees any more
  const root = el("div", { class: "view" });
  main.replaceChildren(root);
  const [view, args] = wanted(location.hash);
  const end = await view(root, { words: makeWords(language), service: makeService(language) }, ...args);
  if (mine === turn) leave = typeof end === "function" ? end : null;
  else end?.();
}

function wanted(hash) {
  for (const [pattern, view] of ROUTES) {
    const found = pattern.exec(hash);
    if (found) return [view, found.slice(1).map((id) => id.toLowerCase())];
  }
  return [homeView, []];
}

window.addEventListener("hashchange", () => {
  show();
  main.focus({ preventScroll: true });
  scrollTo(0, 0);
});
show();
