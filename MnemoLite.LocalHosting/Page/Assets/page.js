// The page of what runs. All that it shows comes in as text, never as HTML.
const kept = 1000;
const kinds = ['PostgreSQL', 'database', 'Redis', 'project'];
const find = id => document.getElementById(id);
const instances = new Map();
let leave = () => { };

function make(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties))
    name in element ? element[name] = value : element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Sets a text only where it is another, so that nothing moves and nothing is read out again. */
function say(element, text) {
  if (element.textContent !== text)
    element.textContent = text;
}

function duration(milliseconds) {
  if (milliseconds < 1000)
    return `${milliseconds.toLocaleString('en', { maximumFractionDigits: milliseconds < 10 ? 2 : 0 })} ms`;
  const seconds = milliseconds / 1000;
  return seconds < 60 ? `${seconds.toLocaleString('en', { maximumFractionDigits: 2 })} s` : ago(milliseconds);
}

function ago(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const [minutes, hours, days] = [60, 3600, 86400].map(length => Math.floor(seconds / length));
  return days ? `${days} d ${hours % 24} h` : hours ? `${hours} h ${minutes % 60} min` : minutes ? `${minutes} min` : `${seconds} s`;
}

const clock = time => new Date(time).toLocaleTimeString('en-GB');

// --- what runs ---

/** A database is as its server is. */
function describe(instance) {
  const server = instance.kind === 'database' && [...instances.values()].find(other => other.kind === 'PostgreSQL');
  const { state, health, exitCode } = server || instance;
  switch (state) {
    case 'Running': return health === 'Healthy' ? ['Healthy', 'good'] : ['Not healthy', ''];
    case 'Waiting': return ['Waits for others', ''];
    case 'Starting': return ['Starts', ''];
    case 'FailedToStart': return ['Could not be started', 'bad'];
    default: return [exitCode ? `Ended, code ${exitCode}` : 'Ended', exitCode ? 'bad' : ''];
  }
}

function makeRow(instance) {
  const list = make('dl', {});
  const part = term => {
    const value = make('dd', {});
    list.append(make('div', {}, make('dt', { textContent: term }), value));
    return value;
  };
  const parts = instance.kind === 'database' ? ['State', 'Address'] : ['State', 'Address', 'Runs for', 'Restarts', 'Process'];
  const [state, address, since, restarts, process] = parts.map(part);
  const element = make('li', { id: instance.id },
    make('div', {}, make('h2', { textContent: instance.resource }), make('p', { textContent: `${instance.kind} ${instance.id.slice(instance.resource.length + 1)}` })),
    list);
  if (process)
    element.append(make('a', { href: `#/console/${instance.id}`, 'aria-label': `Console of ${instance.id}` }, 'Console'));
  if (instance.url)
    address.append(make('a', { href: instance.url, target: '_blank', rel: 'noopener', textContent: new URL(instance.url).host }));
  else
    address.textContent = instance.port ? `localhost:${instance.port}` : 'in postgres';
  return { element, state, since, restarts, process };
}

const rows = new Map();

function showInstances() {
  const sorted = [...instances.values()].sort((one, other) =>
    kinds.indexOf(one.kind) - kinds.indexOf(other.kind) || one.id.localeCompare(other.id));
  for (const [id, row] of rows) {
    if (!instances.has(id)) {
      row.element.remove();
      rows.delete(id);
    }
  }
  sorted.forEach((instance, index) => {
    const row = rows.get(instance.id) ?? makeRow(instance);
    rows.set(instance.id, row);
    if (find('instances').children[index] !== row.element)
      find('instances').insertBefore(row.element, find('instances').children[index]);
    const [text, look] = describe(instance);
    say(row.state, text);
    row.state.className = `state ${look}`;
    if (!row.process)
      return; // a database is no process
    const runs = instance.state === 'Running';
    say(row.since, runs ? ago(Date.now() - new Date(instance.since)) : '–');
    say(row.restarts, `${instance.restarts}`);
    say(row.process, runs ? `${instance.processId}` : '–');
  });
  const healthy = sorted.filter(instance => describe(instance)[1] === 'good').length;
  say(find('healthy'), sorted.length === 0 ? '' : healthy === sorted.length ? 'Everything is healthy' : `${healthy} of ${sorted.length} are healthy`);
  showChoices(sorted.filter(instance => instance.kind !== 'database').map(instance => instance.id));
}

