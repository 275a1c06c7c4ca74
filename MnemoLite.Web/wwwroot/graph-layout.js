// Where the nodes of the graph go, worked out beside the page so that it stays fluid. In: {run, nodes: [x, y, radius, fixed]…, links: [source, target]…, fresh};
// out: {run, positions, done} as it comes to rest.
importScripts(...location.hash.slice(1).split(',')); // d3, under the names it is served by

const Step = 40; // milliseconds between two answers
const Width = 4;
let current = 0;

onmessage = ({ data: { run, nodes, links, fresh } }) => {
  current = run;
  const count = nodes.length / Width;
  const points = Array.from({ length: count }, (_, i) => {
    const [x, y, radius, fixed] = nodes.subarray(i * Width, (i + 1) * Width);
    return fixed ? { x, y, radius, fx: x, fy: y } : { x, y, radius };
  });
  const pairs = Array.from({ length: links.length / 2 }, (_, i) => ({ source: links[2 * i], target: links[2 * i + 1] }));
  const isSmall = count < 400; // there is room for labels then
  const simulation = d3.forceSimulation(points)
    .force('charge', d3.forceManyBody().strength(point => (isSmall ? -2 : -1) * (90 + 14 * point.radius)).theta(1).distanceMax(900))
    .force('link', d3.forceLink(pairs).distance(link => (isSmall ? 78 : 48) + link.source.radius + link.target.radius))
    .force('collide', d3.forceCollide(point => point.radius + (isSmall ? 20 : 8)).iterations(count > 2000 ? 1 : 2))
    .force('x', d3.forceX().strength(.03))
    .force('y', d3.forceY().strength(.045)) // a little wider than tall, as screens are
    .alphaDecay(count > 2000 ? .035 : .0228)
    .alpha(fresh ? 1 : .5)
    .stop();

  const work = () => {
    if (run !== current) return; // a newer layout is wanted
    for (const end = performance.now() + Step; performance.now() < end && simulation.alpha() > .004;) simulation.tick();
    const positions = new Float32Array(2 * count);
    points.forEach((point, i) => positions.set([point.x, point.y], 2 * i));
    const done = simulation.alpha() <= .004;
    postMessage({ run, positions, done }, [positions.buffer]);
    if (!done) setTimeout(work);
  };
  work();
};
