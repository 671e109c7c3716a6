/** Colours for code: the library's scopes as a handful of classes of ours. What it gives is taken apart, and nothing but texts and known classes goes on. */
import hljs from 'highlight.js/lib/core'
import bash from 'highlight.js/lib/languages/bash'
import c from 'highlight.js/lib/languages/c'
import cmake from 'highlight.js/lib/languages/cmake'
import cpp from 'highlight.js/lib/languages/cpp'
import csharp from 'highlight.js/lib/languages/csharp'
import css from 'highlight.js/lib/languages/css'
import diff from 'highlight.js/lib/languages/diff'
import dockerfile from 'highlight.js/lib/languages/dockerfile'
import go from 'highlight.js/lib/languages/go'
import ini from 'highlight.js/lib/languages/ini'
import java from 'highlight.js/lib/languages/java'
import javascript from 'highlight.js/lib/languages/javascript'
import json from 'highlight.js/lib/languages/json'
import julia from 'highlight.js/lib/languages/julia'
import kotlin from 'highlight.js/lib/languages/kotlin'
import latex from 'highlight.js/lib/languages/latex'
import less from 'highlight.js/lib/languages/less'
import lua from 'highlight.js/lib/languages/lua'
import makefile from 'highlight.js/lib/languages/makefile'
import markdown from 'highlight.js/lib/languages/markdown'
import perl from 'highlight.js/lib/languages/perl'
import php from 'highlight.js/lib/languages/php'
import powershell from 'highlight.js/lib/languages/powershell'
import protobuf from 'highlight.js/lib/languages/protobuf'
import python from 'highlight.js/lib/languages/python'
import r from 'highlight.js/lib/languages/r'
import ruby from 'highlight.js/lib/languages/ruby'
import rust from 'highlight.js/lib/languages/rust'
import scala from 'highlight.js/lib/languages/scala'
import scss from 'highlight.js/lib/languages/scss'
import sql from 'highlight.js/lib/languages/sql'
import swift from 'highlight.js/lib/languages/swift'
import typescript from 'highlight.js/lib/languages/typescript'
import xml from 'highlight.js/lib/languages/xml'
import yaml from 'highlight.js/lib/languages/yaml'
import { escapeHtml } from './escape.ts'
import type { Grammar } from './highlight-grammar.d.ts'
import type { Language } from './languages.ts'

const grammars: Readonly<Record<Language, Grammar>> = {
  bash,
  c,
  cmake,
  cpp,
  csharp,
  css,
  diff,
  dockerfile,
  go,
  ini,
  java,
  javascript,
  json,
  julia,
  kotlin,
  latex,
  less,
  lua,
  makefile,
  markdown,
  perl,
  php,
  powershell,
  protobuf,
  python,
  r,
  ruby,
  rust,
  scala,
  scss,
  sql,
  swift,
  typescript,
  xml,
  yaml,
}
for (const [name, grammar] of Object.entries(grammars)) hljs.registerLanguage(name, grammar)

/** By the first word of a scope. What is not here has the colour of text. */
const classes: Readonly<Record<string, string>> = {
  keyword: 'k',
  built_in: 'k',
  'selector-tag': 'k',
  doctag: 'k',
  meta: 'k',
  string: 's',
  regexp: 's',
  addition: 's',
  code: 's',
  comment: 'c',
  quote: 'c',
  deletion: 'd',
  number: 'n',
  literal: 'n',
  symbol: 'n',
  bullet: 'n',
  link: 'n',
  title: 't',
  section: 't',
  name: 't',
  attr: 't',
  attribute: 't',
  type: 't',
  property: 't',
  'template-variable': 't',
  variable: 't',
}

/** The lines of a code, each of them HTML that stands by itself. Takes as long as the text wants. */
export function highlightedLines(text: string, language: Language): string[] {
  const { value } = hljs.highlight(text, { language, ignoreIllegals: true })
  const open: string[] = []
  const lines: string[] = []
  let line = ''
  for (const [token, scope] of value.matchAll(/<span class="([^"]*)">|<\/span>|[^<]+|</g)) {
    if (scope !== undefined) {
      const name = classes[scope.replace(/^hljs-/, '').replace(/[ .].*$/, '')]
      const tag = name === undefined ? '' : `<span class="t${name}">`
      open.push(tag)
      line += tag
    } else if (token === '</span>') {
      if (open.pop() !== '') line += '</span>'
    } else {
      const [first = '', ...rest] = reescaped(token).split('\n')
      line += first
      for (const part of rest) {
        const shown = open.filter((tag) => tag !== '')
        lines.push(line + '</span>'.repeat(shown.length))
        line = shown.join('') + part
      }
    }
  }
  return [...lines, line]
}

const written: Readonly<Record<string, string>> = {
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#x27;': "'",
  '&amp;': '&',
}

function reescaped(text: string): string {
  return escapeHtml(text.replace(/&(?:lt|gt|quot|#x27|amp);/g, (entity) => written[entity] ?? entity))
}

/** Rows with line numbers, each number the link to its line. */
export function codeRows(text: string, language: Language): string {
  const lines = highlightedLines(text, language)
  if (lines.at(-1) === '') lines.pop()
  return lines
    .map((line, index) => {
      const number = index + 1
      return `<tr id="L${number}"><td class="ln"><a href="#L${number}">${number}</a></td><td>${line}</td></tr>`
    })
    .join('')
}
