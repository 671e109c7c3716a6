import { expect, test } from 'vitest'
import { cardFacts, cardOf, frontMatter, parseYaml } from './card.ts'
import { readCard } from './card-reader.ts'

const context = { kind: 'model', readme: '', files: [], modelType: null } as const

const parseCard = (readme: string) => cardOf(parseYaml(frontMatter(readme) ?? ''))

test('front matter stands between the first two lines of hyphens, and nowhere else', () => {
  expect(frontMatter('---\na: 1\n---\nb')).toBe('a: 1')
  expect(frontMatter('\ufeff---\r\na: 1\r\n---\r\n')).toBe('a: 1')
  expect(frontMatter('---\n---\n')).toBe('')
  expect(frontMatter('# x\n---\na: 1\n---\n')).toBeNull()
  expect(frontMatter('')).toBeNull()
  expect(parseCard('---\nnever: closed\n').kind).toBe('none')
})

test('hostile cards are broken, quickly', async () => {
  const bomb = `---\na: &a [x,x,x,x,x,x,x,x,x]\nb: &b [${'*a,'.repeat(9)}]\nc: &c [${'*b,'.repeat(9)}]\nd: &d [${'*c,'.repeat(9)}]\ne: [${'*d,'.repeat(9)}]\n---\n`
  expect(parseCard(bomb)).toEqual({ kind: 'broken', reason: 'it has too many aliases' })
  expect((await readCard(`---\na: ${'['.repeat(20_000)}\n---\n`)).kind).toBe('broken')
  const proto = parseCard('---\n__proto__: {polluted: true}\nlicense: mit\n---\n')
  expect(proto.kind).toBe('card')
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
})

test('long cards are read in a worker', async () => {
  const rows = Array.from({ length: 2000 }, (_, index) => `- name: metric ${index}\n  value: ${index}`).join('\n')
  const reading = await readCard(`---\nlicense: mit\nresults:\n${rows}\n---\n`)
  expect(reading.kind === 'card' && reading.data.license).toBe('mit')
})

test('tags are the ones that the Hub derives', () => {
  const model = cardFacts(
    {
      license: 'mit',
      language: ['en', false],
      library_name: 'keras',
      base_model: 'a/b',
      base_model_relation: 'quantized',
      tags: ['x'],
    },
    {
      ...context,
      readme: 'see https://arxiv.org/abs/1810.04805',
      files: ['model.safetensors', 'config.json'],
      modelType: 'bert',
    },
  )
  expect(model.tags).toEqual([
    'keras',
    'safetensors',
    'bert',
    'x',
    'en',
    'no',
    'base_model:a/b',
    'base_model:quantized:a/b',
    'arxiv:1810.04805',
    'license:mit',
    'region:us',
  ])
  expect(model.libraryName).toBe('keras')
  const dataset = cardFacts(
    { task_categories: ['text-generation'], language: 'ru', size_categories: ['n<1K'] },
    { ...context, kind: 'dataset' },
  )
  expect(dataset.tags).toEqual(['task_categories:text-generation', 'language:ru', 'size_categories:n<1K', 'region:us'])
})

test('the description is the first sentence that says something', () => {
  const of = (readme: string) => cardFacts({}, { ...context, readme }).description
  expect(of('---\nlicense: mit\n---\n# Title\n\n[![badge](x)](y)\n\nA **small** [model](https://x).\n\nMore.')).toBe(
    'A small model.',
  )
  expect(of('# Only a title')).toBeNull()
})
