// What runs before the first paint, and what happens when the connection is lost; everything else is Blazor's.
(() => {
  const root = document.documentElement;
  const systemIsDark = matchMedia('(prefers-color-scheme: dark)');
  const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

  const remember = (name, value, site = 'lax') => {
    document.cookie = `${name}=${encodeURIComponent(value)}; path=/; max-age=31536000; samesite=${site}`;
  };
  const applyScheme = () => {
    const chosen = root.dataset.appearance;
    root.dataset.scheme = chosen === 'system' ? (systemIsDark.matches ? 'dark' : 'light') : chosen;
  };

  systemIsDark.addEventListener('change', applyScheme);
  applyScheme();
  remember('time-zone', timeZone);

  addEventListener('keydown', event => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest('input, textarea, select, [contenteditable], [role=dialog]')) return;
    const found = [...document.querySelectorAll('[data-shortcut]')].findLast(e => e.dataset.shortcut === event.key); // the page's before the menu's
    if (!found) return;
    event.preventDefault();
    if (found.matches('input')) {
      found.focus();
      found.select();
    } else {
      found.click();
    }
  });

  // A menu opens with a click, so the server need not hear of the pointer over it: it would render the menu again, with other handlers, and a click
  // that is on its way to the former ones may be lost.
  for (const passing of ['pointerenter', 'pointerleave']) {
    addEventListener(passing, event => {
      if (event.target.matches?.('.mud-menu, .mud-menu-list-wrapper')) event.stopImmediatePropagation();
    }, true);
  }

  // When the connection is lost: on with the same instance if it is still there, otherwise the page is loaded from another one, and what was
  // being typed goes with it.
  const answered = async () => {
    for (;;) {
      try {
        if ((await fetch('alive', { cache: 'no-store' })).ok) return;
      } catch { /* nobody listens: the same as an answer that is not ok */ }
      await new Promise(done => setTimeout(done, 500));
    }
  };
  const kept = () => JSON.parse(sessionStorage.getItem('kept')) ?? {};
  const keep = () => {
    const fields = [...document.querySelectorAll('[data-keep]')].map(field => [field.dataset.keep, field.value]);
    sessionStorage.setItem('kept', JSON.stringify({ ...kept(), ...Object.fromEntries(fields) })); // with what the page had no time to take
  };
  let leaving = false;
  addEventListener('pagehide', () => {
    leaving = true;
    if (root.dataset.connection) keep();
  });
  const reconnectionHandler = {
    onConnectionDown: async () => {
      if (leaving) return;
      root.dataset.connection = 'lost';
      await answered();
      if (await Blazor.reconnect().catch(() => false)) return;
      await answered();
      location.reload();
    },
    onConnectionUp: () => delete root.dataset.connection,
  };

  // One WebSocket and no negotiation before it: two requests, of which a proxy without affinity would send the second to another instance.
  addEventListener('DOMContentLoaded', () => Blazor.start({
    circuit: {
      reconnectionHandler,
      configureSignalR: signalR => signalR
        .withUrl('_blazor', { transport: 1, skipNegotiation: true })
        .configureLogging(5), // a lost connection is no error of the page: it says so itself, and comes back
    },
  }));

  globalThis.mnemolite = {
    kept: (...names) => { // each field once
      const fields = Object.entries(kept());
      sessionStorage.setItem('kept', JSON.stringify(Object.fromEntries(fields.filter(([name]) => !names.includes(name)))));
      return Object.fromEntries(fields.filter(([name]) => names.includes(name)));
    },
    timeZone: () => timeZone,
    focusWhereWide: field => { // on a phone it would open the keyboard over the page
      if (document.activeElement === document.body && matchMedia('(min-width: 961px)').matches) field.focus();
    },
    appearance: chosen => {
      root.dataset.appearance = chosen;
      remember('appearance', chosen);
      applyScheme();
    },
    space: chosen => remember('mnemolite-space', chosen, 'strict'),
  };
})();