function watchInstances() {
  const source = new EventSource('api/resources');
  source.onopen = () => {
    find('away').hidden = true;
    instances.clear();
  };
  source.onmessage = message => {
    const instance = JSON.parse(message.data);
    if (instance.id !== instance.resource)
      instances.delete(instance.resource); // it has taken the place of the resource that waited
    if (instance.state)
      instances.set(instance.id, instance);
    else
      instances.delete(instance.id); // it is gone for good
    showInstances();
  };
  source.onerror = () => {
    find('away').textContent = 'MnemoLite does not answer any more. If it was started again, open the link that ./mnemolite status prints.';
    find('away').hidden = false;
  };
}

// --- the console ---

function showChoices(ids) {
  const select = find('instance');
  if (ids.join() === [...select.options].map(option => option.value).join())
    return;
  const chosen = select.value;
  select.replaceChildren(...ids.map(id => make('option', { value: id, textContent: id })));
  select.value = ids.includes(chosen) ? chosen : ids[0] ?? '';
  if (location.hash === '#/console')
    route();
}

const fits = text => find('words').value.toLowerCase().split(/\s+/).every(word => text.toLowerCase().includes(word));

/** The line, with the trace that it names as a link. */
function makeLine({ time, text }) {
  const look = /^(fail|crit)\b|\b(ERROR|FATAL|PANIC):/.test(text) ? 'bad' : /^warn\b|\bWARNING:/.test(text) ? 'warn' : '';
  const [before, trace, after] = text.split(/\b(?<=trace )([0-9a-f]{32})\b/);
  const words = make('span', {}, before);
  if (trace)
    words.append(make('a', { href: `#/traces/${trace}`, textContent: trace }), after);
  return make('li', { className: look, hidden: !fits(text) }, make('time', { dateTime: time, textContent: clock(time) }), words);
}

function openConsole(id) {
  const lines = find('lines');
  const chosen = id || [...instances.keys()].find(key => key.startsWith('api')) || find('instance').value;
  find('instance').value = chosen;
  lines.replaceChildren();
  if (!chosen)
    return;
  const source = new EventSource(`api/consoles/${encodeURIComponent(chosen)}`);
  source.onmessage = message => {
    const follows = lines.scrollHeight - lines.scrollTop - lines.clientHeight < 40;
    lines.append(makeLine(JSON.parse(message.data)));
    if (lines.children.length > kept)
      lines.firstChild.remove();
    if (follows)
      lines.scrollTop = lines.scrollHeight;
  };
  leave = () => source.close();
}

find('instance').onchange = () => location.hash = `#/console/${find('instance').value}`;
find('words').oninput = () => {
  for (const line of find('lines').children)
    line.hidden = !fits(line.lastChild.textContent);
};

// --- traces ---

const services = ['api', 'web'];

function colour(service) {
  if (!services.includes(service))
    services.push(service);
  return `b${services.indexOf(service) % 4}`;
}

function makeBar(service, offset, length, total) {
  const bar = make('i', {});
  bar.style.left = `${Math.min(100 * offset / total, 99)}%`;
  bar.style.width = `${100 * length / total}%`;
  return make('span', { className: `track ${colour(service)}`, 'aria-hidden': 'true' }, bar);
}

function makeTraceRow(trace, longest) {
  return make('a', { href: `#/traces/${trace.id}`, className: trace.failed ? 'failed' : '' },
    make('time', { dateTime: trace.start, textContent: clock(trace.start) }),
    make('b', { textContent: trace.name }),
    make('span', { textContent: trace.service }),
    make('span', { textContent: trace.spans === 1 ? '1 span' : `${trace.spans} spans` }),
    makeBar(trace.service, 0, trace.milliseconds, longest),
    make('span', { className: 'took', textContent: duration(trace.milliseconds) }));
}

/** Traces stay the elements they are while they are the same, so that the one in focus keeps it. */
function showTraces(traces) {
  const [words, failed] = [find('name').value.toLowerCase(), find('failed').checked];
  const shown = traces.filter(trace => `${trace.name} ${trace.service}`.toLowerCase().includes(words) && (!failed || trace.failed));
  const longest = Math.max(...shown.map(trace => trace.milliseconds));
  const list = find('list');
  const before = new Map([...list.children].map(item => [item.dataset.trace, item]));
  shown.forEach((trace, index) => {
    const item = before.get(trace.id) ?? make('li', {});
    before.delete(trace.id);
    const state = JSON.stringify([trace, longest]);
    if (item.dataset.state !== state) {
      const focused = item.contains(document.activeElement);
      Object.assign(item.dataset, { trace: trace.id, state });
      item.replaceChildren(makeTraceRow(trace, longest));
      if (focused)
        item.firstChild.focus();
    }
    if (list.children[index] !== item)
      list.insertBefore(item, list.children[index]);
  });
  before.forEach(item => item.remove());
  say(find('none'), traces.length ? 'No trace is like that.' : 'Nothing yet. Ask for a memory, and its trace comes here within some seconds.');
}

