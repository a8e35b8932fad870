// The clips that this browser knows. They are kept here and nowhere else.

const KEY = "performate.recent";
const MOST = 30;

/** [{id, name, sport, at, status}], the newest first. A storage that is full, off or spoilt is an empty one. */
export function recents() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(kept) ? kept.filter((entry) => typeof entry?.id === "string") : [];
  } catch {
    return [];
  }
}

export function remember(id, facts) {
  const others = recents().filter((entry) => entry.id !== id);
  const before = recents().find((entry) => entry.id === id) ?? { at: Date.now() };
  keep([{ ...before, ...facts, id }, ...others].sort((a, b) => b.at - a.at).slice(0, MOST));
}

export function known(id) {
  return recents().find((entry) => entry.id === id) ?? null;
}

export function forget(id) {
  keep(recents().filter((entry) => entry.id !== id));
}

export function forgetAll() {
  keep([]);
}

function keep(entries) {
  try {
    localStorage.setItem(KEY, JSON.stringify(entries));
  } catch {
    // private windows may refuse: then nothing is remembered
  }
}

export function preference(name, value) {
  try {
    if (value !== undefined) localStorage.setItem(`performate.${name}`, value);
    return localStorage.getItem(`performate.${name}`);
  } catch {
    return null;
  }
}
