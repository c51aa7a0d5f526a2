"use strict";
// Draws the figures of the page from the data in it. Nothing is fetched: see its policy.
(async () => {
  const data = JSON.parse(document.getElementById("report-data").textContent);
  const hidden = new Set(data.variants.flatMap((each, at) => (each.shown ? [] : [at])));
  const WORDS = { epochs: "epoch", updates: "updates", examples: "examples seen", seconds: "seconds of training" };
  const PARTS = { validation: "val", test: "test", training: "train" };

  await inflate();
  for (const legend of document.querySelectorAll(".legend")) fill(legend);
  for (const input of document.querySelectorAll(".controls input")) input.addEventListener("change", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  matchMedia("(max-width: 600px)").addEventListener("change", draw);
  draw();
  document.body.dataset.drawn = "true";

  // Plotly is kept deflated, at two fifths of its size.
  async function inflate() {
    const packed = Uint8Array.from(atob(document.getElementById("plotly-deflated").textContent), (c) => c.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    const script = document.createElement("script");
    script.textContent = await new Response(stream).text();
    document.head.append(script);
  }

  function chosen(name) {
    const input = document.querySelector(`input[name="${name}"]:checked`);
    return input && input.value;
  }

  function ink(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  // Plotly reads some tags in texts; names are shown as they are.
  function plain(text) {
    return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  }

  function short(text) {
    const most = matchMedia("(max-width: 600px)").matches ? 18 : 36;
    return plain(text.length > most ? text.slice(0, most - 1) + "…" : text);
  }

  // ---- legends: one choice for all figures of the page

  function fill(legend) {
    data.variants.forEach((variant, at) => {
      if (!variant.drawn) return;
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.variant = at;
      button.title = "Click to hide or show; double-click to show it alone";
      button.innerHTML = '<svg width="22" height="10" aria-hidden="true"><line x1="0" y1="5" x2="22" y2="5" stroke-width="3"/></svg>';
      const line = button.querySelector("line");
      line.setAttribute("stroke", variant.colour);
      line.setAttribute("stroke-dasharray", { solid: "", dash: "7 3", dot: "3 2", dashdot: "7 2 2 2" }[variant.dash]);
      button.append(variant.name);
      button.addEventListener("click", () => toggle(at));
      button.addEventListener("dblclick", () => alone(at));
      legend.append(button);
    });
    const all = document.createElement("button");
    all.type = "button";
    all.className = "all";
    all.textContent = "show all";
    all.addEventListener("click", () => { hidden.clear(); draw(); });
    legend.append(all);
  }

  function toggle(at) {
    if (!hidden.delete(at)) hidden.add(at);
    draw();
  }

  function alone(at) {
    data.variants.forEach((_, other) => (other === at ? hidden.delete(other) : hidden.add(other)));
    draw();
  }

  // ---- figures

  function draw() {
    for (const button of document.querySelectorAll(".legend button[data-variant]"))
      button.setAttribute("aria-pressed", String(!hidden.has(Number(button.dataset.variant))));
    const part = PARTS[chosen("part") || data.parts[0]];
    const log = document.getElementById("log-cost");
    show("chart-accuracy", (width) => curves(`${part}/accuracy`, { tickformat: ".0%" }, ".2%"));
    show("chart-cost", () => curves(`${part}/cost_mean`, log && log.checked ? "log" : {}, ".4g"));
    show("chart-best", best);
    show("chart-lines", lines);
    show("chart-target", target);
    (data.surfaces || []).forEach((each, at) => show(`chart-surface-${at}`, () => surface(each)));
  }

  function show(id, make) {
    const box = document.getElementById(id);
    if (!box) return;
    const { traces, layout, height } = make();
    if (height) box.style.height = `${height}px`;
    const axis = { gridcolor: ink("--grid"), linecolor: ink("--rule"), zeroline: false, automargin: true, ticks: "outside", tickcolor: ink("--rule") };
    const whole = {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false,
      margin: { l: 56, r: 16, t: 12, b: 48 }, hovermode: "closest", dragmode: "zoom",
      font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: ink("--ink") },
      hoverlabel: { bgcolor: ink("--paper"), bordercolor: ink("--rule"), font: { color: ink("--ink") }, align: "left" },
      ...layout, xaxis: { ...axis, ...layout.xaxis }, yaxis: { ...axis, ...layout.yaxis },
    };
    Plotly.react(box, traces, whole, { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"] });
  }

  function curves(metric, yaxis, digits) {
    const axis = chosen("axis") || "epochs";
    const bands = [], middles = [];
    for (const curve of data.curves) {
      const y = curve.y[metric], x = curve.x[axis], variant = data.variants[curve.variant];
      if (!y || !x || hidden.has(curve.variant)) continue;
      const shared = { x, name: plain(variant.name), mode: "lines", meta: curve.variant };
      if (y.low)
        bands.push({
          ...shared, x: [...x, ...[...x].reverse()], y: [...y.high, ...[...y.low].reverse()],
          fill: "toself", fillcolor: variant.colour, opacity: 0.16, line: { width: 0 }, hoverinfo: "skip",
        });
      middles.push({
        ...shared, y: y.mean, line: { color: variant.colour, width: 2, dash: variant.dash },
        customdata: y.low ? y.low.map((low, at) => [low, y.high[at]]) : undefined,
        hovertemplate: `<b>%{fullData.name}</b><br>%{x:,.5~g} ${axis}<br>%{y:${digits}}` +
          (y.low ? `<br>seeds: %{customdata[0]:${digits}} to %{customdata[1]:${digits}} (n = ${curve.seeds})` : "") + "<extra></extra>",
      });
    }
    const xaxis = { title: { text: WORDS[axis] }, ...(axis === "updates" ? { type: "log", dtick: 1, tickformat: "~s" } : { rangemode: "tozero" }) };
    if (yaxis === "log") yaxis = logarithmic(middles.flatMap((trace) => trace.y));
    return { traces: [...bands, ...middles], layout: { xaxis, yaxis } };
  }

  function rows(count) {
    return 70 + 26 * Math.max(count, 2);
  }

  function names(list) {
    return { tickvals: list.map((_, at) => at), ticktext: list.map((at) => short(data.variants[at].name)), range: [list.length - 0.5, -0.5], showgrid: false, ticks: "" };
  }

  function best() {
    const list = data.best.map((each) => each.variant), digits = data.percent ? ".2%" : ".4g";
    const traces = [];
    data.best.forEach((each, row) => {
      const variant = data.variants[each.variant], name = plain(variant.name);
      if (each.low !== null)
        traces.push({
          x: [each.low, each.high], y: [row, row], mode: "lines", name, hoverinfo: "skip",
          line: { color: variant.colour, width: 10 }, opacity: 0.3,
        });
      traces.push({
        x: each.values, y: each.values.map(() => row), text: each.runs.map(plain), mode: "markers", name,
        marker: { color: variant.colour, size: 7, opacity: 0.75 }, hovertemplate: `<b>%{text}</b><br>%{x:${digits}}<extra></extra>`,
      });
      if (each.values.length > 1) traces.push({
        x: [each.mean], y: [row], mode: "markers", name,
        marker: { color: variant.colour, size: 16, symbol: "line-ns", line: { color: ink("--ink"), width: 2 } },
        hovertemplate: `<b>%{fullData.name}</b><br>mean %{x:${digits}}` + (each.low !== null ? `<br>95 % interval %{customdata[0]:${digits}} to %{customdata[1]:${digits}}` : "") + "<extra></extra>",
        customdata: [[each.low, each.high]],
      });
    });
    const ends = data.best.flatMap((each) => [...each.values, each.low, each.high]);
    const xaxis = { title: { text: data.measure }, ...(data.percent ? { tickformat: ".0%" } : spread(data.best.flatMap((each) => each.values))), ...clip(ends) };
    return { traces, layout: { xaxis, yaxis: names(list) }, height: rows(list.length) };
  }

  // Few seeds have wide intervals, which must not squeeze the points; shares end at 0 and 1.
  function clip(ends) {
    const known = ends.filter((each) => each !== null);
    if (!data.percent || !known.length) return {};
    const low = Math.max(0, Math.min(...known)), high = Math.min(1, Math.max(...known));
    const margin = 0.03 * (high - low || 0.1);
    return { range: [low - margin, high + margin] };
  }

  // Where values are of several orders of magnitude, a log scale.
  function spread(values) {
    const known = values.filter((each) => each !== null);
    const low = Math.min(...known), high = Math.max(...known);
    return low > 0 && high / low > 30 ? logarithmic(known) : {};
  }

  // Labels at 1, 2 and 5 where there is room, else at powers of ten.
  function logarithmic(values) {
    const known = values.filter((each) => each > 0);
    const decades = Math.log10(Math.max(...known) / Math.min(...known));
    return { type: "log", tickformat: "~g", dtick: decades > 3 ? Math.ceil(decades / 8) : "D2" };
  }

  function lines() {
    const digits = data.percent ? ".2%" : ".4g";
    const traces = data.lines.map((line) => ({
      x: line.eta, y: line.mean, name: short(line.name), mode: "lines+markers",
      line: { color: line.colour, width: 2, dash: line.dash }, marker: { size: 8, color: line.colour, symbol: line.symbol },
      error_y: line.up ? { array: line.up, arrayminus: line.down, symmetric: false, thickness: 1.2, width: 4, color: line.colour } : undefined,
      hovertemplate: `<b>%{fullData.name}</b><br>eta=%{x:g}<br>%{y:${digits}}<extra></extra>`,
    }));
    const xaxis = { type: "log", title: { text: "learning rate eta" }, tickvals: data.etas, ticktext: data.etas.map((eta) => String(Number(eta.toPrecision(3)))) };
    const values = data.lines.flatMap((line) => line.mean);
    const ends = data.lines.flatMap((line) => line.mean.flatMap((mean, at) => {
      const half = (line.up && line.up[at]) || 0;
      return mean === null ? [] : [mean - half, mean + half];
    }));
    const yaxis = { title: { text: data.measure }, ...(data.percent ? { tickformat: ".0%" } : spread(values)), ...clip(ends) };
    const legend = { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", xanchor: "left", itemclick: "toggle" };
    return { traces, layout: { xaxis, yaxis, showlegend: true, legend, margin: { l: 64, r: 16, t: 16, b: 48 } } };
  }

  function target() {
    const axis = chosen("spent") || "epochs", found = data.target, traces = [];
    const list = found.map((each) => each.variant);
    found.forEach((each, row) => {
      const variant = data.variants[each.variant], values = each.spent[axis] || [];
      if (!values.length) return;
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const told = `reached by ${each.reached} of ${each.seeds}`;
      traces.push({
        x: [mean], y: [row], type: "bar", orientation: "h", width: 0.62, marker: { color: variant.colour, opacity: 0.45 },
        hovertemplate: `<b>%{fullData.name}</b><br>mean %{x:,.4~g} ${axis}<br>${told}<extra></extra>`, name: plain(variant.name),
      });
      traces.push({
        x: values, y: values.map(() => row), mode: "markers", marker: { color: variant.colour, size: 6 }, name: plain(variant.name),
        hovertemplate: `<b>%{fullData.name}</b><br>%{x:,.4~g} ${axis}<extra></extra>`,
      });
    });
    const annotations = found.map((each, row) => ({
      x: 1, xref: "paper", y: row, xanchor: "right", showarrow: false, text: `${each.reached}/${each.seeds}`,
      font: { size: 11, color: ink("--quiet") }, bgcolor: ink("--paper"), borderpad: 1, opacity: 0.9,
    }));
    return { traces, layout: { annotations, xaxis: { title: { text: WORDS[axis].replace(/^epoch$/, "epochs") }, rangemode: "tozero" }, yaxis: names(list) }, height: rows(list.length) };
  }

  function surface(each) {
    const traces = [], one = each.names.length === 1;
    if (one)
      traces.push({ x: each.grid[0], y: each.cost, mode: "lines", line: { color: ink("--quiet"), width: 1.5 }, hoverinfo: "skip" });
    else
      traces.push({
        type: "contour", x: each.grid[0], y: each.grid[1], z: each.shares, colorscale: "Viridis", showscale: false, hoverinfo: "skip",
        contours: { start: 0, end: 1, size: 1 / 24 }, line: { width: 0.4, color: "rgba(255,255,255,.6)" },
      });
    for (const path of each.paths) {
      const variant = data.variants[path.variant];
      if (hidden.has(path.variant)) continue;
      const x = path.points.map((point) => point[0]), y = one ? path.cost : path.points.map((point) => point[1]);
      const label = each.names.map((name, at) => `${name} = %{${"xy"[at]}:.4g}`).join("<br>");
      const shared = { x, y, name: plain(variant.name), customdata: path.cost, hovertemplate: `<b>%{fullData.name}</b><br>${label}<br>C = %{customdata:.4g}<extra></extra>` };
      if (!one) traces.push({ ...shared, mode: "lines", line: { color: "#ffffff", width: 4.5 }, hoverinfo: "skip", hovertemplate: undefined });
      traces.push({ ...shared, mode: "lines+markers", line: { color: variant.colour, width: 2.5, dash: variant.dash }, marker: { size: 4, color: variant.colour } });
      traces.push({
        ...shared, x: [x[0], x[x.length - 1]], y: [y[0], y[y.length - 1]], customdata: [path.cost[0], path.cost[path.cost.length - 1]], mode: "markers",
        marker: { size: [9, 12], symbol: ["circle", "star"], color: ["#ffffff", variant.colour], line: { color: "#000", width: 1 } },
      });
    }
    const ends = (at) => [each.grid[at][0], each.grid[at][each.grid[at].length - 1]];
    const yaxis = one ? { title: { text: "C" }, range: each.range } : { title: { text: plain(each.names[1]) }, range: ends(1) };
    return { traces, layout: { xaxis: { title: { text: plain(each.names[0]) }, range: ends(0) }, yaxis } };
  }
})();
