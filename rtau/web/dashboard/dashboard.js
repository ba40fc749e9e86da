// The page of a served run: what it receives, and what it asks for.

import { Connection } from "./connection.js";
import { FaceCard } from "./curves.js";

// Drawn 30 times a second, or so seldom that drawing takes half of the time at most.
const DRAW_EVERY_MS = 30, PAUSES_PER_DRAWING = 2;
const SAY_EVERY_MS = 4000, GONE_AFTER_S = 1, FORGET_AFTER_S = 10, MOST_FACES = 12;
const $ = (id) => document.getElementById(id);

let run = null, isPaused = false, state = "lost", drawnMs = 0, pauseMs = DRAW_EVERY_MS, saidMs = 0, said = "", newest = null, sinceFrameS = 0;
const cards = new Map();
const seen = new Map();

function show(id, text) {
  const place = $(id);
  if (place.textContent !== text) place.textContent = text;
}

function showState() {
  let word = { live: "live", lost: "connection lost, trying again", ended: "the run has ended" }[state];
  let look = state === "live" ? "live" : "lost";
  if (state === "live" && isPaused) [word, look] = ["the run is paused", "paused"];
  else if (state === "live" && sinceFrameS > 2) [word, look] = [`no frame for ${Math.round(sinceFrameS)} s`, "late"];
  show("connection", word);
  $("connection").dataset.state = look;
}

function begin(message) {
  if (run?.run !== message.run) {
    for (const id of [...cards.keys()]) forget(id);
    newest = null;
  }
  run = message;
  document.body.dataset.run = run.run;
  document.title = `rtau – ${run.source}`;
  show("source", run.source);
  show("model", `${run.model} on ${run.device}, rtau ${run.rtau_version}`);
  $("heatmap").replaceChildren(...run.heatmaps.map((value) => new Option(
    run.names[value] ? `${value} ${run.names[value]}` : value, value)));
  $("heatmap-choice").hidden = run.heatmaps.length < 2;
  $("neutral").hidden = !run.commands.includes("neutral");
  $("video").hidden = !run.has_video;
  if ($("video").getAttribute("aria-pressed") === "true") connection.send("video", "on");
}

const milliseconds = (seconds) => (seconds === null ? "–" : (1000 * seconds).toFixed(0));

function clock(seconds) {
  const whole = Math.floor(seconds), pad = (value) => String(value).padStart(2, "0");
  const minutes = `${Math.floor(whole / 60) % 60}`;
  return whole < 3600 ? `${minutes}:${pad(whole % 60)}` : `${Math.floor(whole / 3600)}:${pad(minutes)}:${pad(whole % 60)}`;
}

function showStatus(status) {
  sinceFrameS = status.since_frame_s ?? 0;
  show("fps", status.fps === null ? "–" : status.fps.toFixed(1));
  show("latency-p50", milliseconds(status.latency_p50_s));
  show("latency-p95", milliseconds(status.latency_p95_s));
  show("dropped", String(status.dropped));
  show("frames", status.frames_total ? `${status.frames_done} of ${status.frames_total}` : String(status.frames_done));
  show("time", clock(status.elapsed_s));
  if (document.activeElement !== $("heatmap")) $("heatmap").value = status.heatmap;
  show("notices", status.notices.join(" · "));
  isPaused = status.paused;
  $("pause").setAttribute("aria-pressed", String(isPaused));
  show("pause", isPaused ? "Go on" : "Pause run");
  if (newest === null) show("nobody", isPaused ? "paused: no frame yet" : "no face yet");
  showState();
}

function takeFrame(frame) {
  newest = frame;
  sinceFrameS = 0;
  for (const face of frame.faces) {
    if (!cards.has(face.id)) {
      if (cards.size >= MOST_FACES) continue;
      cards.set(face.id, new FaceCard(face.id, run));
      place(cards.get(face.id));
    }
    cards.get(face.id).add(frame.time_s, face);
    seen.set(face.id, frame.time_s);
  }
  for (const [id, card] of cards) if (seen.get(id) !== frame.time_s) card.skip(frame.time_s);
  for (const marker of frame.markers ?? []) note(`marked: ${marker.label}`);
}