async function get(path) {
  const answer = await fetch(path);
  return answer.ok ? answer.json() : null;
}

function openTraces() {
  let traces = [];
  let open = true;
  const show = () => showTraces(traces);
  const load = async () => {
    const loaded = await get('api/traces').catch(() => null);
    if (open && loaded) {
      traces = loaded;
      show();
    }
  };
  find('name').oninput = find('failed').onchange = show;
  const timer = setInterval(() => document.hidden || load(), 2000);
  leave = () => {
    open = false;
    clearInterval(timer);
  };
  return load();
}

/** The spans as they contain each other, each with its depth. */
function inOrder(spans) {
  const children = Map.groupBy(spans, ({ span }) => spans.some(other => other.span.id === span.parent) ? span.parent : null);
  const walk = (parent, depth) => (children.get(parent) ?? []).flatMap(timed => [{ ...timed, depth }, ...walk(timed.span.id, depth + 1)]);
  return walk(null, 0);
}

function makeSpan({ span, offset, milliseconds, depth }, total) {
  const details = [['Service', span.service], ['Kind', span.kind], ['Began after', duration(offset)], ['Took', duration(milliseconds)],
    ...span.attributes.map(({ key, value }) => [key, value]),
    ...span.events.flatMap(({ name, attributes }) => [['Event', name], ...attributes.map(({ key, value }) => [key, value])])];
  const element = make('details', { className: `${colour(span.service)} ${span.failed ? 'failed' : ''}` },
    make('summary', {},
      make('span', {}, make('b', { textContent: span.name }), make('small', { textContent: span.service })),
      makeBar(span.service, offset, milliseconds, total),
      make('span', { className: 'took', textContent: duration(milliseconds) })),
    make('dl', {}, ...details.map(([key, value]) => make('div', {}, make('dt', { textContent: key }), make('dd', { textContent: value })))));
  element.style.setProperty('--depth', depth);
  return element;
}

async function openTrace(id) {
  const title = find('trace').querySelector('h1');
  const loaded = await get(`api/traces/${encodeURIComponent(id)}`).catch(() => null);
  find('spans').replaceChildren();
  find('scale').hidden = !loaded;
  if (!loaded) {
    title.textContent = 'This trace is not here';
    find('about').textContent = 'Only some of them are kept, and only the latest.';
    return;
  }
  const { trace, spans } = loaded;
  title.textContent = trace.name;
  find('about').textContent = `${clock(trace.start)}, ${duration(trace.milliseconds)}, ${trace.spans === 1 ? '1 span' : `${trace.spans} spans`}`;
  [...find('scale').children].forEach((tick, index) => tick.textContent = duration(trace.milliseconds * index / 4));
  find('spans').replaceChildren(...inOrder(spans).map(timed => makeSpan(timed, trace.milliseconds || 1)));
}

// --- which of them is shown ---

async function route() {
  leave();
  leave = () => { };
  const [, page = '', id = ''] = location.hash.split('/');
  const shown = page === 'console' ? 'console' : page === 'traces' ? (id ? 'trace' : 'traces') : 'running';
  for (const section of document.querySelectorAll('main > section'))
    section.hidden = section.id !== shown;
  for (const link of document.querySelectorAll('nav a'))
    link.getAttribute('href') === `#/${page}` ? link.setAttribute('aria-current', 'page') : link.removeAttribute('aria-current');
  if (shown === 'console')
    openConsole(decodeURIComponent(id));
  else if (shown === 'traces')
    await openTraces();
  else if (shown === 'trace')
    await openTrace(id);
  document.title = `${find(shown).querySelector('h1').textContent} · MnemoLite`;
}

addEventListener('hashchange', async () => {
  if (location.hash === '#content')
    return;
  await route();
  document.querySelector('main > section:not([hidden]) h1').focus();
  scrollTo(0, 0);
});
watchInstances();
setInterval(showInstances, 1000);
route();
