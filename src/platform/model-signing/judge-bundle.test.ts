/** Model signatures by themselves: what counts, and every way to write one that two readers would read differently. */
import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { expect, it } from 'vitest'
import {
  bundleOf,
  makeModelSigner,
  type Resource,
  resourcesOf,
  type Statement,
  signModel,
  statementOf,
} from '../../../tests/support/model-signer.ts'
import { judgeAside } from './bundle-thread.ts'
import { judgeBundle } from './judge-bundle.ts'

const signer = makeModelSigner()
const trusted = [{ id: 'k1', kind: 'key', pem: signer.publicKey }] as const
const files = { 'config.json': '{}', 'sub/weights.bin': 'weights' }
const good = () => statementOf(resourcesOf(files))
const judge = (bundle: unknown, keys: Parameters<typeof judgeBundle>[1] = trusted) =>
  judgeBundle(Buffer.from(typeof bundle === 'string' ? bundle : JSON.stringify(bundle)), keys, Date.now())
const signed = (change: (statement: Statement) => void) => {
  const statement = good()
  change(statement)
  return judge(bundleOf(signer, statement))
}
/** With a digest over all files that fits, so that nothing else is wrong. */
const listing = (resources: Resource[], serialization = {}) =>
  judge(bundleOf(signer, statementOf(resources, serialization)))
const one = (name: string): Resource[] => [{ name, algorithm: 'sha256', digest: '0'.repeat(64) }]

it.each(['P-256', 'P-384', 'P-521'] as const)('a signature by a trusted key of %s counts', (curve) => {
  const other = makeModelSigner(curve)
  const keys = [...trusted, { id: 'k2', kind: 'key', pem: other.publicKey } as const]
  expect(judge(signModel(other, files), keys)).toMatchObject({ by: 'k2', manifest: { files: resourcesShape() } })
})

const resourcesShape = () => resourcesOf(files).map(({ name, digest }) => ({ path: name, digest, size: null }))

it('a key that nobody trusts does not count, though the signature fits; a trusted one that was named for another does not either', () => {
  const stranger = makeModelSigner()
  expect(judge(signModel(stranger, files))).toMatchObject({ reason: 'unknown_key', signer: stranger.hint })
  expect(judge(signModel(signer, files), [])).toMatchObject({ reason: 'unknown_key' })
  const posing = bundleOf(stranger, good(), { publicKey: { hint: signer.hint } })
  expect(judge(posing)).toMatchObject({ reason: 'bad_signature' })
})

it('files of older signers name no key: each trusted one is tried', () => {
  const material = { publicKey: { rawBytes: 'AAAA', keyDetails: 'PKIX_ECDSA_P256_SHA_256' } }
  expect(judge(bundleOf(signer, good(), material))).toMatchObject({ by: 'k1' })
  expect(judge(bundleOf(makeModelSigner(), good(), material))).toMatchObject({ reason: 'unknown_key' })
})

it('one byte of what was signed, changed afterwards, and the signature no longer fits', () => {
  const bundle = bundleOf(signer, good())
  const payload = Buffer.from(bundle.dsseEnvelope.payload, 'base64').toString()
  const other = payload.replace(resourcesOf(files)[0]?.digest ?? '', 'f'.repeat(64))
  // The digest over all files is put right, too.
  const statement = JSON.parse(other) as Statement
  bundle.dsseEnvelope.payload = Buffer.from(JSON.stringify(statementOf(statement.predicate.resources))).toString(
    'base64',
  )
  expect(judge(bundle)).toMatchObject({ reason: 'bad_signature' })
})

it.each([
  ['nothing', ''],
  ['no JSON', '{"mediaType":'],
  ['an array', '[]'],
  ['another format', JSON.stringify({ ...bundleOf(signer, good()), mediaType: 'text/plain' })],
  ['no envelope', JSON.stringify({ ...bundleOf(signer, good()), dsseEnvelope: undefined })],
  ['nobody who signed', JSON.stringify(bundleOf(signer, good(), {}))],
  ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0x7d]).toString('latin1')],
  ['deep nesting', `${'['.repeat(1_000)}${']'.repeat(1_000)}`],
])('a file with %s is malformed', (_, text) => {
  expect(judge(text)).toMatchObject({ reason: 'malformed' })
})

