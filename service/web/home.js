// The first page: what this is, a place for clips, and the clips of before.

import { announce, button, el, icon } from "./elements.js";
import { forget, forgetAll, preference, recents, remember } from "./recents.js";
import { refusal, rules } from "./rules.js";
import { Trouble } from "./service.js";
import { catalogue, troublePanel } from "./troubles.js";
import { Upload } from "./upload.js";

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
      el("div", { class: "hero" },
        el("div", { class: "hero-text" }, el("h1", {}, say("hero")), el("p", { class: "lead" }, say("lead")), this.dropZone()),
        el("img", { class: "art", src: new URL("./route.svg", import.meta.url).href, width: 360, height: 480, alt: say("art") })),
      this.uploads, this.recent, this.advice());
    this.showRecent();
    this.listen();
  }

  dropZone() {
    const { say, megabytes } = this.context.words;
    const pick = (extra) => {
      const input = el("input", { type: "file", accept: "video/*,.mkv,.3gp", class: "unseen", tabindex: "-1", "aria-hidden": "true", ...extra });
      input.addEventListener("change", () => {
        this.add(input.files);
        input.value = "";
      });
      return input;
    };
    const files = pick({ multiple: true, id: "files" });
    const camera = pick({ capture: "environment", id: "camera" });
    const types = Object.keys(rules.types).map((name) => name.toUpperCase()).join(", ");
    this.zone = el("div", { class: "drop" }, this.sports(),
      el("div", { class: "row centre" },
        button(say("choose"), () => files.click(), { class: "button main big", id: "choose" }),
        button(say("film"), () => camera.click(), { class: "button big touch", id: "film" })),
      el("p", { class: "quiet pointer" }, say("drop")),
      el("p", { class: "quiet small" }, say("limits", { types, size: megabytes(rules.max_bytes), minutes: Math.round(rules.max_seconds / 60) })),
      files, camera);
    return this.zone;
  }

  sports() {
    const { say } = this.context.words;
    const chosen = preference("sport") ?? "bouldering";
    const order = ["bouldering", "climbing", ...rules.sports.filter((name) => name !== "bouldering" && name !== "climbing")];
    return el("fieldset", { class: "sports" }, el("legend", {}, say("sport")),
      order.map((name) => el("label", { class: name === "bouldering" || name === "climbing" ? "chip" : "chip lesser" },
        el("input", { type: "radio", name: "sport", value: name, checked: name === chosen, onchange: () => preference("sport", name) }),
        el("span", {}, say(name)))));
  }

  advice() {
    const { say } = this.context.words;
    return el("section", { class: "block advice" }, el("h2", {}, say("tip_title")),
      el("ul", { class: "tips" }, ["tip_1", "tip_2", "tip_3"].map((tip) => el("li", {}, say(tip)))),
      el("p", { class: "quiet" }, say("private")));
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
    for (const file of files) this.waiting.push(new Item(file, this));
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
    const row = (entry) => el("li", { class: "clip" },
      el("a", { class: "grow name", href: `#/a/${entry.id}` }, entry.name ?? entry.id),
      el("span", { class: "quiet small" }, `${moment(entry.at)}${entry.status ? ` · ${say(`status_${entry.status}`)}` : ""}`),
      button(icon("close"), () => (forget(entry.id), this.showRecent()), { class: "button round plain", "aria-label": `${say("remove")}: ${entry.name ?? entry.id}` }));
    this.recent.replaceChildren(
      el("div", { class: "row" }, el("h2", { class: "grow" }, say("recent")), button(say("forget"), () => (forgetAll(), this.showRecent()), { class: "button plain small" })),
      el("p", { class: "quiet small" }, say("recent_note")), el("ul", { class: "clips" }, known.map(row)));
  }

  get sport() {
    return this.zone.querySelector("input[name=sport]:checked")?.value ?? "bouldering";
  }

  dispose() {
    this.left.abort();
    for (const item of [this.going, ...this.waiting]) item?.giveUp();
  }
}

/** One clip in the list, from the look at its file to its analysis. */
class Item {
  constructor(file, home) {
    this.file = file;
    this.home = home;
    this.sport = home.sport;
    const { say } = home.context.words;
    this.line = el("p", { class: "quiet small state" }, say("waiting_turn"));
    this.bar = el("progress", { max: file.size || 1, value: 0, "aria-label": say("upload_of", { name: file.name }) });
    this.stop = button(say("cancel"), () => this.cancel(), { class: "button small" });
    this.more = el("div", {});
    this.root = el("li", { class: "clip tall" }, el("div", { class: "row" }, el("span", { class: "grow name" }, file.name), this.stop), this.bar, this.line, this.more);
    home.list.append(this.root);
  }

  async start() {
    const { say } = this.home.context.words;
    this.line.textContent = say("checking");
    const wrong = await refusal(this.file);
    if (this.given) return;
    if (wrong) return this.refused(new Trouble(wrong));
    this.upload = new Upload(this.file, { service: this.home.context.service, sport: this.sport, on: this });
    await this.upload.run();
  }

  // what the upload tells: state, progress, begun, done, trouble
  state(name) {
    this.line.textContent = this.home.context.words.say(name);
  }

  progress(sent, total) {
    const { say, megabytes } = this.home.context.words;
    this.bar.value = sent;
    this.line.textContent = say("send", { sent: megabytes(sent), total: megabytes(total) });
  }

  begun(id) {
    remember(id, { name: this.file.name, sport: this.sport, at: Date.now(), status: "pending_upload" });
  }

  done(id) {
    const { say } = this.home.context.words;
    remember(id, { status: "pending" });
    this.bar.value = this.bar.max;
    this.line.textContent = say("uploaded");
    this.stop.remove();
    this.more.replaceChildren(el("a", { class: "button small", href: `#/a/${id}` }, say("open")));
    announce(`${this.file.name}: ${say("uploaded")}`);
    this.home.ended(this, id);
  }

  async trouble(trouble) {
    if (!trouble.passing) return this.refused(trouble);
    const { say } = this.home.context.words;
    this.line.textContent = navigator.onLine ? say("lost") : `${say("lost")} ${say("goes_on")}`;
    const retry = () => {
      this.home.lost = null;
      this.more.replaceChildren();
      this.upload.run();
    };
    this.home.lost = { retry };
    const panel = await troublePanel(trouble, { ...this.home.context, retry });
    if (this.home.lost?.retry === retry) this.more.replaceChildren(panel);
  }

  async refused(trouble) {
    this.bar.remove();
    this.stop.remove();
    this.line.remove();
    this.more.replaceChildren(await troublePanel(trouble, this.home.context));
    this.home.ended(this, null);
  }

  cancel() {
    this.giveUp();
    this.bar.remove();
    this.stop.remove();
    this.more.replaceChildren();
    this.line.textContent = this.home.context.words.say("cancelled");
    this.home.ended(this, null);
  }

  giveUp() {
    this.given = true;
    this.upload?.cancel();
  }
}
