/** How models come into memory and leave it: one load for all callers, a limit, crashes, and what is held, hidden or broken. */
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { eicar } from '../../../../tests/scanning/samples.ts'
import { type EmbeddedWorld, startEmbeddedHub } from '../../../../tests/support/embedded.ts'
import { node, onnxFile, tensor, value } from '../../../../tests/support/onnx-writer.ts'
import {
  alphabetModel,
  colourModel,
  embeddingModel,
  type ModelFiles,
  sentimentModel,
  words,
} from '../../../../tests/support/tiny-models.ts'
import type { RepoEntry } from '../../files/service.ts'
import { EmbeddedHost, type HostOptions } from './embedded-host.ts'
import { Held, HeldModels, type Source } from './held-models.ts'
import type { Job } from './job.ts'
import { removeStrays, sweepModels } from './watch-models.ts'

const dog: Job = { head: 'feature-extraction', texts: ['dog'], isNormalized: null, isCut: true }
const generation = {
  ...{ most: 4_096, temperature: null, topP: null, topK: null, repetitionPenalty: null, seed: null, isSampled: null },
  stops: [],
}
const goingOn = { head: 'text-generation', prompt: 'a', generation, isStream: true } as const
const patient = { signal: new AbortController().signal, patienceMs: 60_000 }
const mib = 1 << 20

/** Files as a repo has them. */
function sourceOf(repoId: string, files: ModelFiles = embeddingModel(), beforeOpen?: () => Promise<unknown>): Source {
  const entries = Object.entries(files).map(
    ([at, content]): RepoEntry => ({
      path: at,
      type: 'file',
      oid: at,
      size: content.length,
      isSymlink: false,
      lfs: null,
    }),
  )
  const bytes = entries.reduce((sum, { size }) => sum + size, 0)
  const pooling = { kind: 'mean', isNormalized: false } as const
  return {
    ...{ repoId, commit: 'c', head: 'feature-extraction', name: `acme/${repoId}` },
    plan: async () => ({
      files: entries,
      bytes,
      weights: 1 * mib,
      dtype: 'fp32',
      subfolder: 'onnx',
      pooling,
      task: null,
      hasChatTemplate: false,
      mask: null,
    }),
    open: async ({ path: at }) => {
      await beforeOpen?.()
      return (async function* () {
        yield files[at] ?? Buffer.alloc(0)
      })()
    },
    isServed: async () => true,
  }
}

test('copies that a killed hub left behind are removed, those of others are not', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-strays-'))
  await removeStrays(path.join(folder, 'not there'))
  for (const name of ['old', 'new']) {
    await mkdir(path.join(folder, name, 'model-x'), { recursive: true })
    await writeFile(path.join(folder, name, 'model-x', 'model.onnx'), 'weights')
  }
  const longAgo = new Date(Date.now() - 2 * 3_600_000)
  await utimes(path.join(folder, 'old'), longAgo, longAgo)
  await removeStrays(folder)
  expect(await readdir(folder)).toEqual(['new'])
  await rm(folder, { recursive: true })
})

describe('what is in memory', () => {
  const sized = (id: string, memory: number, usedAt: number): Held => {
    const held = new Held(id, sourceOf(id))
    return Object.assign(held, { state: 'loaded', memory, usedAt })
  }

  test('the one that was not called for longest leaves first, when its last call has ended', async () => {
    const dropped: string[] = []
    const models = new HeldModels(100, (key) => dropped.push(key))
    const [a, b, c] = [sized('a', 40, 2), sized('b', 40, 1), sized('c', 10, 3)]
    for (const held of [a, b, c]) models.add(held)
    await models.makeRoom(10, c)
    expect(dropped).toEqual([])
    b.enter()
    const room = models.makeRoom(50, c)
    // It is not called any more, and its call ends first.
    expect(models.get('b')).toBeNull()
    expect([models.memory, dropped]).toEqual([90, []])
    b.leave()
    await room
    expect([models.memory, dropped]).toEqual([50, ['b']])
    await models.makeRoom(95, c)
    expect(dropped).toEqual(['b', 'a'])
    // There is no other that could leave.
    await models.makeRoom(1_000, c)
    expect(models.get('c')).toBe(c)
  })
})

