import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { gguf, layers, safetensors, notebook as sampleNotebook, script } from '../../../tests/viewers/viewer-repo.ts'
import { csvTable, parseCsv, separatorOf } from './csv.ts'
import { ggufHeader } from './gguf.ts'
import { codeRows, highlightedLines } from './highlight.ts'
import { jsonLinesTable, jsonTable } from './json.ts'
import { limits } from './limits.ts'
import { notebook } from './notebook.ts'
import { parquetTable } from './parquet.ts'
import { safetensorsHeader } from './safetensors.ts'
import { NotShown, type ShownTensors, type Source } from './shown.ts'

interface Watched extends Source {
  read_: number
  readonly ranges: [number, number][]
}

function sourceOf(given: string | Uint8Array): Watched {
  const bytes = Buffer.from(given as string)
  return {
    size: bytes.length,
    read_: 0,
    ranges: [],
    async read(from, to) {
      const part = bytes.subarray(from, to)
      this.read_ += part.length
      this.ranges.push([from, Math.min(to, bytes.length)])
      return part
    },
  }
}

/** Rows that hold nothing but our own tags. */
function expectOwnTags(html: string): void {
  const tags = new Set(html.match(/<[^>]*>/g)?.map((tag) => tag.replace(/(id|href)="[^"]*"/, '$1')))
  const own =
    /^<\/?(?:tr(?: id)?|td(?: class="(?:ln|num|none)")?(?: colspan="\d+")?|th(?: scope="row")?|a(?: href)?|span(?: class="t[kstcnd]")?)>$/
  for (const tag of tags) expect(tag).toMatch(own)
}

describe('CSV', () => {
  test('quotes, line breaks in cells, both line ends, empty lines and cells', () => {
    const { rows, isOpen } = parseCsv('a,"b ""c""\nd",\r\n\r\n1,2,3\n,', ',', 100)
    expect(rows).toEqual([
      ['a', 'b "c"\nd', ''],
      ['1', '2', '3'],
      ['', ''],
    ])
    expect(isOpen).toBe(false)
    expect(['a;b;c', 'a\tb', '"x,y,z"|b', 'one'].map(separatorOf)).toEqual([';', '\t', '|', ','])
  })

  test('a mark of UTF-8, UTF-16, and an old encoding, which is told', async () => {
    expect((await csvTable(sourceOf('\ufeffname\nx'), 0, null)).columns[0]?.name).toBe('name')
    const wide = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('näme\nx', 'utf16le')])
    expect((await csvTable(sourceOf(wide), 0, null)).columns[0]?.name).toBe('näme')
    const old = await csvTable(sourceOf(Buffer.from('n\xe4me\nx', 'latin1')), 0, null)
    expect([old.columns[0]?.name, old.notes]).toEqual(['näme', [expect.stringContaining('Windows-1252')]])
  })

  test('pages of rows, to the last', async () => {
    const text = `n\n${Array.from({ length: 205 }, (_, index) => index).join('\n')}\n`
    const pages = await Promise.all([0, 100, 200, 300].map((from) => csvTable(sourceOf(text), from, null)))
    expect(pages.map(({ rows, next, total }) => [rows, next, total])).toEqual([
      [100, 100, null],
      [100, 200, null],
      [5, null, 205],
      [0, null, 205],
    ])
  })

  // The attack: a file of gigabytes, or one line of them, is opened in the browser so that the hub reads and draws all of it.
  test('of a huge file the beginning is read, of a huge line and a million columns a part is shown', async () => {
    const line = await csvTable(sourceOf(`a,b\n"${'x'.repeat(20 << 20)}`), 0, null)
    expect(line.bodyHtml.length).toBeLessThan(2_000)
    expect(line.notes.join(' ')).toContain('first 8 MiB')
    const many = sourceOf(`a,b\n${'1,2\n'.repeat(5_000_000)}`)
    expect((await csvTable(many, 0, null)).rows).toBe(100)
    expect(many.read_).toBeLessThan(1 << 20)
    const wide = await csvTable(sourceOf(`${'c,'.repeat(500_000)}\n${'1,'.repeat(500_000)}`), 0, null)
    expect(wide.columns.length).toBe(limits.columns)
    expect(wide.notes.join(' ')).toContain('more columns are not shown')
  })

  // The attack: whoever opens a table runs what stands in its cells, or reads text that is turned around to look like another.
  test('cells and heads are text, whatever they hold', async () => {
    const table = await csvTable(
      sourceOf(`a\n"${script.replaceAll('"', '""')}"\n\u202egnp.exe\n=cmd|' /C calc'!A0`),
      0,
      null,
    )
    expectOwnTags(table.bodyHtml)
    expect(table.bodyHtml).toContain('\ufffdgnp.exe')
  })

  // The attack: a program with the name of a table.
  test('binary passed as text is refused in words', async () => {
    await expect(csvTable(sourceOf(Buffer.from([0x7f, 0x45, 0, 1, 2])), 0, null)).rejects.toThrow('not text')
    await expect(jsonLinesTable(sourceOf(Buffer.from([0, 1])), 0)).rejects.toThrow('not text')
  })
})

