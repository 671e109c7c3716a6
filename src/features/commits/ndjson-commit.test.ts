/** The commit body against `JSON.parse` as its oracle: any chunking, any order of members, any escapes; and what hostile clients send. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { measureLargeBody } from '../../../tests/support/large-commit-body.ts'
import { HoldfastError } from '../../domain/errors.ts'
import { type CommitBodyOptions, readCommitBody } from './ndjson-commit.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-ndjson-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const limits = { fileLimit: 1 << 28, bodyLimit: 1 << 30, operationLimit: 1000 }

interface Seen {
  kind: string
  [key: string]: unknown
}

/** Reads everything; contents as latin1 text. */
async function readAll(chunks: Iterable<Buffer>, options: Partial<CommitBodyOptions> = {}): Promise<Seen[]> {
  const seen: Seen[] = []
  const source = (async function* () {
    yield* chunks
  })()
  for await (const operation of readCommitBody(source, { folder, ...limits, ...options })) {
    if (operation.kind !== 'file') {
      seen.push({ ...operation })
      continue
    }
    const { content } = operation
    if (content.file !== null) expect((await stat(content.file)).mode & 0o777).toBe(0o600)
    const bytes = content.file === null ? content.bytes : await readFile(content.file)
    expect(bytes.length).toBe(content.size)
    seen.push({ kind: 'file', path: operation.path, content: bytes.toString('latin1') })
  }
  return seen
}

const header = '{"key":"header","value":{"summary":"s","description":""}}\n'

async function refusal(text: string | Buffer, options?: Partial<CommitBodyOptions>): Promise<HoldfastError> {
  try {
    await readAll([Buffer.from(text)], options)
  } catch (error) {
    if (error instanceof HoldfastError) return error
    throw error
  }
  throw new Error('It was taken.')
}

/** Cuts at random places; `cuts` are fractions. */
function chunked(body: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((cut) => Math.floor(cut * body.length)))].sort((a, b) => a - b)
  const chunks: Buffer[] = []
  let from = 0
  for (const place of [...places, body.length]) {
    chunks.push(Buffer.from(body.subarray(from, place)))
    from = place
  }
  return chunks
}

const pathPart = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 8 })
  .filter((part) => !/[\x00-\x1f\x7f/\\:\ufffd]|^\.+$|\.git|[. ]$/i.test(part.normalize('NFKC')) && part.isWellFormed())
const path = fc.array(pathPart, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'))
const operation = fc.oneof(
  fc.record({
    key: fc.constant('file'),
    value: fc.oneof(
      fc.record({
        path,
        content: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString('base64')),
        encoding: fc.constant('base64'),
      }),
      fc.record(
        { path, content: fc.string({ unit: 'grapheme', maxLength: 100 }), encoding: fc.constant('utf-8') },
        { requiredKeys: ['path', 'content'] },
      ),
      // Text that looks like base64 for a while.
      fc.record({ path, content: fc.stringMatching(/^[A-Za-z0-9+/]{0,40}={0,2}.{0,3}$/) }, {}),
    ),
  }),
  fc.record({
    key: fc.constant('lfsFile'),
    value: fc.record(
      {
        path,
        algo: fc.constant('sha256'),
        oid: fc.stringMatching(/^[0-9a-f]{64}$/),
        size: fc.maxSafeNat(),
        later: fc.jsonValue({ maxDepth: 3 }),
      },
      { requiredKeys: ['path', 'oid'] },
    ),
  }),
  fc.record({ key: fc.constantFrom('deletedFile', 'deletedFolder'), value: fc.record({ path }) }),
)

