// Before the first paint: the colours that the person chose, or those of their system.
(function () {
  var chosen = null;
  try { chosen = localStorage.getItem("roadstead.theme"); } catch (_) { /* private windows may refuse */ }
  var dark = chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = dark ? "dark" : "light";
})();
