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
function told(o) {
  switch (o.kind) {
    case "invoked": return "begins " + o.text;
    case "returned": return ("returns " + o.text).trimEnd();
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

// follow brings a step into view: all lanes that it concerns, if they fit, else
// the client that acts.
function follow(s) {
  s.scrollIntoView({ block: "nearest", inline: "nearest" });
  const box = document.querySelector(".diagram");
  const room = box.clientWidth - s.querySelector(".title").offsetWidth - 6;
  let from = Number(s.dataset.from), to = Number(s.dataset.to);
  if (to - from > room) {
    const focus = Number(s.dataset.focus);
    from = Math.max(from, Math.min(focus, to - room));
    to = from + room;
  }
  if (from < box.scrollLeft) box.scrollLeft = from;
  else if (to > box.scrollLeft + room) box.scrollLeft = to - room;
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
      add(seen, "li", trace.lanes[d.to].name + " " + told(o), o.kind);
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

// The tooltip tells what is under the pointer in full.
const tooltip = byId("tooltip");
addEventListener("mouseover", (e) => {
  const what = e.target.closest && e.target.closest("[data-tip]");
  tooltip.hidden = !what;
  if (what) tooltip.textContent = what.dataset.tip;
});
addEventListener("mousemove", (e) => {
  if (tooltip.hidden) return;
  const box = tooltip.getBoundingClientRect();
  tooltip.style.left = Math.max(4, Math.min(e.clientX + 14, innerWidth - box.width - 8)) + "px";
  tooltip.style.top = (e.clientY + 18 + box.height > innerHeight ? e.clientY - box.height - 10 : e.clientY + 18) + "px";
});

// Without a step in the address a page that explains something begins there.
const finding = (trace.findings || [])[0];
show(fromAddress() ?? (finding && finding.step ? finding.step : last), true);