describe('the process that runs models', () => {
  let folder: string
  const hosts: EmbeddedHost[] = []
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'holdfast-models-'))
  })
  afterAll(async () => {
    for (const host of hosts) await host.stop()
    await rm(folder, { recursive: true, force: true })
  })

  function open(options: Partial<HostOptions> = {}): EmbeddedHost {
    const host = new EmbeddedHost({
      folder: path.join(folder, `host-${hosts.length}`),
      memory: 256 * mib,
      mostWaiting: 2_000,
      timeLimitMs: 30_000,
      log: pino({ level: 'silent' }),
      ...options,
    })
    hosts.push(host)
    return host
  }

  // The attack: a thousand callers at once on a model that nobody has loaded, to have it loaded a thousand times.
  test('a thousand callers of a cold model are one load', async () => {
    const host = open()
    let opened = 0
    const source = sourceOf('cold', embeddingModel(), async () => ++opened)
    const all = await Promise.all(Array.from({ length: 1_000 }, () => host.run(source, dog, patient)))
    expect(all.length).toBe(1_000)
    expect(new Set(all.map(({ result }) => JSON.stringify(result))).size).toBe(1)
    expect(host.loads).toBe(1)
    expect(opened).toBe(Object.keys(embeddingModel()).length)
    // Copies lie there only while they are read.
    expect(await readdir(path.join(folder, `host-${hosts.indexOf(host)}`))).toEqual([])
  }, 60_000)

  test('more callers than may wait are told to come again', async () => {
    const host = open({ mostWaiting: 3 })
    const source = sourceOf('busy')
    await host.run(source, dog, patient)
    const all = await Promise.allSettled(Array.from({ length: 20 }, () => host.run(source, dog, patient)))
    const codes = all.map((one) => (one.status === 'fulfilled' ? 'done' : (one.reason as { code: string }).code))
    expect(codes.filter((code) => code === 'done').length).toBe(7)
    expect(codes.filter((code) => code === 'inference_busy').length).toBe(13)
  }, 60_000)

  const endless = (id: string): Source => ({
    ...sourceOf(id, alphabetModel({ isEndless: true, most: 100_000 })),
    head: 'text-generation',
  })
  /** Runs one that does not end by itself, and kills its process as a crash would. */
  async function crash(host: EmbeddedHost, id: string): Promise<unknown> {
    const begun = Promise.withResolvers<void>()
    const running = host.run(endless(id), goingOn, { ...patient, onText: () => begun.resolve() })
    const ended = running.catch((error: unknown) => error)
    await Promise.race([begun.promise, ended])
    if (host.underWay > 0) process.kill(host.pid ?? 0, 'SIGKILL')
    return await ended
  }

  test('killed in the middle of its work it takes only that work with it', async () => {
    const host = open()
    expect(await crash(host, 'endless')).toMatchObject({ code: 'embedded_failed', status: 503 })
    expect(host.statesOf('endless')).toEqual([])
    expect((await host.run(sourceOf('next'), dog, patient)).tokensIn).toBe(3)
  }, 60_000)

  // The attack: a model whose graph crashes the runtime, called again and again, so that nobody else is served.
  test('a model with which it ended three times is left alone, and the others are not', async () => {
    const host = open()
    const codes: string[] = []
    while (codes.length < 20 && !codes.includes('model_not_runnable')) {
      codes.push(((await crash(host, 'hostile')) as { code: string }).code)
      // It is started again later each time.
      await new Promise((resolve) => setTimeout(resolve, 400))
    }
    expect(codes.slice(-1)).toEqual(['model_not_runnable'])
    expect(codes.slice(0, -1).every((code) => code === 'embedded_failed')).toBe(true)
    await vi.waitFor(async () => expect((await host.run(sourceOf('good'), dog, patient)).tokensIn).toBe(3), {
      timeout: 10_000,
      interval: 500,
    })
  }, 60_000)

  test('a process that takes too much memory is ended', async () => {
    // The program alone takes more than what is left here beside models.
    const host = open({ memory: -(1 << 30) + 60 * mib })
    await expect(host.run(endless('large'), goingOn, patient)).rejects.toMatchObject({ code: 'embedded_failed' })
  }, 60_000)

  // The attack: a graph that never ends, so that the process works on it for ever.
  test('a call that takes too long is told so, and ended', async () => {
    const host = open({ timeLimitMs: 300 })
    const silent: Job = { ...goingOn, isStream: false }
    await expect(host.run(endless('slow'), silent, patient)).rejects.toMatchObject({
      code: 'backend_failed',
      message: expect.stringContaining('in time'),
    })
    await vi.waitFor(() => expect(host.underWay).toBe(0), { timeout: 5_000 })
  }, 60_000)

  test('without the library it says so', async () => {
    const host = open({ library: 'no-such-library-of-models' })
    await expect(host.run(sourceOf('any'), dog, patient)).rejects.toMatchObject({
      code: 'embedded_missing',
      status: 503,
      message: expect.stringContaining('@huggingface/transformers'),
    })
  }, 60_000)

  test('who waits for longer than a moment is told that it is loading', async () => {
    const host = open()
    const gate = Promise.withResolvers<void>()
    const source = sourceOf('slow', embeddingModel(), () => gate.promise)
    const waiting = host.run(source, dog, patient)
    await expect(host.run(source, dog, { ...patient, patienceMs: 50 })).rejects.toMatchObject({
      code: 'model_loading',
      status: 503,
      message: 'Model acme/slow is currently loading',
      extras: { body: { estimated_time: expect.any(Number) } },
    })
    expect(host.statesOf('slow')).toMatchObject([{ state: 'loading', bytes: 0, of: expect.any(Number) }])
    gate.resolve()
    expect((await waiting).tokensIn).toBe(3)
    expect(host.statesOf('slow')).toMatchObject([{ state: 'loaded' }])
    expect(host.loads).toBe(1)
  }, 60_000)

  // The attack: an owner attaches a model, calls it and hides it, so that it is removed while it is loaded. The process that nobody seemed to need was
  // ended, whoever had asked it was never told, and no model of the whole hub was loaded any more.
  test('story: a model that is removed while it is loaded does not keep others from being loaded', async () => {
    const host = open()
    const hidden = host.run(sourceOf('hidden'), dog, patient)
    host.unload('hidden')
    const tidying = setInterval(() => host.tidy(), 1)
    try {
      expect((await hidden).tokensIn).toBeGreaterThan(0)
    } finally {
      clearInterval(tidying)
    }
    const other = await host.run(sourceOf('other'), dog, patient)
    expect(other.tokensIn).toBeGreaterThan(0)
  })

  // The attack: a graph that names a file of the machine as its weights, to have it read and told as a vector.
  test('story: weights that lie outside of the model are not read', async () => {
    const outside = (location: string): ModelFiles => ({
      ...embeddingModel(),
      'onnx/model.onnx': onnxFile({
        inputs: ['input_ids', 'attention_mask', 'token_type_ids'].map((name) => value(name, 'int64', ['b', 'l'])),
        outputs: [value('last_hidden_state', 'float', ['b', 'l', 1])],
        weights: [tensor('table', [words.length, 1], new Float32Array(words.length), location)],
        nodes: [node('Gather', ['table', 'input_ids'], ['last_hidden_state'])],
      }),
    })
    const host = open()
    for (const location of [
      '/etc/passwd',
      '../../../../../../../../etc/passwd',
      `../../../${'x/../'.repeat(3)}etc/passwd`,
    ]) {
      await expect(host.run(sourceOf(location, outside(location)), dog, patient)).rejects.toMatchObject({
        code: 'model_not_runnable',
      })
    }
    // Within it they are.
    const beside = { ...outside('model.onnx.data'), 'onnx/model.onnx.data': Buffer.alloc(words.length * 4) }
    expect((await host.run(sourceOf('beside', beside), dog, patient)).tokensIn).toBe(3)
  }, 60_000)
})

