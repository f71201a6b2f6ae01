// The editor of drafts: CodeMirror in place of every textarea that asks for it. Without scripts the textareas stay.
// What the static gate finds stands at its line while somebody types; F8 goes from one to the next.
(() => {
  "use strict";
  const { EditorView, EditorState, Compartment, basics, yaml, lint, merge } = window.CodeMirror;
  const form = document.querySelector("[data-check]");
  const nonce = document.querySelector("meta[name=csp-nonce]").content;
  const status = document.querySelector("#checked");
  const QUIET_MS = 600;
  const views = new Map();
  let timer = 0;
  let asked = 0;

  const theme = EditorView.theme({
    "&": { fontSize: "0.8125rem", backgroundColor: "var(--surface)", color: "var(--text)" },
    "&.cm-focused": { outline: "none" },
    ".cm-content": { fontFamily: "var(--mono)", caretColor: "var(--text)", minHeight: "3em" },
    ".cm-cursor": { borderLeftColor: "var(--text)" },
    ".cm-gutters": { backgroundColor: "var(--raise)", color: "var(--muted)", border: "0" },
    ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in srgb, var(--accent-soft) 55%, transparent)" },
    "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "var(--add-mark)" },
    ".cm-tooltip, .cm-panels": { backgroundColor: "var(--surface)", color: "var(--text)", borderColor: "var(--line)" },
    ".cm-panels input, .cm-panels button": { backgroundColor: "var(--surface)", color: "var(--text)", backgroundImage: "none" },
    ".cm-diagnostic": { fontFamily: "var(--sans)", whiteSpace: "pre-wrap" },
    ".cm-changedLine": { backgroundColor: "var(--add) !important" },
    ".cm-deletedChunk": { backgroundColor: "var(--del) !important" },
    ".cm-changedText": { background: "var(--add-mark) !important" },
    ".cm-deletedText": { background: "var(--del-mark) !important" },
  });

  // Chromium gives what is typed over a selection the style of what was there, as an inline style, which the policy of
  // this page refuses: so the editor replaces it before the browser does.
  const replacing = EditorView.domEventHandlers({
    beforeinput(event, view) {
      const isTyped = event.inputType === "insertText" && event.data && !event.isComposing;
      if (!isTyped || view.state.selection.main.empty) return false;
      event.preventDefault();
      view.dispatch(view.state.replaceSelection(event.data), { userEvent: "input.type", scrollIntoView: true });
      return true;
    },
  });

  function mount(area) {
    const host = document.createElement("div");
    host.className = "cm-host";
    area.after(host);
    const compare = new Compartment();
    const label = area.labels[0].textContent.trim();
    const view = new EditorView({
      parent: host,
      state: EditorState.create({
        doc: area.value,
        extensions: [
          EditorView.cspNonce.of(nonce),
          basics,
          EditorView.lineWrapping,
          /\.(yml|yaml)$/.test(area.dataset.editor || ".yml") ? yaml() : [],
          theme,
          replacing,
          compare.of([]),
          lint.gutter(),
          EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "false" }),
          EditorView.updateListener.of((update) => {
            if (!update.docChanged) return;
            area.value = view.state.doc.toString();
            soon();
          }),
        ],
      }),
    });
    area.labels[0].addEventListener("click", () => view.focus());
    area.hidden = true;
    views.set(area, view);
    compareWith(area, view, compare);
  }

  function compareWith(area, view, compare) {
    const button = document.querySelector(`[data-compare="${area.id}"]`);
    if (!button) return;
    const wrote = document.querySelector(`#${area.id}-wrote`).content.textContent;
    button.hidden = false;
    button.addEventListener("click", () => {
      const shown = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", shown);
      const unified = merge({ original: wrote, mergeControls: false, gutter: true });
      view.dispatch({ effects: compare.reconfigure(shown ? unified : []) });
    });
  }

  function soon() {
    clearTimeout(timer);
    timer = setTimeout(check, QUIET_MS);
  }

  async function check() {
    const mine = ++asked;
    let answer;
    try {
      const response = await fetch(form.dataset.check, { method: "POST", body: new FormData(form) });
      if (!response.ok) throw new Error(response.status);
      answer = await response.json();
    } catch {
      status.textContent = "The gate could not be asked. Saving still works.";
      return;
    }
    if (mine === asked) show(answer);
  }

  function show({ problems, findings }) {
    for (const [area, view] of views) {
      const own = findings.filter((each) => each.file === area.dataset.editor);
      view.dispatch(lint.set(view.state, own.map((each) => at(view, each))));
    }
    const count = findings.length;
    status.textContent = problems.join(" ") || (count ? `The static gate found ${count} thing${count > 1 ? "s" : ""}.` : "The static gate found nothing.");
  }

  function at(view, { line, text, mend }) {
    const found = view.state.doc.line(Math.min(Math.max(line, 1), view.state.doc.lines));
    return { from: found.from, to: found.to, severity: "error", message: `${text}\n${mend}` };
  }

  document.querySelectorAll("textarea[data-editor]").forEach(mount);
  if (document.querySelector('[name="file"]')) check();
})();
