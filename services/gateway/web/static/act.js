// Acts on the alert of this page with the key that is typed in, and shows what came of it. The key is kept for this tab,
// and the form has no names to send anything under by itself.
(() => {
  "use strict";
  const KEY = "tiendo_person_key"; // for this tab only, gone when it is closed
  const form = document.getElementById("act");
  const said = document.getElementById("said");
  const field = (id) => document.getElementById(id);
  const words = form.dataset;
  const vi = document.documentElement.lang === "vi";
  const fresh = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (one) => one.toString(16).padStart(2, "0")).join("");
  let command = fresh(); // the same until it is known what became of it

  field("key").value = sessionStorage.getItem(KEY) ?? "";

  function tell(text, wrong = false) {
    said.textContent = text;
    said.classList.toggle("wrong", wrong);
  }

  async function post(what) {
    const body = { command_id: command, note: field("note").value };
    const end = { acknowledge: "until", "ask-account": "due", close: "until" }[what];
    if (end && field("until").value) body[end] = field("until").value;
    const headers = { "content-type": "application/json", authorization: `Bearer ${field("key").value.trim()}` };
    const path = `/api/v1/alerts/${form.dataset.alert}/${what}`;
    const answer = await fetch(path, { method: "POST", body: JSON.stringify(body), headers });
    if (answer.ok) return;
    const problem = await answer.json();
    throw Object.assign(new Error(vi ? problem.detail : problem.detail_en), { problem });
  }

  // What was done comes back by way of the other services, within a second or so.
  async function show() {
    const before = field("handling").dataset.seq;
    for (let tries = 0; tries < 20; tries++) {
      await new Promise((done) => setTimeout(done, 500));
      const answer = await fetch(location.href, { cache: "no-store" });
      const read = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (read.getElementById("handling")?.dataset.seq === before) continue;
      for (const id of ["head", "handling", "timeline", "why"]) field(id)?.replaceWith(read.getElementById(id) ?? "");
      if (!read.getElementById("act")) form.remove(); // it is over
      return;
    }
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const sure = event.submitter.dataset.sure;
    if (sure && !confirm(sure)) return;
    const buttons = form.querySelectorAll("button");
    for (const one of buttons) one.disabled = true;
    sessionStorage.setItem(KEY, field("key").value.trim());
    tell(words.wordSending);
    try {
      await post(event.submitter.value);
      command = fresh();
      field("note").value = "";
      tell(words.wordDone);
      said.focus({ preventScroll: false });
      await show();
    } catch (error) {
      tell(error.problem ? error.message : words.wordAway, true);
    } finally {
      for (const one of buttons) one.disabled = false;
    }
  });
})();
