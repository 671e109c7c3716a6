/** Which files of a repo a model is loaded from, found by their names: the graph in ONNX, its tokenizer and what describes it. */
import { z } from 'zod'
import { HoldfastError } from '../../../domain/errors.ts'
import type { Allowed } from '../../../domain/policy.ts'
import type { Hub } from '../../../hub.ts'
import { Remembered } from '../../../platform/remembered.ts'
import { listFolder, openFile, type RepoEntry } from '../../files/service.ts'
import { readCard } from '../../repos/service.ts'
import { type EmbeddedTask, embeddedTasks, type Pooling } from './job.ts'

/** What is to be laid out for the process, and how it reads it. */
export interface ModelPlan {
  readonly files: readonly RepoEntry[]
  /** Of all of them. */
  readonly bytes: number
  /** Of the graph and its weights: about what they take in memory. */
  readonly weights: number
  readonly dtype: string
  readonly subfolder: string
  readonly pooling: Pooling
  /** What the model is for, as its card says it, or else its configuration; null where that is not certain. */
  readonly task: string | null
  /** Whether it knows how a conversation is written down. */
  readonly hasChatTemplate: boolean
  /** What stands for a word that is missing; null where the model has none, or one of an unusual shape. */
  readonly mask: string | null
}

/** Of graphs by the end of their names; the most exact first. */
const suffixes = [
  ['fp32', ''],
  ['q8', '_quantized'],
  ['int8', '_int8'],
  ['uint8', '_uint8'],
  ['fp16', '_fp16'],
  ['q4', '_q4'],
  ['bnb4', '_bnb4'],
  ['q4f16', '_q4f16'],
] as const
const graphs = ['model', 'encoder_model', 'decoder_model_merged'] as const
const mostFiles = 10_000
const filesAtOnce = 1_000
/** Of a file that describes a model; weights are not among them. All together they are copied, so they are bounded, too. */
const mostDescription = 64 << 20
const descriptions = /^(?:[\w.-]+\.(?:json|txt|model|jinja)|1_Pooling\/config\.json)$/
/** Of a file that the hub itself reads. */
const mostRead = 1 << 20

const plans = new Remembered<ModelPlan>({
  /** Files that they name. */
  most: 100_000,
  sizeOf: ({ files }) => 10 + files.length,
  // What is in a commit never changes.
  keptMs: () => Number.POSITIVE_INFINITY,
})

/** `most`: bytes that its weights may take. Throws `model_not_runnable`. */
export async function planModel(
  hub: Hub,
  reading: Allowed<'repo.content.read'>,
  commit: string,
  most: number,
): Promise<ModelPlan> {
  return await plans.get(`${reading.resource.id} ${commit} ${most}`, () => planned(hub, reading, commit, most))
}

async function planned(
  hub: Hub,
  reading: Allowed<'repo.content.read'>,
  commit: string,
  most: number,
): Promise<ModelPlan> {
  const entries = await listFiles(hub, reading, commit)
  const byPath = new Map(entries.map((entry) => [entry.path, entry]))
  for (const needed of ['config.json', 'tokenizer.json', 'preprocessor_config.json'] as const) {
    const isThere =
      byPath.has(needed) ||
      (needed !== 'config.json' && (byPath.has('tokenizer.json') || byPath.has('preprocessor_config.json')))
    if (!isThere) throw notRunnable(`it has no ${needed}.`)
  }
  const graph = graphOf(entries, most)
  const described = entries.filter(({ path, size }) => descriptions.test(path) && size <= mostDescription)
  const describing = sizeOfAll(described)
  if (describing > most) {
    throw notRunnable(
      `the files beside its weights have ${describing} bytes, and this hub reads at most ${most} (HOLDFAST_INFERENCE_MEMORY). Move what does not describe the model into a folder.`,
    )
  }
  const card = byPath.get('README.md')
  const readme = card === undefined || card.size > mostRead ? '' : await readText(hub, reading.resource.id, card)
  const read = async (path: string): Promise<unknown> => {
    const entry = byPath.get(path)
    return entry === undefined || entry.size > mostRead ? null : await readJson(hub, reading.resource.id, entry)
  }
  const files = [...described, ...graph.files]
  const ofTokenizer = tokenizerShape.safeParse(await read('tokenizer_config.json')).data
  return {
    ...graph,
    files,
    bytes: sizeOfAll(files),
    pooling: poolingOf(await read('modules.json'), await read('1_Pooling/config.json')),
    task: await taskIn(readme, byPath.has('modules.json'), await read('config.json')),
    hasChatTemplate: byPath.has('chat_template.jinja') || hasTemplate(ofTokenizer?.chat_template),
    mask: ofTokenizer?.mask_token ?? null,
  }
}

function sizeOfAll(files: readonly RepoEntry[]): number {
  return files.reduce((sum, { size }) => sum + size, 0)
}

export function notRunnable(reason: string): HoldfastError {
  return new HoldfastError('model_not_runnable', { reason })
}

async function listFiles(hub: Hub, reading: Allowed<'repo.content.read'>, commit: string): Promise<RepoEntry[]> {
  const files: RepoEntry[] = []
  let after: string | null = null
  do {
    const page = await listFolder(hub, reading, commit, '', { recursive: true, after, limit: filesAtOnce })
    files.push(...page.entries.filter(({ type, isSymlink }) => type === 'file' && !isSymlink))
    if (files.length > mostFiles) throw notRunnable(`it has more than ${mostFiles} files.`)
    after = page.next
  } while (after !== null)
  return files
}

