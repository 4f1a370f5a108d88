// editor: CodeMirror, set up for manifests. One state per file, so undo, cursor and marks belong to it. A lazy chunk of its own. Tab indents; Ctrl+M lets
// Tab move on, for as long as one likes (CodeMirror's own mode ends after two seconds), and the choice is kept.
import { autocompletion, closeBrackets, closeBracketsKeymap, type Completion, type CompletionContext, completionKeymap, type CompletionResult } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentLess, indentMore } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting, syntaxTree } from "@codemirror/language";
import { type Diagnostic, forceLinting, linter, lintGutter, lintKeymap } from "@codemirror/lint";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState, type Extension, Prec, RangeSetBuilder, StateEffect, StateField } from "@codemirror/state";
import { crosshairCursor, Decoration, type DecorationSet, drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, highlightSpecialChars, keymap, lineNumbers, rectangularSelection, ViewPlugin, type ViewUpdate } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { t } from "../lib/i18n";
import { contextAt } from "./context";
import { fieldsAt, versions } from "./fields";
import { offsetAt, syntax } from "./yamlplace";

export interface ClusterMark { from: number; to: number; severity: "error" | "warning" | "info"; message: string }
export interface Problem { file: string; from: number; severity: "error" | "warning" | "info"; layer: "syntax" | "cluster"; message: string }
export interface Options {
  parent: HTMLElement; nonce: string; label: (file: string) => string; describedBy: string;
  onText: (file: string, text: string) => void; onProblems: (problems: Problem[]) => void; onTabMode: (moves: boolean) => void;
}

const syntaxWords: Record<string, string> = {
  TAB_AS_INDENT: "syntax.tab", DUPLICATE_KEY: "syntax.duplicate", BAD_INDENT: "syntax.indent", MISSING_CHAR: "syntax.missing", UNEXPECTED_TOKEN: "syntax.unexpected", BLOCK_AS_IMPLICIT_KEY: "syntax.nested",
  MULTILINE_IMPLICIT_KEY: "syntax.colon", BAD_ALIAS: "syntax.alias", TAG_RESOLVE_FAILED: "syntax.tag", BAD_SCALAR_START: "syntax.start", BAD_DQ_ESCAPE: "syntax.escape",
};
export function syntaxText(code: string): string { const key = syntaxWords[code]; return key ? t(key) : t("syntax.other"); }

// --- marks of the cluster: put by an answer, moved along with the text, dropped where the learner writes ---
const setMarks = StateEffect.define<ClusterMark[]>();
const marks = StateField.define<ClusterMark[]>({
  create: () => [],
  update(value, transaction) {
    for (const effect of transaction.effects) if (effect.is(setMarks)) return effect.value;
    if (!transaction.docChanged) return value;
    return value.filter(mark => !transaction.changes.touchesRange(mark.from, mark.to)).map(mark => ({ ...mark, from: transaction.changes.mapPos(mark.from, 1), to: transaction.changes.mapPos(mark.to, -1) })).filter(mark => mark.to > mark.from);
  },
});

function diagnosticsOf(state: EditorState): Diagnostic[] {
  return [
    ...syntax(state.doc.toString()).map(problem => ({ from: problem.from, to: problem.to, severity: "error" as const, source: t("layer.syntax"), message: syntaxText(problem.code) })),
    ...state.field(marks).map(mark => ({ ...mark, source: t("layer.cluster") })),
  ];
}

function complete(context: CompletionContext): CompletionResult | null {
  const here = contextAt(context.state.doc.toString(), context.pos);
  if (!here || (!context.explicit && here.place === "key" && !here.word)) return null;
  const about = (key: string) => t(key);
  let options: Completion[] = [];
  if (here.place === "key") {
    if (!here.path.length && !here.kind) options = ["apiVersion", "kind", "metadata", "spec"].map(label => ({ label, apply: `${label}: `, type: "property", info: about(`field.Top.${label}`) }));
    else {
      const top = here.path.length ? [] : [["apiVersion", "field.Top.apiVersion"], ["kind", "field.Top.kind"]].map(([label, key]) => ({ label: label!, apply: `${label}: `, type: "property", info: about(key!) }));
      options = [...top, ...(fieldsAt(here.kind, here.path) ?? []).map(field => ({
        label: field.name, type: "property", detail: field.required ? t("complete.required") : undefined, boost: field.required ? 2 : 0, info: about(field.key),
        apply: field.list ? `${field.name}:\n${" ".repeat(here.from - context.state.doc.lineAt(here.from).from)}- ` : field.type ? `${field.name}:\n${" ".repeat(here.from - context.state.doc.lineAt(here.from).from + 2)}` : `${field.name}: `,
      }))];
    }
    options = options.filter(option => !here.siblings.includes(option.label));
  } else if (!here.path.length && here.key === "kind") {
    options = Object.keys(versions).map(label => ({ label, detail: versions[label], type: "class" }));
  } else if (!here.path.length && here.key === "apiVersion") {
    const only = versions[here.kind];
    options = (only ? [only] : [...new Set(Object.values(versions))]).map(label => ({ label, type: "constant" }));
  } else {
    const field = fieldsAt(here.kind, here.path)?.find(one => one.name === here.key);
    options = (field?.values ?? []).map(label => ({ label, type: "enum" }));
  }
  // a word that is whole needs no list, and Enter must then begin a new line
  if (!context.explicit && options.some(option => option.label === here.word)) return null;
  return options.length ? { from: here.from, options, validFor: /^[\w./-]*$/ } : null;
}