/** JSON as somebody else might write it: other order, blanks, escapes where none are needed. */
function written(value: unknown, random: () => number): string {
  const blank = () => ['', '', ' ', '\t', '  '][Math.floor(random() * 5)] ?? ''
  if (typeof value === 'string') {
    const escaped = [
      ...JSON.stringify(value)
        .slice(1, -1)
        .matchAll(/\\u[0-9a-f]{4}|\\.|[^\\]/gsu),
    ].map(([character]) => {
      if (character.startsWith('\\') || random() > 0.1) return character
      const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index))
      return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('')
    })
    return `"${escaped.join('')}"`
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map((item) => written(item, random)).join(`${blank()},${blank()}`)}]`
  const members = Object.entries(value).map(
    ([name, member]) => `${written(name, random)}${blank()}:${blank()}${written(member, random)}`,
  )
  if (random() < 0.5) members.reverse()
  return `{${blank()}${members.join(`${blank()},${blank()}`)}${blank()}}`
}

function expected({ key, value }: { key: string; value: Record<string, unknown> }): Seen {
  if (key === 'deletedFile' || key === 'deletedFolder') return { kind: 'deletion', path: value.path }
  if (key === 'lfsFile') return { kind: key, path: value.path, sha256: value.oid, size: value.size ?? null }
  const content = Buffer.from(String(value.content), value.encoding === 'base64' ? 'base64' : 'utf8')
  return { kind: key, path: value.path, content: content.toString('latin1') }
}

describe('a body that is well formed', () => {
  test('reads the same however it is cut and written', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(operation, { maxLength: 6 }),
        fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { maxLength: 12 }),
        fc.integer(),
        fc.constantFrom('\n', '\r\n', '\n\n'),
        fc.boolean(),
        async (operations, cuts, seed, lineBreak, endsInBreak) => {
          const random = randomFrom(seed)
          const lines = [
            { key: 'header', value: { summary: 'Tést 😀', description: 'a\nb', parentCommit: null } },
            ...operations.map(({ key, value }) => ({ key, value: value as Record<string, unknown> })),
          ]
          const body = Buffer.from(
            lines.map((line) => written(line, random)).join(lineBreak) + (endsInBreak ? lineBreak : ''),
          )
          const [first, ...rest] = await readAll(chunked(body, cuts))
          expect(first).toEqual({ kind: 'header', summary: 'Tést 😀', description: 'a\nb', parentCommit: null })
          expect(rest).toEqual(lines.slice(1).map(expected))
        },
      ),
      { numRuns: 300 },
    )
    expect(await readdir(folder)).toEqual([])
  })

  test('reads the same byte by byte', async () => {
    const body = `${header}{"value":{"path":"caf\\u00e9/\\ud83d\\ude00.txt","content":"aGVs\\/G8=","encoding":"base64"},"key":"file"}\r\n{"key":"deletedFolder","value":{"path":"old/"}}`
    const [, ...rest] = await readAll([...Buffer.from(body)].map((byte) => Buffer.from([byte])))
    expect(rest).toEqual([
      { kind: 'file', path: 'café/😀.txt', content: Buffer.from('aGVs/G8=', 'base64').toString('latin1') },
      { kind: 'deletion', path: 'old' },
    ])
  })

  test('large contents wait in a private file, as base64 and as text, and are removed', async () => {
    const bytes = randomBytes(3_500_000)
    const text = 'a line\n"quoted" é\n'.repeat(100_000)
    const looksEncoded = 'QUJD'.repeat(700_000)
    const lines = [
      { key: 'file', value: { content: bytes.toString('base64'), path: 'b', encoding: 'base64' } },
      { key: 'file', value: { content: text, path: 't', encoding: 'utf-8' } },
      { key: 'file', value: { content: `${looksEncoded}=`, path: 'u', encoding: 'utf-8' } },
      { key: 'file', value: { content: `${looksEncoded}QQ==`, path: 'v' } },
      { key: 'file', value: { content: `${looksEncoded}${text}`, path: 'w' } },
    ]
    const body = Buffer.from(header + lines.map((line) => JSON.stringify(line)).join('\n'))
    const chunks = Array.from({ length: Math.ceil(body.length / 100_000) }, (_, index) =>
      body.subarray(index * 100_000, (index + 1) * 100_000),
    )
    const [, ...rest] = await readAll(chunks)
    expect(rest.map((seen) => seen.path)).toEqual(['b', 't', 'u', 'v', 'w'])
    const contents = rest.map((seen) => Buffer.from(String(seen.content), 'latin1'))
    expect(contents[0]?.equals(bytes)).toBe(true)
    for (const [index, line] of lines.entries())
      if (index > 0) expect(contents[index]?.toString('utf8') === line.value.content).toBe(true)
    expect(await readdir(folder)).toEqual([])
  })
})

describe('a body that is not', () => {
  const file = (value: string) => `${header}{"key":"file","value":${value}}\n`
  test.each([
    ['', 1, 'the header is missing'],
    ['\n\n', 1, 'the header is missing'],
    ['[]', 1, 'not a JSON object'],
    ['\ufeff{}', 1, 'not a JSON object'],
    ['{"key":"file","value":{"path":"a","content":""}}', 1, 'first line must be the header'],
    [header + header, 2, 'there is a header already'],
    ['{"key":"header","value":{"description":"x"}}', 1, '"summary" is missing'],
    ['{"key":"header","value":{"summary":"  "}}', 1, '"summary" is missing'],
    ['{"key":"header","value":{"summary":7}}', 1, '"summary" is not a string'],
    ['{"key":"header","value":{"summary":"s","parentCommit":"main^"}}', 1, '"parentCommit"'],
    [`${header}{"key":"files","value":{}}`, 2, '"files" is not an operation'],
    [`${header}{"key":"file"}`, 2, '"value" is missing'],
    [`${header}{"value":{}}`, 2, '"key" is missing'],
    [`${header}{"key":"file","value":[]}`, 2, '"value" is not an object'],
    [`${header}{"key":"file","value":{},"value":{}}`, 2, 'twice'],
    [`${header}{"key":"file","key":"file"}`, 2, 'twice'],
    [`${header}{"key":"file","more":1}`, 2, 'unknown member "more"'],
    [`${header}{"key":"file","value":{}}}`, 2, 'behind its object'],
    [`${header}{"key":"file",}`, 2, 'a name in quotes'],
    [`${header}{"key" "file"}`, 2, 'colon'],
    [`${header}{"key":"file" "value":{}}`, 2, 'comma'],
    [`${header}{"key":fil}`, 2, 'not valid JSON'],
    [`${header}{"key":"a\\x"}`, 2, 'not valid JSON'],
    [`${header}{"key":"a\nb"}`, 2, 'in the middle of a string'],
    [`${header}{"key":"file","value":{"path":"a"\n}}`, 2, 'ends too early'],
    [`${header}{"key":"file","value":{"x":[1,\n2]}}`, 2, 'middle of "x"'],
    [`${header}{"key":"file","value":{"path":"a","content":"aGk="`, 2, 'the body ends in the middle'],
    [`${header}{"key":"file","value":{"path":"a","content":"aGk`, 2, 'the body ends in the middle'],
    [`${header}{"key":"file","value":{"path":"a","content":"aGk\n="}}`, 2, 'in the middle of "content"'],
    [file('{"path":"a"}'), 2, '"content" is missing'],
    [file('{"path":"a","content":7}'), 2, '"content" is missing'],
    [file('{"content":""}'), 2, '"path" is missing'],
    [file('{"path":"a","path":"b","content":""}'), 2, 'twice'],
    [file('{"path":"a","content":"","content":""}'), 2, 'twice'],
    [file('{"path":"a","content":"","encoding":"hex"}'), 2, '"encoding"'],
    ...['aGk', 'aGk==', 'a===', 'aG=k', 'aGk=aGk=', 'aGl=', 'aG k', 'aGk-', '😀aaa', 'aGk=\\n'].flatMap(
      (text): [string, number, string][] => [
        [file(`{"path":"a","content":"${text}","encoding":"base64"}`), 2, 'not valid base64'],
        [file(`{"path":"a","encoding":"base64","content":"${text}"}`), 2, 'not valid base64'],
      ],
    ),
    [file('{"path":"a","content":"\\ud800"}'), 2, 'not a valid JSON string'],
    [file('{"path":"a","content":"\\ud800x"}'), 2, 'not a valid JSON string'],
    [file('{"path":"a","content":"\\udc00"}'), 2, 'not a valid JSON string'],
    [file('{"path":"a","content":"\\u00zz"}'), 2, 'not a valid JSON string'],
    [file('{"path":"a","content":"tab\there"}'), 2, 'control character'],
    [`${header}{"key":"deletedFile","value":{"path":"a","content":""}}`, 2, 'only a file'],
    [`${header}{"key":"lfsFile","value":{"path":"a","oid":"../../x"}}`, 2, '"oid"'],
    [`${header}{"key":"lfsFile","value":{"path":"a","oid":"${'0'.repeat(64)}","size":-1}}`, 2, '"size"'],
    [`${header}{"key":"lfsFile","value":{"path":"a","oid":"${'0'.repeat(64)}","size":"9"}}`, 2, '"size"'],
    [`${header}{"key":"lfsFile","value":{"path":"a","oid":"${'0'.repeat(64)}","algo":"md5"}}`, 2, '"algo"'],
    [`${header}{"key":"file","value":{${Array.from({ length: 70 }, (_, i) => `"m${i}":1`).join()}}}`, 2, 'too many'],
  ])('%j', async (body, line, reason) => {
    const error = await refusal(body)
    expect([error.code, error.params.line]).toEqual(['invalid_ndjson', line])
    expect(error.message).toContain(reason)
    expect(await readdir(folder)).toEqual([])
  })

  test.each(['..\\\\ddd', '/etc/passwd', '../x', 'a/../../x', '.git/config', 'a//b', 'a/.GIT/x', 'a\\u0000b', ''])(
    'the path %j',
    async (path) => {
      for (const key of ['file', 'lfsFile', 'deletedFile', 'deletedFolder']) {
        const rest = key === 'file' ? ',"content":""' : key === 'lfsFile' ? `,"oid":"${'0'.repeat(64)}"` : ''
        const error = await refusal(`${header}{"key":"${key}","value":{"path":"${path}"${rest}}}`)
        expect([error.code, error.status]).toEqual(['unsafe_path', 422])
      }
    },
  )

  test('fields, contents, bodies and lists have bounds', async () => {
    const long = (length: number) => 'x'.repeat(length)
    const cases: [string, Partial<CommitBodyOptions>, string][] = [
      [`${header}{"key":"file","value":{"path":"${long(5000)}","content":""}}`, {}, 'field_too_large'],
      [`${header}{"key":"file","value":{"path":"${long(50_000)}`, {}, 'field_too_large'],
      [`${header}{"${long(5000)}`, {}, 'field_too_large'],
      [`{"key":"header","value":{"summary":"${long(9000)}"}}`, {}, 'field_too_large'],
      [`{"key":"header","value":{"summary":"s","description":"${long(70_000)}"}}`, {}, 'field_too_large'],
      [`${header}{"key":"file","value":{"x":${'['.repeat(400_000)}`, {}, 'field_too_large'],
      [`${header}{"key":"file","value":{"x":${'1'.repeat(400_000)}`, {}, 'field_too_large'],
      [`${header}{"key":"file","value":{"path":"a","content":"${long(4000)}"}}`, { fileLimit: 999 }, 'field_too_large'],
      [`${header}${' '.repeat(2000)}`, { bodyLimit: 2000 }, 'body_too_large'],
      [header + '{"key":"deletedFile","value":{"path":"a"}}\n'.repeat(4), { operationLimit: 3 }, 'bad_request'],
    ]
    for (const [body, options, code] of cases) expect((await refusal(body, options)).code).toBe(code)
    expect(await readdir(folder)).toEqual([])
  })

  test('never anything but an answer, whatever the bytes', async () => {
    const good = Buffer.from(
      `${header}{"key":"file","value":{"content":"aGVsbG8=","path":"a\\u00e9","encoding":"base64"}}\n{"key":"lfsFile","value":{"path":"b","oid":"${'ab'.repeat(32)}","size":12}}\n`,
    )
    const change = fc.tuple(fc.double({ min: 0, max: 0.999, noNaN: true }), fc.nat(255), fc.constantFrom(0, 1, 2))
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        let body = good
        for (const [place, byte, how] of changes) {
          const at = Math.floor(place * body.length)
          body = Buffer.concat([
            body.subarray(0, at),
            how === 2 ? Buffer.alloc(0) : Buffer.from([byte]),
            body.subarray(how === 0 ? at : at + 1),
          ])
        }
        await readAll([body]).catch((error: unknown) => {
          if (!(error instanceof HoldfastError)) throw error
        })
      }),
      { numRuns: 1500 },
    )
    expect(await readdir(folder)).toEqual([])
  })

  test('a sender that goes away leaves no file', async () => {
    const source = async function* () {
      yield Buffer.from(`${header}{"key":"file","value":{"path":"a","content":"`)
      for (let count = 0; count < 40; count++) yield Buffer.from('QUJD'.repeat(16_384))
      throw new Error('gone')
    }
    const drain = async () => {
      for await (const _ of readCommitBody(source(), { folder, ...limits }));
    }
    await expect(drain()).rejects.toThrow('gone')
    expect(await readdir(folder)).toEqual([])
  })
})

test('500 MB in one body: memory stays, the event loop too', { timeout: 120_000 }, async () => {
  const { growth, longestTurn } = await measureLargeBody(folder, [240, 140])
  expect(growth).toBeLessThan(96 * 1024 * 1024)
  // Measured: 5 to 9 ms, garbage collection included.
  expect(longestTurn).toBeLessThan(40)
})

function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
