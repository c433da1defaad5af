// Walks through the steps. The step is in the address, so that it can be linked to.
"use strict";
const byId = (id) => document.getElementById(id);
const last = trace.steps.length;
const sections = [...document.querySelectorAll(".step")];
let step = -1;

function add(parent, tag, text, className) {
  const node = document.createElement(tag);
  node.textContent = text;
  if (className) node.className = className;
  parent.append(node);
  return node;
}

// The words of an observation, as everywhere else.
function observed(o) {
  switch (o.kind) {
    case "invoked": return "begins " + o.text;
    case "returned": return ("returns " + o.text).trimEnd();
    case "aborted": return "aborts" + (o.text && ": " + o.text);
    case "decided": return "decides " + o.text + " in slot " + o.slot;
    default: return "fails: " + o.text.split("\n")[0];
  }
}

function show(n, scroll) {
  n = Math.max(0, Math.min(last, n));
  if (n === step) return;
  step = n;
  byId("slider").value = n;
  byId("back").disabled = n === 0;
  byId("on").disabled = n === last;
  byId("where").textContent = n === 0 ? "the start" : "step " + n + " of " + last;
  for (const s of sections) {
    const k = Number(s.dataset.step);
    s.classList.toggle("current", k === n);
    s.classList.toggle("later", k > n);
    s.toggleAttribute("aria-current", k === n);
  }
  const hash = "#step=" + n;
  if (location.hash !== hash) history.replaceState(null, "", hash);
  if (scroll && n > 0) follow(sections[n - 1]);
  panel(n);
}

// follow brings a step into view in the diagram: all lanes that it concerns, if
// they fit, else the client that acts. The rest of the page stays where it is.
const diagram = document.querySelector(".diagram");
const heads = document.querySelector(".heads");
const lanes = heads.querySelector(".lanes");
function follow(s) {
  const top = s.offsetTop - heads.offsetHeight;
  const bottom = s.offsetTop + s.offsetHeight - diagram.clientHeight;
  diagram.scrollTop = Math.min(top, Math.max(bottom, diagram.scrollTop));
  const lane = lanes.offsetWidth / trace.lanes.length;
  const room = diagram.clientWidth - s.querySelector(".lanes").offsetLeft - 3;
  let from = Number(s.dataset.from) * lane, to = Number(s.dataset.to) * lane;
  if (to - from > room) {
    from = Math.max(from, Math.min(Number(s.dataset.focus) * lane, to - room));
    to = from + room;
  }
  if (from < diagram.scrollLeft) diagram.scrollLeft = from;
  else if (to > diagram.scrollLeft + room) diagram.scrollLeft = to - room;
}

// squeeze takes letters out of the middle of a text, so that it has at most n.
// Texts of values differ at their ends more often than not.
function squeeze(text, n) {
  const letters = [...text];
  if (letters.length <= n) return text;
  if (n < 4) return letters.slice(0, Math.max(n - 1, 0)).join("") + "…";
  const head = Math.floor(n * 3 / 5);
  return letters.slice(0, head).join("") + "…" + letters.slice(letters.length - (n - 1 - head)).join("");
}

// fit shortens the texts of the diagram to what a lane has room for, now that it
// is so wide.
const texts = [...document.querySelectorAll("[data-spare]")].map((node) => ({ node, text: node.textContent, more: node.dataset.more || "" }));
for (const t of texts) t.node.textContent = t.text + t.more;
for (const t of texts) t.width = t.node.getComputedTextLength();
let fitted = 0;
function fit(lane) {
  if (lane === fitted) return;
  fitted = lane;
  for (const t of texts) {
    const letters = [...t.text].length + t.more.length;
    const fits = Math.floor((lane * (t.node.dataset.gaps || 1) - t.node.dataset.spare) * letters / t.width);
    const text = squeeze(t.text, fits - t.more.length) + t.more;
    t.node.textContent = text;
    const frame = t.node.previousElementSibling;
    if (t.node.parentNode.matches(".chip")) {
      const width = [...text].length * t.width / letters + 10;
      frame.setAttribute("width", width);
      frame.setAttribute("x", -width / 2);
    }
  }
}
const refit = () => fit(lanes.offsetWidth / trace.lanes.length);
new ResizeObserver(refit).observe(lanes);
new ResizeObserver(() => { if (step > 0) follow(sections[step - 1]); }).observe(diagram);
addEventListener("beforeprint", () => fit(parseFloat(diagram.style.getPropertyValue("--lane"))));
addEventListener("afterprint", refit);
refit();

