// Reads a file of NDJSON piece by piece and sends its lines to be stored; the page is told how far it is.
const PieceLines = 250, PieceBytes = 1 << 20, MaxLine = 4 << 20, MaxErrors = 10_000;
const NewLine = 10, Look = 64 << 10;

const isBlank = bytes => bytes.every(byte => byte === 32 || byte === 9 || byte === 13);

/** The lines of a file with their numbers from 1, the blank ones left out; null instead of one that is too long. */
async function* linesOf(file) {
  let rest = new Uint8Array(), number = 1, end = 0, isTooLong = false;
  const reader = file.stream().getReader();
  for (;;) {
    const { value, done } = await reader.read();
    const bytes = new Uint8Array(rest.length + (value?.length ?? 0));
    bytes.set(rest);
    if (value) bytes.set(value, rest.length);
    let start = 0;
    for (;;) {
      let stop = bytes.indexOf(NewLine, start);
      if (stop < 0) {
        if (!done) break;
        stop = bytes.length;
      }
      const line = bytes.subarray(start, stop);
      end += line.length + 1;
      if (isTooLong || line.length > MaxLine) yield { number, end, bytes: null };
      else if (!isBlank(line)) yield { number, end, bytes: line };
      [isTooLong, start] = [false, stop + 1];
      number++;
      if (start > bytes.length) return;
    }
    rest = bytes.slice(start);
    if (rest.length > MaxLine) [isTooLong, end, rest] = [true, end + rest.length, new Uint8Array()];
  }
}

export function open(input, target, page, token, address) {
  let file = null, errors = [], isRunning = false, isCancelled = false;
  const closing = new AbortController();
  const listen = (element, name, handler) => element.addEventListener(name, handler, { signal: closing.signal });

  const choose = async chosen => {
    if (!chosen || isRunning) return;
    file = chosen;
    const text = await file.slice(0, Look).text();
    const lines = text.replace(/^\uFEFF/, '').split('\n').map(line => line.trim()).filter(Boolean).slice(0, 3);
    await page.invokeMethodAsync('Chosen', file.name, file.size, lines.map(line => line.length > 400 ? line.slice(0, 400) + '…' : line));
  };

  listen(input, 'change', () => choose(input.files[0]));
  listen(target, 'dragover', event => {
    event.preventDefault();
    target.dataset.over = '';
  });
  listen(target, 'dragleave', () => delete target.dataset.over);
  listen(target, 'drop', event => {
    event.preventDefault();
    delete target.dataset.over;
    choose(event.dataTransfer.files[0]);
  });
  choose(input.files[0]); // chosen before the page was ready, or kept by the browser over a reload

  const send = async lines => {
    let response;
    try {
      response = await fetch(address, {
        method: 'POST',
        headers: { 'Content-Type': 'application/x-ndjson', RequestVerificationToken: token },
        body: new Blob(lines.flatMap(line => [line.bytes, '\n'])),
      });
    } catch {
      throw new Error('The dashboard is not answering.');
    }
    const answer = await response.json().catch(() => ({}));
    if (!response.ok) throw new Error(answer.detail ?? `The dashboard answered ${response.status}.`);
    return answer;
  };

  const run = async after => {
    [isRunning, isCancelled, errors] = [true, false, []];
    const state = { line: after, bytes: 0, created: 0, existing: 0, failed: 0, errors: [], end: null, problem: null };
    let told = 0, piece = [], size = 0;
    const fail = (line, detail) => {
      state.failed++;
      if (errors.length < MaxErrors) errors.push({ line, detail });
    };
    const tell = async () => {
      const some = errors.slice(told, told + 200);
      try { // while the connection is lost the work goes on, and is told of once it is back
        await Promise.race([
          page.invokeMethodAsync('Advance', { ...state, errors: some }).then(() => { told += some.length; }),
          new Promise((_, reject) => setTimeout(reject, 3000)),
        ]);
        return true;
      } catch {
        return false;
      }
    };
    const store = async () => {
      if (piece.length) {
        const answer = await send(piece);
        state.created += answer.created;
        state.existing += answer.existing;
        for (const error of answer.errors) fail(piece[error.index].number, error.detail);
        [state.line, state.bytes] = [piece.at(-1).number, piece.at(-1).end];
        [piece, size] = [[], 0];
      }
      await tell();
    };
    try {
      for await (const line of linesOf(file)) {
        if (line.number <= after) continue;
        if (!line.bytes) {
          fail(line.number, 'The line has more than 4 MiB: split the event up.');
          continue;
        }
        piece.push(line);
        size += line.bytes.length;
        if (piece.length < PieceLines && size < PieceBytes) continue;
        await store();
        if (isCancelled) break;
      }
      if (!isCancelled) {
        await store();
        state.bytes = file.size;
      }
      state.end = isCancelled ? 'cancelled' : 'done';
    } catch (problem) {
      [state.end, state.problem] = ['interrupted', problem.message];
    }
    isRunning = false;
    while (!closing.signal.aborted && !(await tell())) await new Promise(later => setTimeout(later, 1000));
    while (!closing.signal.aborted && told < errors.length && told < 200 && await tell());
  };

  return {
    /** Stores the lines after that one. */
    start: after => { run(after); },
    /** Ends with the piece that is being stored, so that it is known what is. */
    cancel: () => { isCancelled = true; },
    reset: () => {
      file = null;
      input.value = '';
    },
    save: () => {
      const link = document.createElement('a');
      link.href = URL.createObjectURL(new Blob([errors.map(({ line, detail }) => `${line}\t${detail}\n`).join('')], { type: 'text/tab-separated-values' }));
      link.download = 'errors.tsv';
      link.click();
      URL.revokeObjectURL(link.href);
    },
    close: () => {
      isCancelled = true;
      closing.abort();
    },
  };
}
