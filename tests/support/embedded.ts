/** A hub that runs models itself: tiny ones, uploaded as their owners do it. */
import { expect } from 'vitest'
import { embeddedHostOf } from '../../src/features/inference/embedded/running.ts'
import type { DialectName } from '../../src/platform/db/kysely-handle.ts'
import { startInference } from './inference.ts'
import type { ModelFiles } from './tiny-models.ts'

export type EmbeddedWorld = Awaited<ReturnType<typeof startEmbeddedHub>>

export async function startEmbeddedHub(dialect: DialectName, env: Readonly<Record<string, string>> = {}) {
  const world = await startInference(dialect, env)
  const { site, ask, ada } = world

  /** A commit with these files on `main`. */
  async function put(model: string, files: ModelFiles, tag: string | null): Promise<void> {
    const all: ModelFiles = {
      ...files,
      ...(tag === null ? {} : { 'README.md': Buffer.from(`---\npipeline_tag: ${tag}\n---\n# A tiny model\n`) }),
    }
    const lines = [
      { key: 'header', value: { summary: 'a model' } },
      ...Object.entries(all).map(([path, content]) => ({
        key: 'file',
        value: { path, content: content.toString('base64'), encoding: 'base64' },
      })),
    ]
    const response = await fetch(`${site.url}/api/models/${model}/commit/main`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ada.token}`, 'content-type': 'application/x-ndjson' },
      body: lines.map((line) => JSON.stringify(line)).join('\n'),
    })
    expect(response.status, await response.clone().text()).toBe(200)
  }

  const attach = (model: string, more: object = {}) =>
    ask('PUT', `/api/models/${model}/inference`, { token: ada.token, body: { embedded: true, ...more } })

  /** A new model of acme that the hub runs. */
  async function run(files: ModelFiles, options: { isPrivate?: boolean; tag?: string } = {}): Promise<string> {
    const model = await world.makeModel(options.isPrivate ?? false)
    await put(model, files, options.tag ?? null)
    const set = await attach(model)
    expect(set.status, set.text).toBe(200)
    return model
  }

  const call = (model: string, body: object, token = ada.token) => ask('POST', `/models/${model}`, { token, body })

  const stateOf = async (model: string) => {
    const answer = await ask('GET', `/api/models/${model}/inference`, { token: ada.token })
    return answer.json<{ embedded: Record<string, unknown> }>().embedded
  }

  return { ...world, put, attach, run, call, stateOf, host: embeddedHostOf(site.hub) }
}
