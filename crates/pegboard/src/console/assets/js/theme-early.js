// Runs before the first paint, so that a reader of the light theme never sees a dark flash; the rest is in lib/theme.js.
(() => {
  const chosen = localStorage.getItem("pegboard.theme");
  const light = matchMedia("(prefers-color-scheme: light)").matches;
  document.documentElement.dataset.theme = chosen ?? (light ? "light" : "dark");
  document.documentElement.dataset.keys = localStorage.getItem("pegboard.keys") ?? "on";
})();