const highlight = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--yaml-key)" },
  { tag: [tags.string, tags.content, tags.special(tags.string)], color: "var(--yaml-string)" },
  { tag: [tags.number], color: "var(--yaml-number)" },
  { tag: [tags.bool, tags.null, tags.keyword, tags.atom], color: "var(--yaml-bool)" },
  { tag: [tags.comment, tags.lineComment], color: "var(--yaml-comment)" },
  { tag: [tags.separator, tags.punctuation, tags.meta, tags.typeName, tags.labelName], color: "var(--muted)" },
]);

// the grammar calls every plain scalar content; numbers and booleans get their colours here
const numberMark = Decoration.mark({ class: "yaml-number" }), wordMark = Decoration.mark({ class: "yaml-bool" });
const scalars = ViewPlugin.fromClass(class {
  decorations: DecorationSet;
  constructor(view: EditorView) { this.decorations = this.build(view); }
  update(update: ViewUpdate) { if (update.docChanged || update.viewportChanged || syntaxTree(update.startState) !== syntaxTree(update.state)) this.decorations = this.build(update.view); }
  build(view: EditorView): DecorationSet {
    const builder = new RangeSetBuilder<Decoration>();
    for (const { from, to } of view.visibleRanges)
      syntaxTree(view.state).iterate({ from, to, enter: node => {
        if (node.name === "Key") return false;
        if (node.name !== "Literal") return undefined;
        const text = view.state.sliceDoc(node.from, node.to);
        if (/^[-+]?(0x[\da-f]+|0o[0-7]+|(\d+\.?\d*|\.\d+)(e[-+]?\d+)?)$/i.test(text)) builder.add(node.from, node.to, numberMark);
        else if (/^(true|false|null|~|yes|no|on|off|[yn])$/i.test(text)) builder.add(node.from, node.to, wordMark);
        return undefined;
      } });
    return builder.finish();
  }
}, { decorations: plugin => plugin.decorations });

