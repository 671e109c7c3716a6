/* An editor of code in place of a text area: line numbers, colours, search, indentation. The text area stays the field of the form and always
   holds the text. It lives in a shadow root, where its styles need no exception of the Content-Security-Policy. */
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands'
import { bracketMatching, HighlightStyle, indentUnit, syntaxHighlighting } from '@codemirror/language'
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search'
import { Compartment, EditorState, type Extension } from '@codemirror/state'
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  type KeyBinding,
  keymap,
  lineNumbers,
} from '@codemirror/view'
import { tags } from '@lezer/highlight'

/** By what the file is called; what no language is known for is plain text. Each is fetched when it is needed. */
const languages: readonly { readonly names: RegExp; load(): Promise<Extension> }[] = [
  {
    names: /\.(?:md|markdown)$/i,
    load: async () => {
      const [{ yamlFrontmatter }, { markdown, markdownLanguage }] = await Promise.all([
        import('@codemirror/lang-yaml'),
        import('@codemirror/lang-markdown'),
      ])
      return yamlFrontmatter({ content: markdown({ base: markdownLanguage }) })
    },
  },
  { names: /\.pyi?$/i, load: async () => (await import('@codemirror/lang-python')).python() },
  { names: /\.(?:json|ipynb|webmanifest)$/i, load: async () => (await import('@codemirror/lang-json')).json() },
  { names: /\.ya?ml$/i, load: async () => (await import('@codemirror/lang-yaml')).yaml() },
]

/** The same six colours as on the page of a file. */
const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.heading, tags.propertyName, tags.tagName], color: 'var(--color-primary)' },
  { tag: [tags.string, tags.special(tags.string), tags.monospace], color: 'var(--color-success)' },
  { tag: [tags.comment, tags.meta, tags.processingInstruction, tags.quote], color: 'var(--color-muted)' },
  { tag: [tags.number, tags.bool, tags.null, tags.link, tags.url], color: 'var(--color-info)' },
  { tag: [tags.typeName, tags.className, tags.function(tags.variableName)], color: 'var(--color-warning)' },
  { tag: [tags.invalid, tags.deleted], color: 'var(--color-error)' },
  { tag: [tags.heading, tags.strong], fontWeight: '600' },
  { tag: tags.emphasis, fontStyle: 'italic' },
])

const field = {
  font: 'inherit',
  color: 'var(--color-base-content)',
  background: 'var(--color-base-100)',
  border: '1px solid var(--color-line-strong)',
  borderRadius: 'var(--radius-field)',
  backgroundImage: 'none',
  padding: '0.25rem 0.5rem',
  margin: '0.125rem',
} as const

const look = EditorView.theme({
  '&': { height: '100%', color: 'var(--color-base-content)', background: 'var(--color-base-100)' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--font-mono)', fontSize: '0.75rem', lineHeight: '1.25rem', overflow: 'auto' },
  '.cm-content': { caretColor: 'var(--color-base-content)', paddingBlock: '0.5rem' },
  '.cm-cursor': { borderLeftColor: 'var(--color-base-content)' },
  '.cm-gutters': {
    color: 'var(--color-muted)',
    background: 'var(--color-base-100)',
    borderRight: '1px solid var(--color-line)',
  },
  '.cm-activeLine, .cm-activeLineGutter': { background: 'color-mix(in oklab, var(--color-primary) 6%, transparent)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
    background: 'color-mix(in oklab, var(--color-primary) 25%, var(--color-base-100))',
  },
  '.cm-searchMatch': { background: 'color-mix(in oklab, var(--color-warning) 25%, transparent)' },
  '.cm-searchMatch-selected': { background: 'color-mix(in oklab, var(--color-warning) 50%, transparent)' },
  '.cm-panels': { color: 'var(--color-base-content)', background: 'var(--color-base-200)', fontFamily: 'inherit' },
  '.cm-panels-top': { borderBottom: '1px solid var(--color-line)' },
  '.cm-panel.cm-search': { padding: '0.375rem 2rem 0.375rem 0.5rem', fontSize: '0.8125rem' },
  '.cm-panel.cm-search label': { fontSize: '0.8125rem' },
  '.cm-panel.cm-search [name=close]': { ...field, border: '0', width: '1.75rem' },
  '.cm-textfield': field,
  '.cm-button': { ...field, cursor: 'pointer' },
})

/** So that nobody is caught in the field: the tab key moves on for a moment after Escape, whatever else Escape did. */
const letTabGo: KeyBinding = {
  key: 'Escape',
  run: (view) => {
    view.setTabFocusMode(2_000)
    return false
  },
}

export interface CodeEditor {
  focus(): void
  /** Takes the language of a file with this name. */
  rename(path: string): void
}

/** Hides `box` and stands in its place. `label`: what the field is called. */
export function openCodeEditor(box: HTMLTextAreaElement, path: string, label: string): CodeEditor {
  const host = document.createElement('div')
  host.className = 'code-editor'
  const root = host.attachShadow({ mode: 'open' })
  const language = new Compartment()
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: box.value,
      extensions: [
        ...[lineNumbers(), highlightActiveLineGutter(), highlightActiveLine(), highlightSpecialChars()],
        ...[history(), drawSelection(), bracketMatching(), highlightSelectionMatches(), search({ top: true })],
        ...[indentUnit.of('  '), EditorState.tabSize.of(4), syntaxHighlighting(colours), look],
        keymap.of([letTabGo, indentWithTab, ...searchKeymap, ...historyKeymap, ...defaultKeymap]),
        EditorView.contentAttributes.of({
          'aria-label': label,
          'aria-invalid': box.getAttribute('aria-invalid') ?? 'false',
        }),
        language.of([]),
        EditorView.updateListener.of(({ docChanged, state }) => {
          if (!docChanged) return
          box.value = state.doc.toString()
          box.dispatchEvent(new Event('input', { bubbles: true }))
        }),
      ],
    }),
  })
  box.before(host)
  box.hidden = true
  let wanted: string | null = null
  const rename = (name: string): void => {
    const found = languages.find(({ names }) => names.test(name)) ?? null
    const key = found === null ? '' : String(found.names)
    if (key === wanted) return
    wanted = key
    const load = found === null ? Promise.resolve<Extension>([]) : found.load()
    load.then(
      (extension) => {
        if (wanted === key) view.dispatch({ effects: language.reconfigure(extension) })
      },
      (error: unknown) => {
        // The text can be edited without its colours: another name, or this one again, asks anew.
        if (wanted === key) wanted = null
        console.warn('The colours of this language could not be fetched.', error)
      },
    )
  }
  rename(path)
  return { focus: () => view.focus(), rename }
}
