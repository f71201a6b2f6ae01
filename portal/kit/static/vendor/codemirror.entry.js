// What codemirror.min.js is bundled from; docs/vendored.md says how. Browsers are given the bundle alone.
import { EditorView, keymap, lineNumbers, highlightActiveLine, highlightActiveLineGutter, drawSelection, highlightSpecialChars } from "@codemirror/view";
import { EditorState, Compartment } from "@codemirror/state";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { search, searchKeymap, highlightSelectionMatches } from "@codemirror/search";
import { syntaxHighlighting, HighlightStyle, indentOnInput, bracketMatching, indentUnit } from "@codemirror/language";
import { lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { unifiedMergeView } from "@codemirror/merge";
import { yaml } from "@codemirror/lang-yaml";
import { tags } from "@lezer/highlight";

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName), tags.keyword], color: "var(--syntax-key)" },
  { tag: [tags.string, tags.content, tags.number, tags.bool, tags.atom], color: "var(--syntax-string)" },
  { tag: [tags.variableName, tags.labelName, tags.meta], color: "var(--syntax-name)" },
  { tag: tags.comment, color: "var(--muted)", fontStyle: "italic" },
]);
const basics = [
  lineNumbers(), highlightActiveLine(), highlightActiveLineGutter(), highlightSpecialChars(), history(), drawSelection(),
  indentOnInput(), bracketMatching(), search({ top: true }), highlightSelectionMatches(), indentUnit.of("  "),
  syntaxHighlighting(colours), keymap.of([...defaultKeymap, ...historyKeymap, ...searchKeymap, ...lintKeymap]),
];
window.CodeMirror = { EditorView, EditorState, Compartment, basics, yaml, merge: unifiedMergeView, lint: { gutter: lintGutter, set: setDiagnostics } };
