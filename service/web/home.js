// The first page: what this is, a place for clips, and the clips of before.

import { ClipItem } from "./clip_item.js";
import { button, el, icon } from "./elements.js";
import { forget, forgetAll, preference, recents } from "./recents.js";
import { rules } from "./rules.js";
import { catalogue } from "./troubles.js";

export function homeView(root, context) {
  const home = new Home(root, context);
  return () => home.dispose();
}

class Home {
  constructor(root, context) {
    this.context = context;
    this.waiting = [];
    this.going = null;
    this.left = new AbortController();
    const { say } = context.words;
    this.list = el("ul", { class: "clips", "aria-label": say("uploads") });
    this.uploads = el("section", { class: "block", hidden: true }, el("h2", {}, say("uploads")), this.list);
    this.recent = el("section", { class: "block" });
    root.append(
      el(
        "div",
        { class: "hero" },
        el(
          "div",
          { class: "hero-text" },
          el("h1", {}, say("hero")),
          el("p", { class: "lead" }, say("lead")),
          this.dropZone(),
        ),
        el("img", {
          class: "art",
          src: new URL("./route.svg", import.meta.url).href,
          width: 360,
          height: 480,
          alt: say("art"),
        }),
      ),
      this.uploads,
      this.recent,
      this.advice(),
    );
    this.showRecent();
    this.listen();
  }

  dropZone() {
    const { say, megabytes } = this.context.words;
    const pick = (extra) => {
      const input = el("input", {
        type: "file",
        accept: "video/*,.mkv,.3gp",
        class: "unseen",
        tabindex: "-1",
        "aria-hidden": "true",
        ...extra,
      });
      input.addEventListener("change", () => {
        this.add(input.files);
        input.value = "";
      });
      return input;
    };
    const files = pick({ multiple: true, id: "files" });
    const camera = pick({ capture: "environment", id: "camera" });
    const types = Object.keys(rules.types)
      .map((name) => name.toUpperCase())
      .join(", ");
    this.zone = el(
      "div",
      { class: "drop" },
      this.sports(),
      el(
        "div",
        { class: "row centre" },
        button(say("choose"), () => files.click(), { class: "button main big", id: "choose" }),
        button(say("film"), () => camera.click(), { class: "button big touch", id: "film" }),
      ),
      el("p", { class: "quiet pointer" }, say("drop")),
      el(
        "p",
        { class: "quiet small" },
        say("limits", { types, size: megabytes(rules.max_bytes), minutes: Math.round(rules.max_seconds / 60) }),
      ),
      files,
      camera,
    );
    return this.zone;
  }

  sports() {
    const { say } = this.context.words;
    const chosen = preference("sport") ?? "bouldering";
    const order = [
      "bouldering",
      "climbing",
      ...rules.sports.filter((name) => name !== "bouldering" && name !== "climbing"),
    ];
    return el(
      "fieldset",
      { class: "sports" },
      el("legend", {}, say("sport")),
      order.map((name) =>
        el(
          "label",
          { class: name === "bouldering" || name === "climbing" ? "chip" : "chip lesser" },
          el("input", {
            type: "radio",
            name: "sport",
            value: name,
            checked: name === chosen,
            onchange: () => preference("sport", name),
          }),
          el("span", {}, say(name)),
        ),
      ),
    );
  }

  advice() {
    const { say } = this.context.words;
    return el(
      "section",
      { class: "block advice" },
      el("h2", {}, say("tip_title")),
      el(
        "ul",
        { class: "tips" },
        ["tip_1", "tip_2", "tip_3"].map((tip) => el("li", {}, say(tip))),
      ),
      el("p", { class: "quiet" }, say("private")),
    );
  }

  listen() {
    const { signal } = this.left;
    const over = (on) => (event) => {
      if (![...(event.dataTransfer?.types ?? [])].includes("Files")) return;
      event.preventDefault();
      this.zone.classList.toggle("over", on);
      if (!on && event.type === "drop") this.add(event.dataTransfer.files);
    };
    for (const name of ["dragenter", "dragover"]) document.addEventListener(name, over(true), { signal });
    for (const name of ["dragleave", "drop"]) document.addEventListener(name, over(false), { signal });
    window.addEventListener("online", () => this.lost?.retry(), { signal });
    window.addEventListener("beforeunload", (event) => this.going && event.preventDefault(), { signal });
  }

  add(files) {
    catalogue(this.context.service);
    import("./watch.js");
    for (const file of files) this.waiting.push(new ClipItem(file, this));
    this.uploads.hidden = false;
    this.next();
  }

  /** One clip after the other: a phone's uplink is narrow. */
  async next() {
    if (this.going || !this.waiting.length) return;
    this.going = this.waiting.shift();
    await this.going.start();
  }

  /** A clip is through or given up. A single one leads on to its result. */
  ended(item, id) {
    if (this.going === item) this.going = null;
    this.waiting = this.waiting.filter((other) => other !== item);
    const alone = this.list.children.length === 1 && !this.waiting.length;
    if (id && alone && !this.left.signal.aborted) location.hash = `#/a/${id}`;
    else this.next();
  }

  showRecent() {
    const { say, moment } = this.context.words;
    const known = recents();
    this.recent.hidden = !known.length;
    const row = (entry) =>
      el(
        "li",
        { class: "clip" },
        el("a", { class: "grow name", href: `#/a/${entry.id}` }, entry.name ?? entry.id),
        el(
          "span",
          { class: "quiet small" },
          `${moment(entry.at)}${entry.status ? ` · ${say(`status_${entry.status}`)}` : ""}`,
        ),
        button(icon("close"), () => (forget(entry.id), this.showRecent()), {
          class: "button round plain",
          "aria-label": `${say("remove")}: ${entry.name ?? entry.id}`,
        }),
      );
    this.recent.replaceChildren(
      el(
        "div",
        { class: "row" },
        el("h2", { class: "grow" }, say("recent")),
        button(say("forget"), () => (forgetAll(), this.showRecent()), { class: "button plain small" }),
      ),
      el("p", { class: "quiet small" }, say("recent_note")),
      el("ul", { class: "clips" }, known.map(row)),
    );
  }

  get sport() {
    return this.zone.querySelector("input[name=sport]:checked")?.value ?? "bouldering";
  }

  dispose() {
    this.left.abort();
    for (const item of [this.going, ...this.waiting]) item?.giveUp();
  }
}