const theme = EditorView.theme({
  ".yaml-number, .yaml-number *": { color: "var(--yaml-number)" },
  ".yaml-bool, .yaml-bool *": { color: "var(--yaml-bool)" },
  "&": { height: "100%", backgroundColor: "var(--bg)", color: "var(--text)" },
  ".cm-scroller": { fontFamily: '"JetBrains Mono", var(--mono)', fontSize: "0.9375rem", lineHeight: "1.5", fontVariantLigatures: "none", overscrollBehavior: "contain" },
  ".cm-content": { caretColor: "var(--text)", padding: "8px 0" },
  ".cm-gutters": { backgroundColor: "var(--surface)", color: "var(--muted)", border: "none", borderRight: "1px solid var(--line)" },
  ".cm-lineNumbers .cm-gutterElement": { padding: "0 10px 0 6px" },
  ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--accent) 7%, transparent)" },
  ".cm-activeLineGutter": { backgroundColor: "color-mix(in srgb, var(--accent) 14%, var(--surface))", color: "var(--text)" },
  ".cm-cursor, .cm-dropCursor": { borderLeftColor: "var(--text)", borderLeftWidth: "2px" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground, .cm-content ::selection": { backgroundColor: "color-mix(in srgb, var(--accent) 26%, transparent)" },
  ".cm-matchingBracket, &.cm-focused .cm-matchingBracket": { backgroundColor: "color-mix(in srgb, var(--pass) 22%, transparent)", outline: "1px solid var(--pass)" },
  ".cm-tooltip": { backgroundColor: "var(--bg)", color: "var(--text)", border: "1px solid var(--control)", borderRadius: "6px", boxShadow: "var(--shadow)" },
  ".cm-tooltip-autocomplete > ul": { borderRadius: "5px" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: '"JetBrains Mono", var(--mono)', maxHeight: "15em" },
  ".cm-tooltip-autocomplete > ul > li": { padding: "4px 10px" },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": { backgroundColor: "var(--accent)", color: "var(--on-accent)" },
  ".cm-completionDetail": { color: "inherit", fontStyle: "normal", marginLeft: "1em", opacity: "0.85" },
  ".cm-completionInfo": { padding: "8px 12px", maxWidth: "320px", fontSize: "0.8125rem", lineHeight: "1.45" },
  ".cm-completionIcon": { display: "none" },
  ".cm-completionMatchedText": { textDecoration: "none", fontWeight: "700" },
  ".cm-diagnostic": { padding: "6px 12px", borderLeft: "4px solid var(--fail)", maxWidth: "460px" },
  ".cm-diagnostic-warning": { borderLeftColor: "var(--warn)" },
  ".cm-diagnostic-info": { borderLeftColor: "var(--info)" },
  ".cm-diagnosticSource": { color: "var(--muted)", fontSize: "0.8125rem", opacity: "1" },
  ".cm-lintRange-error": { backgroundImage: "none", textDecoration: "underline wavy var(--fail) 1.5px", textUnderlineOffset: "3px" },
  ".cm-lintRange-warning": { backgroundImage: "none", textDecoration: "underline wavy var(--warn) 1.5px", textUnderlineOffset: "3px" },
  ".cm-lintRange-info": { backgroundImage: "none", textDecoration: "underline dotted var(--info) 2px", textUnderlineOffset: "3px" },
  ".cm-lint-marker": { content: "none !important", width: "14px", height: "14px", borderRadius: "50%" },
  ".cm-lint-marker-error": { backgroundColor: "var(--fail)", clipPath: "polygon(20% 0, 50% 30%, 80% 0, 100% 20%, 70% 50%, 100% 80%, 80% 100%, 50% 70%, 20% 100%, 0 80%, 30% 50%, 0 20%)" },
  ".cm-lint-marker-warning": { backgroundColor: "var(--warn)", clipPath: "polygon(50% 4%, 100% 96%, 0 96%)", borderRadius: "0" },
  ".cm-lint-marker-info": { backgroundColor: "var(--info)" },
  ".cm-panels": { backgroundColor: "var(--surface)", color: "var(--text)", borderTop: "1px solid var(--line)" },
  ".cm-panel.cm-search": { padding: "8px 36px 8px 12px" },
  ".cm-panel.cm-search input, .cm-panel.cm-search button": { minHeight: "30px", width: "auto", backgroundImage: "none" },
  ".cm-panel.cm-search input[type=checkbox]": { minHeight: "0" },
  ".cm-panel.cm-search label": { display: "inline-flex", alignItems: "center", gap: "4px", fontWeight: "400", fontSize: "0.8125rem" },
  ".cm-panel.cm-search [name=close]": { minHeight: "28px", minWidth: "28px", padding: "0", border: "none" },
  ".cm-searchMatch": { backgroundColor: "color-mix(in srgb, var(--warn) 30%, transparent)" },
  ".cm-searchMatch-selected": { backgroundColor: "color-mix(in srgb, var(--warn) 55%, transparent)" },
  ".cm-selectionMatch": { backgroundColor: "color-mix(in srgb, var(--info) 18%, transparent)" },
});

const phrases = () => EditorState.phrases.of(Object.fromEntries([
  ["Find", t("editor.find")], ["Replace", t("editor.replace")], ["next", t("editor.next")], ["previous", t("editor.previous")], ["all", t("editor.all")], ["match case", t("editor.case")], ["by word", t("editor.word")],
  ["regexp", t("editor.regexp")], ["replace", t("editor.replace-one")], ["replace all", t("editor.replace-all")], ["close", t("editor.close")], ["current match", t("editor.current")], ["on line", t("editor.on-line")],
  ["replaced $ matches", t("editor.replaced")], ["replaced match on line $", t("editor.replaced-line")], ["Go to line", t("editor.go-to")], ["go", t("editor.go")], ["Completions", t("editor.completions")],
  ["Diagnostics", t("editor.problems")], ["No diagnostics", t("editor.no-problems")], ["Control character", t("editor.control")], ["Selection deleted", t("editor.deleted")],
]));

export class Editor {
  readonly view: EditorView;
  private states = new Map<string, EditorState>();
  private current = "";
  private readonly locked = new Compartment();
  private readOnly = false;
  private tabMoves = false;
  private extensions: Extension[];

