/** A Jupyter notebook: its cells and what of their outputs is text. Pictures and HTML in it are somebody's own page inside of ours, so they are told and not shown. */
import { cellText, escapeHtml } from './escape.ts'
import { highlightedLines } from './highlight.ts'
import { readJson } from './json.ts'
import { type Language, languageNamed } from './languages.ts'
import { limits } from './limits.ts'
import { NotShown, type ShownCell, type ShownNotebook, type ShownOutput, type Source } from './shown.ts'

const mostOutputs = 50

export async function notebook(source: Source, from: number): Promise<ShownNotebook> {
  const book = await readJson(source)
  // Before version 4 the cells stood in worksheets.
  const worksheets = list(field(book, 'worksheets'))
  const cells =
    worksheets.length > 0 ? worksheets.flatMap((sheet) => list(field(sheet, 'cells'))) : field(book, 'cells')
  if (!Array.isArray(cells)) throw new NotShown('This file is JSON, but no notebook: it has no cells.')
  const metadata = field(book, 'metadata')
  const name =
    field(field(metadata, 'language_info'), 'name') ?? field(field(metadata, 'kernelspec'), 'language') ?? 'python'
  const shown = cells.slice(from, from + limits.cellsAtOnce)
  const budget = { left: limits.highlightCharacters as number }
  const grammar = typeof name === 'string' ? languageNamed(name.slice(0, 40)) : null
  const end = from + shown.length
  return {
    kind: 'notebook',
    cells: shown.map((cell: unknown) => shownCell(cell, grammar, budget)),
    from,
    next: end < cells.length ? end : null,
    total: cells.length,
  }
}

function shownCell(cell: unknown, language: Language | null, budget: { left: number }): ShownCell {
  const text = joined(field(cell, 'source') ?? field(cell, 'input'))
  const type = field(cell, 'cell_type')
  if (type === 'markdown' || type === 'heading') return { kind: 'markdown', text }
  budget.left -= text.length
  const isBright = type === 'code' && language !== null && budget.left >= 0
  const count = field(cell, 'execution_count') ?? field(cell, 'prompt_number')
  return {
    kind: 'code',
    count: typeof count === 'number' && Number.isSafeInteger(count) ? count : null,
    html: isBright ? highlightedLines(text, language).join('\n') : escapeHtml(text),
    outputs: list(field(cell, 'outputs')).slice(0, mostOutputs).flatMap(shownOutputs),
  }
}

const pictures: Readonly<Record<string, string>> = {
  'image/png': 'A picture (PNG)',
  'image/jpeg': 'A picture (JPEG)',
  'image/gif': 'A picture (GIF)',
  'image/svg+xml': 'A picture (SVG)',
  'application/javascript': 'A script',
  'text/html': 'HTML',
}

function shownOutputs(output: unknown): ShownOutput[] {
  const kind = field(output, 'output_type')
  if (kind === 'stream') return [outputText(joined(field(output, 'text')), field(output, 'name') === 'stderr')]
  if (kind === 'error' || kind === 'pyerr') {
    const trace = list(field(output, 'traceback')).map(joined).join('\n')
    return [outputText(trace || `${joined(field(output, 'ename'))}: ${joined(field(output, 'evalue'))}`, true)]
  }
  const data = field(output, 'data')
  const outputs: ShownOutput[] = []
  const plain = field(data, 'text/plain') ?? field(output, 'text')
  if (typeof data === 'object' && data !== null) {
    for (const type of Object.keys(data).slice(0, 20)) {
      if (Object.hasOwn(pictures, type))
        outputs.push({
          kind: 'left out',
          what: `${pictures[type]} in this output is not shown here: download the notebook to see it.`,
        })
    }
  }
  if (plain !== undefined) outputs.push(outputText(joined(plain), false))
  if (outputs.length === 0) outputs.push({ kind: 'left out', what: 'An output of another kind is not shown here.' })
  return outputs
}

/** Colours of terminals are left out. */
function outputText(text: string, isError: boolean): ShownOutput {
  const plain = text.replace(/\u001b\[[0-9;?]{0,30}[A-Za-z]/g, '').replace(/\n+$/, '')
  return { kind: 'text', text: cellText(plain, limits.outputCharacters), isError }
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  return (value as Readonly<Record<string, unknown>>)[name]
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** Texts of notebooks are a text or its lines. */
function joined(value: unknown): string {
  if (typeof value === 'string') return value
  return Array.isArray(value) ? value.filter((part) => typeof part === 'string').join('') : ''
}
