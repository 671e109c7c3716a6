/** Attributes and ignores against git itself (`check-attr`, `check-ignore`), on a corpus and on random patterns; and their worst case. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clientEnvironment } from '../../tests/support/git-store.ts'
import { attributeLines, gitAttributes, trackingLine } from './git-attributes.ts'
import { parseGitIgnore } from './git-ignore.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-patterns-'))
  await git(['init', '-q', folder])
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function git(args: string[], input = ''): Promise<string> {
  const running = promisify(execFile)('git', args, {
    cwd: folder,
    env: clientEnvironment,
    maxBuffer: 1 << 26,
    encoding: 'utf8',
  })
  running.child.stdin?.end(input)
  return (await running).stdout
}

async function gitSays(files: Readonly<Record<string, string>>, paths: readonly string[]) {
  const text = Object.entries(files)
  for (const [path, content] of text) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), content, 'latin1')
  }
  try {
    const out = await git(['check-attr', '-z', '--stdin', 'filter'], `${paths.join('\0')}\0`)
    const fields = out.split('\0')
    return new Map(
      paths.map((path, index) => {
        const value = fields[index * 3 + 2] ?? ''
        return [path, value === 'unspecified' ? null : value === 'set' ? true : value === 'unset' ? false : value]
      }),
    )
  } finally {
    for (const [path] of text) await rm(join(folder, path))
  }
}

function weSay(files: Readonly<Record<string, string>>, paths: readonly string[]) {
  const attributes = gitAttributes()
  for (const [path, content] of Object.entries(files)) {
    const folder = dirname(path) === '.' ? '' : dirname(path)
    attributes.add(folder, attributeLines(Buffer.from(content, 'latin1').toString('utf8')))
  }
  return new Map(paths.map((path) => [path, attributes.filterOf(path)]))
}

const utf8 = (text: string) => Buffer.from(text, 'utf8').toString('latin1')

const corpusPaths = [
  ...['a.bin', 'model.bin', 'x/a.bin', 'x/y/z/a.bin', '.bin', 'a.BIN', 'a.bin.txt', 'bin', 'a b.bin', '#a', '!a', '"a'],
  ...['saved_model/x', 'saved_model/x/y', 'saved_model', 'a/saved_model/x', 'tfevents.1', 'my.tfevents.2', 'a.lfs.b'],
  ...['data/train.csv', 'data/x/train.csv', 'data/x/y/train.csv', 'x/data/train.csv', 'train.csv', 'datatrain.csv'],
  ...[
    'foo/bar',
    'foobar',
    'fooa/bar',
    'fooa/b/bar',
    'foo/a/bar',
    'foo/a/b/bar',
    'foo',
    'a/foo/bar',
    'foo/',
    'foo\\bar',
  ],
  ...['a[b', 'a]b', 'a-b', 'a*b', 'a?b', 'axb', 'ayb', 'a\\b', 'é.bin', 'é', 'x/é.bin', 'ab', 'a/b', 'a/c/b', 'ab/c'],
  ...['deep/a.bin', 'deep/er/a.bin', 'deep/er/keep.bin', 'deep/x.txt', 'Z', 'z', '5', 'a.tar.gz', 'a.tar.', 'b.tar'],
].filter((path) => !path.endsWith('/'))

const corpus: Readonly<Record<string, Record<string, string>>> = {
  'the default of a repo': {
    '.gitattributes': '*.bin *.tar.* *.tar *.lfs.* saved_model/**/* *tfevents*'
      .split(' ')
      .map((pattern) => `${pattern} filter=lfs diff=lfs merge=lfs -text\n`)
      .join(''),
  },
  'last line wins': { '.gitattributes': '*.bin filter=lfs\na.bin -filter\nx/*.bin !filter\nmodel.bin filter\n' },
  'paths and folders': {
    '.gitattributes':
      '/a.bin filter=1\ndata/*.csv filter=2\ndata/**/*.csv filter=3\n/data/**/train.csv filter=4\nfoo/ filter=5\nsaved_model/** filter=6\n**/foo/bar filter=7\n',
  },
  'two stars where git wants none': {
    '.gitattributes':
      'foo** filter=1\nfoo**/bar filter=2\na** filter=3\nfoo/**bar filter=4\n**bar filter=5\na/**/b filter=6\n',
  },
  sets: {
    '.gitattributes':
      'a[xy]b filter=1\na[!x]b filter=2\na[[:alpha:]]b filter=3\na[]]b filter=4\na[\\[]b filter=5\n[[:upper:]] filter=6\n[0-9] filter=7\na[a-]b filter=8\na[/]b filter=9\n[a filter=10\n[[:nope:]] filter=11\na[^/x]b filter=12\n',
  },
  'escapes and quotes': {
    '.gitattributes':
      'a\\*b filter=1\na\\?b filter=2\n"a b.bin" filter=3\n\\#a filter=4\n\\!a filter=5\n!a filter=6\n#a filter=7\n"\\"a" filter=8\n"\\303\\251.bin" filter=9\na\\\\b filter=10\nx\\ filter=11\n"open filter=12\n"a"b filter=13\n',
  },
  'bytes, not characters': { '.gitattributes': `${utf8('é')} filter=1\n?? filter=2\n${utf8('é*')} filter=3\n` },
  macros: {
    '.gitattributes':
      '[attr]big filter=lfs -text\n[attr]bigger big diff\n*.bin bigger\nmodel.bin -bigger\nx/a.bin bigger -filter\n.bin -filter bigger\n*.tar big=1\n',
    'deep/.gitattributes': '[attr]big filter=other\n*.txt big\n',
  },
  'files in folders': {
    '.gitattributes': '*.bin filter=lfs\ndeep/er/*.bin filter=root\n',
    'deep/.gitattributes': 'keep.bin -filter\n/a.bin filter=here\ner/a.bin filter=er\n',
    'deep/er/.gitattributes': '*.bin !filter\n',
  },
  'lines that git ignores': {
    '.gitattributes': `\r\n  \n*.bin filter=lfs bad/name\n\t*.tar\tfilter=lfs\r\n${'x'.repeat(2040)} filter=lfs\n*.csv =x filter=lfs\n`,
  },
  'a byte order mark': { '.gitattributes': `${utf8('\ufeff')}*.bin filter=lfs\n` },
}

