// One clip in the list of uploads.

import { announce, button, el } from "./elements.js";
import { remember } from "./recents.js";
import { refusal } from "./rules.js";
import { Trouble } from "./service.js";
import { troublePanel } from "./troubles.js";
import { Upload } from "./upload.js";

/** One clip in the list, from the look at its file to its analysis. */
export class ClipItem {
  constructor(file, home) {
    this.file = file;
    this.home = home;
    this.sport = home.sport;
    const { say } = home.context.words;
    this.line = el("p", { class: "quiet small state" }, say("waiting_turn"));
    this.bar = el("progress", { max: file.size || 1, value: 0, "aria-label": say("upload_of", { name: file.name }) });
    this.stop = button(say("cancel"), () => this.cancel(), { class: "button small" });
    this.more = el("div", {});
    this.root = el(
      "li",
      { class: "clip tall" },
      el("div", { class: "row" }, el("span", { class: "grow name" }, file.name), this.stop),
      this.bar,
      this.line,
      this.more,
    );
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