it('no signature, two signatures, another type of payload: malformed', () => {
  const bundle = bundleOf(signer, good())
  const { dsseEnvelope: envelope } = bundle
  const [signature] = envelope.signatures
  for (const changed of [
    { ...envelope, signatures: [] },
    { ...envelope, signatures: [signature, signature] },
    { ...envelope, payloadType: 'text/plain' },
    { ...envelope, payload: `${envelope.payload.slice(0, -4)}!!!!` },
  ]) {
    expect(judge({ ...bundle, dsseEnvelope: changed })).toMatchObject({ reason: 'malformed' })
  }
})

it('The attack: a name stands twice in the JSON; the verifier reads one, whoever shows the list reads the other. Refused at every depth', () => {
  const bundle = JSON.stringify(bundleOf(signer, good()))
  expect(judge(bundle.replace('"mediaType"', '"mediaType":"x","mediaType"'))).toMatchObject({ reason: 'malformed' })
  expect(judge(bundle.replace('"mediaType"', '"media\\u0054ype":"x","mediaType"'))).toMatchObject({
    reason: 'malformed',
  })
  const text = JSON.stringify(good())
  const twice = text.replace('"resources"', '"resources":[],"resources"')
  expect(judge(bundleOf(signer, twice))).toMatchObject({ reason: 'malformed' })
  expect(judge(bundleOf(signer, text))).toMatchObject({ by: 'k1' })
})

it.each([
  '../outside',
  'sub/../../outside',
  '/etc/passwd',
  './config.json',
  'sub//weights.bin',
  'sub/',
  'sub/./weights.bin',
  '',
  'a\\b',
  'a\0b',
])('The attack: a list that names %j, which leads elsewhere or is another name of a file: malformed', (name) => {
  expect(listing(one(name))).toMatchObject({ reason: 'malformed' })
})

it('names with line breaks, colons and what looks like a header are names like any other', () => {
  const name = 'a\r\nX-Injected: yes\n:0:1'
  expect(listing(one(name))).toMatchObject({ by: 'k1', manifest: { files: [{ path: name }] } })
})

it('a file twice, none at all, one that is left out as well: malformed', () => {
  expect(listing([...one('a'), ...one('a')])).toMatchObject({ reason: 'malformed' })
  expect(listing([])).toMatchObject({ reason: 'malformed' })
  expect(listing(one('docs/a'), { ignore_paths: ['docs'] })).toMatchObject({ reason: 'malformed' })
  expect(listing(one('.gitattributes'), { ignore_paths: [] })).toMatchObject({ reason: 'malformed' })
  expect(listing(one('a'), { ignore_paths: ['.'] })).toMatchObject({ reason: 'malformed' })
  expect(listing(one('a'), { ignore_paths: ['../b'] })).toMatchObject({ reason: 'malformed' })
})

it('a statement of another type, about several models, or whose digest over all files is another: malformed', () => {
  const wrong: ((statement: Statement) => void)[] = [
    (statement) => Object.assign(statement, { _type: 'https://in-toto.io/Statement/v0.1' }),
    (statement) => Object.assign(statement, { predicateType: 'https://slsa.dev/provenance/v1' }),
    (statement) => Object.assign(statement, { predicate: { resources: statement.predicate.resources } }),
    (statement) => statement.subject.push(...statement.subject),
    (statement) => Object.assign(statement, { subject: [] }),
    (statement) => Object.assign(statement.subject[0]?.digest ?? {}, { sha256: 'f'.repeat(64) }),
    (statement) => Object.assign(statement.predicate.resources[0] ?? {}, { digest: 'zz' }),
    (statement) => Object.assign(statement.predicate.resources[0] ?? {}, { algorithm: 'md5' }),
  ]
  for (const change of wrong) expect(signed(change)).toMatchObject({ reason: 'malformed' })
})

