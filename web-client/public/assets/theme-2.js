(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem('stoa.theme');
  } catch {
    // Where storage is refused the system's wish counts.
  }
  const dark = chosen ? chosen === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  document.documentElement.dataset.theme = dark ? 'dark' : 'light';
})();
