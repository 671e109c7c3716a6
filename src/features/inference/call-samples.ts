/** What a call of each task of the classic API may look like, to begin with. Nothing in it needs an escape in a command. */
import type { EmbeddedTask } from './embedded/job.ts'

export type TextTask = Exclude<EmbeddedTask, 'image-classification'>

const leaves = 'The ship leaves the harbor at noon.'
const story =
  'The ship came into the harbor at night, in a storm. At noon it left again, with new sails and with half of its crew. The others stayed.'

export const sampleTexts: Readonly<Record<TextTask, string>> = {
  'feature-extraction': leaves,
  'sentence-similarity': leaves,
  'text-classification': 'What a good harbor this is!',
  'token-classification': 'Ada lives in Paris.',
  'zero-shot-classification': leaves,
  'fill-mask': 'The ship lies in the [MASK].',
  'question-answering': 'Where does Ada live?',
  summarization: story,
  translation: leaves,
  'text-generation': 'The ship leaves',
}
/** What is asked beside the text. */
export const sampleLabels: readonly string[] = ['travel', 'food']
export const sampleContext = 'Ada lives in Paris, and her ship in Brest.'
export const sampleSentences: readonly string[] = ['A boat departs at midday.', 'The soup is hot.']

/** `mask`: as the model writes it. */
export function sampleText(task: TextTask, mask: string): string {
  return sampleTexts[task].replace('[MASK]', () => mask)
}

/** The body of a request. `more`: labels, sentences, or the text in which the answer stands; for the other tasks it says nothing. */
export function classicBodyOf(
  task: TextTask,
  text: string,
  more: { readonly labels: readonly string[]; readonly sentences: readonly string[]; readonly context: string },
): { readonly inputs: unknown; readonly parameters?: object } {
  switch (task) {
    case 'sentence-similarity':
      return { inputs: { source_sentence: text, sentences: more.sentences } }
    case 'question-answering':
      return { inputs: { question: text, context: more.context } }
    case 'zero-shot-classification':
      return { inputs: text, parameters: { candidate_labels: more.labels } }
    default:
      return { inputs: text }
  }
}

export function sampleBody(task: TextTask, mask: string): { readonly inputs: unknown; readonly parameters?: object } {
  const more = { labels: sampleLabels, sentences: sampleSentences, context: sampleContext }
  return classicBodyOf(task, sampleText(task, mask), more)
}
