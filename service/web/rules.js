// What the service takes, as it wrote it into the page, and the checks of a file before anything is sent.

export const rules = JSON.parse(document.querySelector('meta[name="rules"]')?.content ?? "{}");

/** The media type that the service takes for this file, by what the browser says or else by its name; null if none. */
export function mediaType(file, types = rules.types) {
  const said = file.type.split(";")[0].trim().toLowerCase();
  if (said && said !== "application/octet-stream")
    return Object.values(types).concat("video/x-msvideo").includes(said) ? said : null;
  return types[file.name.split(".").pop().toLowerCase()] ?? null;
}

/** Seconds, as far as this browser can tell; null when it cannot read the clip (the service may all the same). */
export function duration(file, limit = 4000) {
  return new Promise((resolve) => {
    const video = document.createElement("video");
    const address = URL.createObjectURL(file);
    const end = (value) => {
      clearTimeout(timer);
      video.removeAttribute("src");
      URL.revokeObjectURL(address);
      resolve(value);
    };
    const timer = setTimeout(() => end(null), limit);
    video.preload = "metadata";
    video.muted = true;
    video.onloadedmetadata = () => end(Number.isFinite(video.duration) ? video.duration : null);
    video.onerror = () => end(null);
    video.src = address;
  });
}

/** The catalogue's code of what is wrong with this file, or null. */
export async function refusal(file, limits = rules) {
  if (mediaType(file, limits.types) === null) return "UNSUPPORTED_CONTENT_TYPE";
  if (file.size > limits.max_bytes) return "FILE_TOO_LARGE";
  if (file.size < limits.min_bytes) return "FILE_TOO_SMALL";
  const length = await duration(file);
  return length !== null && length > limits.max_seconds ? "VIDEO_TOO_LONG" : null;
}
