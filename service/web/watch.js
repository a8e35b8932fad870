// An analysis on its way: which stage, how far, how long already. Ends in the result or in what went wrong.

import { milliseconds } from "./details.js";
import { announce, el } from "./elements.js";
import { askPatiently } from "./patience.js";
import { known, remember } from "./recents.js";
import { resultView } from "./result.js";
import { troublePanel } from "./troubles.js";

// each stage's part of the whole, as the worker counts it
const STAGES = [
  ["download", 0, 10],
  ["extract", 10, 25],
  ["analyze", 25, 95],
  ["store", 95, 100],
];

/** How far a stage is, 0..1, from the progress of the whole. */
export function withinStage(stage, progress) {
  const [, from, to] = STAGES.find(([name]) => name === stage) ?? ["", 0, 100];
  return Math.min(Math.max((progress - from) / (to - from), 0), 1);
}

export function watchView(root, context, id) {
  const watch = new Watch(root, context, id);
  return () => watch.dispose();
}

class Watch {
  constructor(root, context, id) {
    Object.assign(this, { root, context, id, tag: null, since: known(id)?.at ?? Date.now() });
    this.name = known(id)?.name ?? context.words.say("clip");
    const { service } = context;
    this.stop = askPatiently({
      ask: (signal) => this.ask(signal),
      held: (signal) => service.ended(id, signal),
      trouble: (error) => this.trouble(error),
    });
    this.ticking = setInterval(() => this.tick(), 1000);
  }

  async ask(signal) {
    const { body, tag } = await this.context.service.state(this.id, this.tag, signal);
    if (body === null) return "same";
    this.tag = tag;
    remember(this.id, { status: body.status });
    if (body.status === "completed") await this.completed(signal);
    else if (body.status === "failed") await this.failed(body);
    else this.show(body);
    return body.status === "completed" || body.status === "failed" ? "ended" : "changed";
  }

  show(body) {
    this.root.querySelector(".panel.bad")?.parentElement.remove();
    if (!this.steps) this.build();
    const { say, percent } = this.context.words;
    const at = STAGES.findIndex(([name]) => name === body.stage);
    const working = body.status === "processing";
    this.title.textContent = say(working ? "watching" : "watching_queue");
    this.steps.forEach(({ root, bar, note }, k) => {
      const place = k - 1;
      const done = working && (place < at || (k === 0 && at < 0));
      const now = working ? place === at : k === 0;
      root.className = done ? "done" : now ? "now" : "";
      if (now) root.setAttribute("aria-current", "step");
      else root.removeAttribute("aria-current");
      const share = done ? 1 : now && working ? withinStage(body.stage, body.progress) : 0;
      if (bar) bar.value = share;
      note.textContent = now && working ? percent(share) : done ? "✓" : "";
    });
    this.whole.textContent = say("of_all", { percent: percent(body.progress / 100) });
    this.tries.textContent = body.attempt > 1 ? say("attempt", { n: body.attempt }) : "";
    document.title = say("title_progress", { percent: percent(body.progress / 100), name: this.name });
    if (this.was !== `${body.status} ${body.stage}`) announce(say(working ? `stage_${body.stage}` : "stage_queue"));
    this.was = `${body.status} ${body.stage}`;
    if (!working && !this.asked) this.showQueue();
    this.asked = true;
  }

  build() {
    const { say } = this.context.words;
    const step = (name) => {
      const bar = name === "queue" ? null : el("progress", { max: 1, value: 0, "aria-label": say(`stage_${name}`) });
      const note = el("span", { class: "note" });
      return { root: el("li", {}, el("span", { class: "grow" }, say(`stage_${name}`)), note, bar), bar, note };
    };
    this.steps = ["queue", ...STAGES.map(([name]) => name)].map(step);
    this.title = el("h1", {});
    this.whole = el("span", {});
    this.waited = el("span", {});
    this.tries = el("span", {});
    this.queue = el("p", { class: "quiet" });
    this.root.replaceChildren(
      el(
        "div",
        { class: "narrow" },
        this.title,
        el("p", { class: "lead name" }, this.name),
        el(
          "ol",
          { class: "stages" },
          this.steps.map(({ root }) => root),
        ),
        el("p", { class: "quiet row" }, this.whole, this.waited, this.tries),
        this.queue,
        el("p", { class: "quiet" }, say("watching_note")),
      ),
    );
    this.tick();
  }

  tick() {
    const { say, clock } = this.context.words;
    if (this.waited) this.waited.textContent = say("waited", { time: clock((Date.now() - this.since) / 1000) });
  }

  /** How long the queue took when somebody last measured it; nothing where nobody did. */
  async showQueue() {
    const verdict = await this.context.service.pipeline().catch(() => null);
    const { observedValue, status } = verdict?.checks?.["queue:duration"]?.[0] ?? {};
    const { words } = this.context;
    if (typeof observedValue === "number" && status !== "fail")
      this.queue.textContent = words.say("queue_lately", { time: milliseconds(observedValue, words) });
  }

  async completed(signal) {
    const { service, words } = this.context;
    const [result, video] = await Promise.all([
      service.result(this.id, signal),
      service.video(this.id, signal).catch(() => null),
      this.named(),
    ]);
    clearInterval(this.ticking);
    document.title = words.say("title_done", { name: this.name });
    announce(words.say("announce_done"));
    this.root.replaceChildren();
    this.shown = await resultView(this.root, this.context, { result, video, name: this.name });
  }

  /** A clip that somebody else uploaded: the service knows what it was called. */
  async named() {
    if (known(this.id)?.name) return;
    this.name = await this.context.service.filename(this.id).catch(() => this.name);
    remember(this.id, { name: this.name });
  }

  async failed(body) {
    clearInterval(this.ticking);
    const { words } = this.context;
    document.title = words.say("title_failed", { name: this.name });
    const next = el(
      "a",
      { class: "button main", href: "#/" },
      words.say(body.error.retry === "same_request" ? "again_clip" : "another_clip"),
    );
    const trouble = {
      code: body.error.error_code,
      problem: body.error,
      status: body.error.status,
      retryAfter: null,
      requestId: body.error.request_id,
    };
    const panel = await troublePanel(trouble, { ...this.context, actions: [next], facts: { analysis: this.id } });
    this.root.replaceChildren(
      el(
        "div",
        { class: "narrow" },
        el("h1", {}, words.say("failed_title")),
        el("p", { class: "lead name" }, this.name),
        panel,
      ),
    );
  }

  async trouble(error) {
    const passing = error.passing ?? true;
    if (!passing) this.stop();
    const panel = await troublePanel(error, {
      ...this.context,
      retry: passing ? () => this.again() : null,
      actions: passing ? [] : [el("a", { class: "button", href: "#/" }, this.context.words.say("home"))],
    });
    this.root.querySelector(".panel.bad")?.remove();
    if (!passing) this.root.replaceChildren();
    this.root.append(el("div", { class: "narrow" }, panel));
  }

  again() {
    window.dispatchEvent(new Event("hashchange"));
  }

  dispose() {
    this.stop();
    clearInterval(this.ticking);
    this.shown?.();
  }
}
