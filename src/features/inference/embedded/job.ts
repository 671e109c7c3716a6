/** What the hub and the process that runs models say to each other. What the process says is checked: a model may have taken it over. */
import { z } from 'zod'

export const embeddedTasks = [
  'feature-extraction',
  'sentence-similarity',
  'text-classification',
  'token-classification',
  'zero-shot-classification',
  'fill-mask',
  'question-answering',
  'summarization',
  'translation',
  'text-generation',
  'image-classification',
] as const
export type EmbeddedTask = (typeof embeddedTasks)[number]

/** What a model is loaded as: one of these for each task, some for two. */
export type Head = Exclude<EmbeddedTask, 'sentence-similarity'>

/** How many words, how free. Null: as the model has it. */
export interface Generation {
  readonly most: number | null
  readonly temperature: number | null
  readonly topP: number | null
  readonly topK: number | null
  readonly repetitionPenalty: number | null
  readonly seed: number | null
  readonly isSampled: boolean | null
  readonly stops: readonly string[]
}

export interface ChatMessage {
  readonly role: string
  readonly content: string
}

export type Job =
  | {
      readonly head: 'feature-extraction'
      readonly texts: readonly string[]
      /** Null: as the model has it. */
      readonly isNormalized: boolean | null
      /** Whether what is too long is cut; else it is refused. */
      readonly isCut: boolean
    }
  | {
      readonly head: 'text-classification'
      readonly texts: readonly string[]
      readonly most: number | null
      readonly apply: 'softmax' | 'sigmoid' | 'none' | null
    }
  | {
      readonly head: 'token-classification'
      readonly texts: readonly string[]
      readonly isGrouped: boolean
      readonly ignored: readonly string[]
    }
  | {
      readonly head: 'zero-shot-classification'
      readonly texts: readonly string[]
      readonly labels: readonly string[]
      readonly template: string
      readonly isMulti: boolean
    }
  | { readonly head: 'fill-mask'; readonly texts: readonly string[]; readonly most: number }
  | {
      readonly head: 'question-answering'
      readonly question: string
      readonly context: string
      readonly most: number
    }
  | {
      readonly head: 'summarization' | 'translation'
      readonly texts: readonly string[]
      readonly generation: Generation
      readonly source: string | null
      readonly target: string | null
    }
  | {
      readonly head: 'text-generation'
      readonly prompt: string | readonly ChatMessage[]
      readonly generation: Generation
      /** Whether the text is told as it comes. */
      readonly isStream: boolean
    }
  | {
      readonly head: 'image-classification'
      /** Base64. */
      readonly image: string
      readonly most: number
    }

/** How sentences are made of their words, as sentence-transformers writes it down. */
export interface Pooling {
  readonly kind: 'mean' | 'cls' | 'last'
  readonly isNormalized: boolean
}

export interface ToLoad {
  readonly key: string
  readonly folder: string
  readonly head: Head
  readonly dtype: string
  /** Where the graph lies, under the folder. */
  readonly subfolder: string
  readonly pooling: Pooling
}

export type ToProcess =
  | ({ readonly do: 'load' } & ToLoad)
  | { readonly do: 'unload'; readonly key: string }
  | { readonly do: 'run'; readonly id: number; readonly key: string; readonly job: Job }
  | { readonly do: 'cancel'; readonly id: number }

const count = z.number().int().min(0).max(1_000_000_000)

export const fromProcess = z.discriminatedUnion('say', [
  z.object({ say: z.literal('ready') }),
  /** The library is not there, or does not run on this machine. */
  z.object({ say: z.literal('missing'), why: z.string().max(2_000) }),
  z.object({ say: z.literal('loaded'), key: z.string(), memory: count.max(Number.MAX_SAFE_INTEGER) }),
  z.object({ say: z.literal('not loaded'), key: z.string(), why: z.string().max(2_000) }),
  z.object({ say: z.literal('part'), id: z.number(), text: z.string().max(1_000_000) }),
  z.object({ say: z.literal('done'), id: z.number(), result: z.unknown(), tokensIn: count, tokensOut: count }),
  /** What was asked for is at fault, or else the model. */
  z.object({ say: z.literal('refused'), id: z.number(), why: z.string().max(2_000), isCallers: z.boolean() }),
])
export type FromProcess = z.output<typeof fromProcess>

/** Results that the hub makes something else of; the others are told as they are. */
export const vectorsShape = z.object({
  width: z.number().int().min(1).max(1_000_000),
  /** Base64 of numbers of 32 bits, one vector after the other. */
  data: z.string(),
})
export const generatedShape = z.object({ text: z.string(), finish: z.enum(['stop', 'length']) })