describe('models of repos', () => {
  let world: EmbeddedWorld
  beforeAll(async () => {
    world = await startEmbeddedHub('sqlite', { HOLDFAST_INFERENCE_MEMORY: '64MiB' })
  })
  afterAll(async () => {
    await world?.host.stop()
    await world?.site.stop()
  })
  const tag = 'feature-extraction'

  test('what is made private, deleted or served otherwise leaves memory, also where nobody calls it', async () => {
    const { ask, ada, host, call } = world
    const loaded = async (model: string) => (await world.stateOf(model)).state
    const hidden = await world.run(embeddingModel(), { tag })
    const gone = await world.run(embeddingModel(), { tag })
    const other = await world.run(embeddingModel(), { tag })
    for (const model of [hidden, gone, other]) expect((await call(model, { inputs: 'dog' })).status).toBe(200)
    await sweepModels(host)
    expect(host.sources.length).toBe(3)
    const set = await ask('PUT', `/api/models/${hidden}/settings`, { token: ada.token, body: { private: true } })
    expect(set.status, set.text).toBe(200)
    await sweepModels(host)
    expect(await loaded(hidden)).toBe('not loaded')
    expect((await call(hidden, { inputs: 'dog' })).status).toBe(200)
    const [organization, name] = gone.split('/')
    const removed = await ask('DELETE', '/api/repos/delete', { token: ada.token, body: { organization, name } })
    expect(removed.status, removed.text).toBe(200)
    await sweepModels(host)
    expect(host.sources.map((source) => source.name).sort()).toEqual([hidden, other].sort())
    await world.setServers(other, [{ url: 'http://127.0.0.1:1', kind: 'tei' }])
    expect(host.sources.map((source) => source.name)).toEqual([hidden])
    await vi.waitFor(() => expect(host.memory).toBeLessThan(64 * mib))
  }, 60_000)

  // The story: a model is found to be infected after somebody has called it, and goes on answering from memory.
  test('what is held leaves memory, and is not run again', async () => {
    const { ask, ada, host, call } = world
    const model = await world.run({ ...embeddingModel(), 'x.com': Buffer.from(eicar) }, { tag })
    await vi.waitFor(
      async () =>
        expect((await ask('GET', `/api/models/${model}/scan`, { token: ada.token })).text).toContain('unsafe'),
      { timeout: 20_000, interval: 100 },
    )
    const policy = (scanPolicy: string) =>
      ask('PATCH', '/api/organizations/acme/settings', { token: ada.token, body: { scanPolicy } })
    const isLoaded = () => host.sources.some(({ name }) => name === model)
    expect((await call(model, { inputs: 'dog' })).status).toBe(200)
    expect((await policy('block_infected')).status).toBe(200)
    // Nobody calls it.
    await sweepModels(host)
    expect(isLoaded()).toBe(false)
    expect((await policy('warn')).status).toBe(200)
    expect((await call(model, { inputs: 'dog' })).status).toBe(200)
    expect((await policy('block_infected')).status).toBe(200)
    // Somebody does, before anything was looked after.
    const held = await call(model, { inputs: 'dog' })
    expect([held.status, held.json()]).toEqual([403, expect.objectContaining({ code: 'content_held' })])
    expect(isLoaded()).toBe(false)
    expect((await policy('warn')).status).toBe(200)
  }, 60_000)

  test('a new commit takes the place of the one before', async () => {
    const { host, call, put } = world
    const model = await world.run(embeddingModel(), { tag })
    expect((await call(model, { inputs: 'dog' })).status).toBe(200)
    const before = host.sources.find(({ name }) => name === model)?.commit
    await put(model, embeddingModel({ isNormalized: true }), tag)
    const answer = await call(model, { inputs: 'dog' })
    expect(Math.hypot(...answer.json<number[]>())).toBeCloseTo(1, 5)
    const commits = host.sources.filter(({ name }) => name === model).map(({ commit }) => commit)
    expect(commits.length).toBe(1)
    expect(commits).not.toEqual([before])
    // One that is named stays.
    expect((await world.attach(model, { revision: before })).status).toBe(200)
    expect(Math.hypot(...(await call(model, { inputs: 'dog' })).json<number[]>())).not.toBeCloseTo(1, 3)
  }, 60_000)

  test('the limit of memory holds, whatever is called', async () => {
    const models: string[] = []
    for (let at = 0; at < 5; at++) models.push(await world.run(embeddingModel({ pad: 5 * mib }), { tag }))
    for (const model of [...models, ...models]) {
      expect((await world.call(model, { inputs: 'dog' })).status).toBe(200)
      await vi.waitFor(() => expect(world.host.memory).toBeLessThanOrEqual(64 * mib))
    }
    const large = await world.makeModel(false)
    await world.put(large, { ...embeddingModel(), 'onnx/model.onnx': Buffer.alloc(65 * mib) }, tag)
    const refused = await world.attach(large)
    expect([refused.status, refused.text]).toEqual([422, expect.stringContaining('HOLDFAST_INFERENCE_MEMORY')])
  }, 90_000)

  test('what cannot be run is refused when it is attached, and tells why when it fails', async () => {
    const attached = async (files: ModelFiles) => {
      const model = await world.makeModel(false)
      await world.put(model, files, tag)
      const { status, text } = await world.attach(model)
      return [status, text]
    }
    const { 'onnx/model.onnx': _, ...graphless } = embeddingModel()
    expect(await attached(graphless)).toEqual([422, expect.stringContaining('no graph in ONNX')])
    const { 'config.json': __, ...configless } = embeddingModel()
    expect(await attached(configless)).toEqual([422, expect.stringContaining('no config.json')])
    const damaged = await world.run({ ...embeddingModel(), 'onnx/model.onnx': Buffer.from('no graph') }, { tag })
    const answer = await world.call(damaged, { inputs: 'dog' })
    expect([answer.status, answer.json()]).toEqual([422, expect.objectContaining({ code: 'model_not_runnable' })])
    expect(answer.text).not.toContain(world.site.folder)
    expect(await world.stateOf(damaged)).toMatchObject({ state: 'failed', why: expect.stringContaining('cannot run') })
    // A graph that does not do what its task needs.
    const wrong = await world.run({
      ...sentimentModel(),
      'onnx/model.onnx': colourModel()['onnx/model.onnx'] ?? Buffer.alloc(0),
    })
    const failed = await world.call(wrong, { inputs: 'dog' })
    expect([failed.status, failed.json()]).toEqual([502, expect.objectContaining({ code: 'backend_failed' })])
    const empty = await world.attach(await world.makeModel(false))
    expect([empty.status, empty.text]).toEqual([422, expect.stringContaining('no config.json')])
    const both = { backends: [{ url: 'http://127.0.0.1:1', kind: 'tei' }] }
    expect((await world.attach(damaged, both)).status).toBe(400)
  }, 60_000)

  // The attack: one text of 64 MB under ten thousand names, which a repo keeps once; laid out for the process they fill the disk of the hub.
  test('story: files that describe a model are not laid out where they take more than models may', async () => {
    const model = await world.makeModel(false)
    const text = Buffer.alloc(33 * mib, 'a\n')
    await world.put(model, { ...embeddingModel(), 'one.txt': text, 'two.txt': text }, tag)
    const refused = await world.attach(model)
    expect([refused.status, refused.text]).toEqual([422, expect.stringContaining('beside its weights')])
    // What lies in a folder is not read.
    const other = await world.makeModel(false)
    await world.put(other, { ...embeddingModel(), 'one.txt': text, 'texts/two.txt': text }, tag)
    expect((await world.attach(other)).status).toBe(200)
  }, 60_000)

  // The attack: nonsense in every field, tasks that the model is not for, and texts of a size that no model takes.
  test('malformed and huge requests are refused, and named', async () => {
    const model = await world.run(embeddingModel(), { tag: 'sentence-similarity' })
    const refused = async (body: object, task = 'feature-extraction') => {
      const { status, json } = await world.call(`${model}/pipeline/${task}`, body)
      return [status, json<{ error: string }>().error]
    }
    expect(await refused({})).toEqual([400, expect.stringContaining('inputs')])
    expect(await refused({ inputs: 7 })).toEqual([400, expect.stringContaining('inputs')])
    expect(await refused({ inputs: [] })).toEqual([400, expect.stringContaining('inputs')])
    expect(await refused({ inputs: [['a']] })).toEqual([400, expect.stringContaining('inputs')])
    expect(await refused({ inputs: 'a', parameters: { top_k: 1 } })).toEqual([400, expect.stringContaining('top_k')])
    expect(await refused({ inputs: 'a', unheard: 1 })).toEqual([400, expect.stringContaining('unheard')])
    expect(await refused({ inputs: 'a', stream: true })).toEqual([400, expect.stringContaining('/v1/')])
    expect(await refused({ inputs: Array(3_000).fill('a') })).toEqual([400, expect.stringContaining('inputs')])
    expect(await refused({ inputs: 'a'.repeat(1_000_001) })).toEqual([400, expect.stringContaining('1000001')])
    expect(await refused({ inputs: 'a '.repeat(100), truncate: false })).toEqual([
      400,
      expect.stringContaining('at most 64'),
    ])
    expect((await world.call(`${model}/pipeline/feature-extraction`, { inputs: 'a '.repeat(100) })).status).toBe(200)
    expect(await refused({ inputs: 'a' }, 'fill-mask')).toEqual([
      400,
      'This model is for sentence-similarity, and not for fill-mask.',
    ])
    expect(await refused({ inputs: 'a' }, 'text-to-video')).toEqual([
      400,
      expect.stringContaining('does not run text-to-video'),
    ])
    const bytes = await fetch(`${world.site.url}/models/${model}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${world.ada.token}`, 'content-type': 'image/png' },
      body: 'bytes',
    })
    expect([bytes.status, await bytes.text()]).toEqual([400, expect.stringContaining('takes JSON')])
    const huge = await fetch(`${world.site.url}/models/${model}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${world.ada.token}`, 'content-type': 'application/json' },
      body: 'a'.repeat(17 * mib),
    })
    expect(huge.status).toBe(413)
  }, 60_000)
})