// The legend names what is drawn.
for (const li of document.querySelectorAll("[data-mark]")) {
  if (!diagram.querySelector(li.dataset.mark)) li.remove();
}

// panel shows what the instances know after step n, and what the step changed.
function panel(n) {
  const at = trace.steps[n - 1];
  byId("which").textContent = n === 0 ? "The start" : "Step " + n + ": " + at.title;
  byId("call").textContent = n === 0 ? "" : at.call;
  const states = n === 0 ? trace.start : at.states;
  const before = n < 2 ? trace.start : trace.steps[n - 2].states;
  const rows = byId("states");
  rows.replaceChildren();
  trace.lanes.forEach((lane, i) => {
    const now = states[i], was = before[i];
    const row = add(rows, "tr", "");
    add(row, "td", lane.name);
    const cell = add(row, "td", "");
    const text = (s) => (s.down ? "down" : s.summary);
    if (n > 0 && text(now) !== text(was)) {
      if (text(was)) {
        add(cell, "del", text(was));
        cell.append(" → ");
      }
      row.classList.add("changed");
    } else if (n > 0 && now.changed) {
      row.classList.add("changed");
    }
    cell.append(text(now));
    row.classList.toggle("down", now.down);
    row.classList.toggle("faulty", lane.faulty);
  });
  const seen = byId("seen"), messages = byId("messages");
  seen.replaceChildren();
  messages.replaceChildren();
  for (const d of (at && at.deliveries) || []) {
    for (const o of d.seen || []) {
      add(seen, "li", trace.lanes[d.to].name + " " + observed(o), o.kind);
    }
    if (d.from < 0) continue;
    const arrives = d.fate === "delivered";
    add(messages, "li", trace.lanes[d.from].name + " → " + trace.lanes[d.to].name + ": " + (d.full || d.text) + (arrives ? "" : " (" + d.fate + ")"), arrives ? "" : "gone");
  }
  byId("count").textContent = messages.childElementCount ? "(" + messages.childElementCount + ")" : "(none)";
}

function fromAddress() {
  const m = /^#step=(\d+)$/.exec(location.hash);
  return m ? Number(m[1]) : null;
}

byId("slider").addEventListener("input", (e) => show(Number(e.target.value), true));
byId("back").addEventListener("click", () => show(step - 1, true));
byId("on").addEventListener("click", () => show(step + 1, true));
for (const s of sections) s.addEventListener("click", () => show(Number(s.dataset.step), false));
addEventListener("hashchange", () => {
  const n = fromAddress();
  if (n !== null) show(n, true);
});
addEventListener("keydown", (e) => {
  if (e.altKey || e.ctrlKey || e.metaKey) return;
  const to = { ArrowRight: step + 1, ArrowDown: step + 1, ArrowLeft: step - 1, ArrowUp: step - 1, Home: 0, End: last }[e.key];
  if (to === undefined) return;
  e.preventDefault();
  show(to, true);
});

// The tooltip shows what is under the pointer in full. A click keeps it, until
// the next one or Escape. By keyboard the same stands in the list of messages.
const tooltip = byId("tooltip");
let kept = false;
function tip(e, keep) {
  const what = e.target.closest && e.target.closest("[data-tip]");
  kept = keep && what !== null;
  tooltip.classList.toggle("kept", kept);
  tooltip.hidden = !what;
  if (!what) return;
  tooltip.textContent = what.dataset.tip;
  place(e);
}
function place(e) {
  const box = tooltip.getBoundingClientRect();
  tooltip.style.left = Math.max(4, Math.min(e.clientX + 14, innerWidth - box.width - 8)) + "px";
  tooltip.style.top = Math.max(4, e.clientY + 18 + box.height > innerHeight ? e.clientY - box.height - 10 : e.clientY + 18) + "px";
}
addEventListener("mouseover", (e) => { if (!kept) tip(e, false); });
addEventListener("mousemove", (e) => { if (!kept && !tooltip.hidden) place(e); });
addEventListener("click", (e) => { if (!tooltip.contains(e.target)) tip(e, true); });
addEventListener("keydown", (e) => {
  if (e.key !== "Escape") return;
  kept = false;
  tooltip.hidden = true;
});

// Without a step in the address a page that explains something begins there.
const finding = (trace.findings || [])[0];
show(fromAddress() ?? (finding && finding.step ? finding.step : last), true);
