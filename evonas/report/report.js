"use strict";
// Draws the report from the columns in #data. Theme colours come from the page's CSS, so that light, dark and print agree.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const count = data.count, drawn = data.trial.length;
  const goal = data.objectives[0];
  const values = data.metrics[goal.name];
  const position = data.trial;
  const best = data.best === null ? undefined : data.best;
  const full = Math.max(...data.fidelity.filter((f, i) => data.failed[i] === null), 0);
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const show = { progress: "trials", tradeoff: data.costs.length ? data.costs[0].name : undefined };

  // --- figures as people read them; the same forms as words.py

  function prefixed(x) {
    for (const [size, prefix] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
      if (Math.abs(x) >= 0.9995 * size) return `${(x / size).toPrecision(3)} ${prefix}`;
    }
    return String(Number(x.toPrecision(3)));
  }
  function duration(s) {
    if (s < 59.95) return `${s.toFixed(s < 0.995 ? 2 : 1)} s`;
    const minutes = Math.floor(Math.round(s) / 60), two = (n) => String(n).padStart(2, "0");
    if (minutes < 60) return `${minutes} min ${two(Math.round(s) % 60)} s`;
    const hours = Math.floor(minutes / 60);
    return hours < 24 ? `${hours} h ${two(minutes % 60)} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
  }
  const forms = {
    percent: (x) => `${(100 * x).toFixed(2)} %`, seconds: duration, count: prefixed,
    megabytes: (x) => `${x < 9.5 ? Number(x.toPrecision(2)) : x.toFixed(0)} MB`, plain: (x) => (Number.isInteger(x) ? String(x) : x.toPrecision(4)),
  };
  const text = (metric, x) => {
    if (x === null || x === undefined) return "–";
    const bare = !data.units[metric] || data.units[metric] === "nats"; // as `Metric.text`
    return forms[data.kinds[metric] || "plain"](x) + (bare ? "" : ` ${data.units[metric]}`);
  };
  const scale = (metric) => (data.kinds[metric] === "percent" ? 100 : 1);
  const scaled = (metric, column) => column.map((x) => (x === null ? null : x * scale(metric)));
  const short = (metric, x) => text(metric, x).replace(/(\.\d*?)0+(?= |$)/, "$1").replace(/\.(?= |$)/, "");
  const unit = (metric) => ({ percent: "%", seconds: "s" })[data.kinds[metric]] || data.units[metric];
  const title = (metric) => data.names[metric] + (unit(metric) ? ` (${unit(metric)})` : "");

  // --- plots

  const safe = (s) => s.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const wrapped = (s, width = 64, lines = 6) => {
    const parts = s.match(new RegExp(`[^]{1,${width}}`, "g")) || [""];
    return parts.slice(0, lines).map(safe).join("<br>") + (parts.length > lines ? "…" : "");
  };
  const hover = position.map((n, i) => {
    const lines = [`<b>trial ${n}</b>` + (data.fidelity[i] < 1 ? `, fidelity ${data.fidelity[i]}` : "")];
    if (data.failed[i] !== null) lines.push(`failed: ${wrapped(data.failed[i])}`);
    for (const metric in data.metrics) {
      if (data.metrics[metric][i] !== null) lines.push(`${safe(data.names[metric])}: ${text(metric, data.metrics[metric][i])}`);
    }
    return [...lines, wrapped(data.genome[i])].join("<br>");
  });
  const at = (column, rows) => rows.map((i) => column[i]);
  const where = (test) => position.map((_, i) => i).filter(test);
  const points = (more) => ({
    type: "scatter", mode: "markers", hovertemplate: "%{text}<extra></extra>", ...more,
  });
  const size = drawn > 1000 ? 4 : drawn > 300 ? 5.5 : 8;
  const axis = (more) => ({
    gridcolor: colour("line"), linecolor: colour("line"), zeroline: false, automargin: true, ...more,
    title: { text: more.title, font: { color: colour("soft"), size: 12.5 }, standoff: 10 },
  });
  const layout = (more) => ({
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", hovermode: "closest", dragmode: "zoom",
    font: { family: getComputedStyle(document.body).fontFamily, size: 12.5, color: colour("soft") },
    margin: { l: 56, r: 12, t: 34, b: 48 },
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", font: { color: colour("soft") } },
    hoverlabel: { bgcolor: colour("wash"), bordercolor: colour("line"), align: "left", font: { color: colour("ink"), size: 12.5 } },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: colour("soft"), activecolor: colour("ink") },
    ...more,
  });
  const settings = { responsive: true, displaylogo: false, modeBarButtons: [["toImage", "resetScale2d"]] };

  // 20 k, 50 k, 100 k …: plotly's own labels on a logarithmic axis are bare digits.
  function logTicks(metric, low, high) {
    const ticks = [];
    for (let e = Math.floor(Math.log10(low)); e <= Math.log10(high) + 1; e++) {
      for (const digit of high / low > 3000 ? [1] : [1, 2, 5]) ticks.push(digit * 10 ** e);
    }
    return { type: "log", tickvals: ticks, ticktext: ticks.map((x) => short(metric, x)) };
  }

  // A few poor trials must not press all others into one line: beyond three quartile ranges they are left outside.
  function range(column, maximize = goal.maximize) {
    const sorted = column.filter((x) => x !== null).sort((a, b) => a - b);
    const quantile = (q) => sorted[Math.round(q * (sorted.length - 1))];
    const reach = 3 * (quantile(0.75) - quantile(0.25)) || Infinity;
    let low = sorted[0], high = sorted[sorted.length - 1];
    if (maximize) low = sorted.find((x) => x >= quantile(0.25) - reach);
    else high = sorted.findLast((x) => x <= quantile(0.75) + reach);
    const outside = sorted.filter((x) => x < low || x > high).length;
    const pad = 0.06 * (high - low) || 0.02 * Math.abs(high) || 1;
    return { range: [low - 1.5 * pad, high + pad], outside };
  }
  const outsideWords = (n) => (n === 0 ? "" : `${n === 1 ? "One trial lies" : `${n} trials lie`} outside; double-click to see all. `);

  function progress() {
    const bySeconds = show.progress === "seconds";
    const x = bySeconds ? data.elapsed : position;
    const y = scaled(goal.name, values);
    const whole = where((i) => y[i] !== null && data.fidelity[i] >= full);
    const partial = where((i) => y[i] !== null && data.fidelity[i] < full);
    const failed = where((i) => data.failed[i] !== null);
    const traces = [points({
      name: "trial", x: at(x, whole), y: at(y, whole), text: at(hover, whole),
      marker: { color: colour("accent"), size, opacity: 0.6 },
    })];
    if (partial.length) traces.push(points({
      name: "trial at a lower fidelity", x: at(x, partial), y: at(y, partial), text: at(hover, partial),
      marker: { color: colour("soft"), size: size - 1, opacity: 0.6, symbol: "circle-open" },
    }));
    if (failed.length) traces.push(points({
      name: "failed", x: at(x, failed), y: failed.map(() => 0.02), yaxis: "y2", text: at(hover, failed),
      marker: { color: colour("bad"), size: Math.max(5, size - 1), symbol: "x-thin", line: { width: 1.5, color: colour("bad") } },
    }));
    const shape = y.some((v) => v !== null) ? range(y) : { range: [0, scale(goal.name)], outside: 0 };
    if (data.records.length) {
      const steps = [...data.records, data.records[data.records.length - 1]];
      const ends = at(x, steps);
      ends[ends.length - 1] = x[x.length - 1];
      traces.push({
        type: "scatter", mode: "lines", name: "best so far", x: ends, y: at(y, steps), hoverinfo: "skip",
        line: { shape: "hv", color: colour("best"), width: 2 },
      });
    }
    if (best !== undefined) {
      traces.push(points({
        type: "scatter", name: "the best", showlegend: false, x: [x[best]], y: [y[best]], text: [hover[best]],
        marker: { color: colour("best"), size: 11, line: { color: colour("paper"), width: 2 } },
      }));
    }
    const words = [outsideWords(shape.outside)];
    if (best !== undefined) words.push(`The best was trial ${position[best]} of ${count}, with ${text(goal.name, values[best])} after ${duration(data.elapsed[best])}.`);
    byId("progress-caption").textContent = words.join("");
    const span = x[x.length - 1] - (bySeconds ? 0 : 1) || 1;
    return Plotly.react("progress", traces, layout({
      xaxis: axis({ title: bySeconds ? "seconds" : "trials", showgrid: false, range: [(bySeconds ? 0 : 1) - 0.02 * span, x[x.length - 1] + 0.02 * span], ...(!bySeconds && count < 12 ? { dtick: 1 } : {}) }),
      yaxis: axis({ title: title(goal.name), range: shape.range }),
      yaxis2: { overlaying: "y", range: [0, 1], visible: false, fixedrange: true },
    }), settings);
  }

  function tradeoff() {
    const cost = show.tradeoff;
    const x = scaled(cost, data.metrics[cost]), y = scaled(goal.name, values), front = data.fronts[cost];
    const rising = data.costs.find(({ name }) => name === cost).maximize;
    const all = data.several ? data.several.members.filter((i) => x[i] !== null) : [];
    const rows = where((i) => y[i] !== null && x[i] !== null && data.fidelity[i] >= full);
    const xs = at(x, rows), shape = range(at(y, rows));
    const low = Math.min(...xs), high = Math.max(...xs), pad = 0.04 * (high - low) || 0.2 * high || 1;
    const scaling = low > 0 && high > 8 * low
      ? logTicks(cost, low, high)
      : { range: [low - pad, high + pad], ...(data.kinds[cost] === "count" ? { tickformat: "~s" } : {}) };
    byId("tradeoff-caption").textContent = outsideWords(shape.outside) +
      (data.fidelity.some((f) => f < full) ? "Only trials at full fidelity are shown. " : "") +
      (count > 1 ? "Later trials stand out more. " : "") +
      (front.length > 1 ? "No trial beats one on the line in both." : "");
    return Plotly.react("tradeoff", [
      points({
        name: "trial", x: xs, y: at(y, rows), text: at(hover, rows),
        marker: { size, opacity: 0.75, color: rows, cmin: 0, cmax: drawn - 1, colorscale: [[0, mixed(0.25)], [1, colour("accent")]] },
      }),
      {
        type: "scatter", mode: "lines+markers", name: "Pareto front", x: at(x, front), y: at(y, front), text: at(hover, front),
        hovertemplate: "%{text}<extra></extra>", line: { shape: rising ? "vh" : "hv", color: colour("best"), width: 1.5 },
        marker: { color: colour("best"), size: 8, line: { color: colour("paper"), width: 1.5 } },
      },
      ...(all.length ? [points({
        type: "scatter", name: "front of all objectives", x: at(x, all), y: at(y, all), text: at(hover, all),
        marker: { symbol: "diamond-open", color: colour("best"), size: 11, line: { width: 1.5 } },
      })] : []),
    ], layout({
      xaxis: axis({ title: title(cost), showgrid: false, ...scaling }),
      yaxis: axis({ title: title(goal.name), range: shape.range }),
    }), settings);
  }

  function mixed(share) {
    const parts = (name) => colour(name).match(/[0-9a-f]{2}/gi).map((h) => parseInt(h, 16));
    const a = parts("accent"), b = parts("paper");
    return `rgb(${a.map((v, i) => Math.round(share * v + (1 - share) * b[i])).join(",")})`;
  }

  const themed = (value) => {
    if (Array.isArray(value)) return value.map(themed);
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [
      key, /color$/.test(key) && /^(accent|best|bad|soft|ink|line|paper|view[1-6])$/.test(inner) ? colour(inner) : themed(inner),
    ]));
  };
  const guests = [...document.querySelectorAll(".plot > script")].map((script) => [script.parentNode, JSON.parse(script.textContent)]);
  function guest([place, content]) {
    const own = themed(content.layout);
    const axes = Object.fromEntries(["xaxis", "yaxis", ...(own.yaxis2 ? ["yaxis2"] : [])].map((name) => {
      const given = own[name] || {};
      return [name, axis({ ...given, title: (given.title && given.title.text) || given.title || "" })];
    }));
    return Plotly.react(place, themed(content.traces), layout({ ...own, ...axes }), settings);
  }

  // --- switches and the table

  function switcher(plot, choices, draw) {
    const place = byId(`${plot}-switch`);
    if (!place || choices.length < 2) return;
    for (const [key, label] of choices) {
      const button = document.createElement("button");
      button.textContent = label;
      button.setAttribute("aria-pressed", String(show[plot] === key));
      button.onclick = () => {
        show[plot] = key;
        for (const other of place.children) other.setAttribute("aria-pressed", String(other === button));
        if (window.Plotly) draw();
      };
      place.append(button);
    }
  }

  function table() {
    const place = byId("trials");
    if (!place) return;
    const metrics = Object.keys(data.metrics).filter((name) => data.metrics[name].some((x) => x !== null));
    const heads = [["trial", position], ...metrics.map((name) => [data.names[name], data.metrics[name], name])];
    if (new Set(data.fidelity).size > 1) heads.push(["fidelity", data.fidelity]);
    heads.push(["architecture", data.genome]);
    const rows = position.map((_, i) => i);
    let shown = 25;
    const cell = (row, content, name) => {
      const made = row.insertCell();
      made.textContent = content;
      if (name) made.className = name;
      return made;
    };
    const fill = () => {
      const body = document.createElement("tbody");
      for (const i of rows.slice(0, shown)) {
        const row = body.insertRow();
        if (i === best) row.className = "top";
        for (const [, column, metric] of heads.slice(0, -1)) cell(row, metric ? text(metric, column[i]) : column[i], "number");
        const last = data.failed[i] === null ? cell(row, data.genome[i]) : cell(row, `failed: ${data.failed[i]}`, "bad");
        last.title = data.genome[i];
      }
      place.tBodies[0].replaceWith(body);
      byId("more").hidden = shown >= drawn;
      byId("more").textContent = `Show all ${drawn} trials`;
    };
    const sort = (column, descending) => {
      rows.sort((a, b) => {
        const x = column[a], y = column[b];
        if (x === null || y === null) return (x === null) - (y === null) || a - b;
        return (x < y ? -1 : x > y ? 1 : 0) * (descending ? -1 : 1) || a - b;
      });
      fill();
    };
    const line = place.tHead.insertRow();
    heads.forEach(([label, column, metric], k) => {
      const head = document.createElement("th");
      head.textContent = label;
      head.tabIndex = 0;
      if (k < heads.length - 1) head.className = "number";
      head.onclick = () => {
        const before = head.getAttribute("aria-sort");
        const descending = before ? before === "ascending" : data.kinds[metric] === "percent";
        for (const other of line.cells) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", descending ? "descending" : "ascending");
        sort(column, descending);
      };
      head.onkeydown = (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        head.click();
      };
      line.append(head);
    });
    byId("more").onclick = () => { shown = drawn; fill(); };
    if (best === undefined) fill();
    else {
      line.cells[1].setAttribute("aria-sort", goal.maximize ? "descending" : "ascending");
      sort(values, goal.maximize);
    }
  }

  async function loadPlotly() {
    const packed = Uint8Array.from(atob(byId("plotly").textContent.trim()), (c) => c.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(stream).text();
    document.head.append(script);
  }

  if (byId("tradeoff-section") && !data.costs.length) byId("tradeoff-section").remove();
  const plots = [
    ...drawFront({ data, byId, points, axis, layout, settings, hover, at, where, colour, size, title, scaled, scale, short, range, logTicks, position }),
    ...[["progress", progress], ["tradeoff", tradeoff]].filter(([name]) => byId(name)).map(([name, draw]) => [byId(name), draw]),
    ...guests.map(([place, content]) => [place, () => guest([place, content])]),
  ];
  const failed = (place, error) => {
    console.error(error);
    place.textContent = `This plot could not be drawn: ${error}`;
  };
  // One plot that fails (a section's, say) takes no other with it.
  const drawAll = () => Promise.all(plots.map(async ([place, draw]) => {
    try { await draw(); } catch (error) { failed(place, error); }
  }));

  table();
  switcher("progress", [["trials", "by trials"], ["seconds", "by seconds"]], progress);
  switcher("tradeoff", data.costs.map(({ name }) => [name, data.names[name]]), tradeoff);
  loadPlotly().then(drawAll).then(() => {
    document.documentElement.dataset.drawn = String(plots.length);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
    matchMedia("print").addEventListener("change", drawAll);
  }).catch((error) => plots.forEach(([place]) => failed(place, error)));
})();
