import { expect, test } from 'vitest'
import { importListFault, longestImportList, parseImportList, patternsOf } from './import-list.ts'

const list = `# What our trainers write
acme.models.Net
acme.layers.*   # all of them
!acme.layers.unsafe.*
acme.layers.unsafe.Allowed
`

test('a name, everything below a module, exceptions, and exceptions of those: the last line that fits counts', () => {
  const { admits } = parseImportList(list)
  expect(admits('acme.models', 'Net')).toBe(true)
  expect(admits('acme', 'models.Net')).toBe(true)
  expect(admits('acme.models', 'Net.forward')).toBe(false)
  expect(admits('acme.models', 'Network')).toBe(false)
  expect(admits('acme.layers', 'Block')).toBe(true)
  expect(admits('acme.layers.deep.er', 'Block')).toBe(true)
  expect(admits('acme.layersx', 'Block')).toBe(false)
  expect(admits('acme', 'layers')).toBe(false)
  expect(admits('acme.layers.unsafe', 'Block')).toBe(false)
  expect(admits('acme.layers.unsafe', 'Allowed')).toBe(true)
  expect(admits('ACME.models', 'Net')).toBe(false)
})

test('a star alone admits all, an empty list nothing, and order decides', () => {
  expect(parseImportList('*').admits('a', 'b')).toBe(true)
  expect(parseImportList('').admits('a', 'b')).toBe(false)
  expect(parseImportList('a.b\n!*').admits('a', 'b')).toBe(false)
  expect(parseImportList('!*\na.b').admits('a', 'b')).toBe(true)
  expect(parseImportList('!a.b\n*').admits('a', 'b')).toBe(true)
})

test.each([
  ['a b'],
  ['a.*.b'],
  ['*a'],
  ['a.b*'],
  ['a..b'],
  ['.a'],
  ['a.'],
  ['/a'],
  ['!!a'],
  ['!'],
  ['1a'],
  ['a.**'],
  [`${'a'.repeat(500)}`],
])('a line that is no pattern is refused with its number, and admits nothing: %j', (line) => {
  expect(importListFault(`# first\n${line}`)).toMatch(/^Line 2 is neither/)
  expect(parseImportList(line).admits('a', 'b')).toBe(false)
})

test('what is too long is refused', () => {
  expect(importListFault('#'.repeat(longestImportList))).toBeNull()
  expect(importListFault('#'.repeat(longestImportList + 1))).toContain('characters')
  expect(importListFault('a.b\n'.repeat(2_001))).toContain('lines')
  expect(importListFault(list)).toBeNull()
  expect(patternsOf(list)).toEqual([
    'acme.models.Net',
    'acme.layers.*',
    '!acme.layers.unsafe.*',
    'acme.layers.unsafe.Allowed',
  ])
})

// Story: `acme.models.*` is admitted, and acme/models/net.py imports torch. Protocol 4 follows a dotted name attribute by attribute, so that
// ("acme.models.net", "torch.hub.load") is torch.hub.load, which fetches code and runs it.
test('a star admits what is in a module, not what can be reached through it', () => {
  const stars = parseImportList('acme.*\n!acme.unsafe.*')
  expect(stars.admits('acme.models.net', 'Net')).toBe(true)
  expect(stars.admits('acme.models.net', 'Net.Inner')).toBe(true)
  expect(stars.admits('acme.models.net', '_Net.build')).toBe(true)
  for (const name of ['torch.hub.load', 'np.load', 'torch.Tensor', 'Net.os.system', 'helpers.Net']) {
    expect(stars.admits('acme.models.net', name), name).toBe(false)
    expect(parseImportList('*').admits('acme.models.net', name), name).toBe(false)
  }
  expect(parseImportList('acme.net.helpers.Net').admits('acme.net', 'helpers.Net')).toBe(true)
  expect(parseImportList('acme.net.a.B\n!acme.net.*').admits('acme.net', 'a.B')).toBe(false)
})
