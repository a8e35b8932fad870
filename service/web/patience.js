// Asking again and again with manners: slower while nothing changes, not at all while nobody looks.

const FIRST = 700;
const MOST = 8000;
const GROWTH = 1.35;
const HELD_AT_MOST = 15;

/**
 * Calls `ask(signal)` until it resolves to "ended" (else "changed" or "same") or `stop()`, which this returns. What it
 * rejects with goes to `trouble(error)`, and it is tried again, later each time. While the page is hidden there is one
 * held request instead (`held(signal)`, true at the end), which is what lets the tab's title tell.
 */
export function askPatiently({ ask, held, trouble }) {
  const work = new AbortController();
  const { signal } = work;
  let wait = FIRST;
  let timer = 0;
  let turn = 0;

  async function step() {
    const mine = ++turn;
    if (document.hidden) return doze(mine);
    try {
      const found = await ask(signal);
      if (found === "ended") return work.abort();
      wait = found === "changed" ? FIRST : Math.min(wait * GROWTH, MOST);
    } catch (error) {
      if (signal.aborted) return undefined;
      trouble(error);
      wait = Math.max((error.retryAfter ?? 0) * 1000, Math.min(wait * 2, MOST));
    }
    if (mine === turn && !signal.aborted) timer = setTimeout(step, wait);
    return undefined;
  }

  async function doze(mine) {
    for (let n = 0; n < HELD_AT_MOST && document.hidden && mine === turn && !signal.aborted; n += 1) {
      const over = await held(signal).catch(() => null);
      if (over === null || mine !== turn) return;
      if (over && (await ask(signal).catch(() => null)) === "ended") work.abort();
    }
  }

  const wake = () => {
    clearTimeout(timer);
    wait = FIRST;
    step();
  };
  document.addEventListener("visibilitychange", wake, { signal });
  window.addEventListener("online", wake, { signal });
  signal.addEventListener("abort", () => clearTimeout(timer));
  step();
  return () => work.abort();
}
