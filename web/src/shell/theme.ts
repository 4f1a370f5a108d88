// theme: runs before the first paint, blocking in <head>, so that a chosen theme never flashes. Kept in localStorage; "auto" follows the system.
try {
  const theme = localStorage.getItem("makmal-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch { /* storage is off: the system's theme holds */ }
