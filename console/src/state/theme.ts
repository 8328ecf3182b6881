export type Theme = "light" | "dark";

/** The colours in use. */
export function currentTheme(): Theme {
  return document.documentElement.dataset.theme === "dark" ? "dark" : "light";
}

/** Changes the colours and remembers them in this browser. */
export function setTheme(theme: Theme): void {
  document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem("roadstead.theme", theme);
  } catch {
    // A private window may refuse to remember; the choice then lasts for this page.
  }
}
