// What went wrong, in the catalogue's words, with what to do about it.

import { button, copied, el } from "./elements.js";

let known = null;

/** The error catalogue by code, asked for once; empty while the service cannot be reached. */
export async function catalogue(service) {
  known ??= service.errors().then(
    ({ errors }) => new Map(errors.map((entry) => [entry.code, entry])),
    () => {
      known = null;
      return new Map();
    },
  );
  return known;
}

/** {title, detail, steps, retry} of a code in this language: the problem's own, the catalogue's, or this page's. */
export function wordsOf(code, problem, entries, { say, knows, language }) {
  if (problem?.title)
    return { title: problem.title, detail: problem.detail, steps: problem.suggestions ?? [], retry: problem.retry };
  const entry = entries.get(code);
  if (entry)
    return {
      title: entry.title[language],
      detail: entry.detail[language],
      steps: entry.suggestions[language],
      retry: entry.retryable,
    };
  const ours = knows(code) ? code : "NO_ANSWER";
  return { title: say(ours), detail: say(`${ours}_detail`), steps: [say("next_wait")], retry: "same_request" };
}

/** A panel for a Trouble. `actions` are buttons; with `retry` there is one more, which waits as long as the service says. */
export async function troublePanel(trouble, { service, words, retry = null, actions = [], facts = {} }) {
  const entries = trouble.problem ? new Map() : await catalogue(service);
  const told = wordsOf(trouble.code, trouble.problem, entries, words);
  const again = retry && retryButton(trouble, words, retry);
  return el(
    "section",
    { class: "panel bad", role: "alert" },
    el("h2", {}, told.title),
    el("p", {}, told.detail),
    told.steps.length > 0 &&
      el(
        "ul",
        { class: "steps" },
        told.steps.map((step) => el("li", {}, step)),
      ),
    el("div", { class: "row" }, again, actions),
    factsOf(trouble, facts, words),
  );
}

function factsOf(trouble, facts, { say }) {
  const [label, id] = referenceOf(trouble, facts);
  const copy =
    id &&
    button(say("copy"), () => copied(copy, id, say("copied")), {
      class: "button small copy",
      "aria-label": `${say("copy")}: ${say(label)}`,
    });
  return el(
    "dl",
    { class: "facts" },
    el("div", {}, el("dt", {}, say("code")), el("dd", {}, el("code", {}, trouble.code))),
    id && el("div", {}, el("dt", {}, say(label)), el("dd", {}, el("code", { class: "trace" }, id), " ", copy)),
  );
}

/** What to name when asking for help: the trace, or else the analysis or the request that the logs know. */
function referenceOf(trouble, { analysis }) {
  const trace = trouble.problem?.technical_details?.trace_id;
  if (trace) return ["trace", trace];
  return analysis ? ["analysis", analysis] : ["request", trouble.requestId];
}

/** A button that counts down where the service asked for patience. */
function retryButton(trouble, { say }, retry) {
  const control = button(say("retry"), retry, { class: "button main" });
  let left = Math.ceil(trouble.retryAfter ?? 0);
  if (trouble.status !== 429 && trouble.status !== 503) left = 0;
  const tick = () => {
    control.disabled = left > 0;
    control.textContent = left > 0 ? say("countdown", { n: left }) : say("retry");
    if (left-- > 0) setTimeout(tick, 1000);
  };
  tick();
  return control;
}
