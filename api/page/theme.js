// Runs before anything is drawn, so that a dark page never flashes light.
(() => {
  "use strict";
  const dark = matchMedia("(prefers-color-scheme: dark)");

  const chosen = () => {
    try {
      return localStorage.getItem("layerline.theme");
    } catch {
      return null;
    }
  };

  const apply = () => {
    document.documentElement.dataset.theme = chosen() ?? (dark.matches ? "dark" : "light");
  };

  apply();
  dark.addEventListener("change", apply);

  window.layerlineTheme = {
    toggle() {
      const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
      try {
        if (next === (dark.matches ? "dark" : "light")) localStorage.removeItem("layerline.theme");
        else localStorage.setItem("layerline.theme", next);
      } catch {
        // Without storage the choice lasts as long as the page.
      }
      document.documentElement.dataset.theme = next;
      return next;
    },
  };
})();
