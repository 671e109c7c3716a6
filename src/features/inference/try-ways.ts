/** What can be tried of a model, and what the form asks for it. */
import { sampleContext, sampleLabels, sampleSentences, sampleText, type TextTask } from './call-samples.ts'
import { embeddedTasks } from './embedded/job.ts'
import type { CallWay } from './usual-call.ts'

type ClassicWay = Exclude<TextTask, 'feature-extraction'>

/** Vectors go by the way `embedding`, and no form takes images. */
const classicWays = embeddedTasks.filter(
  (task): task is ClassicWay => task !== 'feature-extraction' && task !== 'image-classification',
)
/** `classic`: what the task of the model's card is, or else its servers are for. */
export const waysToTry = ['chat', 'completion', 'embedding', 'classic', ...classicWays] as const
export type WayToTry = (typeof waysToTry)[number]

/** Of servers: what they can do, they know. */
export const waysOfServers: readonly WayToTry[] = ['chat', 'completion', 'embedding', 'classic']

/** Of a model that the hub runs; where it does not say what it is for, whoever calls it may know. None for images. */
export function waysOfEmbedded(ways: readonly CallWay[]): readonly WayToTry[] {
  if (ways.length === 0) return waysToTry.filter((way) => way !== 'classic')
  return waysToTry.filter((way) => ways.some((one) => one === way))
}

export const wayWords: Readonly<Record<WayToTry, string>> = {
  chat: 'a chat message',
  completion: 'a text to go on with',
  embedding: 'a text to turn into a vector',
  classic: 'inputs of the classic API',
  'sentence-similarity': 'a sentence to compare with others',
  'text-classification': 'a text to classify',
  'token-classification': 'a text to find names in',
  'zero-shot-classification': 'a text to classify by labels of your own',
  'fill-mask': 'a text with a word missing',
  'question-answering': 'a question about a text',
  summarization: 'a text to sum up',
  translation: 'a text to translate',
  'text-generation': 'a text to go on with, by the classic API',
}

interface More {
  readonly label: string
  readonly help: string
  readonly sample: string
}

/** What a way asks for beside the text. */
export const moreOf: Readonly<Partial<Record<WayToTry, More>>> = {
  'sentence-similarity': {
    label: 'Compared with',
    help: 'One sentence a line.',
    sample: sampleSentences.join('\n'),
  },
  'zero-shot-classification': {
    label: 'Labels',
    help: 'With commas between them.',
    sample: sampleLabels.join(', '),
  },
  'question-answering': {
    label: 'Text in which the answer stands',
    help: 'The model finds it there, and knows of nothing else.',
    sample: sampleContext,
  },
}

/** The second field of a form for these ways; null where none of them asks for anything. */
export function moreFor(ways: readonly WayToTry[]): More | null {
  const asked = ways.filter((way) => moreOf[way] !== undefined)
  const [only] = asked
  if (only === undefined) return null
  const more = moreOf[only] ?? null
  if (asked.length > 1 || more === null) {
    const help = asked.map((way) => `For ${wayWords[way]}: ${moreOf[way]?.label.toLowerCase()}.`).join(' ')
    return { label: 'Beside it', help, sample: '' }
  }
  return ways.length === 1 ? more : { ...more, help: `For ${wayWords[only]}. ${more.help}` }
}

/** What stands in the box to begin with. */
export function firstText(way: WayToTry, mask: string): string {
  if (way === 'chat' || way === 'classic' || way === 'embedding') return 'Hello'
  return sampleText(taskOfWay(way), mask)
}

/** Of the ways that go by the classic API, and of a text to go on with. */
export function taskOfWay(way: Exclude<WayToTry, 'chat' | 'embedding' | 'classic'>): TextTask {
  return way === 'completion' ? 'text-generation' : way
}
