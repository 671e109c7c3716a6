/** Strings from outside: what becomes a name, a ref, a revision or a path, and what never does. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { routeTable } from '../access/route-table.ts'
import { routes } from '../features/index.ts'
import { HoldfastError } from './errors.ts'
import {
  couldBeRepo,
  decodeSegment,
  emailKey,
  isEmailAddress,
  isReservedName,
  parseKindPlural,
  parseNewNamespace,
  parseNewRepoName,
  parseRefName,
  parseRepoId,
  parseRevision,
  pathFault,
  refNameFault,
  repoAddress,
  splitRevisionAndPath,
} from './names.ts'

const code = (run: () => unknown): string | null => {
  try {
    run()
    return null
  } catch (error) {
    return error instanceof HoldfastError ? error.code : String(error)
  }
}

describe('namespaces', () => {
  it.each(['ab', 'Acme', 'a-b-c', 'x1', '1a', 'a'.repeat(42)])('takes %s', (name) => {
    expect(parseNewNamespace(name)).toBe(name)
  })
  it.each([
    '',
    'a',
    '-ab',
    'ab-',
    'a--b',
    'a_b',
    'a.b',
    'a b',
    'a/b',
    'ä1',
    'a\0b',
    'a'.repeat(43),
    '123',
    'sa-0af',
    'f'.repeat(24),
    '..',
    'а1',
  ])('refuses %j', (name) => {
    expect(code(() => parseNewNamespace(name))).toBe('invalid_name')
  })
  it.each(['api', 'Models', 'SETTINGS', 'login', 'avatars', 'verify-email', 'huggingface'])(
    'keeps %s for itself',
    (name) => {
      expect(code(() => parseNewNamespace(name))).toBe('name_taken')
    },
  )

  it('keeps every first segment of a route for itself, so that no name hides a page', () => {
    const { firstSegments } = routeTable(routes)
    const free = [...firstSegments].filter((segment) => code(() => parseNewNamespace(segment)) === null)
    expect(free).toEqual([])
    expect(isReservedName('Anything', new Set(['anything']))).toBe(true)
  })
})

describe('repos', () => {
  it.each(['m', 'bert-base', 'a.b_c', '1', 'x'.repeat(96), 'git', '_x'])('takes %s', (name) => {
    expect(parseNewRepoName(name)).toBe(name)
  })
  it.each([
    '',
    '.',
    '..',
    'a..b',
    'a--b',
    '-a',
    'a-',
    '.a',
    'a.',
    'a.git',
    'A.GIT',
    'a.ipynb',
    'a.lock',
    'a/b',
    'a b',
    'é',
    'x'.repeat(97),
  ])('refuses %j', (name) => {
    expect(code(() => parseNewRepoName(name))).toBe('invalid_name')
  })
  it('reads ids and addresses', () => {
    expect(parseRepoId('acme/x')).toEqual({ namespace: 'acme', name: 'x' })
    expect(parseRepoId('x')).toEqual({ namespace: null, name: 'x' })
    for (const bad of ['', '/', 'a/', '/a', 'a/b/c']) expect(parseRepoId(bad)).toBeNull()
    expect([repoAddress('model', 'a', 'b'), repoAddress('dataset', 'a', 'b')]).toEqual(['a/b', 'datasets/a/b'])
    expect([parseKindPlural('models'), parseKindPlural('spaces'), parseKindPlural('toString')]).toEqual([
      'model',
      'space',
      null,
    ])
    expect(couldBeRepo('acme', '../x')).toBe(false)
  })
})

describe('refs and revisions', () => {
  it.each(['main', 'feature/x', 'v1.0', 'ä', 'a@b', '@x', 'x'.repeat(200)])('takes %s', (name) => {
    expect(parseRefName(name)).toBe(name)
  })
  it.each([
    '',
    '@',
    'a..b',
    'a@{b',
    '/a',
    'a/',
    'a//b',
    '.a',
    'a/.b',
    'a.',
    'a.lock',
    'a.lock/b',
    'a b',
    'a~1',
    'a^',
    'a:b',
    'a?',
    'a*',
    'a[b',
    'a\\b',
    'a\x7f',
    'a\n',
    '-a',
    'HEAD',
    'refs/heads/x',
    'f'.repeat(40),
    'x'.repeat(201),
  ])('refuses %j', (name) => {
    expect(code(() => parseRefName(name))).toBe('invalid_ref_name')
  })
  it('reads revisions and nothing of git’s own language', () => {
    expect(parseRevision('HEAD')).toEqual({ by: 'head' })
    expect(parseRevision('refs/pr/12')).toEqual({ by: 'ref', ref: 'refs/pr/12' })
    expect(parseRevision('main')).toEqual({ by: 'name', name: 'main', couldBeCommit: false })
    expect(parseRevision('abcde')).toEqual({ by: 'name', name: 'abcde', couldBeCommit: true })
    expect(parseRevision('f'.repeat(40))).toEqual({ by: 'name', name: 'f'.repeat(40), couldBeCommit: true })
    for (const bad of [
      'main^',
      'main~1',
      'main@{1}',
      ':/x',
      'main:README.md',
      '--all',
      'refs/pr/x',
      'refs/heads/..',
      '',
    ]) {
      expect(code(() => parseRevision(bad))).toBe('revision_not_found')
    }
  })
  it('splits revision and path of an address, decoding once', () => {
    expect(splitRevisionAndPath(['refs%2Fpr%2F1', 'a%20b', 'c'])).toEqual({ revision: 'refs/pr/1', path: 'a b/c' })
    expect(splitRevisionAndPath(['refs', 'pr', '1', 'x'])).toEqual({ revision: 'refs/pr/1', path: 'x' })
    expect(splitRevisionAndPath(['main', 'a%2Fb'])).toEqual({ revision: 'main', path: 'a/b' })
    expect(splitRevisionAndPath(['main', '%252e'])).toEqual({ revision: 'main', path: '%2e' })
    expect(splitRevisionAndPath([])).toEqual({ revision: '', path: '' })
    expect(code(() => decodeSegment('%zz'))).toBe('bad_request')
  })
  it('names nothing that git would read as an option or a range', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 30 }), (name) => {
        if (refNameFault(name) !== null) return
        expect(name.startsWith('-')).toBe(false)
        expect(name).not.toContain('..')
        expect(name).not.toMatch(/[\x00-\x20~^:?*[\\]/)
      }),
    )
  })
})

describe('paths', () => {
  it.each([
    'a',
    'a/b.txt',
    '.gitignore',
    '.gitattributes',
    '.github/x',
    'ä/ö',
    'a b',
    '.git_',
    'git',
    'x.git',
    '...',
    'CON',
  ])('takes %s', (path) => {
    expect(pathFault(path)).toBeNull()
  })
  it.each([
    '',
    '/a',
    'a//b',
    'a/',
    '.',
    '..',
    'a/../b',
    './a',
    '..\\ddd',
    'a\\b',
    'a\0b',
    'a\nb',
    '.git',
    '.git/config',
    'a/.git/b',
    '.GIT',
    '.Git',
    '.git ',
    '.git.',
    '.git...',
    '.git::$INDEX',
    'git~1',
    'GIT~1/x',
    '.g\u200cit',
    '.gi\u200dt',
    '.ｇｉｔ',
    'x'.repeat(256),
    `${'a/'.repeat(1001)}a`,
    '\ud800',
  ])('refuses %j', (path) => {
    expect(pathFault(path)).not.toBeNull()
  })
})

describe('addresses', () => {
  it('takes what mail can reach, and compares only the domain without case', () => {
    for (const good of ['a@b.org', 'a.b+c@x.example', "o'neil@example.org", 'a@localhost'])
      expect(isEmailAddress(good)).toBe(true)
    for (const bad of [
      '',
      'a',
      '@b',
      'a@',
      'a b@c.d',
      'a@b@c',
      'a@b..c',
      'a\r\nBcc: x@b.org',
      '<a@b.org>',
      'a@b.org, c@d.org',
      `${'a'.repeat(65)}@b.org`,
    ]) {
      expect(isEmailAddress(bad)).toBe(false)
    }
    expect(emailKey('Mara@EXAMPLE.org')).toBe('Mara@example.org')
  })
})
