// Passkeys: asks the browser for what a form needs, puts the answer into the form, and sends the form. Nothing else.
// A form says data-passkey="get" or "create", and where to ask (data-ask) or what (data-asked, JSON); its field
// "credential" takes the answer. What can be said to the reader stands in the page as data-said; what is there without this
// script, or if it fails to load, is hidden by it.
"use strict";

const encode = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

const decode = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (char) => char.charCodeAt(0));

const named = (list) => (list || []).map((one) => ({ ...one, id: decode(one.id) }));

const asked = (options) => ({
  ...options,
  challenge: decode(options.challenge),
  ...(options.user && { user: { ...options.user, id: decode(options.user.id) } }),
  ...(options.allowCredentials && { allowCredentials: named(options.allowCredentials) }),
  ...(options.excludeCredentials && { excludeCredentials: named(options.excludeCredentials) }),
});

const answered = ({ rawId, response, type }) => {
  const parts = {};
  for (const name of ["clientDataJSON", "authenticatorData", "signature", "userHandle", "attestationObject"]) {
    if (response[name]) parts[name] = encode(response[name]);
  }
  return JSON.stringify({ id: encode(rawId), rawId: encode(rawId), type, response: parts });
};

async function ask(form) {
  if (form.dataset.asked) return JSON.parse(form.dataset.asked);
  const answer = await fetch(form.dataset.ask, { method: "POST", body: new URLSearchParams(new FormData(form)) });
  if (!answer.ok) throw new Error(answer.status === 429 ? "wait" : "failed");
  return answer.json();
}

async function prove(form) {
  const publicKey = asked(await ask(form));
  const credential = form.dataset.passkey === "create"
    ? await navigator.credentials.create({ publicKey })
    : await navigator.credentials.get({ publicKey });
  form.elements.credential.value = answered(credential);
  form.submit();
}

function say(form, key) {
  for (const said of form.querySelectorAll("[data-said]")) said.hidden = said.dataset.said !== key;
}

const REASONS = { NotAllowedError: "cancelled", AbortError: "cancelled", InvalidStateError: "exists" };

for (const form of document.querySelectorAll("form[data-passkey]")) {
  const button = form.querySelector("button");
  if (!window.PublicKeyCredential) {
    say(form, "unsupported");
    continue;
  }
  button.hidden = false;
  say(form, "");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    say(form, "asking");
    try {
      await prove(form);
    } catch (error) {
      say(form, error.message === "wait" ? "wait" : REASONS[error.name] || "failed");
      button.removeAttribute("aria-disabled");
    }
  });
}