describe('attributes', () => {
  test.each(Object.entries(corpus))('%s', async (_, files) => {
    expect(weSay(files, corpusPaths)).toEqual(await gitSays(files, corpusPaths))
  })

  test('random patterns', async () => {
    let seed = 7
    const random = (below: number) => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
      return Math.floor((seed / 2 ** 32) * below)
    }
    const pick = (from: readonly string[]) => from[random(from.length)] ?? ''
    const patternPart = [
      'a',
      'b',
      'ab',
      '*',
      '**',
      '?',
      '[ab]',
      '[!a]',
      '\\a',
      '\\*',
      '/',
      '/',
      '.',
      '[a',
      ']',
      '-',
      'é',
    ]
    const pathPart = ['a', 'b', 'ab', 'a.b', 'aab', '*', 'é', '-', ']']
    const paths = [
      ...new Set(
        Array.from({ length: 150 }, () => Array.from({ length: 1 + random(4) }, () => pick(pathPart)).join('/')),
      ),
    ]
    for (let round = 0; round < 20; round++) {
      const lines = Array.from(
        { length: 40 },
        (_, line) => `${Array.from({ length: 1 + random(6) }, () => pick(patternPart)).join('')} filter=${line}`,
      ).filter((line) => !line.startsWith('#'))
      const files = { '.gitattributes': utf8(`${lines.join('\n')}\n`) }
      expect(weSay(files, paths), lines.join('\n')).toEqual(await gitSays(files, paths))
    }
  })

  test('the line that tracks one file tracks that file alone', async () => {
    for (const path of corpusPaths.filter((path) => !path.includes('\\'))) {
      const others = corpusPaths.filter((other) => !other.startsWith(`${path}/`))
      const files = { '.gitattributes': `${trackingLine(path)}\n` }
      const ours = weSay(files, others)
      expect(ours).toEqual(await gitSays(files, others))
      expect([...ours].filter(([, value]) => value === 'lfs').map(([other]) => other)).toEqual([path])
    }
  })

  test('25,000 lines and as many paths; hostile patterns', () => {
    const paths = Array.from({ length: 25_000 }, (_, index) => `data/part-${index}.json`)
    const many = gitAttributes()
    many.add('', paths.map(trackingLine))
    const start = performance.now()
    expect(paths.every((path) => many.filterOf(path) === 'lfs')).toBe(true)
    expect(performance.now() - start).toBeLessThan(1_000)
    const hostile = gitAttributes()
    hostile.add(
      '',
      Array.from({ length: 1_000 }, () => [
        `${'*a'.repeat(900)}b filter=lfs`,
        `**/${'*a'.repeat(900)}/b filter=x`,
      ]).flat(),
    )
    const before = performance.now()
    expect(hostile.filterOf(`${'a'.repeat(1_990)}`)).toBe(null)
    expect(performance.now() - before).toBeLessThan(500)
  })
})

describe('ignores', () => {
  test.each([
    '*.bin\n!model.bin\n/data\nfoo/\n',
    'data/*\n!data/x\ndata/x/**\n!data/x/train.csv\n',
    '**/foo\n!foo/bar\nfoo/a/\n',
    '  a b.bin\na b.bin  \ntrailing\\ \n\\#a\n\\!a\n#comment\n',
    '/*\n!/deep\n/deep/*\n!/deep/er\n',
    'a?b\r\n[[:digit:]]\r\n*.tar.*\n\n\ufeff\n',
    'foo**\ndata/**/train.csv\n/\n!\n*/\n',
  ])('%j', async (text) => {
    await writeFile(join(folder, '.gitignore'), text)
    try {
      const out = await git(['check-ignore', '-z', '--stdin', '--no-index'], `${corpusPaths.join('\0')}\0`).catch(
        (error: { code?: number }) => {
          // 1: none is ignored.
          if (error.code === 1) return ''
          throw error
        },
      )
      const ignored = new Set(out.split('\0'))
      const ignore = parseGitIgnore(text)
      expect(corpusPaths.filter((path) => ignore.isIgnored(path))).toEqual(
        corpusPaths.filter((path) => ignored.has(path)),
      )
    } finally {
      await rm(join(folder, '.gitignore'))
    }
  })
})
