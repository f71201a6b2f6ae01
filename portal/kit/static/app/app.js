// What the pages gain from scripts: theme, copying, keyboard, dialogs, typed confirmations, one submit per click,
// fresh "minutes ago". Reading and deciding work without any of it.
(() => {
  "use strict";
  const root = document.documentElement;
  const one = (selector, from = document) => from.querySelector(selector);
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];

  // Theme
  function switchTheme() {
    const dark = getComputedStyle(root).colorScheme === "dark"
      || (!root.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
    root.dataset.theme = dark ? "light" : "dark";
    try { localStorage.setItem("theme", root.dataset.theme); } catch { /* lasts for this page only */ }
  }

  // Copying: a page served over plain http has no clipboard, so the text is selected instead
  async function copy(button) {
    const source = one("pre", button.closest(".command"));
    const said = one("[role=status]", button);
    try {
      await navigator.clipboard.writeText(source.dataset.text);
      said.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(source);
      said.textContent = "Press Ctrl+C";
    }
    setTimeout(() => { said.textContent = ""; }, 2000);
  }

  // Rows under the keyboard: j, k, Enter, c
  const rows = () => all("[data-rows] > *");
  const enter = (row) => one("a, input, button", row)?.focus({ preventScroll: true });
  function move(by) {
    const list = rows();
    if (!list.length) return;
    const at = list.findIndex((row) => row.classList.contains("selected"));
    const next = list[Math.max(0, Math.min(list.length - 1, at + by))];
    list.forEach((row) => row.classList.toggle("selected", row === next));
    next.scrollIntoView({ block: "nearest" });
    enter(next);
  }
  const keys = {
    j: () => move(1),
    k: () => move(-1),
    c: () => one(".selected :is(input[type=checkbox], button[name=confirmed])")?.click(),
    d: () => {
      const bar = one("#decision");
      if (!bar) return;
      all("details", bar).forEach((fold) => { fold.open = true; });
      one("form :is(input:not([type=hidden]), button:enabled)", bar)?.focus();
    },
    "?": () => one("#keys")?.showModal(),
  };
  const typing = (target) => target.isContentEditable
    || (target.matches("input, textarea, select") && !["checkbox", "radio"].includes(target.type));

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || one("dialog[open]")) return;
    const act = Object.hasOwn(keys, event.key) && keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });

  // Clicks
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button, a");
    all("details.menu[open]").forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
    if (!button) return;
    if (button.getAttribute("aria-disabled") === "true") event.preventDefault();
    else if (button.hasAttribute("data-theme-switch")) switchTheme();
    else if (button.hasAttribute("data-copy")) copy(button);
    else if (button.dataset.dialog) one(`#${button.dataset.dialog}`)?.showModal();
  });

  // A typed confirmation only helps the eye; the server compares again
  document.addEventListener("input", (event) => {
    const wanted = event.target.dataset?.confirm;
    if (wanted === undefined) return;
    const button = one("[data-needs-confirm]", event.target.form);
    button?.setAttribute("aria-disabled", String(event.target.value.trim() !== wanted));
  });

  // One submit per click. The button is not disabled: its name and value belong to the answer.
  const release = (form) => {
    delete form.dataset.sent;
    all("[aria-busy]", form).forEach((button) => button.removeAttribute("aria-busy"));
  };
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method === "dialog") return;
    if ("sent" in form.dataset) { event.preventDefault(); event.stopImmediatePropagation(); return; }
    if (form.method !== "post") return;
    form.dataset.sent = "";
    event.submitter?.setAttribute("aria-busy", "true");
  }, true);
  addEventListener("pageshow", () => all("form[data-sent]").forEach(release));
  document.addEventListener("htmx:afterRequest", (event) => {
    const form = event.target.closest?.("form");
    if (form) release(form);
  });

  // A live part is not replaced under the hands of somebody who types into it; the next answer comes anyway
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (!event.detail.target.hasAttribute("hx-trigger")) return;
    const begun = (field) => field === document.activeElement || field.value !== field.defaultValue;
    if (all("input:not([type=hidden], [type=checkbox], [type=radio]), textarea", event.detail.target).some(begun)) event.detail.shouldSwap = false;
  });

  // A live list stays on the row that the keyboard is on, which its first link names
  const leadsTo = (row) => row && one("a", row)?.href;
  let stays;
  document.addEventListener("htmx:beforeSwap", () => { stays = leadsTo(one("[data-rows] > .selected")); });
  document.addEventListener("htmx:afterSwap", () => {
    const row = stays && !one("[data-rows] > .selected") && rows().find((each) => leadsTo(each) === stays);
    if (!row) return;
    row.classList.add("selected");
    if (document.activeElement === document.body) enter(row);
  });

  // The live parts say when they no longer reach the server
  document.addEventListener("htmx:sendError", () => { root.dataset.offline = ""; });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.xhr?.status) delete root.dataset.offline;
  });

  // Relative times
  const units = [["day", 86400], ["h", 3600], ["min", 60]];
  function ago(seconds) {
    const [name, size] = units.find(([, length]) => seconds >= length) ?? ["", 0];
    if (!size) return "just now";
    const count = Math.floor(seconds / size);
    return `${count} ${name === "day" && count !== 1 ? "days" : name} ago`;
  }
  setInterval(() => {
    for (const time of all("time[data-ago]")) {
      const seconds = (Date.now() - Date.parse(time.dateTime)) / 1000;
      if (seconds >= 0) time.textContent = ago(seconds);
    }
  }, 30000);

  // Clocks run on from when they were first seen: this machine's own clock may be wrong
  const began = new WeakMap();
  function span(seconds) {
    const whole = Math.floor(seconds);
    const [minutes, hours] = [Math.floor(whole / 60), Math.floor(whole / 3600)];
    if (hours) return `${hours} h ${minutes % 60} min`;
    return minutes ? `${minutes} min ${whole % 60} s` : `${whole} s`;
  }
  function tick() {
    for (const clock of all("[data-counts]")) {
      if (!began.has(clock)) began.set(clock, performance.now());
      const passed = (performance.now() - began.get(clock)) / 1000;
      const seconds = Number(clock.dataset.seconds) + (clock.dataset.counts === "down" ? -passed : passed);
      clock.textContent = clock.dataset.counts === "down" && seconds <= 0 ? clock.dataset.over : span(seconds);
    }
  }
  tick();
  setInterval(tick, 1000);
})();