  constructor(private options: Options) {
    try { this.tabMoves = localStorage.getItem("makmal-tab-moves") === "yes"; } catch { /* off */ }
    this.extensions = [
      lineNumbers(), highlightActiveLineGutter(), highlightSpecialChars(), history(), drawSelection(), EditorState.allowMultipleSelections.of(true), indentOnInput(), bracketMatching(), closeBrackets(),
      autocompletion({ override: [complete], activateOnTyping: true, icons: false, closeOnBlur: true }), rectangularSelection(), crosshairCursor(), highlightActiveLine(), highlightSelectionMatches(), search({ top: false }),
      yaml(), indentUnit.of("  "), EditorState.tabSize.of(2), syntaxHighlighting(highlight), scalars, theme, phrases(), marks, lintGutter(), EditorView.cspNonce.of(options.nonce),
      linter(view => diagnosticsOf(view.state), { delay: 300, needsRefresh: update => update.transactions.some(transaction => transaction.effects.some(effect => effect.is(setMarks))) }),
      Prec.high(keymap.of([
        { key: "Ctrl-m", mac: "Shift-Alt-m", run: () => { this.setTabMoves(!this.tabMoves); return true; } },
        { key: "Tab", run: view => !this.tabMoves && indentMore(view), shift: view => !this.tabMoves && indentLess(view) },
      ])),
      keymap.of([...closeBracketsKeymap, ...defaultKeymap.filter(binding => binding.key !== "Ctrl-m" && binding.key !== "Mod-Enter" && binding.key !== "Ctrl-Enter"), ...searchKeymap, ...historyKeymap, ...completionKeymap, ...lintKeymap]),
      EditorView.updateListener.of(update => {
        if (update.docChanged) this.options.onText(this.current, update.state.doc.toString());
        if (update.docChanged || update.transactions.some(transaction => transaction.effects.some(effect => effect.is(setMarks)))) this.tellProblems();
      }),
    ];
    this.view = new EditorView({ parent: options.parent });
    options.onTabMode(this.tabMoves);
  }

  private fresh(file: string, text: string): EditorState {
    return EditorState.create({ doc: text, extensions: [this.extensions, this.locked.of(this.lock()),
      EditorView.contentAttributes.of({ "aria-label": this.options.label(file), "aria-describedby": this.options.describedBy, spellcheck: "false", autocorrect: "off", autocapitalize: "off", translate: "no", tabindex: "0" })] });
  }
  private lock = () => [EditorState.readOnly.of(this.readOnly), EditorView.contentAttributes.of({ "aria-readonly": String(this.readOnly) })];

  /** Texts from outside: those that are the same keep their undo and their marks. */
  setFiles(files: { name: string; text: string }[], active: string): void {
    if (this.current) this.states.set(this.current, this.view.state);
    const next = new Map<string, EditorState>();
    for (const file of files) {
      const known = this.states.get(file.name);
      next.set(file.name, known && known.doc.toString() === file.text ? known : this.fresh(file.name, file.text));
    }
    this.states = next;
    this.current = "";
    this.show(active);
    this.tellProblems();
  }
  show(file: string): void {
    if (file === this.current) return;
    if (this.current) this.states.set(this.current, this.view.state);
    const state = this.states.get(file);
    if (!state) return;
    this.current = file;
    this.view.setState(state);
    this.view.dispatch({ effects: this.locked.reconfigure(this.lock()) });
    forceLinting(this.view);
  }
  setReadOnly(readOnly: boolean): void {
    if (readOnly === this.readOnly) return;
    this.readOnly = readOnly;
    this.view.dispatch({ effects: this.locked.reconfigure(this.lock()) });
  }
  setTabMoves(moves: boolean): void {
    this.tabMoves = moves;
    try { localStorage.setItem("makmal-tab-moves", moves ? "yes" : "no"); } catch { /* off */ }
    this.options.onTabMode(moves);
  }
  /** What the cluster said, per file; files that are not named lose their marks. */
  setMarks(by: Map<string, ClusterMark[]>): void {
    if (this.current) this.states.set(this.current, this.view.state);
    for (const [file, state] of this.states) {
      const effects = setMarks.of((by.get(file) ?? []).filter(mark => mark.to <= state.doc.length));
      if (file === this.current) this.view.dispatch({ effects });
      else this.states.set(file, state.update({ effects }).state);
    }
    if (this.current) this.states.set(this.current, this.view.state);
    this.tellProblems();
  }
  goTo(file: string, from: number): void {
    this.show(file);
    const at = Math.min(from, this.view.state.doc.length);
    this.view.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: "center" }) });
    this.view.focus();
  }
  goToLine(file: string, line: number, col: number): void {
    const state = file === this.current ? this.view.state : this.states.get(file);
    if (state) this.goTo(file, offsetAt(state.doc.toString(), line, col));
  }
  focus(): void { this.view.focus(); }
  destroy(): void { this.view.destroy(); }

  private timer = 0;
  private tellProblems(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.tellNow(), 250);
  }
  private tellNow(): void {
    const out: Problem[] = [];
    for (const [file, kept] of this.states) {
      const state = file === this.current ? this.view.state : kept;
      for (const problem of syntax(state.doc.toString())) out.push({ file, from: problem.from, severity: "error", layer: "syntax", message: syntaxText(problem.code) });
      for (const mark of state.field(marks, false) ?? []) out.push({ file, from: mark.from, severity: mark.severity, layer: "cluster", message: mark.message });
    }
    this.options.onProblems(out);
  }
}