it('what this hub cannot judge it calls unsupported, and says why: keyless, older versions, one file alone', () => {
  const keyless = bundleOf(signer, good(), { certificate: { rawBytes: 'AAAA' }, tlogEntries: [{}] })
  expect(judge(keyless)).toMatchObject({ reason: 'unsupported', detail: expect.stringContaining('Sigstore') })
  const old = { ...bundleOf(signer, good()), mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.2' }
  expect(judge(old)).toMatchObject({ reason: 'unsupported' })
  expect(
    signed((statement) => Object.assign(statement, { predicateType: 'https://model_signing/Digests/v0.1' })),
  ).toMatchObject({ reason: 'unsupported' })
  expect(listing(one('.'))).toMatchObject({ reason: 'unsupported' })
  expect(listing(one('a'), { hash_type: 'md5' })).toMatchObject({ reason: 'unsupported' })
})

it('files in shards: the parts of each stand in order and make it up', () => {
  const shards = { method: 'shards', shard_size: 10 }
  const part = (name: string): Resource => ({ name, algorithm: 'sha256-sharded-10', digest: 'a'.repeat(64) })
  expect(listing(['a:0:10', 'a:10:13', 'b:c:0:4'].map(part), shards)).toMatchObject({
    manifest: {
      shardSize: 10,
      files: [
        { path: 'a', size: 13, digest: `${'a'.repeat(64)},${'a'.repeat(64)}` },
        { path: 'b:c', size: 4 },
      ],
    },
  })
  for (const names of [
    ['a:10:20'],
    ['a:0:9', 'a:9:12'],
    ['a:0:11'],
    ['a:0:10', 'a:0:10'],
    ['a:5:3'],
    ['a'],
    ['../a:0:4'],
  ]) {
    expect(listing(names.map(part), shards), names.join()).toMatchObject({ reason: 'malformed' })
  }
  expect(listing(one('a:0:1'), { method: 'shards' })).toMatchObject({ reason: 'malformed' })
})

it('a list of 100,000 files is judged aside: the event loop is free meanwhile', async () => {
  const many = Array.from({ length: 100_000 }, (_, index) => ({
    name: `shards/${String(index).padStart(6, '0')}.bin`,
    algorithm: 'sha256',
    digest: createHash('sha256').update(String(index)).digest('hex'),
  }))
  const bytes = Buffer.from(JSON.stringify(bundleOf(signer, statementOf(many))))
  expect(bytes.length).toBeGreaterThan(10_000_000)
  await judgeAside(Buffer.from(signModel(signer, files)), trusted, Date.now())
  const { result: judged, ownMs } = await ownTimeOf(() => judgeAside(bytes, trusted, Date.now()))
  expect(judged).toMatchObject({ by: 'k1' })
  if ('reason' in judged) throw new Error(judged.detail)
  expect(judged.manifest.files).toHaveLength(100_000)
  expect(judged.manifest.files.at(-1)).toEqual({ path: many.at(-1)?.name, digest: many.at(-1)?.digest, size: null })
  // Without the thread it is several hundred.
  expect(ownMs).toBeLessThan(150)
})

/** Milliseconds of processor time that this thread spends, whoever else has the machine: what holds up the event loop. */
async function ownTimeOf<T>(work: () => Promise<T>): Promise<{ result: T; ownMs: number }> {
  const before = process.threadCpuUsage()
  const result = await work()
  const { user, system } = process.threadCpuUsage(before)
  return { result, ownMs: (user + system) / 1_000 }
}

// Story: the organization trusts a hundred keys. Whoever may push brings files of some hundred bytes that are signed with none of them and do not name a key: each is
// tried with all, for a fifth of a second in which the hub answers nobody.
it('a short signature that names no key is tried with a hundred of them aside', async () => {
  const keys = Array.from({ length: 100 }, (_, index) => ({
    id: `k${index}`,
    kind: 'key' as const,
    pem: String(generateKeyPairSync('ec', { namedCurve: 'P-521' }).publicKey.export({ format: 'pem', type: 'spki' })),
  }))
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-521' })
  const bundle = JSON.parse(signModel(signer, files)) as {
    verificationMaterial: object
    dsseEnvelope: { signatures: { sig: string }[] }
  }
  bundle.verificationMaterial = { publicKey: {} }
  bundle.dsseEnvelope.signatures = [{ sig: sign('sha512', Buffer.from('words'), privateKey).toString('base64') }]
  const bytes = Buffer.from(JSON.stringify(bundle))
  const { result: judged, ownMs } = await ownTimeOf(() => judgeAside(bytes, keys, Date.now()))
  expect(judged).toMatchObject({ reason: 'unknown_key' })
  expect(ownMs).toBeLessThan(100)
})
