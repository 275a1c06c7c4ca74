// Draws the graph on a canvas and tells the page what is picked. Where nodes go is worked out by the worker at layoutUrl.
const Tau = 2 * Math.PI;
const Colors = 8;
const Margin = 160; // drawn beyond the edges of the canvas, so that a pan has something to show at once
const Many = 600; // nodes and edges; a drawing of more is moved as a picture while it is panned or zoomed, and drawn anew at rest

const corners = (count, turn, scale) => Array.from({ length: count }, (_, i) =>
  [scale * Math.cos(turn + i * Tau / count), scale * Math.sin(turn + i * Tau / count)]);
const shapes = [null, corners(4, Tau / 8, 1.25), corners(4, 0, 1.3), corners(3, -Tau / 4, 1.4), corners(6, 0, 1.12), corners(5, -Tau / 4, 1.18)];

const trace = (context, node, scale = 1) => {
  const radius = node.radius * scale;
  const shape = shapes[node.type % shapes.length];
  if (!shape) {
    context.moveTo(node.x + radius, node.y);
    context.arc(node.x, node.y, radius, 0, Tau);
    return;
  }
  shape.forEach(([x, y], i) => i ? context.lineTo(node.x + radius * x, node.y + radius * y) : context.moveTo(node.x + radius * x, node.y + radius * y));
  context.closePath();
};

