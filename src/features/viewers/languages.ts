/** Which language a file is written in, by its name. */

const extensions = {
  bash: 'sh bash zsh fish env',
  c: 'c h',
  cmake: 'cmake',
  cpp: 'cc cpp cxx hpp cu cuh',
  csharp: 'cs',
  css: 'css',
  diff: 'diff patch',
  dockerfile: 'dockerfile',
  go: 'go',
  ini: 'ini toml cfg conf gitconfig gitmodules editorconfig',
  java: 'java',
  javascript: 'js mjs cjs jsx',
  json: 'json json5 jsonl ndjson ipynb',
  julia: 'jl',
  kotlin: 'kt kts',
  latex: 'tex bib sty',
  less: 'less',
  lua: 'lua',
  makefile: 'makefile mk',
  markdown: 'md markdown mdx',
  perl: 'pl pm',
  php: 'php',
  powershell: 'ps1',
  protobuf: 'proto',
  python: 'py pyi pyx',
  r: 'r',
  ruby: 'rb gemfile',
  rust: 'rs',
  scala: 'scala',
  scss: 'scss',
  sql: 'sql',
  swift: 'swift',
  typescript: 'ts mts cts tsx',
  xml: 'xml html htm xhtml svg xsl xslt rss atom vue svelte',
  yaml: 'yaml yml',
} as const

export type Language = keyof typeof extensions

const byExtension: ReadonlyMap<string, Language> = new Map(
  Object.entries(extensions).flatMap(([language, list]) =>
    list.split(' ').map((extension) => [extension, language as Language] as const),
  ),
)

/** Names without an extension (`Makefile`) count by the whole name. */
export function languageOf(path: string): Language | null {
  const name = path.slice(path.lastIndexOf('/') + 1)
  return byExtension.get(name.slice(name.lastIndexOf('.') + 1).toLowerCase()) ?? null
}

/** By the name that a notebook gives: `python`, `R`, `C++`. */
export function languageNamed(name: string): Language | null {
  const plain = name
    .toLowerCase()
    .replace('++', 'pp')
    .replace('#', 'sharp')
    .replace(/[\d.]+$/, '')
  return Object.hasOwn(extensions, plain) ? (plain as Language) : (byExtension.get(plain) ?? null)
}
