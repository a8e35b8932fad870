// Choosing a language, and saying and writing things in it.

import { TEXTS } from "./texts.js";

export const LANGUAGES = { en: "English", de: "Deutsch" };

/** The reader's choice, or else the first of the browser's languages that the page has. */
export function pickLanguage(chosen, wished = navigator.languages) {
  if (chosen in LANGUAGES) return chosen;
  return wished.map((tag) => tag.toLowerCase().split("-")[0]).find((tag) => tag in LANGUAGES) ?? "en";
}

/** `say(key, values)` in this language, and the ways of writing numbers that belong to it. */
export function makeWords(language, texts = TEXTS) {
  const place = language === "de" ? 1 : 0;
  const say = (key, values = {}) => {
    const text = texts[key]?.[place] ?? key;
    return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
  };
  const number = (value, digits = 1) =>
    value.toLocaleString(language, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return {
    language,
    say,
    knows: (key) => key in texts,
    number,
    percent: (share) => share.toLocaleString(language, { style: "percent", maximumFractionDigits: 0 }),
    megabytes: (bytes) => `${number(bytes / 1048576, bytes < 10485760 ? 1 : 0)} MB`,
    moment: (date) => new Date(date).toLocaleString(language, { dateStyle: "medium", timeStyle: "short" }),
    clock,
  };
}

/** 0:04, 1:02:03 */
export function clock(time) {
  const whole = Math.max(0, Math.floor(time));
  const parts = [Math.floor(whole / 60) % 60, whole % 60];
  const hours = Math.floor(whole / 3600);
  const text = parts.map((part, i) => (i || hours ? String(part).padStart(2, "0") : part)).join(":");
  return hours ? `${hours}:${text}` : text;
}