// Cards stand in the order of their numbers.
function place(card) {
  const after = [...$("faces").querySelectorAll(".face")].find((other) => Number(other.dataset.face) > card.id);
  $("faces").insertBefore(card.card, after ?? null);
}

function forget(id) {
  cards.get(id).remove();
  cards.delete(id);
  seen.delete(id);
}

function draw(nowMs) {
  requestAnimationFrame(draw);
  if (newest === null || nowMs - drawnMs < pauseMs) return;
  drawnMs = nowMs;
  const startMs = performance.now();
  for (const [id, card] of [...cards]) {
    const ageS = newest.time_s - seen.get(id);
    if (ageS > FORGET_AFTER_S || ageS < 0) {
      forget(id);
      continue;
    }
    card.card.classList.toggle("gone", ageS > GONE_AFTER_S);
    card.draw(newest.time_s, run.names);
  }
  $("nobody").hidden = cards.size > 0;
  show("nobody", "no face");
  document.body.dataset.frame = newest.frame;
  if (nowMs - saidMs > SAY_EVERY_MS) say(nowMs);
  pauseMs = Math.max(DRAW_EVERY_MS, PAUSES_PER_DRAWING * (performance.now() - startMs));
}

// What a screen reader says, when it has changed, and not too often.
function say(nowMs) {
  saidMs = nowMs;
  const words = newest.faces.map((face) =>
    `face ${face.id}: ${face.active.map((label) => run.names[label] || label).join(", ") || "no AU active"}`);
  const text = words.join("; ") || "no face";
  if (text !== said) show("said", text);
  said = text;
}

function note(text) {
  show("said", text);
  const button = $("mark");
  button.classList.add("done");
  button.textContent = "Marked";
  setTimeout(() => {
    button.classList.remove("done");
    button.textContent = "Mark event";
  }, 1200);
}

// Onto a canvas: of an <img> that changes, browsers keep hundreds of megabytes of decoded pictures.
async function showPicture(blob) {
  const picture = await createImageBitmap(blob), canvas = $("image");
  const { width, height } = picture;
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  canvas.getContext("2d").drawImage(picture, 0, 0);
  picture.close();
}

function receive(message) {
  if (message instanceof Blob) showPicture(message);
  else if (message.type === "run") begin(message);
  else if (message.type === "status") showStatus(message);
  else if (message.type === "refused") show("notices", message.reason);
  else if (message.faces && run) takeFrame(message);
}

function toggle(button, on, off) {
  const pressed = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", String(pressed));
  button.textContent = pressed ? on : off;
  return pressed;
}

$("controls").addEventListener("submit", (event) => {
  event.preventDefault();
  connection.send("mark", $("label").value);
});
$("neutral").addEventListener("click", () => connection.send("neutral"));
$("heatmap").addEventListener("change", (event) => connection.send("heatmap", event.target.value));
$("pause").addEventListener("click", () => connection.send("pause", isPaused ? "off" : "on"));
$("video").addEventListener("click", (event) => {
  const wanted = toggle(event.target, "Hide video", "Show video");
  $("picture").hidden = !wanted;
  connection.send("video", wanted ? "on" : "off");
});

const root = document.documentElement;
const prefersLight = matchMedia("(prefers-color-scheme: light)");
const paint = (theme) => { root.dataset.theme = theme ?? (prefersLight.matches ? "light" : "dark"); };
paint(localStorage.getItem("rtau-theme"));
prefersLight.addEventListener("change", () => paint(localStorage.getItem("rtau-theme")));
$("theme").addEventListener("click", () => {
  const theme = root.dataset.theme === "light" ? "dark" : "light";
  localStorage.setItem("rtau-theme", theme);
  paint(theme);
});

const connection = new Connection(receive, (word) => {
  state = word;
  showState();
});
requestAnimationFrame(draw);
