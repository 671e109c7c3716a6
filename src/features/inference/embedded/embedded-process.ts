/** The process that runs models. It gets them as folders, has no secret, fetches nothing, and has the lowest claim on the processors; the hub lives on without it. */
import { setPriority } from 'node:os'
import { fromModel, NotTheModels } from './faults.ts'
import type { FromProcess, Job, ToLoad, ToProcess } from './job.ts'
import { type Library, loadLibrary } from './library.ts'
import { LoadedModel } from './loaded-model.ts'
import { runJob } from './run-job.ts'

// Before the library starts its threads: they inherit it.
const niceness = 10

const models = new Map<string, LoadedModel>()
const running = new Map<number, AbortController>()

function say(message: FromProcess): void {
  process.send?.(message)
}

async function load(library: Library, asked: ToLoad): Promise<void> {
  const before = process.memoryUsage.rss()
  try {
    models.set(asked.key, await LoadedModel.load(library, asked))
    say({ say: 'loaded', key: asked.key, memory: Math.max(0, process.memoryUsage.rss() - before) })
  } catch (error) {
    say({ say: 'not loaded', key: asked.key, why: fromModel(error) })
  }
}

async function run(library: Library, id: number, key: string, job: Job): Promise<void> {
  const leaving = new AbortController()
  running.set(id, leaving)
  try {
    const model = models.get(key)
    if (model === undefined) throw new Error('The model is not loaded.')
    const onText = (text: string): void => say({ say: 'part', id, text })
    const { result, tokensIn, tokensOut } = await runJob(library, model, job, leaving.signal, onText)
    say({ say: 'done', id, result, tokensIn, tokensOut })
  } catch (error) {
    say({ say: 'refused', id, why: fromModel(error), isCallers: error instanceof NotTheModels })
  } finally {
    running.delete(id)
  }
}

async function unload(key: string): Promise<void> {
  const model = models.get(key)
  models.delete(key)
  await model?.dispose()
}

try {
  setPriority(niceness)
  const library = await loadLibrary(process.argv[2] ?? '')
  process.on('message', (message: ToProcess) => {
    if (message.do === 'load') void load(library, message)
    else if (message.do === 'run') void run(library, message.id, message.key, message.job)
    else if (message.do === 'cancel') running.get(message.id)?.abort()
    else void unload(message.key)
  })
  // The hub is gone: nobody needs an answer.
  process.on('disconnect', () => process.exit(0))
  say({ say: 'ready' })
} catch (error) {
  say({ say: 'missing', why: error instanceof Error ? error.message.slice(0, 500) : 'unknown' })
}
