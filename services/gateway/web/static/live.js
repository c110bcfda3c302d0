// Keeps the page up to date: listens to the stream, and reads the page again when something in it has moved.
// The stream says what changed, never the figures, so the server renders every figure that is shown.
(() => {
  "use strict";
  const PAUSE_MS = 1000; // at most one refresh a second, however much moves
  const MOVED_MS = 1600;

  const board = () => document.getElementById("board");
  const link = () => document.getElementById("link");
  const news = document.getElementById("news");
  let wanted = false;
  let running = false;
  let refreshed = 0;

  document.documentElement.classList.add("scripted");

  function connection(state) {
    const shown = link();
    if (!shown) return;
    shown.dataset.state = state;
    shown.querySelector(".word").textContent = shown.dataset[state];
  }

  function figures() {
    const found = new Map();
    for (const row of board().querySelectorAll("[data-figure]")) found.set(row.id, row.dataset.figure);
    return found;
  }

  function mark(before) {
    for (const row of board().querySelectorAll("[data-figure]")) {
      if (!before.has(row.id) || before.get(row.id) === row.dataset.figure) continue;
      row.classList.add("moved");
      setTimeout(() => row.classList.remove("moved"), MOVED_MS);
    }
  }

  const headline = () => document.getElementById("headline")?.textContent ?? "";

  async function refresh() {
    if (running || document.hidden) return;
    running = true;
    try {
      while (wanted) {
        wanted = false;
        const wait = refreshed + PAUSE_MS - performance.now();
        if (wait > 0) await new Promise((done) => setTimeout(done, wait));
        refreshed = performance.now();
        const before = figures();
        const said = headline();
        await htmx.ajax("GET", location.pathname + location.search, {
          target: "#board", select: "#board", swap: "outerMorph",
        });
        mark(before);
        if (headline() !== said) news.textContent = headline();
      }
    } finally {
      running = false;
    }
  }

  function changed(event) {
    const mine = board().dataset.province;
    const { provinces = [] } = event.data ? JSON.parse(event.data) : {};
    if (mine && provinces.length && !provinces.includes(mine)) return;
    wanted = true;
    refresh();
  }

  const after = board().dataset.after;
  const source = new EventSource("/api/v1/stream" + (after ? `?after=${encodeURIComponent(after)}` : ""));
  source.addEventListener("hello", () => connection("live"));
  source.addEventListener("error", () => connection("lost"));
  for (const kind of ["progress", "alerts", "catalog", "reset"]) source.addEventListener(kind, changed);
  document.addEventListener("visibilitychange", () => refresh());
  document.addEventListener("change", (event) => {
    if (event.target.matches(".choose select")) event.target.form.requestSubmit();
  });
})();