describe('JSON', () => {
  test('lines with unlike keys, broken ones and values that are no records', async () => {
    const table = await jsonLinesTable(sourceOf('{"a":1,"b":null}\n{"c":"x"}\nnot\n[1,2]\n'), 0)
    expect(table.columns.map(({ name }) => name)).toEqual(['a', 'b', 'c', 'value'])
    expect(table.bodyHtml).toContain('Not JSON: not')
    expect(table.rows).toBe(4)
  })

  // The attack: JSON that is small as it comes and endless as it is drawn, or that replaces what every object inherits.
  test('deep, wide and hostile values are cut', async () => {
    const deep = await jsonTable(sourceOf(`[{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}]`), 0)
    const wide = await jsonTable(sourceOf(`[{"a":[${'1,'.repeat(300_000)}1],"__proto__":{"x":1}}]`), 0)
    for (const shown of [deep, wide]) {
      if (shown.kind !== 'table') throw new Error('no table')
      expect(shown.bodyHtml.length).toBeLessThan(2_000)
    }
    expect(({} as { x?: number }).x).toBeUndefined()
    await expect(jsonTable({ size: limits.whole + 1, read: async () => new Uint8Array() }, 0)).rejects.toThrow('8 MiB')
  })
})

describe('safetensors and GGUF', () => {
  test('tensors in the order of their bytes, what they come to, and pages of them', async () => {
    const { header, data } = layers(1_100)
    const bytes = safetensors(header, data)
    const source = sourceOf(bytes)
    const shown = await safetensorsHeader(source, 1_000)
    expect(shown).toMatchObject({ total: 1_100, from: 1_000, rows: 100, next: null, parameters: 35_200, notes: [] })
    expect(source.read_).toBe(8 + header.length)
    expectOwnTags(shown.bodyHtml)
    const model = await ggufHeader(sourceOf(gguf()), 0)
    expect(model).toMatchObject({ total: 1, parameters: 2_048, byType: [{ dtype: 'Q4_0', parameters: 2_048 }] })
    expect(model.bodyHtml).toContain('<td class="num">1,152</td>')
    expect(model.metadata.map(({ key }) => key)).toContain('llama.block_count')
  })

  // The attack: a header that lies about its length makes its reader take what it has not, or a hundred megabytes of JSON fill the hub's memory.
  test('headers that lie are told in words', async () => {
    const lying = (length: bigint, size = 64) => {
      const bytes = Buffer.alloc(size, '{"')
      bytes.writeBigUInt64LE(length)
      return safetensorsHeader(sourceOf(bytes), 0)
    }
    await expect(lying(2n ** 63n)).rejects.toThrow('said to have 9223372036854775808 bytes')
    await expect(lying(1_000n)).rejects.toThrow('the file ends before')
    await expect(lying(56n)).rejects.toThrow('not JSON')
    const huge = Buffer.alloc(8)
    huge.writeBigUInt64LE(100_000_000n)
    await expect(safetensorsHeader({ size: 200_000_000, read: async () => huge }, 0)).rejects.toThrow('up to 25 MiB')
    await expect(safetensorsHeader(sourceOf('short'), 0)).rejects.toThrow('too short')
    await expect(safetensorsHeader(sourceOf(safetensors('[1]')), 0)).rejects.toThrow('no list of tensors')
  })

  // The attack: two entries of one name, so that who looks sees another tensor than who loads.
  test('names that occur twice and tensors outside of the file are told', async () => {
    const entry = '{"dtype":"F32","shape":[1],"data_offsets":[0,4]}'
    const twice = await safetensorsHeader(sourceOf(safetensors(`{"a":${entry},"a":${entry}}`, 4)), 0)
    expect(twice.notes).toEqual([expect.stringContaining('occur more than once')])
    const outside = await safetensorsHeader(sourceOf(safetensors(`{"a":${entry},"b":7}`, 2)), 0)
    expect(outside.notes.join(' ')).toMatch(/outside of the file.*not as the format says/)
  })

  // The attack: GGUF that is said to hold 2^63 tensors or words, so that its reader counts for ever.
  test.each<[string, Buffer, string]>([
    ['2^63 tensors', gguf({ tensors: 2n ** 63n }), 'impossible'],
    ['2^40 tensors', gguf({ tensors: 2n ** 40n }), 'more than can be'],
    ['a list of 2^63 words', gguf({ arrayLength: 2n ** 63n }), 'impossible'],
    ['a list of 2^50 words', gguf({ arrayLength: 2n ** 50n }), 'does not end within the file'],
    ['a cut file', gguf().subarray(0, 100), 'does not end within the file'],
    ['another file', Buffer.from('not GGUF, but long enough to be'), 'does not begin as GGUF does'],
  ])('%s', async (_name, bytes, words) => {
    const begun = performance.now()
    await expect(ggufHeader(sourceOf(bytes), 0)).rejects.toThrow(words)
    expect(performance.now() - begun).toBeLessThan(1_000)
  })
})

