"use strict";
// Draws the front of several objectives: a plot for each pair of them, and the hypervolume over the trials.
const drawFront = ({ data, byId, points, axis, layout, settings, hover, at, where, colour, size, title, scaled, scale, short, range, logTicks, position }) => {
  const found = data.several;
  if (!found) return [];
  const maximize = Object.fromEntries(data.objectives.map((one) => [one.name, one.maximize]));
  const comparable = where((i) => data.failed[i] === null && data.fidelity[i] === found.fidelity);
  const best = found.members[0];

  // A few poor trials may lie outside of an axis of the first objective; costs are shown whole, on a logarithmic axis
  // where they differ much. A limit that is far away would press all points into a corner.
  function scaling(name, column, bounds) {
    const values = column.filter((x) => x !== null), low = Math.min(...values), high = Math.max(...values);
    const near = bounds.filter((b) => b > low - (high - low) && b < high + (high - low));
    const least = Math.min(low, ...near), most = Math.max(high, ...near);
    if (data.kinds[name] === "percent") {
      const shape = range(column, maximize[name]);
      return { range: [Math.min(shape.range[0], ...near), Math.max(shape.range[1], ...near)] };
    }
    const pad = 0.06 * (most - least) || 0.2 * Math.abs(most) || 1;
    if (least > 0 && most > 8 * least) return { ...logTicks(name, least, most), range: [Math.log10(least) - 0.08, Math.log10(most) + 0.08] };
    return { range: [least - pad, most + pad], ...(data.kinds[name] === "count" ? { tickformat: "~s" } : {}) };
  }

  function pair([yName, xName], place, first) {
    const x = scaled(xName, data.metrics[xName]), y = scaled(yName, data.metrics[yName]);
    const rows = comparable.filter((i) => x[i] !== null && y[i] !== null);
    const onFront = found.members.filter((i) => x[i] !== null && y[i] !== null);
    const others = rows.filter((i) => found.feasible[i] && !onFront.includes(i));
    const over = rows.filter((i) => !found.feasible[i] && !onFront.includes(i));
    const steps = data.objectives.length === 2 ? [...onFront].sort((a, b) => x[a] - x[b] || y[a] - y[b]) : [];
    const limits = (name) => found.limits.filter((one) => one.name === name);
    const named = [[best, "best"], [found.knee, "knee"]].filter(([i]) => onFront.includes(i));
    const labels = new Map();
    for (const [i, word] of named) labels.set(i, labels.has(i) ? `${labels.get(i)}, ${word}` : word);
    const bound = (one) => one.bound * scale(one.name);
    const axes = {
      xaxis: axis({ title: title(xName), showgrid: false, ...scaling(xName, at(x, rows), limits(xName).map(bound)) }),
      yaxis: axis({ title: title(yName), ...scaling(yName, at(y, rows), limits(yName).map(bound)) }),
    };
    // A label near an edge of the plot goes inwards, where it has room.
    const [low, high] = axes.xaxis.range;
    const side = (value) => {
      const share = ((axes.xaxis.type === "log" ? Math.log10(value) : value) - low) / (high - low);
      return share > 0.7 ? "left" : share < 0.3 ? "right" : maximize[xName] ? "left" : "right";
    };
    const line = (one, axisName) => {
      const across = axisName === "x" ? "y" : "x";
      return {
        type: "line", [`${axisName}0`]: bound(one), [`${axisName}1`]: bound(one), [`${across}ref`]: "paper", [`${across}0`]: 0, [`${across}1`]: 1,
        line: { color: colour("bad"), width: 1.2, dash: "dash" },
        label: {
          text: `${one.at_most ? "≤" : "≥"} ${short(one.name, one.bound)}`, font: { color: colour("bad"), size: 11.5 },
          textposition: "end", textangle: 0, yanchor: axisName === "x" ? "top" : "bottom", xanchor: axisName === "x" ? (one.at_most ? "right" : "left") : "right",
        },
      };
    };
    const more = { showlegend: first };
    return Plotly.react(place, [
      points({ ...more, type: "scatter", name: "other trials", x: at(x, others), y: at(y, others), text: at(hover, others), marker: { color: colour("soft"), size: size - 1, opacity: 0.45 } }),
      ...(over.length ? [points({
        ...more, type: "scatter", name: "over a limit", x: at(x, over), y: at(y, over), text: at(hover, over),
        marker: { color: colour("bad"), size: size - 1, opacity: 0.55, symbol: "circle-open" },
      })] : []),
      ...(steps.length > 1 ? [{
        type: "scatter", mode: "lines", showlegend: false, x: at(x, steps), y: at(y, steps), hoverinfo: "skip",
        line: { shape: maximize[xName] ? "vh" : "hv", color: colour("best"), width: 1.5 },
      }] : []),
      points({
        ...more, type: "scatter", name: "the front", x: at(x, onFront), y: at(y, onFront), text: at(hover, onFront),
        marker: { color: colour("best"), size: 9, line: { color: colour("paper"), width: 1.5 } },
      }),
      {
        type: "scatter", mode: "text", showlegend: false, hoverinfo: "skip", x: at(x, [...labels.keys()]), y: at(y, [...labels.keys()]), text: [...labels.values()],
        textposition: [...labels.keys()].map((i) => `bottom ${side(x[i])}`), textfont: { color: colour("ink"), size: 12.5 },
      },
    ], layout({ ...axes, shapes: [...limits(xName).map((one) => line(one, "x")), ...limits(yName).map((one) => line(one, "y"))] }), settings);
  }

  function volume() {
    const shares = found.hypervolume.map((share) => 100 * share);
    return Plotly.react("hypervolume", [{
      type: "scatter", mode: "lines", showlegend: false, x: position, y: shares, line: { shape: "hv", color: colour("best"), width: 2 },
      hovertemplate: "after trial %{x}: %{y:.1f} %<extra></extra>",
    }], layout({
      xaxis: axis({ title: "trials", showgrid: false, ...(position.length < 12 ? { dtick: 1 } : {}) }),
      yaxis: axis({ title: "hypervolume (%)", rangemode: "tozero" }),
    }), settings);
  }

  const plots = found.pairs.map((names, i) => [byId(`front-${i}`), () => pair(names, `front-${i}`, i === 0)]);
  return [...plots, [byId("hypervolume"), volume]];
};
