/** What it costs that the hub runs a model, and not the caller: the same library, the same files, asked through the hub and called directly. */
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { sentenceModel } from '../../tests/support/sentence-model.ts'
import { words } from '../../tests/support/tiny-models.ts'
import type { BenchCase } from '../case.ts'
import type { SentencesResult } from '../children/embeddings.ts'
import { runClient } from '../children.ts'
import { commitBody, file, openClient } from '../hub-client.ts'
import { startHoldfast } from '../program.ts'

const wordsOfSentence = 22
const plainWords = words.slice(5)

export const embeddedCase: BenchCase = {
  name: 'embedded',
  about:
    'Sentence embeddings of a model of the size of all-MiniLM-L6 that the hub runs itself, against the same library called directly: 32 sentences a call, and one.',
  run: async (bench) => {
    const model = { ...sentenceModel(), 'README.md': Buffer.from('---\npipeline_tag: sentence-similarity\n---\n') }
    const folder = path.join(bench.folder, 'model')
    for (const [at, content] of Object.entries(model)) {
      await mkdir(path.dirname(path.join(folder, at)), { recursive: true })
      await writeFile(path.join(folder, at), content)
    }
    const hub = await startHoldfast(bench.program, { data: path.join(bench.folder, 'hub') })
    try {
      const client = await openClient(hub)
      const repo = await client.createRepo('sentences')
      await client.commit(
        repo,
        commitBody('A model', ...Object.entries(model).map(([at, content]) => file(at, content))),
      )
      client.close()
      const headers = { authorization: `Bearer ${client.token}` }
      const set = await fetch(`${hub.url}/api/models/${repo}/inference`, {
        method: 'PUT',
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify({ embedded: true }),
      })
      if (!set.ok) throw new Error(`Having it run: ${set.status} ${await set.text()}`)
      const url = `${hub.url}/v1/embeddings`
      for (const [name, size, calls, callers] of [
        ['32 sentences a call, 4 callers', 32, bench.isQuick ? 4 : 24, 4],
        ['one sentence a call, 4 callers', 1, bench.isQuick ? 20 : 400, 4],
        ['one sentence a call, one caller', 1, bench.isQuick ? 20 : 400, 1],
      ] as const) {
        const sentences = path.join(bench.folder, `sentences-${size}.json`)
        await writeFile(sentences, JSON.stringify(Array.from({ length: calls }, (_, at) => batch(size, at))))
        const [first, same] = [
          await runClient('embed-by-hub', {
            url,
            headers: { ...headers, 'x-model': repo },
            sentences,
            times: 1,
            callers,
          }),
          await runClient('embed-directly', { folder, sentences, times: 1 }),
        ]
        expectSame(first, same)
        await bench.compare({
          name,
          unit: 'sentences/s',
          target: { ratioAtLeast: 0.8 },
          ours: async () =>
            (
              await runClient('embed-by-hub', {
                url,
                headers: { ...headers, 'x-model': repo },
                sentences,
                times: 1,
                callers,
              })
            ).perSecond,
          yardstick: {
            name: 'Transformers.js',
            measure: async () => (await runClient('embed-directly', { folder, sentences, times: 1 })).perSecond,
          },
        })
      }
    } finally {
      await hub.stop()
    }
  },
}

function batch(size: number, number: number): string[] {
  return Array.from({ length: size }, (_, row) =>
    Array.from(
      { length: wordsOfSentence },
      (__, at) => plainWords[(number * 7 + row * 3 + at) % plainWords.length],
    ).join(' '),
  )
}

/** What is fast has to be right, too. */
function expectSame(ours: SentencesResult, theirs: SentencesResult): void {
  const isSame =
    ours.vector.length === theirs.vector.length &&
    ours.vector.every((one, at) => Math.abs(one - (theirs.vector[at] ?? 0)) < 1e-5)
  if (!isSame) throw new Error('The hub and the library do not give the same vector.')
}
