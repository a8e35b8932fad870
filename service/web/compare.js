// Two attempts beside each other: which one, played together, both heights in one chart, the differences in a table.

import { alignment } from "./alignment.js";
import { Chart, piecesOf } from "./chart.js";
import { differencesOf } from "./differences.js";
import { button, el, fill, icon } from "./elements.js";
import { mainAttempt, trackOf } from "./geometry.js";
import { Player, speedChoice } from "./player.js";
import { known } from "./recents.js";
import { troublePanel } from "./troubles.js";

export async function compareView(root, context, ...ids) {
  const { service, words } = context;
  try {
    const loaded = await Promise.all(
      ids.map(async (id) => {
        const [result, video, name] = await Promise.all([
          service.result(id),
          service.video(id).catch(() => null),
          known(id)?.name ?? service.filename(id).catch(() => id),
        ]);
        return { result, video, name };
      }),
    );
    const pair = new Pair(root, words, loaded);
    return () => pair.dispose();
  } catch (error) {
    if (!error.code) throw error;
    root.append(
      el(
        "div",
        { class: "narrow" },
        await troublePanel(error, { ...context, retry: error.passing ? () => location.reload() : null }),
      ),
    );
    return null;
  }
}

/** One clock for two videos: A leads, B follows by the alignment. */
class Pair {
  constructor(root, words, loaded) {
    this.words = words;
    this.loaded = loaded.map((one, k) => ({
      ...one,
      letter: words.say(k ? "attempt_b" : "attempt_a"),
      track: trackOf(one.result),
      start: mainAttempt(one.result)?.t0 ?? 0,
    }));
    this.players = this.loaded.map(({ result, video, name, letter }) => {
      const player = new Player(result, words, { name: `${letter}: ${name}`, layers: false });
      player.bar.remove();
      if (video) player.video.src = video.video_url;
      return player;
    });
    this.align("start");
    this.build(root);
    this.players[0].ontime((t) => this.follow(t));
    this.players[0].video.addEventListener("play", () => this.playing(true));
    this.players[0].video.addEventListener("pause", () => this.playing(false));
    this.players[1].video.addEventListener("seeked", () => {
      if (!this.missed) return;
      this.missed = false;
      this.follow(this.players[0].video.currentTime);
    });
    this.players[1].stage.addEventListener("click", (event) => event.stopImmediatePropagation(), true);
    this.players[1].stage.addEventListener("click", () => this.players[0].playOrPause());
    this.seek(this.loaded[0].start);
  }

  build(root) {
    const { say } = this.words;
    const both = this.loaded.every(({ track }) => track);
    const choice = (name) =>
      el(
        "label",
        { class: "chip" },
        el("input", {
          type: "radio",
          name: "align",
          value: name,
          checked: name === "start",
          onchange: () => (this.align(name), this.follow(this.players[0].video.currentTime)),
        }),
        el("span", {}, say(`align_${name}`)),
      );
    fill(
      root,
      el("h1", {}, say("compare_title")),
      el(
        "div",
        { class: "pair" },
        this.loaded.map(({ letter, name, result }, k) =>
          el(
            "figure",
            {},
            this.players[k].root,
            el(
              "figcaption",
              {},
              el("b", {}, letter),
              el("a", { class: "name", href: `#/a/${result.analysis_id}` }, name),
            ),
          ),
        ),
      ),
      this.controls(),
      both
        ? el("fieldset", { class: "layers" }, el("legend", {}, say("align")), choice("start"), choice("height"))
        : el("p", { class: "panel note" }, say("not_comparable")),
      both && this.curves(),
      differencesOf(this.loaded, this.words),
    );
  }

  controls() {
    const { say } = this.words;
    const { duration_s: duration } = this.loaded[0].result.video;
    this.toggle = button(icon("play"), () => this.players[0].playOrPause(), {
      class: "button round",
      "aria-label": say("play"),
    });
    this.slider = el("input", {
      type: "range",
      class: "time",
      min: 0,
      max: duration,
      step: 0.01,
      value: 0,
      "aria-label": say("time"),
      oninput: () => this.seek(Number(this.slider.value)),
    });
    this.clock = el("output", { class: "clock" });
    const rate = speedChoice(this.words, (speed) => this.players[0].setRate(speed));
    return el(
      "div",
      { class: "joint" },
      this.slider,
      el("div", { class: "bar" }, this.toggle, this.clock, el("span", { class: "grow" }), rate),
    );
  }

  curves() {
    const { say } = this.words;
    const late = this.loaded.map(({ start }) => -start);
    const spans = this.loaded.map(({ result }, k) => [late[k], result.video.duration_s + late[k]]);
    this.chart = new Chart({
      curves: this.loaded.map(({ track }, k) => ({ pieces: piecesOf(track, late[k]), kind: k ? "b" : "a" })),
      span: [Math.min(...spans.map(([from]) => from)), Math.max(...spans.map(([, to]) => to))],
      label: say("curves"),
      words: this.words,
      onseek: (t) => this.seek(t - late[0]),
    });
    const key = (k) => el("span", {}, el("i", { class: `line-${k ? "b" : "a"}` }), this.loaded[k].letter);
    return el(
      "section",
      { class: "card joint" },
      el("h2", {}, say("curves")),
      el("p", { class: "quiet small" }, `${say("height_unit")}, ${say("since_start")}`),
      this.chart.root,
      el("p", { class: "legend small" }, key(0), key(1)),
    );
  }

  align(by) {
    const [a, b] = this.loaded;
    this.other = alignment(by, a, b);
  }

  seek(t) {
    this.players[0].seek(t);
    this.follow(t);
  }

  /** Puts B where it belongs: by its rate while it runs, by a jump when it is far off. */
  follow(t) {
    const [a, b] = this.players;
    const { clock } = this.words;
    this.slider.value = t;
    this.clock.textContent = clock(t);
    this.chart?.shows(t - this.loaded[0].start);
    const wanted = Math.min(Math.max(this.other(t), 0), this.loaded[1].result.video.duration_s);
    const off = wanted - b.video.currentTime;
    if (a.video.paused || Math.abs(off) > 0.35) {
      // while it seeks it takes no other wish: that one is fulfilled when it has arrived
      this.missed = b.video.seeking;
      if (Math.abs(off) > 0.02 && !this.missed) b.seek(wanted);
      return;
    }
    const pace = (this.other(t + 0.5) - this.other(t)) * 2;
    b.video.playbackRate = Math.min(Math.max((pace + off) * a.video.playbackRate, 0.1), 4);
  }

  playing(on) {
    const { say } = this.words;
    this.toggle.replaceChildren(icon(on ? "pause" : "play"));
    this.toggle.setAttribute("aria-label", say(on ? "pause" : "play"));
    if (on) this.players[1].video.play().catch(() => null);
    else {
      this.players[1].video.pause();
      this.follow(this.players[0].video.currentTime);
    }
  }

  dispose() {
    for (const player of this.players) player.dispose();
  }
}
