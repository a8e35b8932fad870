// The client of the REST contract. Whatever goes wrong comes back as a Trouble with the catalogue's words.

/** What a request came to, as a problem body (RFC 9457) or one of this page's own: OFFLINE, UNREACHABLE, NO_ANSWER. */
export class Trouble extends Error {
  constructor(code, { status = 0, problem = null, retryAfter = null, requestId = null } = {}) {
    super(code);
    this.code = code;
    this.status = status;
    this.problem = problem;
    this.retryAfter = retryAfter;
    this.requestId = requestId;
  }

  /** Whether the same request may work in a moment. */
  get passing() {
    return this.status === 0 || this.status === 429 || this.status >= 500 || this.problem?.retry === "same_request";
  }
}

export function seconds(header) {
  const value = Number(header);
  return header !== null && Number.isFinite(value) && value >= 0 ? value : null;
}

export function makeService(language) {
  const asked = { "Accept-Language": language, Accept: "application/json" };

  async function reach(path, options = {}) {
    try {
      return await fetch(path, { ...options, headers: { ...asked, ...options.headers } });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Trouble(navigator.onLine ? "UNREACHABLE" : "OFFLINE");
    }
  }

  async function ask(path, options) {
    const answer = await reach(path, options);
    const body = await answer.json().catch(() => null);
    if (answer.ok && body !== null) return { status: answer.status, body };
    throw troubleOf(answer, body);
  }

  const post = (path, body) =>
    ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  const get = async (path, signal) => (await ask(path, { signal })).body;
  const at = (id) => encodeURIComponent(id);

  return {
    language,
    begin: async (wish) => (await post("/upload/init", wish)).body,
    complete: async (id) => (await post("/upload/complete", { analysis_id: id })).body,
    result: async (id, signal) => (await ask(`/analysis/${at(id)}`, { signal, headers: { Prefer: "wait=0" } })).body,
    video: (id, signal) => get(`/videos/${at(id)}`, signal),
    filename: async (id) => (await get(`/upload/status/${at(id)}`)).filename,
    errors: () => get("/errors"),
    notices: () => get(new URL("./notices.json", import.meta.url).pathname),

    /** The state of an analysis; null when it has not changed since the answer that had this tag. */
    async state(id, tag, signal) {
      const answer = await reach(`/analysis/${at(id)}/status`, {
        signal,
        headers: tag ? { "If-None-Match": tag } : {},
      });
      if (answer.status === 304) return { body: null, tag };
      const body = await answer.json().catch(() => null);
      if (!answer.ok || body === null) throw troubleOf(answer, body);
      return { body, tag: answer.headers.get("ETag") };
    },

    /** Whether the analysis has ended, asked for by one request that is held until then, at most a minute. */
    async ended(id, signal) {
      const answer = await reach(`/analysis/${at(id)}`, { signal, headers: { Prefer: "wait=60" } });
      await answer.body?.cancel();
      return answer.status !== 202;
    },

    /** The prober's verdict: the body of a 200 and of a 503, null where there is none. */
    async pipeline() {
      const answer = await reach("/health/analysis-pipeline");
      const body = await answer.json().catch(() => null);
      return answer.ok || (answer.status === 503 && body?.serviceId) ? body : null;
    },

    history: () => get("/health/analysis-pipeline/history"),

    /** How the service itself stands, with what waits in its queues. */
    health: () => get("/health"),

    async alive() {
      try {
        return (await reach("/livez")).ok;
      } catch {
        return false;
      }
    },
  };
}

function troubleOf(answer, body) {
  const known = body && typeof body.error_code === "string";
  return new Trouble(known ? body.error_code : "NO_ANSWER", {
    status: answer.status,
    problem: known ? body : null,
    retryAfter: seconds(answer.headers.get("Retry-After")),
    requestId: body?.request_id ?? answer.headers.get("X-Request-Id"),
  });
}