/** The first kind of graph that is whole and not too large, in the folder `onnx` or beside the configuration. */
function graphOf(
  entries: readonly RepoEntry[],
  most: number,
): Pick<ModelPlan, 'files' | 'weights' | 'dtype' | 'subfolder'> {
  let smallest: number | null = null
  for (const subfolder of ['onnx', '']) {
    const prefix = subfolder === '' ? '' : `${subfolder}/`
    const inFolder = new Map(
      entries.filter(({ path }) => path.startsWith(prefix)).map((entry) => [entry.path.slice(prefix.length), entry]),
    )
    for (const [dtype, suffix] of suffixes) {
      const files = graphs.flatMap((name) => {
        const file = `${name}${suffix}.onnx`
        // Its weights may lie beside it, in one file or several.
        const beside = [...inFolder.keys()].filter(
          (other) => other.startsWith(`${file}_data`) || other === `${file}.data`,
        )
        const entry = inFolder.get(file)
        return entry === undefined ? [] : [entry, ...beside.flatMap((other) => inFolder.get(other) ?? [])]
      })
      const isWhole = [['model'], ['encoder_model', 'decoder_model_merged']].some((names) =>
        names.every((name) => inFolder.has(`${name}${suffix}.onnx`)),
      )
      if (!isWhole) continue
      const weights = sizeOfAll(files)
      if (weights <= most) return { files, weights, dtype, subfolder }
      smallest = Math.min(smallest ?? weights, weights)
    }
  }
  if (smallest !== null) {
    throw notRunnable(
      `its weights have ${smallest} bytes, and this hub gives models ${most} (HOLDFAST_INFERENCE_MEMORY).`,
    )
  }
  throw notRunnable(
    'it has no graph in ONNX (onnx/model.onnx, or encoder_model.onnx with decoder_model_merged.onnx). Export one, such as with "optimum-cli export onnx".',
  )
}

async function readText(hub: Hub, repoId: string, entry: RepoEntry): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of await openFile(hub, repoId, entry)) parts.push(part)
  return Buffer.concat(parts).toString('utf8')
}

async function readJson(hub: Hub, repoId: string, entry: RepoEntry): Promise<unknown> {
  try {
    return JSON.parse(await readText(hub, repoId, entry))
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw notRunnable(`its ${entry.path} is no JSON.`)
  }
}

/** By the card of this commit: what the hub knows of the head is read a moment after it was pushed. */
async function taskIn(readme: string, isSentences: boolean, config: unknown): Promise<string | null> {
  const card = await readCard(readme)
  const tag = card.kind === 'card' ? card.data.pipeline_tag : null
  if (typeof tag === 'string') return tag
  return isSentences ? 'sentence-similarity' : taskOf(config)
}

/** It is shown in commands that people copy: nothing but a word in brackets is taken for one, such as `[MASK]`, `<mask>` and `<|mask|>`. */
const maskShape = z.string().regex(/^(?:\[[\w|]{1,30}\]|<[\w|]{1,30}>)$/)
const tokenizerShape = z.looseObject({
  chat_template: z.unknown().optional(),
  mask_token: z
    .union([maskShape, z.looseObject({ content: maskShape }).transform(({ content }) => content)])
    .nullish()
    .catch(null),
})

/** One, or several by name. */
function hasTemplate(template: unknown): boolean {
  return Array.isArray(template) ? template.length > 0 : typeof template === 'string' && template !== ''
}

const modulesShape = z.array(z.looseObject({ type: z.string() }))
const poolingShape = z.looseObject({
  pooling_mode: z.string().nullish(),
  pooling_mode_cls_token: z.boolean().nullish(),
  pooling_mode_lasttoken: z.boolean().nullish(),
})

/** As sentence-transformers writes it down; else the mean. */
function poolingOf(modules: unknown, pooling: unknown): Pooling {
  const parts = modulesShape.safeParse(modules)
  const said = poolingShape.safeParse(pooling).data
  const isNormalized = parts.success && parts.data.some(({ type }) => type.endsWith('.Normalize'))
  if (said?.pooling_mode_cls_token === true || said?.pooling_mode === 'cls') return { kind: 'cls', isNormalized }
  if (said?.pooling_mode_lasttoken === true || said?.pooling_mode === 'lasttoken') return { kind: 'last', isNormalized }
  return { kind: 'mean', isNormalized }
}

const configShape = z.looseObject({ architectures: z.array(z.string()).nullish() })
const ends: readonly (readonly [string, EmbeddedTask])[] = [
  ['ForSequenceClassification', 'text-classification'],
  ['ForTokenClassification', 'token-classification'],
  ['ForMaskedLM', 'fill-mask'],
  ['ForQuestionAnswering', 'question-answering'],
  ['ForCausalLM', 'text-generation'],
  ['LMHeadModel', 'text-generation'],
  ['ForImageClassification', 'image-classification'],
  ['MarianMTModel', 'translation'],
  ['Model', 'feature-extraction'],
]

/** By what the model's class is called. */
function taskOf(config: unknown): EmbeddedTask | null {
  const [name = ''] = configShape.safeParse(config).data?.architectures ?? []
  return ends.find(([end]) => name.endsWith(end))?.[1] ?? null
}

export function embeddedTask(name: string): EmbeddedTask | null {
  return embeddedTasks.find((task) => task === name) ?? null
}
