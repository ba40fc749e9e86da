"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const $ = (id) => document.getElementById(id);
  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const times = new Float64Array(bytes(data.times).buffer);
  const ends = new Float64Array(bytes(data.ends).buffer);
  const numbers = new Int32Array(bytes(data.numbers).buffer);
  const count = times.length;
  const endTime = count ? ends[count - 1] : 1;
  const startTime = count ? Math.min(times[0], 0) : 0;
  const MISSING = 65535;
  const SCALE = 50000;
  const EDGE = 24; // px left and right of a curve, for half a label of its axis; as in page.css
  for (const face of data.faces) {
    face.seen = bytes(face.seen);
    face.boxes = new Int16Array(bytes(face.boxes).buffer);
    for (const label of face.labels) label.values = new Uint16Array(bytes(label.values).buffer);
  }

  const state = { face: 0, frame: 0, from: startTime, to: endTime, quiet: false, lanes: [], cards: [], here: [] };
  const video = $("video");

  // ---- time -----------------------------------------------------------------------------------
  // The frame that is shown at a time: the last one that has begun.
  function frameAt(time) {
    let low = 0, high = count - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (times[middle] <= time + 1e-6) low = middle; else high = middle - 1;
    }
    return low;
  }
  function clockText(time) {
    const hundredths = Math.round(time * 100);
    const seconds = Math.floor(hundredths / 100) % 60;
    const minutes = Math.floor(hundredths / 6000) % 60;
    const hours = Math.floor(hundredths / 360000);
    const two = (n) => String(n).padStart(2, "0");
    const start = hours ? `${hours}:${two(minutes)}` : `${minutes}`;
    return `${start}:${two(seconds)}.${two(hundredths % 100)}`;
  }
  const shareText = (x) => (x === null || Number.isNaN(x) ? "" : `${(100 * x).toFixed(1)} %`);
  const numberText = (x, digits = 3) => (x === null || x === undefined ? "" : x.toFixed(digits));

  function seekFrame(frame) {
    state.frame = Math.max(0, Math.min(count - 1, frame));
    // The middle of the frame: rounding of the player's clock cannot reach a neighbour from there.
    if (data.video) video.currentTime = (times[state.frame] + ends[state.frame]) / 2;
    keepInView(times[state.frame]);
    show();
  }
  const seek = (time) => seekFrame(frameAt(Math.max(startTime, Math.min(endTime, time))));

  // ---- lanes ----------------------------------------------------------------------------------
  // Lowest and highest value of each column of pixels; every frame where there is room for all.
  function visible(values, from, to, width) {
    let first = frameAt(from), last = Math.min(count - 1, frameAt(to) + 1);
    const xs = [], ys = [];
    const value = (k) => (values[k] === MISSING ? null : values[k] / SCALE);
    const total = last - first + 1;
    if (total <= 2 * width) {
      for (let k = first; k <= last; k++) { xs.push(times[k]); ys.push(value(k)); }
      return [xs, ys];
    }
    const step = total / width;
    for (let column = 0; column < width; column++) {
      const a = first + Math.floor(column * step), b = first + Math.floor((column + 1) * step);
      let low = -1, high = -1, gap = -1;
      for (let k = a; k < b; k++) {
        if (values[k] === MISSING) { gap = k; continue; }
        if (low < 0 || values[k] < values[low]) low = k;
        if (high < 0 || values[k] > values[high]) high = k;
      }
      const points = [...new Set([low, high, low < 0 ? gap : -1])].filter((k) => k >= 0).sort((p, q) => p - q);
      for (const k of points) { xs.push(times[k]); ys.push(value(k)); }
    }
    return [xs, ys];
  }

  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function paintLane(u, label) {
    const context = u.ctx, ratio = devicePixelRatio;
    const { left, top, width, height } = u.bbox;
    context.save();
    context.beginPath(); context.rect(left, top, width, height); context.clip();
    context.fillStyle = css("--span");
    for (const [onset, offset] of label.spans) {
      if (offset < state.from || onset > state.to) continue;
      const x0 = u.valToPos(onset, "x", true), x1 = u.valToPos(offset, "x", true);
      context.fillRect(x0, top, Math.max(x1 - x0, ratio), height);
    }
    if (label.threshold !== null) {
      const y = u.valToPos(label.threshold, "y", true);
      context.strokeStyle = css("--threshold"); context.lineWidth = ratio; context.setLineDash([4 * ratio, 4 * ratio]);
      context.beginPath(); context.moveTo(left, y); context.lineTo(left + width, y); context.stroke();
    }
    context.restore();
  }

  function laneOptions(label, width, isLast) {
    return {
      width, height: isLast ? 62 : 44, padding: [3, EDGE, isLast ? 0 : 3, EDGE],
      legend: { show: false },
      cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false }, sync: { key: "rtau" } },
      scales: { x: { time: false, range: () => [state.from, state.to] }, y: { range: [0, 1] } },
      axes: [
        { show: isLast, size: 22, stroke: css("--muted"), font: "11px system-ui, sans-serif", grid: { show: false }, ticks: { stroke: css("--line"), size: 4 },
          values: (_, splits) => splits.map((t) => (state.to - state.from < 20 ? clockText(t) : clockText(t).replace(/\.\d+$/, ""))) },
        { show: false },
      ],
      series: [{}, { stroke: label.colour, width: 1.4, points: { show: false }, spanGaps: false }],
      hooks: {
        drawClear: [(u) => paintLane(u, label)],
        setSelect: [(u) => {
          if (u.select.width < 4) return;
          zoom(u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x"));
          u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
        }],
        ready: [(u) => {
          let pressed = 0;
          u.over.addEventListener("mousedown", (event) => { pressed = event.clientX; });
          u.over.addEventListener("click", (event) => {
            if (Math.abs(event.clientX - pressed) < 4) seek(u.posToVal(event.offsetX, "x"));
          });
          u.over.addEventListener("dblclick", () => zoom(startTime, endTime));
        }],
      },
    };
  }

  function element(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }
  function laneRow(name, words) {
    const row = element("div", "lane"), title = element("div", "name");
    title.append(element("b", "", name), element("span", "", words));
    const plot = element("div", "plot"), now = element("div", "now");
    const head = element("div", "head");
    plot.append(head); row.append(title, plot, now);
    $("lanes").append(row);
    return { plot, now, head, row };
  }

  function buildLanes() {
    $("lanes").replaceChildren(); state.lanes = [];
    const face = data.faces[state.face];
    if (!face) { $("lanes").append(element("p", "muted", "No face was seen.")); return; }
    const strip = laneRow("Face", "");
    strip.row.classList.add("strip");
    strip.canvas = element("canvas"); strip.plot.append(strip.canvas);
    strip.canvas.addEventListener("click", (event) => {
      seek(state.from + (event.offsetX / strip.canvas.clientWidth) * (state.to - state.from));
    });
    strip.now.textContent = shareText(face.share);
    state.strip = strip;
    const labels = face.labels.filter((label) => !state.quiet || label.spans.length);
    labels.forEach((label, k) => {
      const lane = laneRow(label.au, label.words);
      lane.label = label;
      lane.value = element("span"); lane.now.append(lane.value, element("small", "", shareText(label.share)));
      label.colour = face.colour;
      const width = Math.max(50, lane.plot.clientWidth);
      lane.isLast = k === labels.length - 1;
      if (lane.isLast) lane.row.style.alignItems = "start";
      lane.chart = new uPlot(laneOptions(label, width, lane.isLast), visible(label.values, state.from, state.to, width), lane.plot);
      state.lanes.push(lane);
    });
    paintStrip(); show();
  }
  function paintStrip() {
    const { canvas } = state.strip, face = data.faces[state.face];
    const width = Math.round(canvas.clientWidth * devicePixelRatio), height = Math.round(12 * devicePixelRatio);
    canvas.width = width; canvas.height = height;
    const context = canvas.getContext("2d");
    const colours = [css("--absent"), face.colour, css("--flag")];
    context.fillStyle = colours[0]; context.fillRect(0, 0, width, height);
    const x = (t) => ((t - state.from) / (state.to - state.from)) * width;
    const last = frameAt(state.to);
    for (let k = frameAt(state.from); k <= last;) {
      let end = k;
      while (end < last && face.seen[end + 1] === face.seen[k] && times[end + 1] - ends[end] < 1e-6) end++;
      if (face.seen[k]) {
        context.fillStyle = colours[face.seen[k]];
        context.fillRect(x(times[k]), 0, Math.max(1, x(ends[end]) - x(times[k])), height);
      }
      k = end + 1;
    }
  }
  function redraw() {
    for (const lane of state.lanes) {
      const width = Math.max(50, lane.plot.clientWidth);
      if (lane.chart.width !== width) lane.chart.setSize({ width, height: lane.chart.height });
      lane.chart.setData(visible(lane.label.values, state.from, state.to, width), false);
      lane.chart.setScale("x", { min: state.from, max: state.to });
    }
    if (data.faces.length) paintStrip();
    placeHeads();
  }
  let pending = false;
  function redrawSoon() {
    if (pending) return;
    pending = true;
    requestAnimationFrame(() => { pending = false; redraw(); });
  }
  function zoom(from, to) {
    const least = Math.min(endTime - startTime, 0.2);
    const length = Math.max(least, Math.min(to - from, endTime - startTime));
    state.from = Math.max(startTime, Math.min(from, endTime - length));
    state.to = state.from + length;
    redrawSoon();
  }
  function zoomBy(factor) {
    const now = times[state.frame], length = (state.to - state.from) * factor;
    const share = Math.max(0, Math.min(1, (now - state.from) / (state.to - state.from)));
    zoom(now - share * length, now + (1 - share) * length);
  }
  function keepInView(time) {
    const length = state.to - state.from;
    if (time < state.from || time > state.to) zoom(time - length * 0.2, time + length * 0.8);
  }

  // ---- what is shown of one moment ---------------------------------------------------------------
  function placeHeads() {
    const now = count ? times[state.frame] : 0;
    const share = (now - state.from) / (state.to - state.from);
    for (const lane of [state.strip, ...state.lanes]) {
      if (!lane) continue;
      lane.head.hidden = share < 0 || share > 1;
      lane.head.style.transform = `translateX(${EDGE + share * (lane.plot.clientWidth - 2 * EDGE)}px)`;
    }
  }
  function show() {
    if (!count) return;
    $("clock").textContent = `${clockText(times[state.frame])}, frame ${numbers[state.frame]}`;
    for (const lane of state.lanes) {
      const value = lane.label.values[state.frame];
      lane.value.textContent = value === MISSING ? "–" : ((value / SCALE) * data.unit).toFixed(data.unit === 1 ? 3 : 2);
    }
    placeHeads(); paintBoxes();
    const now = times[state.frame], here = [];
    data.events.forEach((event, k) => { if (event.onset_s <= now + 1e-6 && now < event.offset_s - 1e-6) here.push(k); });
    // Only the cards that change are touched: of an hour there are thousands.
    for (const k of state.here) state.cards[k]?.classList.remove("here");
    for (const k of here) state.cards[k]?.classList.add("here");
    state.here = here;
  }
  function paintBoxes() {
    if (!data.video) return;
    const canvas = $("boxes"), context = canvas.getContext("2d");
    const width = canvas.clientWidth * devicePixelRatio, height = canvas.clientHeight * devicePixelRatio;
    if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; }
    context.clearRect(0, 0, width, height);
    const scale = width / data.width;
    context.font = `600 ${13 * devicePixelRatio}px system-ui, sans-serif`;
    for (const face of data.faces) {
      if (!face.seen[state.frame]) continue;
      const [x, y, w, h] = face.boxes.slice(4 * state.frame, 4 * state.frame + 4);
      context.lineWidth = 2 * devicePixelRatio; context.strokeStyle = face.colour;
      context.strokeRect(x * scale, y * scale, w * scale, h * scale);
      const now = times[state.frame];
      const active = face.labels.filter((l) => l.spans.some(([a, b]) => a <= now + 1e-6 && now < b - 1e-6)).map((l) => l.au);
      const text = [face.name, ...active].join("  ");
      const size = context.measureText(text).width + 10 * devicePixelRatio;
      const top = Math.max(0, y * scale - 20 * devicePixelRatio);
      context.fillStyle = face.colour; context.fillRect(x * scale - context.lineWidth / 2, top, size, 20 * devicePixelRatio);
      context.fillStyle = "#fff"; context.fillText(text, x * scale + 4 * devicePixelRatio, top + 14.5 * devicePixelRatio);
    }
  }
  function follow() {
    const frame = frameAt(video.currentTime);
    if (frame !== state.frame) { state.frame = frame; keepInView(times[frame]); show(); }
    if (!video.paused) requestAnimationFrame(follow);
  }

  // ---- events, summary, record -------------------------------------------------------------------
  function buildEvents() {
    $("eventhead").textContent = `Events (${data.events.length})`;
    const shown = document.createDocumentFragment();
    data.events.forEach((event, index) => {
      const card = element("button", "event"); card.type = "button"; card.dataset.index = index;
      const picture = event.picture ? element("img") : element("div", "blank");
      if (event.picture) { picture.src = event.picture; picture.loading = "lazy"; picture.alt = `Heatmap of ${event.au} at its apex`; }
      const words = element("div");
      const cut = { onset: ", begins before", offset: ", goes on", both: ", begins before and goes on", no: "" }[event.censored];
      const peak = event.peak_r === null ? (event.peak_p === null ? "" : `p ${event.peak_p.toFixed(2)}`) : `intensity ${event.peak_r.toFixed(1)}`;
      words.append(element("b", "", event.au), element("span", "", event.words),
        element("span", "", `${clockText(event.apex_s)}${data.faces.length > 1 ? ` · face ${event.face}` : ""}`),
        element("span", "", `${event.duration_s.toFixed(2)} s · ${peak}${cut}`));
      card.append(picture, words);
      state.cards.push(card);
      card.addEventListener("click", () => { chooseFace(event.face); seek(event.apex_s); });
      shown.append(card);
    });
    $("events").replaceChildren(shown);
    if (!data.events.length) $("events").append(element("p", "muted", "None."));
  }
  function jump(direction) {
    const now = times[state.frame], face = data.faces[state.face];
    const own = data.events.filter((event) => !face || event.face === face.name).map((event) => event.apex_s).sort((a, b) => a - b);
    const next = direction > 0 ? own.find((t) => t > now + 1e-6) : own.filter((t) => t < now - 1e-6).pop();
    if (next !== undefined) seek(next);
  }
  function table(header, rows) {
    const made = element("table"), head = element("tr");
    header.forEach((name) => head.append(element("th", "", name)));
    const body = element("tbody");
    for (const row of rows) {
      const line = element("tr");
      row.forEach((cell) => { const td = element("td"); td.append(cell); line.append(td); });
      body.append(line);
    }
    const top = element("thead"); top.append(head); made.append(top, body);
    const box = element("div", "scroll"); box.append(made);
    return box;
  }
  function buildSummary() {
    const box = $("summary");
    for (const face of data.faces) {
      const row = face.summary;
      const title = element("p", "", `Face ${face.name}: seen ${shareText(row.seen)} of ${row.duration_s.toFixed(1)} s, usable ${shareText(row.usable)}.`);
      title.style.margin = "10px 0 4px"; box.append(title);
      const both = row.active_AU06_AU12;
      box.append(table(["AU", "mean", "sd", "p95", "active", "events / min", "median duration, s"], face.labels.map((label) => {
        const at = (name) => row[`${name}_${label.au}`];
        const share = element("span"), bar = element("span", "share");
        bar.style.width = `${Math.round(60 * (at("active") || 0))}px`;
        share.append(bar, shareText(at("active")));
        const name = element("span", "", label.au), words = element("span", "muted", ` ${label.words}`); name.append(words);
        return [name, numberText(at("mean")), numberText(at("sd")), numberText(at("p95")), share, numberText(at("events_per_min"), 1), numberText(at("median_duration_s"), 2)];
      })));
      if (both !== undefined && both !== null) box.append(element("p", "muted", `AU06 and AU12 together: ${shareText(both)} of the usable time.`));
    }
    if (!data.faces.length) box.append(element("p", "muted", "No face was seen."));
  }
  function buildMade() {
    const made = element("table");
    for (const [name, value] of data.made) {
      const line = element("tr");
      line.append(element("td", "muted", name), element("td", "words", value)); made.append(line);
    }
    $("made").append(made);
    if (data.record) {
      const more = element("details"); more.append(element("summary", "", "Run record"), element("pre", "", JSON.stringify(data.record, null, 2)));
      $("made").append(more);
    }
  }
  function chooseFace(name) {
    const index = data.faces.findIndex((face) => face.name === name);
    if (index >= 0 && index !== state.face) { state.face = index; buildTabs(); buildLanes(); }
  }
  function buildTabs() {
    if (data.faces.length < 2) return;
    $("faces").replaceChildren(...data.faces.map((face, k) => {
      const tab = element("button", "", /^\d+$/.test(face.name) ? `Face ${face.name}` : face.name);
      tab.type = "button"; tab.setAttribute("role", "tab"); tab.setAttribute("aria-selected", String(k === state.face));
      tab.addEventListener("click", () => chooseFace(face.name));
      return tab;
    }));
  }

  // ---- start -----------------------------------------------------------------------------------
  function openVideo() {
    if (!data.video) { $("novideo").hidden = false; $("novideo").textContent = data.no_video; $("play").hidden = true; return; }
    $("screen").hidden = false;
    video.src = data.video.embedded
      ? URL.createObjectURL(new Blob([bytes($("media").textContent)], { type: data.video.type }))
      : data.video.src;
    video.addEventListener("error", () => { $("novideo").hidden = false; $("novideo").textContent = `The video cannot be played from ${data.video.src || "this page"}.`; });
    video.addEventListener("play", () => { $("play").textContent = "Pause"; requestAnimationFrame(follow); });
    video.addEventListener("pause", () => { $("play").textContent = "Play"; });
    video.addEventListener("seeked", follow);
    video.addEventListener("loadeddata", () => paintBoxes());
    const toggle = () => (video.paused ? video.play() : video.pause());
    $("play").addEventListener("click", toggle);
    video.addEventListener("click", toggle);
  }
  const step = (by) => { if (data.video) video.pause(); seekFrame(state.frame + by); };
  const keys = {
    " ": () => data.video && (video.paused ? video.play() : video.pause()),
    ArrowLeft: () => step(-1), ArrowRight: () => step(1), p: () => jump(-1), n: () => jump(1),
    "+": () => zoomBy(0.5), "-": () => zoomBy(2), 0: () => zoom(startTime, endTime),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
    if (event.key === " " && event.target.tagName === "BUTTON") return;
    event.preventDefault(); keys[event.key]();
  });
  $("back").addEventListener("click", () => step(-1));
  $("forth").addEventListener("click", () => step(1));
  $("prev").addEventListener("click", () => jump(-1));
  $("next").addEventListener("click", () => jump(1));
  $("in").addEventListener("click", () => zoomBy(0.5));
  $("out").addEventListener("click", () => zoomBy(2));
  $("all").addEventListener("click", () => zoom(startTime, endTime));
  $("quiet").addEventListener("click", () => {
    state.quiet = !state.quiet; $("quiet").setAttribute("aria-pressed", String(state.quiet)); buildLanes();
  });
  addEventListener("resize", () => { redrawSoon(); paintBoxes(); });
  // On paper the curves get the width of an A4 page, whatever the window has.
  function fitPaper(isPaper) {
    document.body.classList.toggle("paper", isPaper);
    redraw();
  }
  addEventListener("beforeprint", () => fitPaper(true));
  addEventListener("afterprint", () => fitPaper(false));
  $("facts").textContent = data.facts;
  openVideo(); buildTabs(); buildLanes(); buildEvents(); buildSummary(); buildMade(); show();
  window.rtauReport = { state, seek, zoom, times };
})();
