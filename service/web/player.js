// The video with its overlay and its controls. Everybody who shows a time listens to `ontime`.

import { button, el, icon } from "./elements.js";
import { Overlay } from "./overlay.js";

const SPEEDS = [0.25, 0.5, 1, 1.5, 2];
const PICTURE = 1 / 30;

/** A choice of speeds from a quarter to double; `chosen(speed)` is told. */
export function speedChoice({ say, number }, chosen) {
  const digits = (speed) => (Number.isInteger(speed) ? 0 : speed % 0.5 ? 2 : 1);
  const choice = el(
    "select",
    { class: "rate", "aria-label": say("speed"), onchange: () => chosen(Number(choice.value)) },
    SPEEDS.map((speed) => el("option", { value: String(speed) }, `${number(speed, digits(speed))}×`)),
  );
  choice.value = "1";
  return choice;
}

export class Player {
  /** `name` is what screen readers call the video. */
  constructor(result, words, { name, layers = true } = {}) {
    this.result = result;
    this.words = words;
    this.listeners = new Set();
    this.beginning = null;
    this.video = el("video", { playsinline: true, preload: "auto", tabindex: "-1", "aria-label": name });
    this.video.muted = true;
    this.cover = el("div", { class: "overlay", "aria-hidden": "true" });
    this.overlay = new Overlay(this.cover, result, words);
    this.stage = el(
      "div",
      { class: "stage", tabindex: "0", role: "group", "aria-label": `${name}. ${words.say("player_keys")}` },
      this.video,
      this.cover,
    );
    this.stage.style.setProperty("--shape", `${result.video.width} / ${result.video.height}`);
    this.stage.style.setProperty("--tall", String(result.video.width / result.video.height));
    this.bar = this.makeBar(layers);
    this.root = el("div", { class: "player" }, this.stage, this.bar);
    this.listen();
  }

  makeBar(layers) {
    const { say } = this.words;
    this.toggle = button(icon("play"), () => this.playOrPause(), { class: "button round", "aria-label": say("play") });
    this.slider = el("input", {
      type: "range",
      min: 0,
      max: this.result.video.duration_s,
      step: 0.01,
      value: 0,
      class: "time",
      "aria-label": say("time"),
      oninput: () => this.seek(Number(this.slider.value)),
    });
    this.clock = el("output", { class: "clock" });
    this.rate = speedChoice(this.words, (speed) => this.setRate(speed));
    this.full = button(icon("full"), () => this.fill(), { class: "button round", "aria-label": say("full") });
    const row = el(
      "div",
      { class: "bar" },
      this.toggle,
      this.clock,
      el("span", { class: "grow" }),
      this.rate,
      this.full,
    );
    return el("div", { class: "controls" }, this.slider, row, layers && this.makeLayers());
  }

  makeLayers() {
    const { say } = this.words;
    const box = (label, checked, onchange) =>
      el(
        "label",
        { class: "chip" },
        el("input", { type: "checkbox", checked, onchange: (event) => onchange(event.target.checked) }),
        el("span", {}, label),
      );
    const layer = (name) => box(say(`layer_${name}`), true, (on) => this.overlay.setLayer(name, on));
    return el(
      "fieldset",
      { class: "layers" },
      el("legend", {}, say("show")),
      layer("line"),
      layer("placements"),
      layer("phase"),
      box(say("sound"), false, (on) => (this.video.muted = !on)),
      el("span", { class: "ramp" }, say("slow"), el("i", { "aria-hidden": "true" }), say("fast")),
    );
  }

  listen() {
    const { video } = this;
    video.addEventListener("play", () => this.showPlaying(true));
    video.addEventListener("pause", () => this.showPlaying(false));
    for (const name of ["loadeddata", "seeked"]) video.addEventListener(name, () => this.shows(video.currentTime));
    video.addEventListener("error", () => this.stage.classList.add("gone"));
    this.stage.addEventListener("keydown", (event) => this.key(event));
    this.stage.addEventListener("click", () => this.playOrPause());
    this.resized = new ResizeObserver(() => this.overlay.fit());
    this.resized.observe(this.cover);
    if ("requestVideoFrameCallback" in video) this.everyPicture();
    else this.everyRefresh();
    this.shows(0);
  }

  everyPicture() {
    this.ticket = this.video.requestVideoFrameCallback((_, picture) => {
      this.shows(picture.mediaTime);
      this.everyPicture();
    });
  }

  everyRefresh() {
    this.ticket = requestAnimationFrame(() => {
      if (!this.video.paused) this.shows(this.video.currentTime);
      this.everyRefresh();
    });
  }

  /** The picture on the screen is that of `t`. */
  shows(t) {
    this.overlay.draw(t);
    this.slider.value = t;
    const { clock } = this.words;
    this.clock.textContent = `${clock(t)} / ${clock(this.result.video.duration_s)}`;
    this.slider.setAttribute("aria-valuetext", clock(t));
    for (const listener of this.listeners) listener(t);
  }

  ontime(listener) {
    this.listeners.add(listener);
    listener(this.overlay.now);
  }

  seek(t) {
    this.beginning = null;
    const to = Math.min(Math.max(t, 0), this.result.video.duration_s);
    this.video.currentTime = to;
    if (this.video.readyState < 1) this.shows(to);
  }

  /** Shows the moment `t` before anybody asked for another; the first play then begins at `from`. */
  preview(t, from) {
    this.beginning = from;
    // phones load no picture before they are asked for one, so its coming cannot be waited for
    this.video.addEventListener("loadedmetadata", () => this.beginning !== null && (this.video.currentTime = t), {
      once: true,
    });
  }

  playOrPause() {
    if (this.beginning !== null) this.seek(this.beginning);
    if (this.video.paused) this.video.play().catch(() => this.showPlaying(false));
    else this.video.pause();
  }

  showPlaying(playing) {
    this.toggle.replaceChildren(icon(playing ? "pause" : "play"));
    this.toggle.setAttribute("aria-label", this.words.say(playing ? "pause" : "play"));
  }

  setRate(speed) {
    this.video.playbackRate = speed;
    this.rate.value = String(speed);
  }

  /** The whole player fills the screen, so that drawing and controls stay; where a browser cannot, the window. */
  async fill() {
    if (document.fullscreenElement) return document.exitFullscreen();
    const on = this.root.classList.toggle("filled");
    if (!on || !this.root.requestFullscreen) return undefined;
    this.root.classList.remove("filled");
    return this.root.requestFullscreen().catch(() => this.root.classList.add("filled"));
  }

  key(event) {
    const step = event.shiftKey ? PICTURE : 1;
    const actions = {
      " ": () => this.playOrPause(),
      k: () => this.playOrPause(),
      ArrowLeft: () => this.seek(this.video.currentTime - step),
      ArrowRight: () => this.seek(this.video.currentTime + step),
      f: () => this.fill(),
      Escape: () => this.root.classList.remove("filled"),
    };
    const action = actions[event.key];
    if (!action || event.target !== this.stage || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    action();
  }

  dispose() {
    this.resized.disconnect();
    if ("requestVideoFrameCallback" in this.video) this.video.cancelVideoFrameCallback(this.ticket);
    else cancelAnimationFrame(this.ticket);
    this.video.pause();
    this.video.removeAttribute("src");
    this.video.load();
  }
}
