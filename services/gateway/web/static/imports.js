// Sends a spreadsheet to POST /api/v1/imports: first to be checked, then to be published. The words stand in the page.
(() => {
  "use strict";
  const KEY = "tiendo_key"; // for this tab only, gone when it is closed
  const form = document.getElementById("import");
  const found = document.getElementById("found");
  const said = document.getElementById("said");
  const title = document.getElementById("found-title");
  const tables = document.getElementById("tables");
  const key = document.getElementById("key");
  const buttons = { apply: "all", "apply-good": "good" };
  const words = found.dataset;
  const vi = document.documentElement.lang === "vi";
  let file = null;

  if (key) key.value = sessionStorage.getItem(KEY) ?? "";

  const either = (vietnamese, english) => (vi ? vietnamese : english);
  const button = (id) => document.getElementById(id);

  function made(name, text = "", type = "") {
    const element = document.createElement(name);
    element.textContent = text;
    if (type) element.className = type;
    return element;
  }

  function tell(text, wrong = false) {
    said.textContent = text;
    said.classList.toggle("wrong", wrong);
  }

  function media(chosen) {
    if (/\.csv$/i.test(chosen.name)) return form.dataset.csv;
    if (/\.xlsx$/i.test(chosen.name)) return form.dataset.xlsx;
    return null;
  }

  async function post(more, accept) {
    const asked = new URLSearchParams({ name: file.name.slice(0, 200), ...more });
    for (const [name, value] of new FormData(form)) if (typeof value === "string" && value) asked.set(name, value);
    const headers = { "content-type": media(file), accept };
    if (key) headers.authorization = `Bearer ${key.value.trim()}`;
    const answer = await fetch(`/api/v1/imports?${asked}`, { method: "POST", body: file, headers });
    if (answer.ok) return answer;
    const problem = await answer.json();
    throw Object.assign(new Error(either(problem.detail, problem.detail_en)), { problem });
  }

  async function busy(word, work) {
    const all = document.querySelectorAll("main button");
    for (const one of all) one.disabled = true;
    tell(word);
    try {
      await work();
    } catch (error) {
      tell(error.problem ? error.message : words.wordAway, true);
    } finally {
      for (const one of all) one.disabled = false;
      said.focus({ preventScroll: false });
    }
  }

  const position = (letters) => [...letters].reduce((number, letter) => number * 26 + letter.charCodeAt(0) - 64, 0) - 1;

  function headings(names) {
    const row = document.createElement("tr");
    for (const name of names) row.append(Object.assign(made("th", name), { scope: "col", role: "columnheader" }));
    row.role = "row";
    const head = document.createElement("thead");
    head.append(row);
    head.role = "rowgroup";
    return head;
  }

  function remarks(row) {
    const list = document.createElement("ul");
    for (const one of row.problems)
      list.append(made("li", (one.column ? `${one.column}: ` : "") + either(one.message_vi, one.message_en)));
    for (const one of row.flags) list.append(made("li", either(one.message_vi, one.message_en), "doubt"));
    return list;
  }

  function line(row, columns) {
    const element = made("tr", "", `is-row-${row.state}`);
    element.role = "row"; // said, since on a narrow screen a row is laid out as a card
    const number = Object.assign(made("th", row.row), { scope: "row", role: "rowheader" });
    number.dataset.label = words.wordRow;
    element.append(number);
    element.append(made("td", words[`state${row.state[0].toUpperCase()}${row.state.slice(1)}`], "state"));
    const wrong = new Set(row.problems.map((one) => one.column));
    for (const { column, heading } of columns) {
      const cell = made("td", row.cells[position(column)] ?? "", wrong.has(column) ? "wrong" : "");
      cell.dataset.label = `${column} · ${heading}`;
      element.append(cell);
    }
    const last = made("td", "", "remarks");
    last.append(remarks(row));
    element.append(last);
    for (const cell of element.querySelectorAll("td")) cell.role = "cell";
    return element;
  }

  function scrolled(table, name) {
    const region = made("div", "", "scroll");
    region.tabIndex = 0;
    region.setAttribute("role", "region");
    region.setAttribute("aria-label", name);
    region.append(table);
    return region;
  }

  function sheet(answer, one) {
    const rows = answer.listed.filter((row) => row.sheet === one.sheet);
    const table = made("table", "", "facts rows");
    table.append(
      headings([
        words.wordRow, words.wordState, ...one.columns.map((each) => `${each.column} · ${each.heading}`), words.wordProblems,
      ]),
    );
    table.role = "table";
    const body = document.createElement("tbody");
    body.role = "rowgroup";
    body.append(...rows.map((row) => line(row, one.columns)));
    table.append(body);
    const parts = [];
    if (one.sheet) parts.push(made("h4", one.sheet));
    if (one.unread.length) parts.push(made("p", `${words.wordUnread}: ${one.unread.join(", ")}`, "note quiet"));
    return [...parts, scrolled(table, one.sheet || file.name)];
  }

  function shown(answer) {
    const notes = [];
    if (answer.passed_over.length) notes.push(`${words.wordPassed}: ${answer.passed_over.join(", ")}`);
    if (answer.empty_rows) notes.push(`${words.wordEmpty}: ${answer.empty_rows}`);
    if (answer.not_listed) notes.push(`${words.wordMore}: ${answer.not_listed}`);
    tables.replaceChildren(
      ...notes.map((text) => made("p", text, "note quiet")),
      ...answer.tables.flatMap((one) => sheet(answer, one)),
    );
    title.textContent = words.wordFound;
    found.hidden = false;
  }

  function receipts(answer) {
    const table = made("table", "", "facts");
    table.id = "receipts";
    table.append(headings([words.wordRow, words.wordReceipt]));
    const body = document.createElement("tbody");
    for (const one of answer.receipts) {
      const row = document.createElement("tr");
      row.append(Object.assign(made("th", [one.sheet, one.row].filter(Boolean).join(" · ")), { scope: "row" }), made("td"));
      const link = Object.assign(made("a"), { href: one.link.replace("/api/v1", "") }); // the page of the same name
      link.append(made("code", one.id));
      row.lastChild.append(link);
      body.append(row);
    }
    table.append(body);
    title.textContent = words.wordReceipts;
    tables.replaceChildren(scrolled(table, words.wordReceipts));
  }

  function offer(answer) {
    button("apply").hidden = !answer || answer.wrong > 0 || !answer.sound;
    button("apply-good").hidden = !answer || !answer.wrong || !answer.sound;
    button("marked").hidden = !answer || !(answer.wrong || answer.flagged || answer.outranked);
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    file = document.getElementById("file").files[0];
    found.hidden = true;
    offer(null);
    if (!media(file)) return tell(words.wordKind, true);
    if (key) sessionStorage.setItem(KEY, key.value.trim());
    busy(words.wordChecking, async () => {
      const answer = await (await post({ dry_run: "true" }, "application/json")).json();
      shown(answer);
      offer(answer);
      tell(either(answer.message_vi, answer.message_en), answer.wrong > 0);
    });
  });

  for (const [id, rows] of Object.entries(buttons)) {
    button(id).addEventListener("click", () =>
      busy(words.wordSending, async () => {
        const answer = await (await post({ rows }, "application/json")).json();
        offer(null);
        receipts(answer);
        tell(either(answer.message_vi, answer.message_en));
      }),
    );
  }

  button("marked").addEventListener("click", () => {
    const before = said.textContent;
    busy(words.wordChecking, async () => {
      const answer = await post({ dry_run: "true" }, media(file));
      const name = /filename\*=UTF-8''([^;]+)/.exec(answer.headers.get("content-disposition") ?? "");
      const link = made("a");
      link.href = URL.createObjectURL(await answer.blob());
      link.download = name ? decodeURIComponent(name[1]) : file.name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60000);
      tell(before, true);
    });
  });

  form.addEventListener("change", () => offer(null));
})();
