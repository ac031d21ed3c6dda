"use strict";
// Draws every plot from the JSON in the page; one legend rules them all.
const data = JSON.parse(document.getElementById("data").textContent);
const state = { shown: new Set(data.shown), bands: true, log: true };
const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const alpha = (hex, share) => hex + Math.round(share * 255).toString(16).padStart(2, "0");

function traces(plot) {
  const log = state.log && plot.kind === "regret";
  const at = (values) => (log ? values.map((v) => (v === null ? v : Math.max(v, data.floor))) : values);
  const found = [];
  for (const { name, color, dash } of data.methods) {
    const line = plot.lines[name];
    if (!line || !state.shown.has(name)) continue;
    if (state.bands && line.low) {
      const edge = { x: plot.x, mode: "lines", line: { width: 0 }, hoverinfo: "skip", showlegend: false };
      found.push({ ...edge, y: at(line.low) });
      found.push({ ...edge, y: at(line.high), fill: "tonexty", fillcolor: alpha(color, 0.13) });
    }
    found.push({
      x: plot.x, y: at(line.mean), text: line.mean.map((v) => (v === null ? "" : v.toPrecision(3))), name, mode: "lines",
      line: { color, dash, width: 2 }, showlegend: false, hovertemplate: "%{text} %{fullData.name}<extra></extra>",
    });
  }
  return found;
}

function layout(plot, small) {
  const log = state.log && plot.kind === "regret";
  const axis = { gridcolor: color("line"), zeroline: false, linecolor: color("line"), automargin: true };
  return {
    margin: { l: 48, r: 8, t: small ? 6 : 12, b: 40 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: color("ink"), family: getComputedStyle(document.body).fontFamily, size: small ? 11 : 13 },
    hovermode: "closest", hoverlabel: { namelength: -1 },
    xaxis: { ...axis, title: { text: plot.x_title }, type: plot.log_x ? "log" : "linear" },
    yaxis: { ...axis, title: { text: plot.y_title }, type: log ? "log" : "linear", ...(log ? { dtick: "D2", exponentformat: "none", ...edge(plot) } : {}) },
  };
}

// a logarithmic axis ends at the floor where a curve lies on it
function edge(plot) {
  const lines = data.methods.filter(({ name }) => state.shown.has(name) && plot.lines[name]).map(({ name }) => plot.lines[name]);
  const lowest = Math.min(...lines.flatMap((line) => line.mean).filter((v) => v !== null));
  return lowest < data.floor ? { autorange: "max", range: [Math.log10(data.floor), null] } : {};
}

function draw() {
  for (const plot of data.plots) {
    const where = document.getElementById(`plot-${plot.name}`);
    Plotly.react(where, traces(plot), layout(plot, where.classList.contains("small")), { responsive: true, displayModeBar: false });
  }
  for (const chip of document.querySelectorAll("#chips button")) chip.setAttribute("aria-pressed", state.shown.has(chip.dataset.name));
  for (const button of document.querySelectorAll("[data-toggle]")) button.setAttribute("aria-pressed", state[button.dataset.toggle]);
}

function legend() {
  const names = data.methods.map(({ name }) => name);
  const dashes = { solid: "", dot: "2 3", dash: "6 4", dashdot: "7 3 2 3" };
  for (const { name, color, dash } of data.methods) {
    const chip = document.createElement("button");
    chip.dataset.name = name;
    chip.innerHTML = `<svg width="24" height="8"><line x1="0" x2="24" y1="4" y2="4" stroke="${color}" stroke-width="3" stroke-dasharray="${dashes[dash] ?? ""}"/></svg>`;
    chip.append(name);
    chip.onclick = () => { state.shown.has(name) ? state.shown.delete(name) : state.shown.add(name); draw(); };
    chip.ondblclick = () => { state.shown = new Set([name]); draw(); };
    document.getElementById("chips").append(chip);
  }
  const choices = { few: data.shown, all: names, none: [] };
  for (const button of document.querySelectorAll("[data-show]")) button.onclick = () => { state.shown = new Set(choices[button.dataset.show]); draw(); };
  for (const button of document.querySelectorAll("[data-toggle]")) button.onclick = () => { state[button.dataset.toggle] = !state[button.dataset.toggle]; draw(); };
}

async function unpack() {
  const bytes = Uint8Array.from(atob(document.getElementById("plotly").textContent), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = document.createElement("script");
  script.textContent = await new Response(stream).text();
  document.head.append(script);
}

unpack().then(() => { legend(); draw(); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
