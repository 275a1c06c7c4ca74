// Runs before the first paint; everything else is Blazor's.
(() => {
  const root = document.documentElement;
  const systemIsDark = matchMedia('(prefers-color-scheme: dark)');
  const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

  const remember = (name, value) => {
    document.cookie = `${name}=${encodeURIComponent(value)}; path=/; max-age=31536000; samesite=lax`;
  };
  const applyScheme = () => {
    const chosen = root.dataset.appearance;
    root.dataset.scheme = chosen === 'system' ? (systemIsDark.matches ? 'dark' : 'light') : chosen;
  };

  systemIsDark.addEventListener('change', applyScheme);
  applyScheme();
  remember('time-zone', timeZone);

  addEventListener('keydown', event => {
    if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest('input, textarea, select, [contenteditable], [role=dialog]')) return;
    const box = document.querySelector('[data-shortcut="/"]');
    if (!box) return;
    event.preventDefault();
    box.focus();
    box.select();
  });

  globalThis.mnemolite = {
    timeZone: () => timeZone,
    appearance: chosen => {
      root.dataset.appearance = chosen;
      remember('appearance', chosen);
      applyScheme();
    },
  };
})();
