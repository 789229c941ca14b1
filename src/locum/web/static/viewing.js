// The viewing room: says every few seconds that somebody is here, and puts in place what changed. What came as a secret
// (data-secret) is taken off the page when the other leaves, when this page is left or hidden, and when nothing is heard any more.
// Nothing is kept: no history, no storage.
"use strict";

const place = document.querySelector("[data-here]");
const SILENT = 10;

let seen = place.dataset.mark || "";
let heard = Date.now();
let over = false;

function blank() {
  for (const one of document.querySelectorAll("[data-secret]")) one.replaceChildren();
  seen = "";
}

function send(fields) {
  return new Promise((resolve, reject) => {
    const asked = new XMLHttpRequest();
    asked.open("POST", place.dataset.here);
    asked.responseType = "document";
    asked.timeout = 8000;
    asked.onload = () => resolve(asked);
    asked.onerror = asked.ontimeout = reject;
    asked.send(new URLSearchParams({ form_token: place.dataset.token, ...fields }));
  });
}

function put(page) {
  for (const part of page.querySelectorAll("[data-part]")) {
    const old = document.getElementById(part.id);
    if (!old) continue;
    if (part.dataset.mark) seen = part.dataset.mark;
    const said = document.querySelector("[data-announce]");
    if (said && part.dataset.said && part.dataset.said !== old.dataset.said) said.textContent = part.dataset.said;
    old.replaceWith(document.adoptNode(part));
  }
}

async function beat() {
  if (over) return;
  if (document.visibilityState === "visible") {
    try {
      const answer = await send({ seen });
      if (answer.status === 200 && answer.response && answer.response.querySelector("[data-part]")) {
        heard = Date.now();
        if (document.visibilityState === "visible") put(answer.response);
      } else if (answer.status === 204) heard = Date.now();
      else if (answer.status < 500) over = true;
    } catch { /* out of reach: blanked below if it lasts */ }
    if (over || Date.now() - heard > SILENT * 1000) blank();
  }
  if (!over) setTimeout(beat, Number(place.dataset.every) * 1000);
}

document.addEventListener("visibilitychange", () => {
  if (document.visibilityState !== "visible") blank();
});

window.addEventListener("pagehide", () => {
  blank();
  navigator.sendBeacon(place.dataset.here, new URLSearchParams({ form_token: place.dataset.token, leaving: "1" }));
});

window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

setTimeout(beat, 500);
