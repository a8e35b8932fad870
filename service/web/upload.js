// One clip on its way to storage. It ends in `done(id)`; what breaks keeps the analysis and can be tried again.

import { mediaType } from "./rules.js";
import { Trouble } from "./service.js";

/** `on`: {state(name), progress(sent, total), begun(id), done(id), trouble(Trouble)}. States: begin, send, tell. */
export class Upload {
  constructor(file, { service, sport, on }) {
    this.file = file;
    this.service = service;
    this.sport = sport;
    this.on = on;
    this.place = null;
    this.request = null;
    this.cancelled = false;
  }

  /** Starts, or goes on after a trouble with what is there already. */
  async run() {
    try {
      if (this.place && (await this.hasArrived())) return;
      if (!this.place) await this.begin();
      await this.send();
      await this.tell();
    } catch (error) {
      if (!this.cancelled) this.on.trouble(error instanceof Trouble ? error : new Trouble("NO_ANSWER"));
    }
  }

  cancel() {
    this.cancelled = true;
    this.request?.abort();
  }

  async begin() {
    this.on.state("begin");
    const { file, sport, service } = this;
    const wish = { filename: file.name.slice(-1000), content_type: mediaType(file), file_size: file.size };
    this.place = await service.begin({ ...wish, sport_type: sport, language: service.language });
    this.on.begun(this.place.analysis_id);
  }

  /** After a broken connection: perhaps all of it was there and only the answer was lost. */
  async hasArrived() {
    try {
      await this.tell();
      return true;
    } catch (error) {
      if (error.code === "UPLOAD_EXPIRED" || error.code === "ANALYSIS_NOT_FOUND") this.place = null;
      else if (error.code !== "UPLOAD_MISSING") throw error;
      return false;
    }
  }

  async send() {
    this.on.state("send");
    const form = new FormData();
    for (const [name, value] of Object.entries(this.place.upload_fields)) form.append(name, value);
    form.append("file", this.file);
    const answer = await this.post(this.place.upload_url, form);
    if (answer.status >= 200 && answer.status < 300) return;
    if (answer.status === 0 && answer.sent === 0 && (await this.service.alive())) return this.sendThrough();
    if (answer.status === 0) throw new Trouble(navigator.onLine ? "UPLOAD_INTERRUPTED" : "OFFLINE");
    if (/EntityTooLarge/.test(answer.text)) throw new Trouble("FILE_TOO_LARGE", { status: answer.status });
    // what storage refuses once it refuses again: the next try asks for another place
    this.place = null;
    throw new Trouble(answer.status === 403 ? "UPLOAD_EXPIRED" : "STORAGE_UNAVAILABLE");
  }

  /** Storage that a browser cannot reach from this page (its CORS rules name others): the service passes the clip on. */
  async sendThrough() {
    const form = new FormData();
    form.append("sport_type", this.sport);
    form.append("file", new File([this.file], this.file.name, { type: mediaType(this.file) }));
    const answer = await this.post("/upload", form, { "Accept-Language": this.service.language });
    const body = parsed(answer.text);
    if (answer.status !== 202) {
      throw new Trouble(body?.error_code ?? (answer.status ? "NO_ANSWER" : "UPLOAD_INTERRUPTED"), {
        status: answer.status,
        problem: body,
      });
    }
    this.place = { ...this.place, analysis_id: body.analysis_id };
    this.on.begun(body.analysis_id);
  }

  async tell() {
    this.on.state("tell");
    await this.service.complete(this.place.analysis_id);
    this.on.done(this.place.analysis_id);
  }

  /** {status, text, sent}; status 0 when the connection broke. Rejects only when cancelled. */
  post(address, form, headers = {}) {
    return new Promise((resolve, reject) => {
      const request = (this.request = new XMLHttpRequest());
      let sent = 0;
      request.upload.onprogress = (event) => {
        sent = event.loaded;
        this.on.progress(Math.min(event.loaded, this.file.size), this.file.size);
      };
      request.onload = () => resolve({ status: request.status, text: request.responseText, sent });
      request.onerror = request.ontimeout = () => resolve({ status: 0, text: "", sent });
      request.onabort = () => reject(new Trouble("CANCELLED"));
      request.open("POST", address);
      for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
      request.send(form);
    });
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