describe('Parquet', () => {
  const file = (name: string) => readFile(path.join(import.meta.dirname, '../../../tests/viewers/files', name))

  test.each(['snappy.parquet', 'zstd.parquet'])('rows of %s, by page, of the needed row groups alone', async (name) => {
    const bytes = await file(name)
    const source = sourceOf(bytes)
    const last = await parquetTable(source, 240)
    expect(last).toMatchObject({ rows: 10, next: null, total: 250 })
    expect(last.columns.map(({ name: column, type }) => `${column} ${type}`)).toContain('id int64')
    expect(last.bodyHtml).toContain('port call 249 &lt;b&gt;')
    expect(last.bodyHtml).toContain('6 bytes')
    // The last rows lie in the last of three groups; the footer is read from the end of the file.
    const columns = source.ranges.filter(([, to]) => to < bytes.length)
    expect(columns.length).toBeGreaterThan(0)
    for (const [from] of columns) expect(from).toBeGreaterThan(bytes.length / 2)
    expectOwnTags(last.bodyHtml)
  })

  // The attack: a footer that lies, and a page that unpacks to more than the hub has.
  test('footers that lie and files that are cut are told in words', async () => {
    const bytes = await file('snappy.parquet')
    await expect(parquetTable(sourceOf(bytes.subarray(0, -4)), 0)).rejects.toThrow('does not end as Parquet does')
    const lying = Buffer.from(bytes)
    lying.writeUInt32LE(0xffff_ffff, bytes.length - 8)
    await expect(parquetTable(sourceOf(lying), 0)).rejects.toThrow('said to have 4294967295 bytes')
    const short = Buffer.from(bytes)
    short.writeUInt32LE(40, bytes.length - 8)
    await expect(parquetTable(sourceOf(short), 0)).rejects.toThrow(/cannot be read|what cannot be/)
    await expect(parquetTable(sourceOf(gzipSync('x')), 0)).rejects.toThrow('does not end as Parquet does')
    // Every byte of the file in turn is wrong: words each time, or rows.
    for (let at = 4; at < bytes.length; at += 97) {
      const wrong = Buffer.from(bytes)
      wrong[at] = (wrong[at] ?? 0) ^ 0xff
      await parquetTable(sourceOf(wrong), 0).catch((error: unknown) => expect(error).toBeInstanceOf(NotShown))
    }
  })
})

describe('notebooks and code', () => {
  // The attack: a notebook brings its own HTML, scripts and pictures; opening it would run them with the reader's session.
  test('HTML, scripts and pictures of outputs are named and left out', async () => {
    const shown = await notebook(sourceOf(JSON.stringify(sampleNotebook)), 0)
    expect(shown).toMatchObject({ total: 3, next: null })
    const code = shown.cells.flatMap((cell) => (cell.kind === 'code' ? [cell] : []))
    for (const { html } of code) expectOwnTags(html)
    // In the language that the notebook names.
    expect(code[0]?.html).toContain('<span class="tk">import</span> pandas')
    expect(code[1]?.outputs).toEqual([
      { kind: 'left out', what: expect.stringContaining('A picture (PNG)') },
      { kind: 'left out', what: expect.stringContaining('HTML') },
      { kind: 'text', text: '<Figure>', isError: false },
      { kind: 'text', text: 'KeyError: x', isError: true },
    ])
    await expect(notebook(sourceOf('{"cells":3}'), 0)).rejects.toThrow('no cells')
    await expect(notebook(sourceOf('{'), 0)).rejects.toThrow('not JSON')
  })

  test('lines keep their text, and colours that run over lines begin anew on each', () => {
    expect(highlightedLines('x = """a\nb"""', 'python')).toEqual([
      'x = <span class="ts">&quot;&quot;&quot;a</span>',
      '<span class="ts">b&quot;&quot;&quot;</span>',
    ])
    const hostile = `${script}\n<span class="hljs-x">&lt;&amp;\n'`
    for (const language of ['python', 'xml', 'markdown', 'yaml'] as const) {
      const rows = codeRows(hostile, language)
      expectOwnTags(rows)
      const text = rows
        .replace(/<td class="ln">.*?<\/td>/g, '')
        .replace(/<\/tr>(?=<)/g, '\n')
        .replace(/<[^>]*>/g, '')
      const signs: Record<string, string> = { lt: '<', gt: '>', quot: '"', '#39': "'", amp: '&' }
      expect(text.replace(/&(lt|gt|quot|#39|amp);/g, (_, name: string) => signs[name] ?? '')).toBe(hostile)
    }
  })
})

test('a list of tensors says what it leaves out', async () => {
  const metadata = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`k${index}`, 'x'.repeat(5_000)]))
  const shown: ShownTensors = await safetensorsHeader(
    sourceOf(safetensors(JSON.stringify({ __metadata__: metadata }))),
    0,
  )
  expect([shown.metadata.length, shown.metadataTotal]).toEqual([limits.metadata, 500])
  expect(shown.metadata[0]?.value.length).toBeLessThanOrEqual(limits.metadataCharacters + 1)
})