export function open(canvas, page, layoutUrl) {
  const nodes = new Map(), edges = new Map();
  const context = canvas.getContext('2d');
  const picture = document.createElement('canvas'), drawing = picture.getContext('2d');
  const worker = new Worker(layoutUrl);
  const closing = new AbortController();
  const listen = (target, name, handler, options) => target.addEventListener(name, handler, { ...options, signal: closing.signal });

  let view = { x: 0, y: 0, k: 1 }, drawn = null; // where the world's origin is on the canvas, and how large
  let width = 0, height = 0, ratio = 1;
  let colors = {}, byDegree = [], pen = context;
  let hidden = new Set(), selected = null, hovered = null, path = null;
  let run = 0, moving = [], follows = true, frame = 0, isStale = true, isCostly = false, moved = 0, calm = 0;

  const isShown = node => !hidden.has(node.type);
  const isDrawn = edge => isShown(edge.source) && isShown(edge.target);
  const at = (x, y) => [(x - view.x) / view.k, (y - view.y) / view.k];

  // ---- drawing

  const readColors = () => {
    const style = getComputedStyle(canvas);
    const read = name => style.getPropertyValue(name).trim();
    colors = {
      types: Array.from({ length: Colors }, (_, i) => read(`--type-${i}`)),
      text: read('--mud-palette-text-primary'),
      edge: read('--edge'),
      surface: read('--mud-palette-surface'),
      primary: read('--mud-palette-primary'),
      spark: read('--score'),
      font: read('--text') || 'sans-serif',
    };
  };

  const line = (target, edge) => {
    const { source, target: end, bend } = edge;
    if (source === end) {
      const r = source.radius;
      target.moveTo(source.x + r * .6, source.y - r * .8);
      target.bezierCurveTo(source.x + r * 3, source.y - r * 3.4, source.x - r * 3, source.y - r * 3.4, source.x - r * .6, source.y - r * .8);
      return;
    }
    target.moveTo(source.x, source.y);
    if (!bend) {
      target.lineTo(end.x, end.y);
      return;
    }
    target.quadraticCurveTo(...control(edge), end.x, end.y);
  };

  const control = ({ source, target, bend }) => {
    const side = source.id < target.id ? bend : -bend;
    return [(source.x + target.x) / 2 + side * (target.y - source.y), (source.y + target.y) / 2 - side * (target.x - source.x)];
  };

  const middle = edge => {
    if (edge.source === edge.target) return [edge.source.x, edge.source.y - 3 * edge.source.radius];
    const [x, y] = control(edge);
    return [(edge.source.x + edge.target.x) / 4 + x / 2, (edge.source.y + edge.target.y) / 4 + y / 2];
  };

  const arrow = (target, edge, size) => {
    if (edge.source === edge.target) return;
    const [fromX, fromY] = edge.bend ? control(edge) : [edge.source.x, edge.source.y];
    const length = Math.hypot(edge.target.x - fromX, edge.target.y - fromY) || 1;
    const [dx, dy] = [(edge.target.x - fromX) / length, (edge.target.y - fromY) / length];
    const [x, y] = [edge.target.x - dx * (edge.target.radius + 2), edge.target.y - dy * (edge.target.radius + 2)];
    target.moveTo(x, y);
    target.lineTo(x - dx * size - dy * size * .5, y - dy * size + dx * size * .5);
    target.lineTo(x - dx * size + dy * size * .5, y - dy * size - dx * size * .5);
    target.closePath();
  };

  const label = (target, node, k, emphasis = false) => {
    const text = node.label.length > 34 ? node.label.slice(0, 33) + '…' : node.label;
    const size = (emphasis ? 13.5 : 12.5) / k;
    target.font = `${emphasis ? 650 : 550} ${size}px ${colors.font}`;
    target.textAlign = 'center';
    target.textBaseline = 'top';
    target.lineJoin = 'round';
    target.lineWidth = 4 / k;
    target.strokeStyle = colors.surface;
    target.fillStyle = colors.text;
    const y = node.y + node.radius + 4 / k;
    target.strokeText(text, node.x, y);
    target.fillText(text, node.x, y);
  };

  /** Draws everything, with a margin around. */
  const draw = () => {
    const { x, y, k } = view;
    const [w, h] = [width + 2 * Margin, height + 2 * Margin];
    if (picture.width !== Math.round(w * ratio) || picture.height !== Math.round(h * ratio))
      [picture.width, picture.height] = [Math.round(w * ratio), Math.round(h * ratio)];
    drawing.setTransform(1, 0, 0, 1, 0, 0);
    drawing.clearRect(0, 0, picture.width, picture.height);
    drawing.setTransform(ratio * k, 0, 0, ratio * k, ratio * (x + Margin), ratio * (y + Margin));
    const [left, top, right, bottom] = [(-Margin - x) / k, (-Margin - y) / k, (width + Margin - x) / k, (height + Margin - y) / k];
    const isNear = node => node.x > left - 40 && node.x < right + 40 && node.y > top - 40 && node.y < bottom + 40;
    const isQuiet = path !== null || nodes.has(selected);

    drawing.strokeStyle = drawing.fillStyle = colors.edge;
    drawing.lineWidth = (edges.size > Many ? .99 / ratio : Math.min(1.4, Math.max(.7, k))) / k; // thicker lines take software many times as long
    drawing.globalAlpha = isQuiet ? .3 : edges.size > 3000 ? .45 : .8;
    drawing.beginPath();
    const near = [];
    for (const edge of edges.values()) {
      const { source, target } = edge;
      if (!isDrawn(edge) || (source.x < left && target.x < left) || (source.x > right && target.x > right)
        || (source.y < top && target.y < top) || (source.y > bottom && target.y > bottom)) continue;
      line(drawing, edge);
      near.push(edge);
    }
    drawing.stroke();
    if (k > .45 && near.length < 1500) {
      drawing.beginPath();
      for (const edge of near) arrow(drawing, edge, 7 / Math.max(k, .8));
      drawing.fill();
    }

    const groups = new Map();
    for (const node of nodes.values()) {
      if (!isShown(node) || !isNear(node)) continue;
      if (!groups.has(node.type)) groups.set(node.type, []);
      groups.get(node.type).push(node);
    }
    drawing.globalAlpha = isQuiet ? .3 : 1;
    drawing.strokeStyle = colors.surface;
    drawing.lineWidth = 1.5 / k;
    for (const [type, members] of groups) {
      drawing.fillStyle = colors.types[type % Colors];
      drawing.beginPath();
      for (const node of members) {
        if (node.radius * k < 3.2) drawing.rect(node.x - node.radius * .85, node.y - node.radius * .85, 1.7 * node.radius, 1.7 * node.radius);
        else trace(drawing, node);
      }
      if (k > .55) drawing.stroke();
      drawing.fill();
    }

    const taken = [];
    let room = 110;
    for (const node of isQuiet ? [] : byDegree) {
      if (!room) break;
      if (node.radius * k < 5 && k < .9) { if (node.radius * k < 3) break; continue; }
      if (!isShown(node) || !isNear(node)) continue;
      const [cx, cy] = [node.x * k, (node.y + node.radius) * k + 12];
      const half = Math.min(34, node.label.length) * 3.4 + 4;
      if (taken.some(box => Math.abs(box.x - cx) < box.half + half && Math.abs(box.y - cy) < 18)) continue;
      taken.push({ x: cx, y: cy, half });
      label(drawing, node, k);
      room--;
    }
    drawing.globalAlpha = 1;
    drawChosen();
    drawn = { ...view };
    isStale = false;
    isCostly = near.length + [...groups.values()].reduce((sum, members) => sum + members.length, 0) > Many;
  };

  const emphasise = (edge, color, thickness) => {
    pen.strokeStyle = pen.fillStyle = color;
    pen.lineWidth = thickness / view.k;
    pen.beginPath();
    line(pen, edge);
    pen.stroke();
    pen.beginPath();
    arrow(pen, edge, 9 / Math.max(view.k, .7));
    pen.fill();
  };

  const tag = (edge, taken = []) => {
    const [x, y] = middle(edge);
    const half = 3.4 * edge.label.length / view.k;
    if (taken.some(box => Math.abs(box.x - x) < box.half + half && Math.abs(box.y - y) < 16 / view.k)) return;
    taken.push({ x, y, half });
    pen.font = `550 ${12 / view.k}px ${colors.font}`;
    pen.textAlign = 'center';
    pen.textBaseline = 'middle';
    pen.lineJoin = 'round';
    pen.lineWidth = 5 / view.k;
    pen.strokeStyle = colors.surface;
    pen.fillStyle = colors.text;
    pen.strokeText(edge.label, x, y);
    pen.fillText(edge.label, x, y);
  };

  /** Its label, unless it would hide another. */
  const name = (node, taken, emphasis = false) => {
    const box = { x: node.x, y: node.y + node.radius + 12 / view.k, half: (3.4 * Math.min(34, node.label.length) + 2) / view.k };
    if (taken.some(other => Math.abs(other.x - box.x) < other.half + box.half && Math.abs(other.y - box.y) < 16 / view.k)) return;
    taken.push(box);
    label(pen, node, view.k, emphasis);
  };

  const mark = (node, ring) => {
    pen.fillStyle = colors.types[node.type % Colors];
    pen.strokeStyle = ring ?? colors.surface;
    pen.lineWidth = (ring ? 3 : 1.5) / view.k;
    pen.beginPath();
    trace(pen, node);
    pen.fill();
    if (!ring) return;
    pen.beginPath();
    pen.arc(node.x, node.y, node.radius * 1.3 + 4 / view.k, 0, Tau);
    pen.stroke();
  };

  /** Draws what stands out: the path, or the selected node with its edges. */
  const drawChosen = () => {
    const { k } = view;
    pen = drawing;
    const node = nodes.get(selected);
    const about = node && isShown(node) ? node.edges.filter(isDrawn).slice(0, 400) : [];
    if (path) {
      const steps = path.edges.map(id => edges.get(id)).filter(Boolean);
      for (const edge of steps) emphasise(edge, colors.spark, 4);
      const taken = [];
      path.nodes.map(id => nodes.get(id)).filter(Boolean).forEach(step => {
        mark(step, colors.spark);
        name(step, taken, true);
      });
      for (const edge of steps) tag(edge, taken);
    } else if (node && isShown(node)) {
      for (const edge of about) emphasise(edge, colors.primary, 2);
      const others = [...new Set(about.flatMap(edge => [edge.source, edge.target]))].filter(other => other !== node);
      for (const other of others) mark(other);
      mark(node, colors.primary);
      const taken = [];
      name(node, taken, true);
      for (const other of others.slice(0, 60)) name(other, taken);
      if (k > .5) for (const edge of about.slice(0, 24)) tag(edge, taken);
    }
  };

  /** Draws what the pointer is over. */
  const drawHovered = () => {
    const { x, y, k } = view;
    pen = context;
    pen.setTransform(ratio * k, 0, 0, ratio * k, ratio * x, ratio * y);
    if (hovered?.edges) {
      if (hovered.id !== selected) mark(hovered, colors.text);
      label(pen, hovered, k, true);
    } else if (hovered) {
      emphasise(hovered, colors.primary, 2.5);
      tag(hovered);
    }
  };

  const render = () => {
    frame = 0;
    if (!width || !height) return;
    const isMoving = performance.now() - moved < 140 && moved > 0;
    const scale = drawn ? view.k / drawn.k : 0;
    const [dx, dy] = drawn ? [view.x - drawn.x * scale, view.y - drawn.y * scale] : [0, 0];
    const covers = scale > .5 && scale < 2.2 && dx - Margin * scale <= Margin * .6 && dy - Margin * scale <= Margin * .6
      && dx + (width + Margin) * scale >= width - Margin * .6 && dy + (height + Margin) * scale >= height - Margin * .6;
    const isSame = drawn && drawn.x === view.x && drawn.y === view.y && drawn.k === view.k;
    if (isStale || !drawn || (!isSame && !(isMoving && isCostly && covers))) draw();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    const s = view.k / drawn.k;
    context.imageSmoothingEnabled = s !== 1;
    context.setTransform(s, 0, 0, s, Math.round(ratio * (view.x - drawn.x * s - Margin * s)), Math.round(ratio * (view.y - drawn.y * s - Margin * s)));
    context.drawImage(picture, 0, 0);
    drawHovered();
  };

  const refresh = () => { frame ||= requestAnimationFrame(render); };
  const redraw = () => { isStale = true; refresh(); };
  const shift = () => {
    moved = performance.now();
    clearTimeout(calm);
    calm = setTimeout(refresh, 160);
    refresh();
  };

  // ---- the view

  const zoomAt = (x, y, factor) => {
    const k = Math.min(6, Math.max(.03, view.k * factor));
    view = { k, x: x - (x - view.x) * k / view.k, y: y - (y - view.y) * k / view.k };
    follows = false;
    shift();
  };

  const legend = () => 12 + (canvas.parentElement.querySelector('.legend')?.offsetHeight ?? 0); // it covers the foot of the canvas

  const fit = (some = nodes.values(), most = 1.6) => {
    let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
    for (const node of some) {
      if (!isShown(node)) continue;
      [left, top] = [Math.min(left, node.x - 30), Math.min(top, node.y - 30)];
      [right, bottom] = [Math.max(right, node.x + 30), Math.max(bottom, node.y + 44)];
    }
    if (left > right || !width) return;
    const below = legend();
    const k = Math.min(most, Math.max(.03, Math.min((width - 40) / (right - left), (height - 24 - below) / (bottom - top))));
    view = { k, x: width / 2 - k * (left + right) / 2, y: (height - below) / 2 - k * (top + bottom) / 2 };
    refresh();
  };

  const centre = (node, k = Math.max(view.k, .9)) => {
    view = { k, x: width / 2 - k * node.x, y: (height - legend()) / 2 - k * node.y };
    follows = false;
    refresh();
  };

  // ---- the layout

  const arrange = (keep, fresh) => {
    moving = [...nodes.values()];
    const index = new Map(moving.map((node, i) => [node, i]));
    const flat = new Float32Array(moving.flatMap(node => [node.x, node.y, node.radius, keep.has(node) || node.isHeld ? 1 : 0]));
    const links = new Uint32Array([...edges.values()].filter(edge => edge.source !== edge.target)
      .flatMap(edge => [index.get(edge.source), index.get(edge.target)]));
    canvas.dataset.layout = 'working';
    worker.postMessage({ run: ++run, nodes: flat, links, fresh });
  };

  worker.onmessage = ({ data }) => {
    if (data.run !== run) return;
    moving.forEach((node, i) => {
      if (!node.isHeld) [node.x, node.y] = [data.positions[2 * i], data.positions[2 * i + 1]];
    });
    if (follows) fit();
    if (data.done) canvas.dataset.layout = 'done';
    redraw();
  };

  const measure = () => {
    const pairs = new Map();
    for (const node of nodes.values()) node.edges = [];
    for (const edge of edges.values()) {
      edge.source.edges.push(edge);
      if (edge.target !== edge.source) edge.target.edges.push(edge);
      const pair = edge.source.id < edge.target.id ? edge.source.id + edge.target.id : edge.target.id + edge.source.id;
      if (!pairs.has(pair)) pairs.set(pair, []);
      pairs.get(pair).push(edge);
    }
    for (const pair of pairs.values()) pair.forEach((edge, i) => { edge.bend = pair.length === 1 ? 0 : .28 * (i - (pair.length - 1) / 2); });
    for (const node of nodes.values()) node.radius = 6 + Math.min(14, 1.9 * Math.sqrt(node.edges.length));
    byDegree = [...nodes.values()].sort((a, b) => b.radius - a.radius);
  };

  // ---- the pointer

  const nodeAt = (x, y, slack) => {
    const [wx, wy] = at(x, y);
    let best = null, least = Infinity;
    for (const node of nodes.values()) {
      const distance = Math.hypot(node.x - wx, node.y - wy) - node.radius * 1.2;
      if (distance < slack / view.k && distance < least && isShown(node)) [best, least] = [node, distance];
    }
    return best;
  };

  const edgeAt = (x, y) => {
    if (view.k < .4) return null;
    const [wx, wy] = at(x, y);
    for (const edge of edges.values()) {
      if (!isDrawn(edge) || edge.source === edge.target) continue;
      const [mx, my] = middle(edge);
      for (const [a, b] of [[[edge.source.x, edge.source.y], [mx, my]], [[mx, my], [edge.target.x, edge.target.y]]]) {
        const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
        const t = Math.max(0, Math.min(1, ((wx - a[0]) * dx + (wy - a[1]) * dy) / (dx * dx + dy * dy || 1)));
        if (Math.hypot(a[0] + t * dx - wx, a[1] + t * dy - wy) < 5 / view.k) return edge;
      }
    }
    return null;
  };

  const pointers = new Map();
  let grabbed = null, start = null, hasMoved = false;
  const place = event => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };

  listen(canvas, 'pointerdown', event => {
    if (event.button) return;
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, place(event));
    if (pointers.size > 1) {
      hasMoved = true; // two fingers are no tap
      return;
    }
    [start, hasMoved] = [place(event), false];
    grabbed = nodeAt(...start, event.pointerType === 'mouse' ? 3 : 14);
  });

  listen(canvas, 'pointermove', event => {
    const [x, y] = place(event);
    const before = pointers.get(event.pointerId);
    if (!before) {
      const over = nodeAt(x, y, 3) ?? edgeAt(x, y);
      if (over === hovered) return;
      hovered = over;
      canvas.toggleAttribute('data-over', Boolean(over?.edges));
      refresh();
      return;
    }
    if (pointers.size === 2) {
      const [other] = [...pointers].filter(([id]) => id !== event.pointerId).map(([, where]) => where);
      const [from, to] = [Math.hypot(before[0] - other[0], before[1] - other[1]), Math.hypot(x - other[0], y - other[1])];
      view = { ...view, x: view.x + (x - before[0]) / 2, y: view.y + (y - before[1]) / 2 };
      zoomAt((x + other[0]) / 2, (y + other[1]) / 2, from ? to / from : 1);
    } else if (hasMoved || Math.hypot(x - start[0], y - start[1]) > (event.pointerType === 'mouse' ? 4 : 9)) {
      hasMoved = true;
      if (grabbed) {
        [grabbed.x, grabbed.y] = at(x, y);
        grabbed.isHeld = true;
        redraw();
      } else {
        view = { ...view, x: view.x + x - before[0], y: view.y + y - before[1] };
        follows = false;
        shift();
      }
    }
    pointers.set(event.pointerId, [x, y]);
  });

  const release = event => {
    if (!pointers.delete(event.pointerId) || pointers.size) return;
    if (event.type === 'pointerup' && !hasMoved) page.invokeMethodAsync('Pick', grabbed?.id ?? null);
    grabbed = null;
  };
  listen(canvas, 'pointerup', release);
  listen(canvas, 'pointercancel', release);
  listen(canvas, 'pointerleave', () => {
    hovered = null;
    refresh();
  });
  listen(canvas, 'wheel', event => {
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 24 : 1;
    zoomAt(...place(event), Math.exp(-event.deltaY * lines * (event.ctrlKey ? .01 : .0016)));
  }, { passive: false });

  // ---- around it

  const resize = new ResizeObserver(() => {
    const [w, h] = [canvas.clientWidth, canvas.clientHeight];
    ratio = Math.min(devicePixelRatio || 1, 2);
    view = { ...view, x: view.x + (w - width) / 2, y: view.y + (h - height) / 2 };
    [width, height] = [w, h];
    [canvas.width, canvas.height] = [Math.round(w * ratio), Math.round(h * ratio)];
    drawn = null;
    if (follows) fit();
    redraw();
  });
  resize.observe(canvas);
  const theme = new MutationObserver(() => {
    readColors();
    redraw();
  });
  theme.observe(document.documentElement, { attributeFilter: ['data-scheme'] });
  readColors();
  document.fonts.ready.then(redraw);

  return {
    /** Adds nodes [{id, label, type}] and edges [{id, source, target, label}]; those that are there stay where they are, unless all shall move. */
    add: (newNodes, newEdges, around, all) => {
      const before = new Set(nodes.values());
      for (const node of newNodes) nodes.set(node.id, { ...node, edges: [], radius: 6, x: NaN, y: NaN, isHeld: false });
      for (const edge of newEdges) {
        const [source, target] = [nodes.get(edge.source), nodes.get(edge.target)];
        if (source && target) edges.set(edge.id, { ...edge, source, target, bend: 0 });
      }
      measure();
      const spread = 26 * Math.sqrt(nodes.size);
      const origin = nodes.get(around);
      const put = (node, near, distance) => {
        const angle = Math.random() * Tau;
        [node.x, node.y] = [near.x + distance * Math.cos(angle), near.y + distance * Math.sin(angle)];
      };
      if (origin && !before.has(origin)) put(origin, { x: 0, y: 0 }, before.size ? spread : 0);
      const waiting = origin ? [origin] : [...before];
      for (const node of waiting) { // outwards, each near the one it is reached from
        for (const edge of node.edges) {
          const other = edge.source === node ? edge.target : edge.source;
          if (!Number.isNaN(other.x)) continue;
          put(other, node, 50 + 20 * Math.random());
          waiting.push(other);
        }
      }
      for (const node of nodes.values()) if (Number.isNaN(node.x)) put(node, origin ?? { x: 0, y: 0 }, spread * Math.sqrt(Math.random()));
      if (!before.size) follows = true;
      if (nodes.size > before.size || all) arrange(all ? new Set() : before, !before.size);
      redraw();
    },
    remove: id => {
      nodes.delete(id);
      for (const edge of [...edges.values()]) if (edge.source.id === id || edge.target.id === id) edges.delete(edge.id);
      hovered = null;
      measure();
      redraw();
    },
    hide: types => {
      hidden = new Set(types);
      hovered = null;
      redraw();
    },
    select: (id, isCentred) => {
      selected = id;
      isStale = true;
      const node = nodes.get(id);
      if (node && isCentred) {
        fit(new Set([node, ...node.edges.flatMap(edge => [edge.source, edge.target])]), 1.1);
        follows = false;
        if (view.k < .6) centre(node, .9);
      }
      refresh();
    },
    trace: found => {
      path = found;
      if (path) {
        follows = false;
        fit(path.nodes.map(id => nodes.get(id)).filter(Boolean), 1.3);
      }
      redraw();
    },
    centre: id => {
      const node = nodes.get(id);
      if (node) centre(node);
    },
    zoom: factor => zoomAt(width / 2, height / 2, factor),
    fit: () => {
      follows = true;
      fit();
      redraw();
    },
    close: () => {
      closing.abort();
      resize.disconnect();
      theme.disconnect();
      worker.terminate();
      cancelAnimationFrame(frame);
      clearTimeout(calm);
    },
  };
}
