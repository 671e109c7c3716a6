// Makes javascript.json: what the installed @huggingface/hub sends for the data of data.ts, shard footer included.
//   node src/platform/xet/vectors/make-vectors.mjs > src/platform/xet/vectors/javascript.json
// No server takes part: the package gets a fetch() that answers as a hub would and keeps what was sent.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { uploadFiles } from '@huggingface/hub'
import { makeData } from './data.ts'

const data = {
  short: { kind: 'text', seed: 'short', length: 1000 },
  text: { kind: 'text', seed: 'text', length: 150_000 },
  'odd weights': { kind: 'weights', seed: 'odd', length: 9_999 },
}
const hub = 'http://hub.invalid'
const cas = `${hub}/cas/scope`
const xorbs = []
const shards = []

const json = (value) => new Response(JSON.stringify(value), { headers: { 'content-type': 'application/json' } })

async function answer(input, init) {
  const address = String(input)
  const body = init?.body
  const bytes = async () => Buffer.from(await new Response(body).arrayBuffer())
  if (address.includes('/preupload/')) {
    const { files } = JSON.parse(body)
    return json({ files: files.map(({ path }) => ({ path, uploadMode: 'lfs' })) })
  }
  if (address.endsWith('/info/lfs/objects/batch')) {
    const header = {
      'X-Xet-Cas-Url': cas,
      'X-Xet-Access-Token': 'none',
      'X-Xet-Token-Expiration': String(Math.floor(Date.now() / 1000) + 3600),
      'X-Xet-Session-Id': 'session',
    }
    const upload = { href: `${hub}/api/models/a/b/xet-write-token/main`, header }
    const objects = JSON.parse(body).objects.map((object) => ({ ...object, actions: { upload } }))
    return json({ transfer: 'xet', objects })
  }
  if (address.startsWith(`${cas}/v1/xorbs/`)) {
    const sent = await bytes()
    xorbs.push({ hash: address.slice(-64), size: sent.length, bytes: sent.toString('base64') })
    return json({ was_inserted: true })
  }
  if (address.startsWith(`${cas}/v1/shards`)) {
    // The time of its making, in the footer, would differ each time.
    const shard = await bytes()
    shard.writeBigUInt64LE(1_700_000_000n, shard.length - 96)
    shards.push(shard.toString('base64'))
    return json({ result: 1 })
  }
  if (address.includes('/commit/'))
    return json({ success: true, commitOid: '0'.repeat(40), commitUrl: `${hub}/commit` })
  return new Response('', { status: 404 })
}

const files = Object.entries(data).map(([path, recipe]) => ({ path, content: new Blob([makeData(recipe)]) }))
await uploadFiles({ repo: 'a/b', accessToken: 'hf_none', hubUrl: hub, files, fetch: answer, useXet: true })

const version = JSON.parse(readFileSync('node_modules/@huggingface/hub/package.json', 'utf8')).version
const sha256s = Object.entries(data).map(([name, recipe]) => ({
  name,
  sha256: createHash('sha256').update(makeData(recipe)).digest('hex'),
}))
const run = { policy: 'auto', files: sha256s, xorbs, shards }
process.stdout.write(`${JSON.stringify({ client: `@huggingface/hub ${version}`, data, runs: [run] }, null, 1)}\n`)
