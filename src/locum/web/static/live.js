// Keeps parts of a page up to date: what changes by itself (data-live), and what a form would become (data-preview). A part
// comes from the server as a page of its own, read by the browser as a document in which nothing runs; elements with data-part
// take the place of those with the same id, and the part's data-said is told to whoever does not see it. Nothing else.
"use strict";

function load(method, address, body, tag) {
  return new Promise((resolve, reject) => {
    const asked = new XMLHttpRequest();
    asked.open(method, address);
    asked.responseType = "document";
    if (tag) asked.setRequestHeader("If-None-Match", tag);
    asked.onload = () => resolve(asked);
    asked.onerror = asked.ontimeout = reject;
    asked.timeout = 10000;
    asked.send(body);
  });
}

const parts = (page) => (page ? [...page.querySelectorAll("[data-part]")] : []);

function put(page) {
  for (const part of parts(page)) {
    const old = document.getElementById(part.id);
    if (!old || old.contains(document.activeElement)) continue;
    const said = document.querySelector("[data-announce]");
    if (said && part.dataset.said && part.dataset.said !== old.dataset.said) said.textContent = part.dataset.said;
    old.replaceWith(document.adoptNode(part));
  }
}

const SECONDS = 4;

for (const place of document.querySelectorAll("[data-live]")) {
  let tag = "";
  const look = async () => {
    if (document.visibilityState === "visible") {
      try {
        const answer = await load("GET", place.dataset.live, null, tag);
        if (answer.status === 200) {
          if (!parts(answer.response).length) return; // signed out, or gone: stop looking
          tag = answer.getResponseHeader("ETag") || "";
          put(answer.response);
        } else if (answer.status !== 304 && answer.status < 500) return;
      } catch { /* out of reach for a moment: look again */ }
    }
    setTimeout(look, SECONDS * 1000);
  };
  setTimeout(look, SECONDS * 1000);
}

for (const form of document.querySelectorAll("form[data-preview]")) {
  let waiting = 0;
  let turn = 0;
  for (const button of form.querySelectorAll("[data-plain]")) button.hidden = true;
  const show = async () => {
    const mine = ++turn;
    try {
      const answer = await load("POST", form.dataset.preview, new URLSearchParams(new FormData(form)));
      if (mine === turn && answer.status === 200) put(answer.response);
    } catch { /* the next key tries again */ }
  };
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(show, 350);
  });
  show();
}
