"use strict";
// Keeps a page up to date: asks for a small state every few seconds, and loads the page again where there is something new.
(() => {
  const byId = (id) => document.getElementById(id);
  const place = byId("live"), run = place.dataset.run, words = byId("live-words"), table = byId("runs");
  const store = (() => { try { return sessionStorage; } catch { return null; } })(); // a sandboxed page has none
  const key = `evonas ${location.pathname}`, kept = JSON.parse(store?.getItem(key) || "{}");
  let paused = Boolean(kept.paused), lost = 0, sorted = kept.sorted;

  // --- the page stays as its reader left it

  const details = () => [...document.querySelectorAll("details")];
  const marks = () => [...document.querySelectorAll("#runs input")];
  addEventListener("pagehide", () => store?.setItem(key, JSON.stringify({
    y: scrollY, paused, sorted, filter: byId("live-filter")?.value, open: details().map((one) => one.open),
    marked: marks().filter((one) => one.checked).map((one) => one.value),
  })));
  const again = performance.getEntriesByType("navigation")[0]?.type === "reload";
  if (again && kept.open?.length === details().length) details().forEach((one, i) => { one.open = kept.open[i]; });
  for (const one of marks()) one.checked = Boolean(again && kept.marked?.includes(one.value));
  if (again && kept.y) {
    history.scrollRestoration = "manual";
    scrollTo({ top: kept.y, behavior: "instant" });
  }

  const pause = byId("live-pause");
  const press = () => {
    pause.setAttribute("aria-pressed", String(paused));
    pause.textContent = paused ? "Go on with updates" : "Pause updates";
  };
  pause.onclick = () => { paused = !paused; press(); };
  press();

  // --- the list of runs

  function sort() {
    const [column, descending] = sorted;
    const value = (row) => row.cells[column].textContent.trim();
    const order = new Intl.Collator(undefined, { numeric: true }).compare;
    const rows = [...table.tBodies[0].rows].sort((a, b) => {
      const x = value(a), y = value(b);
      if (!x || !y) return (x ? 0 : 1) - (y ? 0 : 1);
      return order(x, y) * (descending ? -1 : 1);
    });
    table.tBodies[0].append(...rows);
    [...table.tHead.rows[0].cells].forEach((head, i) => {
      if (i === column) head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
  }
  if (table) {
    [...table.tHead.rows[0].cells].forEach((head, i) => {
      head.firstChild.onclick = () => { sorted = [i, head.getAttribute("aria-sort") === "ascending"]; sort(); };
    });
    if (sorted) sort();
    const filter = byId("live-filter");
    const choose = () => {
      const wanted = filter.value.toLowerCase();
      for (const row of table.tBodies[0].rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
    };
    if (filter) {
      filter.oninput = choose;
      filter.value = kept.filter || "";
      choose();
    }
  }

  // --- what goes on

  function drawn(curve) { // accuracy, 0 to 1, over the share of the training that is done; the words stand beside it
    const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg"), line = document.createElementNS(picture.namespaceURI, "polyline");
    picture.setAttribute("viewBox", "0 0 100 30");
    picture.setAttribute("class", "curve");
    picture.setAttribute("aria-hidden", "true");
    line.setAttribute("points", curve.map(([share, accuracy]) => `${(100 * share).toFixed(1)},${(29 - 28 * accuracy).toFixed(1)}`).join(" "));
    picture.append(line);
    return picture;
  }

  function show(state) {
    const status = { running: "is running", done: "is done", interrupted: "was interrupted" }[state.status] || state.status;
    words.textContent = `${run} ${status}: ${state.trials} trial${state.trials === 1 ? "" : "s"}`;
    byId("live-note").textContent = state.note;
    const body = document.createElement("tbody");
    for (const one of state.running) {
      const row = body.insertRow();
      for (const text of [one.time, one.part, one.done, one.learned, one.genome]) row.insertCell().textContent = text;
      for (const i of [0, 1, 2]) row.cells[i].className = "number";
      if (one.curve.length > 1) row.cells[3].prepend(drawn(one.curve));
    }
    byId("live-running").tBodies[0].replaceWith(body);
    byId("live-running").hidden = !state.running.length;
  }

  async function ask() {
    let wait = 2000;
    try {
      const answer = await fetch("state", { cache: "no-store" });
      if (!answer.ok) throw new Error(String(answer.status));
      const state = await answer.json();
      lost = 0;
      if (run) show(state);
      else words.textContent = "";
      // not while somebody reads it elsewhere, or has marked something
      if (state.version !== place.dataset.version && !paused && !document.hidden && getSelection().isCollapsed) location.reload();
    } catch (error) {
      lost += 1;
      wait = Math.min(2000 * lost, 30000);
      if (lost > 1) words.textContent = `No more news: the server has ended. This is the last state; evonas watch ${run || ""} shows it anew.`;
    }
    setTimeout(ask, wait);
  }
  ask();
})();
