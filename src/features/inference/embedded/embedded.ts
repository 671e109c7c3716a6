/** Calls of models that the hub runs itself: what is asked in the words of each API, the model where its files lie, the answer as servers give it. */
import { HoldfastError } from '../../../domain/errors.ts'
import { authorize } from '../../../domain/policy.ts'
import { openFile } from '../../files/service.ts'
import type { BackendAnswer } from '../ask-backend.ts'
import type { ClassicBody } from '../classic-parts.ts'
import type { Served } from '../queries.ts'
import type { Asked, Call } from '../relay.ts'
import type { OpenAiPath } from '../wire-names.ts'
import { classicJob } from './classic-job.ts'
import { classicTextJob } from './classic-text.ts'
import type { Waiting } from './embedded-host.ts'
import { eventsOf } from './events.ts'
import type { Source } from './held-models.ts'
import type { EmbeddedTask, Job } from './job.ts'
import { embeddedTask, type ModelPlan, planModel } from './model-files.ts'
import type { StreamWords, Told } from './open-ai-call.ts'
import { openAiJob } from './open-ai-job.ts'
import { embeddedHostOf } from './running.ts'
import { stillServed } from './watch-models.ts'

type Parts = Pick<Asked, 'route' | 'embedded' | 'sentBytes'>

/** How long a call of the classic API waits for a model, which is then told to be loading. */
const momentMs = 3_000

/** Throws `bad_request`, `inference_unsupported` and `model_not_runnable`. */
export async function embeddedClassic(
  call: Call,
  served: Served,
  named: string | null,
  body: ClassicBody | Buffer,
): Promise<Parts> {
  const source = await sourceOf(call, served)
  const task = taskAsked(await source.plan(), named)
  const patienceMs = waitsForModel(call, body) ? call.hub.config.inferenceFirstByte : momentMs
  const asked = task === 'text-generation' ? classicTextJob(body) : { ...classicJob(task, body), stream: null }
  const { job, told, route, stream } = asked
  return {
    route,
    sentBytes: promptBytes(job),
    embedded: async (_, signal) => {
      if (stream !== null) return await streamed(call, source, job, stream(), { signal, patienceMs })
      const { result, tokensIn, tokensOut } = await run(call, source, job, { signal, patienceMs })
      const value = told(result, { tokensOut })
      return { ...whole(value), counts: () => ({ tokensIn, tokensOut }) }
    },
  }
}

const idPrefixes: Readonly<Record<OpenAiPath, string>> = {
  'chat/completions': 'chatcmpl-',
  completions: 'cmpl-',
  embeddings: 'embd-',
  responses: 'resp_',
}

/** As `embeddedClassic`, of OpenAI's API. */
export async function embeddedOpenAi(call: Call, served: Served, route: OpenAiPath, body: object): Promise<Parts> {
  const { job, stream, whole: wholeOf } = openAiJob(route, body)
  const source = await sourceOf(call, served)
  taskAsked(await source.plan(), job.head)
  const { clock, config } = call.hub
  const told: Told = { id: `${idPrefixes[route]}${clock.id()}`, created: secondsOf(call), model: source.name }
  const patienceMs = config.inferenceFirstByte
  return {
    route,
    sentBytes: promptBytes(job),
    embedded: async (_, signal) => {
      if (stream !== null) return await streamed(call, source, job, stream(told), { signal, patienceMs })
      const { result, tokensIn, tokensOut } = await run(call, source, job, { signal, patienceMs })
      const value = wholeOf(told, result, { tokensIn, tokensOut, at: secondsOf(call) })
      return { ...whole(value), counts: () => ({ tokensIn, tokensOut }) }
    },
  }
}

async function streamed(
  call: Call,
  source: Source,
  job: Job,
  words: StreamWords,
  { signal, patienceMs }: Pick<Waiting, 'signal' | 'patienceMs'>,
): Promise<BackendAnswer> {
  const leaving = new AbortController()
  const both = AbortSignal.any([signal, leaving.signal])
  const begin = (onText: (text: string) => void) => run(call, source, job, { signal: both, patienceMs, onText })
  return await eventsOf(words, leaving, begin, () => secondsOf(call))
}

function secondsOf({ hub }: Call): number {
  return Math.floor(hub.clock.now() / 1_000)
}

function promptBytes(job: Job): number {
  if (job.head !== 'text-generation') return 0
  const texts = typeof job.prompt === 'string' ? [job.prompt] : job.prompt.map(({ content }) => content)
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0)
}

function whole(value: unknown): Extract<BackendAnswer, { kind: 'json' }> {
  return { kind: 'json', status: 200, text: JSON.stringify(value), value }
}

/** INF-5: who had to wait may have lost the right meanwhile; then nothing is begun. */
async function run(call: Call, source: Source, job: Job, waiting: Omit<Waiting, 'onTurn'>) {
  const wanted = { ...source, head: job.head }
  return await embeddedHostOf(call.hub).run(wanted, job, { ...waiting, onTurn: () => call.reauthorize() })
}

/** Throws `model_not_runnable` where nothing was uploaded yet. */
async function sourceOf({ hub, allowed, facts }: Call, served: Served): Promise<Source> {
  const reading = authorize('repo.content.read', facts)
  const { id: repoId, owner, name, headCommit } = allowed.resource
  const commit = served.commit ?? headCommit
  if (commit === null) throw new HoldfastError('model_not_runnable', { reason: 'it has no files yet.' })
  return {
    ...{ repoId, commit, head: 'feature-extraction', name: `${owner.name}/${name}` },
    plan: () => planModel(hub, reading, commit, hub.config.inferenceMemory),
    open: (file) => openFile(hub, repoId, file),
    isServed: async () => await stillServed(hub, reading, commit, served.visibility, served.gated),
  }
}

/** What each model answers beside what it is for. */
const alsoFor: Readonly<Record<string, readonly EmbeddedTask[]>> = {
  'feature-extraction': ['sentence-similarity'],
  'sentence-similarity': ['feature-extraction'],
  'zero-shot-classification': ['text-classification'],
  'text2text-generation': ['summarization', 'translation'],
}

/** `named`: in the address. Throws `inference_unsupported`. */
function taskAsked({ task: own }: ModelPlan, named: string | null): EmbeddedTask {
  const task = named ?? own
  if (task === null) {
    throw unsupported(
      'What this model is for is not known. Say it in its card (pipeline_tag), or in the address: /models/{id}/pipeline/{task}.',
    )
  }
  const known = embeddedTask(task)
  if (known === null) throw unsupported(`This hub does not run ${task.slice(0, 60)}. Attach a server that does.`)
  const isFor = own === null || own === known || alsoFor[own]?.includes(known) === true
  if (!isFor) throw unsupported(`This model is for ${own}, and not for ${known}.`)
  return known
}

const unsupported = (reason: string): HoldfastError => new HoldfastError('inference_unsupported', { reason })

function waitsForModel({ request }: Call, body: ClassicBody | Buffer): boolean {
  const header = request.header('x-wait-for-model')?.toLowerCase()
  if (header !== undefined) return header === 'true' || header === '1'
  return !Buffer.isBuffer(body) && body.options?.wait_for_model === true
}
