/** What a model answered, in words for who tried it. */
import { z } from 'zod'
import type { WayToTry } from './try-ways.ts'

const mostNumbers = 8

const message = z.looseObject({
  choices: z.tuple([z.looseObject({ message: z.looseObject({ content: z.string() }) })], z.unknown()),
})
const completion = z.looseObject({ choices: z.tuple([z.looseObject({ text: z.string() })], z.unknown()) })
const vector = z.looseObject({ data: z.tuple([z.looseObject({ embedding: z.array(z.number()).min(1) })], z.unknown()) })
const labels = z.array(z.looseObject({ label: z.string(), score: z.number() }))
const manyLabels = z.tuple([labels])
const names = z.array(z.looseObject({ entity_group: z.string(), word: z.string(), score: z.number() }))
const fillings = z.array(z.looseObject({ token_str: z.string(), sequence: z.string(), score: z.number() })).min(1)
const found = z.looseObject({ answer: z.string(), score: z.number() })
const summary = z.tuple([z.looseObject({ summary_text: z.string() })])
const translated = z.tuple([z.looseObject({ translation_text: z.string() })])
const generated = z.tuple([z.looseObject({ generated_text: z.string() })])

const share = (score: number): string => `${(100 * score).toFixed(1)} %`
const labelWords = (all: z.output<typeof labels>): string =>
  all.map(({ label, score }) => `${share(score)}  ${label}`).join('\n')

type Reader = (value: unknown) => string | null

function reader<T extends z.ZodType>(shape: T, words: (value: z.output<T>) => string): Reader {
  return (value) => {
    const parsed = shape.safeParse(value)
    return parsed.success ? words(parsed.data) : null
  }
}

const readers: Readonly<Partial<Record<WayToTry, Reader>>> = {
  chat: reader(message, ({ choices }) => choices[0].message.content),
  completion: reader(completion, ({ choices }) => choices[0].text),
  embedding: reader(vector, ({ data }) => vectorWords(data[0].embedding)),
  'sentence-similarity': reader(z.array(z.number()), (all) => all.map((one) => one.toFixed(4)).join('\n')),
  'text-classification': reader(manyLabels, ([all]) => labelWords(all)),
  'token-classification': reader(names, (all) =>
    all.length === 0
      ? 'It finds none.'
      : all.map(({ entity_group, word, score }) => `${word}: ${entity_group}, ${share(score)}`).join('\n'),
  ),
  'zero-shot-classification': reader(labels, labelWords),
  'fill-mask': reader(fillings, (all) => all.map(({ sequence, score }) => `${share(score)}  ${sequence}`).join('\n')),
  'question-answering': reader(found, ({ answer, score }) => `${answer} (${share(score)})`),
  summarization: reader(summary, ([{ summary_text }]) => summary_text),
  translation: reader(translated, ([{ translation_text }]) => translation_text),
  'text-generation': reader(generated, ([{ generated_text }]) => generated_text),
}

/** The words of an answer of the usual shape; any other as it came. */
export function saidIn(way: WayToTry, value: unknown): string {
  return readers[way]?.(value) ?? JSON.stringify(value, null, 2)
}

function vectorWords(numbers: readonly number[]): string {
  const first = numbers.slice(0, mostNumbers).map((number) => String(Number(number.toPrecision(4))))
  const more = numbers.length > mostNumbers ? ', …' : ''
  return `A vector of ${numbers.length} numbers:\n[${first.join(', ')}${more}]`
}
