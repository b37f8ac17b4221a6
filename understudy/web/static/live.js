// Keeps the panels of an open page as the server sends them, and says so when it sends nothing.
"use strict";

const SILENT_MS = 8000;
const LOST_MS = 2000;
const unheard = document.getElementById("unheard");
let heardAt = Date.now();

// Makes `old` like `fresh`, element by element, so that focus and scrolling stay where they are.
function become(old, fresh) {
  for (const { name } of [...old.attributes]) {
    const isReaders = name === "open" && old.nodeName === "DETAILS";
    if (!isReaders && !fresh.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  const olds = [...old.childNodes];
  const freshes = [...fresh.childNodes];
  freshes.forEach((node, index) => {
    const known = olds[index];
    if (!known) {
      old.append(node);
    } else if (known.nodeName !== node.nodeName) {
      known.replaceWith(node);
    } else if (node.nodeType === Node.ELEMENT_NODE) {
      become(known, node);
    } else if (known.nodeValue !== node.nodeValue) {
      known.nodeValue = node.nodeValue;
    }
  });
  olds.slice(freshes.length).forEach((node) => node.remove());
}

function hear(event) {
  heardAt = Date.now();
  setHeard(true);
  for (const [key, html] of Object.entries(JSON.parse(event.data).panels)) {
    const shown = document.getElementById(key);
    const holder = document.createElement("template");
    holder.innerHTML = html;
    if (shown && holder.content.firstElementChild) {
      become(shown, holder.content.firstElementChild);
    }
  }
}

function setHeard(isHeard) {
  if (unheard.hidden === isHeard) return;
  unheard.hidden = isHeard;
  document.body.classList.toggle("stale", !isHeard);
  if (!isHeard) {
    const since = new Date(heardAt).toLocaleTimeString();
    unheard.textContent = `No news from this page's server since ${since}: what is shown is old. ` +
      "Trading does not depend on it; trying again.";
  }
}

let source = null;
function listen() {
  source = new EventSource("/live");
  source.onmessage = hear;
  source.onerror = () => {
    // A server that refuses, or is gone, closes it for good: try again like after a lost one.
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 3000);
  };
}
listen();
setInterval(() => {
  const limit = source.readyState === EventSource.OPEN ? SILENT_MS : LOST_MS;
  setHeard(Date.now() - heardAt < limit);
}, 500);
