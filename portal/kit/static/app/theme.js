// Applies the chosen theme before the first paint, and says that scripts run. Without a choice the system decides.
(() => {
  "use strict";
  const root = document.documentElement;
  root.dataset.js = "";
  try {
    const theme = localStorage.getItem("theme");
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  } catch { /* storage is blocked: the system's scheme stands */ }
})();
