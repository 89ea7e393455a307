// Makes the page answer: views, search, filters, keys, and the details of a case, built when it is opened.
// What a target sent is inserted as text only. The state of a view stands in the fragment of the address.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const several = data.implementations.length > 1;
  const formats = ["json", "xml"];
  const viewNames = ["overview", "cases", "requirements", "fingerprint", "document"];
  const searchable = new Set(["cases", "requirements", "fingerprint"]);
  const blank = () => ({ view: "overview", q: "", mark: new Set(), by: "", level: "", area: "", format: "", differs: false, open: "" });
  const state = blank();

  // ---- building ----

  function make(name, attributes, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (key === "onclick") made.addEventListener("click", value);
      else if (value === true) made.setAttribute(key, "");
      else if (value !== false && value !== undefined) made.setAttribute(key, value);
    }
    made.append(...children.filter((child) => child !== undefined));
    return made;
  }

  const odd = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/;

  // Text of a target: what is invisible, or turns text around, is spelled out.
  function shown(text) {
    const pieces = document.createDocumentFragment();
    for (const piece of text.split(new RegExp(`(${odd.source})`))) {
      if (!odd.test(piece)) pieces.append(piece);
      else pieces.append(make("span", { class: "odd" }, `\\u{${piece.codePointAt(0).toString(16)}}`));
    }
    return pieces;
  }

  // A sentence of ours, in which backticks mark code.
  function prose(sentence) {
    const pieces = document.createDocumentFragment();
    sentence.split("`").forEach((piece, at) => pieces.append(at % 2 ? make("code", {}, piece) : piece));
    return pieces;
  }

  const mark = (word) => make("span", { class: `mark ${word}` }, word);
  const fields = (...pairs) => make("dl", { class: "fields" }, ...pairs.filter(Boolean).map(([name, ...values]) =>
    make("div", {}, make("dt", {}, name), make("dd", {}, ...values))));
  const link = (text, changes) => make("a", { href: "#" + written({ ...blank(), ...changes }) }, text);

  // ---- the lists ----

  const areaOf = (id) => id.split("/")[0];
  const caseById = new Map(data.cases.map((one) => [one.id, one]));

  function unequal(one) {
    return formats.some((format) => {
      const marks = data.implementations.map((_, by) => verdictOf(one, by, format)?.mark);
      return marks.some((other) => other !== marks[0]);
    });
  }

  const verdictOf = (one, by, format) => one.verdicts.find((verdict) => verdict.by === by && verdict.format === format);

  function textOfCase(one) {
    const rows = one.rows.map((id) => `${id} ${data.rows[id]?.says ?? ""}`);
    const verdicts = one.verdicts.map((verdict) =>
      [verdict.message, verdict.excuse?.reason, ...Object.entries(verdict.observed ?? {}).flat()].join(" "));
    return [one.id, one.title, ...rows, ...verdicts].join(" ").toLowerCase();
  }

  function textOfRow(id, element) {
    const row = data.rows[id];
    const chapter = element.closest(".group").querySelector("h3").textContent;
    return [id, row.says, row.source, row.untested ?? "", chapter, ...row.cases].join(" ").toLowerCase();
  }

  const rowItems = [...document.querySelectorAll("[data-row]")].map((element) => {
    const id = element.dataset.row;
    const { level, cases } = data.rows[id];
    const found = element.dataset.marks.split(" ");
    return {
      element, key: id, differs: element.dataset.differs === "true", areas: new Set(cases.map(areaOf)),
      marks: found.map((word, by) => ({ mark: word, level, by })),
      text: textOfRow(id, element), details: () => rowDetails(id),
    };
  });

  const wordItems = [...document.querySelectorAll(".words tbody tr")].map((element) => ({
    element, key: "", differs: element.dataset.differs === "true", areas: new Set(), marks: [],
    text: element.textContent.toLowerCase(),
  }));

  // Built when the cases are looked at first; the details of each when it is opened.
  let caseItems;
  function buildCases() {
    const groups = new Map();
    caseItems = data.cases.map((one) => {
      const element = caseRow(one);
      const area = areaOf(one.id);
      if (!groups.has(area)) {
        groups.set(area, make("section", { class: "group" }, heading(area)));
      }
      groups.get(area).append(element);
      return {
        element, key: one.id, differs: unequal(one), areas: new Set([area]), marks: one.verdicts,
        text: textOfCase(one), details: () => caseDetails(one),
      };
    });
    byId("case-list").append(...groups.values());
  }

  const heading = (area) => make("div", { class: "head" }, make("h3", {}, area, " ", make("span", { class: "tally" })),
    make("span", { class: "cells", "aria-hidden": "true" }, ...(several ? data.implementations.map((one) => one.name) : formats)
      .map((name) => make("span", { class: "cell" }, shown(name)))));

  function caseRow(one) {
    const level = one.verdicts[0].level;
    return make("div", { class: "row", "data-case": one.id }, make("div", { class: "line" },
      make("button", { type: "button", class: "opener", "aria-expanded": "false" },
        make("span", { class: "what" }, prose(one.title)), " ", make("span", { class: "id" }, one.id)),
      make("span", { class: "level" }, level), cellsOf(one)));
  }

  // One implementation: a cell a format. Several: a cell for each, which names the formats only where they differ.
  function cellsOf(one) {
    const cell = (name, ...content) =>
      make("span", { class: "cell" }, make("span", { class: "cell-name" }, shown(name)), ...content);
    const single = (format) => {
      const verdict = verdictOf(one, 0, format);
      return cell(format, mark(verdict?.mark ?? "not-run"));
    };
    const joint = (implementation, by) => {
      const verdicts = one.verdicts.filter((verdict) => verdict.by === by);
      const words = new Set(verdicts.map((verdict) => verdict.mark));
      if (words.size < 2) return cell(implementation.name, mark(verdicts[0]?.mark ?? "not-run"));
      return cell(implementation.name, ...verdicts.map((verdict) =>
        make("span", {}, mark(verdict.mark), make("span", { class: "format" }, verdict.format), " ")));
    };
    return make("span", { class: "cells" }, ...(several ? data.implementations.map(joint) : formats.map(single)));
  }

  // ---- details ----

  function rowDetails(id) {
    const row = data.rows[id];
    const cases = row.cases.map((caseId) => {
      const one = caseById.get(caseId);
      const title = one ? prose(one.title) : make("span", { class: "dim" }, "not in these results");
      const cells = one && cellsOf(one);
      return make("li", {}, make("span", {}, link(caseId, { view: "cases", open: caseId }), " ", title), cells);
    });
    return [fields(["source", row.source], row.untested && ["untested", prose(row.untested)],
      cases.length > 0 && ["cases", make("ul", {}, ...cases)])];
  }

  function caseDetails(one) {
    const requirement = (id, at) => [at ? "also" : "requirement", link(id, { view: "requirements", open: id }), " ",
      prose(data.rows[id]?.says ?? ""), " ", make("span", { class: "dim" }, data.rows[id]?.source ?? "")];
    const first = one.verdicts.find((verdict) => verdict.failure) ?? one.verdicts[0];
    return [fields(...one.rows.map(requirement), one.file && ["file", make("code", {}, `conformance/${one.file}`)]),
      ...one.verdicts.map((verdict) => verdictDetails(verdict, verdict === first || Boolean(verdict.failure)))];
  }

  function verdictDetails(verdict, open) {
    const name = [several && data.implementations[verdict.by].name, verdict.format.toUpperCase()].filter(Boolean).join(", ");
    const said = make("details", { class: "said" },
      make("summary", {}, make("span", { class: "name" }, shown(name)), mark(verdict.mark)));
    const telling = verdict.failure?.exchange ?? verdict.exchanges.length - 1;
    later(said, open, () => [
      fields(
        verdict.excuse && ["known", shown(verdict.excuse.reason), " ", make("span", { class: "dim" }, verdict.excuse.list)],
        verdict.failure && ["expected", make("bdi", {}, shown(verdict.failure.expected)), " ", make("span", { class: "dim" }, verdict.failure.step)],
        verdict.failure && ["actual", make("bdi", {}, shown(verdict.failure.actual))],
        !verdict.failure && verdict.message && ["because", prose(verdict.message)],
        ...Object.entries(verdict.observed ?? {}).map(([question, word]) =>
          ["observed", make("code", {}, question), ": ", make("bdi", {}, shown(word))])),
      ...verdict.exchanges.map((exchange, at) => exchangeDetails(verdict, exchange, at, at === telling)),
    ]);
    return said;
  }

  function exchangeDetails(verdict, exchange, at, open) {
    const { request, answer, no_answer: silence } = exchange;
    const path = request.url.replace(/^[a-z]+:\/\/[^/]*/, "");
    const error = answer?.body?.match(/"error"\s*:\s*(-?\d+)|<error>\s*(-?\d+)/);
    const result = answer ? `HTTP ${answer.status}${error ? `, error ${error[1] ?? error[2]}` : ""}` : "no answer";
    const telling = open && verdict.failure ? " telling" : "";
    const details = make("details", { class: "exchange" + telling },
      make("summary", {}, `${at + 1}  ${request.method} `, shown(path), ` → ${result}`));
    later(details, open, () => {
      const headers = Object.entries(request.headers);
      const asked = side("Request", `${request.method} ${request.url}`, headers, request);
      const got = answer ? side("Answer", `HTTP ${answer.status}`, answer.headers, answer)
        : make("div", {}, make("div", { class: "caption" }, "No answer"), make("pre", { tabindex: "0" }, shown(silence ?? "")));
      const command = verdict.curl?.[at];
      return [make("div", { class: "sides" }, asked, got), ...(command ? [curl(command)] : [])];
    });
    return details;
  }

  // Content that is made the first time it is seen.
  function later(details, open, content) {
    let made = false;
    const build = () => {
      if (made) return;
      made = true;
      details.append(...content());
    };
    details.addEventListener("toggle", () => details.open && build());
    if (open) {
      build();
      details.open = true;
    }
  }

  function curl(command) {
    return make("div", {}, make("div", { class: "caption" }, make("span", {}, "Again, in a shell where TOKEN is set"),
      make("span", {}, copyButton(command))), make("pre", { class: "command", tabindex: "0" }, command));
  }

  function side(title, first, headers, message) {
    const raw = message.body ?? "";
    const isText = message.body !== undefined;
    const pretty = isText ? indented(raw) : hexDump(message.body_hex);
    const body = make("pre", { class: "body", tabindex: "0" }, shown(pretty));
    const bytes = isText ? new TextEncoder().encode(raw).length : message.body_hex.length / 2;
    const asSent = make("button", { type: "button", "aria-pressed": "false", onclick: () => {
      const pressed = asSent.getAttribute("aria-pressed") !== "true";
      asSent.setAttribute("aria-pressed", String(pressed));
      body.replaceChildren(shown(pressed ? raw : pretty));
    } }, "as sent");
    return make("div", {},
      make("div", { class: "caption" }, make("span", {}, `${title}, ${bytes} bytes`),
        make("span", {}, isText && pretty !== raw ? asSent : "", copyButton(isText ? raw : message.body_hex))),
      make("pre", { class: "headers" }, shown([first, ...headers.map(([name, value]) => `${name}: ${value}`)].join("\n"))),
      body);
  }

  function copyButton(text) {
    const button = make("button", { type: "button", onclick: async () => {
      const copied = await navigator.clipboard.writeText(text).then(() => true, () => copiedTheOldWay(text));
      button.textContent = copied ? "copied" : "select it by hand";
      button.addEventListener("blur", () => { button.textContent = "copy"; }, { once: true });
    } }, "copy");
    return button;
  }

  // Where the page may not use the clipboard.
  function copiedTheOldWay(text) {
    const area = make("textarea", { class: "away" });
    area.value = text;
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    return copied;
  }

  // Only white space between tokens changes: double keys, numbers and escapes stay as they were sent.
  function indented(text) {
    const trimmed = text.trim();
    if (trimmed.startsWith("{") || trimmed.startsWith("[")) return indentedJson(trimmed) ?? text;
    if (trimmed.startsWith("<")) return indentedXml(trimmed) ?? text;
    return text;
  }

  function indentedJson(text) {
    try {
      JSON.parse(text);
    } catch {
      return undefined;
    }
    let depth = 0;
    let out = "";
    const line = () => "\n" + "  ".repeat(depth);
    for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|\{\s*\}|\[\s*\]|[{}[\],:]|[^\s{}[\],:"]+/g)) {
      if (token === "{" || token === "[") {
        depth += 1;
        out += token + line();
      } else if (token === "}" || token === "]") {
        depth -= 1;
        out += line() + token;
      } else if (token === ",") out += token + line();
      else if (token === ":") out += ": ";
      else out += token;
    }
    return out;
  }

  function indentedXml(text) {
    const tokens = text.match(/<[^>]*>|[^<]+/g) ?? [];
    if (tokens.some((token, at) => !token.startsWith("<") && token.trim() && !isLeaf(tokens, at)) || /<!/.test(text)) return undefined;
    let depth = 0;
    const lines = [];
    for (let at = 0; at < tokens.length; at += 1) {
      const token = tokens[at];
      if (!token.startsWith("<")) continue;
      if (token.startsWith("</")) depth = Math.max(0, depth - 1);
      const indent = "  ".repeat(depth);
      if (isLeaf(tokens, at + 1)) {
        lines.push(indent + token + tokens[at + 1] + tokens[at + 2]);
        at += 2;
      } else {
        lines.push(indent + token);
        if (!/^<[/?]|\/>$/.test(token)) depth += 1;
      }
    }
    return lines.join("\n");
  }

  // Text between a tag and its own end.
  function isLeaf(tokens, at) {
    const [before, text, after] = [tokens[at - 1], tokens[at], tokens[at + 1]];
    return Boolean(text && before && after) && !text.startsWith("<") && /^<[^/?!]/.test(before) && after.startsWith("</");
  }

  function hexDump(digits) {
    const lines = [];
    for (let at = 0; at < digits.length; at += 32) {
      const pairs = digits.slice(at, at + 32).match(/../g) ?? [];
      const letters = pairs.map((pair) => parseInt(pair, 16)).map((byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : "."));
      lines.push(`${(at / 2).toString(16).padStart(6, "0")}  ${pairs.join(" ").padEnd(47)}  ${letters.join("")}`);
    }
    return lines.join("\n");
  }

  // ---- state and address ----

  function written(some) {
    const out = new URLSearchParams({ view: some.view });
    for (const key of ["q", "by", "level", "area", "format", "open"]) if (some[key]) out.set(key, some[key]);
    if (some.mark.size) out.set("mark", [...some.mark].join(","));
    if (some.differs) out.set("differs", "1");
    return out.toString().replaceAll("%2F", "/").replaceAll("%2C", ",");
  }

  function readAddress() {
    const given = new URLSearchParams(location.hash.slice(1));
    Object.assign(state, blank());
    for (const key of ["q", "by", "level", "area", "format", "open"]) state[key] = given.get(key) ?? "";
    const view = given.get("view") ?? location.hash.slice(1); // a bare name is how the page links without the script
    if (viewNames.includes(view)) state.view = view;
    state.mark = new Set((given.get("mark") ?? "").split(",").filter((word) => data.marks.includes(word)));
    state.differs = several && given.has("differs");
  }

  const writeAddress = () => history.replaceState(null, "", "#" + written(state));

  function restore() {
    readAddress();
    show();
    const item = state.open && items().find((one) => one.key === state.open);
    if (!item) return;
    item.element.hidden = false;
    item.element.closest(".group").hidden = false;
    toggle(item, true);
    const { top } = item.element.getBoundingClientRect();
    if (top < 0 || top > innerHeight / 2) item.element.scrollIntoView({ block: "start" });
    item.element.querySelector(".opener").focus({ preventScroll: true });
  }

  // ---- showing ----

  function items() {
    if (state.view === "cases" && !caseItems) buildCases();
    return { cases: caseItems, requirements: rowItems, fingerprint: wordItems }[state.view] ?? [];
  }

  function show() {
    const list = items();
    for (const name of viewNames) byId(name).hidden = name !== state.view;
    for (const tab of document.querySelectorAll(".top nav a")) {
      if (tab.hash === `#${state.view}`) tab.setAttribute("aria-current", "page");
      else tab.removeAttribute("aria-current");
    }
    showTools(list);
    filter(list);
  }

  function showTools(list) {
    byId("tools").hidden = !searchable.has(state.view);
    for (const label of document.querySelectorAll("#tools [data-for]")) label.hidden = !label.dataset.for.split(" ").includes(state.view);
    byId("differs-label").hidden = !several;
    byId("by-label").hidden ||= !several;
    byId("differs").checked = state.differs;
    if (byId("search").value !== state.q) byId("search").value = state.q;
    for (const name of ["by", "level", "area", "format"]) byId(name).value = state[name];
    const counts = new Map();
    for (const { marks } of list) for (const one of marks) counts.set(one.mark, (counts.get(one.mark) ?? 0) + 1);
    const chip = (word) => make("button", { type: "button", "data-mark": word, "aria-pressed": String(state.mark.has(word)) },
      mark(word), make("span", { class: "number" }, String(counts.get(word) ?? 0)));
    const focused = document.activeElement?.dataset?.mark;
    byId("marks").replaceChildren(...data.marks.filter((word) => counts.has(word) || state.mark.has(word)).map(chip));
    if (focused) byId("marks").querySelector(`[data-mark="${focused}"]`)?.focus();
  }

  function fits(item, words) {
    if (state.differs && !item.differs) return false;
    if (!words.every((word) => item.text.includes(word))) return false;
    if (state.view === "fingerprint") return true;
    if (state.area && !item.areas.has(state.area)) return false;
    return item.marks.some((one) => (!state.mark.size || state.mark.has(one.mark))
      && (!state.by || one.by === Number(state.by))
      && (!state.level || one.level === state.level)
      && (!state.format || !one.format || one.format === state.format));
  }

  function filter(list) {
    const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
    const groups = new Map();
    let count = 0;
    for (const item of list) {
      const fit = fits(item, words);
      if (item.element.hidden === fit) item.element.hidden = !fit;
      count += fit;
      const group = item.element.closest(".group");
      if (group) groups.set(group, (groups.get(group) ?? 0) + fit);
    }
    for (const [group, number] of groups) {
      group.hidden = number === 0;
      group.querySelector(".tally").textContent = number === 1 ? "1 row" : `${number} rows`;
    }
    const noun = { cases: "cases", requirements: "requirements", fingerprint: "questions" }[state.view];
    byId("shown").value = noun ? `${count} of ${list.length} ${noun}` : "";
    byId("nothing").hidden = !noun || count > 0;
    byId("clear").hidden = written({ ...state, open: "" }) === written({ ...blank(), view: state.view });
  }

  function change(changes) {
    Object.assign(state, changes);
    writeAddress();
    show();
  }

  const clear = () => change({ ...blank(), view: state.view });

  function go(view) {
    change({ view, open: "", mark: new Set() });
    scrollTo(0, 0);
  }

  function toggle(item, open) {
    const opener = item.element.querySelector(".opener");
    opener.setAttribute("aria-expanded", String(open));
    item.element.classList.toggle("open", open);
    let inside = item.element.querySelector(".inside");
    if (open && !inside) {
      inside = make("div", { class: "inside" }, ...item.details());
      item.element.append(inside);
    }
    if (inside) inside.hidden = !open;
    if (open) state.open = item.key;
    else if (state.open === item.key) state.open = "";
    writeAddress();
  }

  // ---- keys ----

  const isShown = (element) => element.checkVisibility();
  const openers = () => [...byId(state.view).querySelectorAll(".row:not([hidden]) > .line > .opener, .failure > summary")].filter(isShown);

  // The one that has the focus, or holds it.
  function current(list) {
    const holder = document.activeElement?.closest(".row, .failure");
    return holder ? list.findIndex((one) => holder.contains(one)) : -1;
  }

  function move(step) {
    const list = openers();
    const at = current(list);
    const next = list[at < 0 ? 0 : Math.min(Math.max(at + step, 0), list.length - 1)];
    next?.focus({ preventScroll: true });
    next?.closest(".row, .failure").scrollIntoView({ block: "nearest" });
  }

  function escape() {
    const search = byId("search");
    if (document.activeElement === search) {
      if (search.value) change({ q: "" });
      else search.blur();
      return;
    }
    const failure = document.activeElement?.closest(".failure[open]");
    if (failure) {
      failure.open = false;
      failure.querySelector("summary").focus();
      return;
    }
    const open = document.activeElement?.closest(".row.open") ?? items().find((one) => one.key && one.key === state.open)?.element;
    const item = open && items().find((one) => one.element === open);
    if (item) {
      toggle(item, false);
      item.element.querySelector(".opener").focus();
    } else if (state.q) change({ q: "" });
  }

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || byId("keys").open) return;
    const inSearch = event.target === byId("search");
    if (event.key === "Escape") return escape();
    if (inSearch && (event.key === "ArrowDown" || event.key === "Enter")) {
      event.preventDefault();
      openers()[0]?.focus();
      return;
    }
    if (inSearch || event.target.closest?.("select, textarea")) return;
    const onRow = Boolean(event.target.closest?.(".opener, summary"));
    const step = { j: 1, k: -1, ArrowDown: onRow && 1, ArrowUp: onRow && -1 }[event.key];
    const view = viewNames[Number(event.key) - 1];
    if (step) move(step);
    else if (event.key === "/") {
      if (!searchable.has(state.view)) go("cases");
      byId("search").focus();
      byId("search").select();
    } else if (event.key === "Enter" && onRow) event.target.closest(".opener, summary").click();
    else if (event.key === "?") byId("keys").showModal();
    else if (view) go(view);
    else return;
    event.preventDefault();
  }

  function onClick(event) {
    const tab = event.target.closest(".top nav a");
    const opener = event.target.closest(".opener");
    const chip = event.target.closest("#marks button");
    if (tab) {
      event.preventDefault();
      go(tab.hash.slice(1));
    } else if (opener) {
      const row = opener.closest(".row");
      const item = items().find((one) => one.element === row);
      if (item) toggle(item, !row.classList.contains("open"));
    } else if (chip) {
      const chosen = new Set(state.mark);
      if (!chosen.delete(chip.dataset.mark)) chosen.add(chip.dataset.mark);
      change({ mark: chosen });
    }
  }

  // ---- theme ----

  const theme = {
    kept: () => { try { return localStorage.getItem("theme"); } catch { return null; } },
    keep: (name) => { try { localStorage.setItem("theme", name); } catch { /* a page from a file may not keep anything */ } },
    isDark: () => (document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark",
    put(name) {
      if (name) document.documentElement.dataset.theme = name;
      byId("theme").setAttribute("aria-pressed", String(theme.isDark()));
    },
  };

  // ---- start ----

  for (const area of new Set(data.cases.map((one) => areaOf(one.id)))) byId("area").append(make("option", {}, area));
  data.implementations.forEach((one, by) => byId("by").append(make("option", { value: by }, shown(one.name))));
  byId("tools").addEventListener("submit", (event) => event.preventDefault());
  byId("search").addEventListener("input", (event) => change({ q: event.target.value }));
  for (const name of ["by", "level", "area", "format"]) byId(name).addEventListener("change", (event) => change({ [name]: event.target.value }));
  byId("differs").addEventListener("change", (event) => change({ differs: event.target.checked }));
  byId("clear").addEventListener("click", clear);
  byId("nothing").querySelector("button").addEventListener("click", clear);
  byId("help").addEventListener("click", () => byId("keys").showModal());
  byId("theme").addEventListener("click", () => {
    const name = theme.isDark() ? "light" : "dark";
    theme.put(name);
    theme.keep(name);
  });
  document.addEventListener("click", onClick);
  document.addEventListener("keydown", onKey);
  addEventListener("hashchange", restore);
  document.documentElement.classList.add("scripted");
  theme.put(theme.kept());
  restore();
})();
