/** GPG-7, GPG-10: what gpg, ssh-keygen and git make is judged as `git verify-commit` judges it. */
import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeSigners, type Signers } from '../../../tests/support/signers.ts'
import { type OpenPgpKey, PrivateKeyGiven, parseOpenPgpKey } from './openpgp-key.ts'
import { readOpenPgpSignature } from './openpgp-signature.ts'
import { fromSpki } from './public-key.ts'
import { readSignedCommit } from './signed-commit.ts'
import { parseSshKey } from './ssh-key.ts'
import { makeSshSignature, readSshSignature } from './ssh-signature.ts'
import { sshString } from './ssh-wire.ts'

let signers: Signers
const email = 'ada@example.com'

beforeAll(async () => {
  signers = await makeSigners()
})
afterAll(() => signers[Symbol.asyncDispose]())

/** Whether our code finds a signature of one of the keys over the object. */
function weVerify(bytes: Buffer, key: OpenPgpKey | null): boolean {
  const reading = readSignedCommit(bytes)
  if (reading.kind !== 'signed') return false
  const signature = readOpenPgpSignature(reading.signature)
  if (signature === null) {
    const ssh = readSshSignature(reading.signature)
    return ssh !== null && ssh.namespace === 'git' && ssh.verify(reading.payload)
  }
  const signer = key?.signers.find(({ id }) => id === signature.issuer)
  return signer !== undefined && signature.verify(reading.payload, fromSpki(signer.spki))
}

/** Stores an object as it is and gives its id. */
async function store(bytes: Buffer): Promise<string> {
  const written = await signers.sh(
    `printf %s "$OBJECT" | base64 -d | git hash-object -t commit -w --stdin --literally`,
    {
      OBJECT: bytes.toString('base64'),
    },
  )
  return written.trim()
}

test.each(['rsa2048', 'rsa4096', 'ed25519', 'nistp256', 'nistp384', 'nistp521'])(
  'GPG-7: gpg with %s',
  async (algorithm) => {
    const fingerprint = await signers.gpgKey(`${algorithm} <${email}>`, algorithm)
    const key = await parseOpenPgpKey(await signers.exportGpg(fingerprint))
    expect(key).toMatchObject({ fingerprint, userIds: [`${algorithm} <${email}>`], emails: [email], expiresAt: null })
    expect(key.signers[0]?.algorithm).toBe(algorithm)
    // Numbers of signatures are shorter now and then: several, so that padding is met.
    for (let round = 0; round < 8; round++) {
      const oid = await signers.commit({ gpg: fingerprint, email, message: `round ${round} of ${algorithm}` })
      const bytes = signers.raw(oid)
      expect(weVerify(bytes, key)).toBe(true)
      expect(signers.gitVerifies(oid)).toBe(true)
      const changed = Buffer.from(bytes.toString('latin1').replace('round', 'ROUND'), 'latin1')
      expect(weVerify(changed, key)).toBe(false)
      expect(signers.gitVerifies(await store(changed))).toBe(false)
    }
  },
)

test('GPG-7: a signing subkey signs for its primary key, an encryption subkey and a foreign one do not', async () => {
  const fingerprint = await signers.gpgKey(`Sub <${email}>`, 'ed25519', { usage: 'cert' })
  for (const [algorithm, usage] of [
    ['rsa3072', 'sign'],
    ['cv25519', 'encr'],
  ])
    await signers.sh(`gpg --batch --passphrase '' --quick-add-key ${fingerprint} ${algorithm} ${usage} never`)
  const key = await parseOpenPgpKey(await signers.exportGpg(fingerprint))
  expect(key.signers.map((signer) => signer.algorithm)).toEqual(['rsa3072'])
  expect(key.otherKeys).toHaveLength(1)
  const oid = await signers.commit({ gpg: fingerprint, email })
  expect(weVerify(signers.raw(oid), key)).toBe(true)
  expect(signers.gitVerifies(oid)).toBe(true)
})

test.each([
  ['ed25519', undefined],
  ['rsa', 3072],
  ['ecdsa', 256],
  ['ecdsa', 384],
  ['ecdsa', 521],
] as const)('GPG-10: ssh-keygen with %s %s', async (type, bits) => {
  const file = await signers.sshKey(`key-${type}-${bits}`, type, bits)
  const line = await readFile(`${file}.pub`, 'utf8')
  const key = parseSshKey(line)
  await signers.allowSsh(email, line)
  expect((await signers.sh(`ssh-keygen -lf ${file}.pub`)).split(' ')[1]).toBe(key.signer.fingerprint)
  for (let round = 0; round < 8; round++) {
    const oid = await signers.commit({ ssh: `${file}.pub`, email, message: `round ${round}` })
    const reading = readSignedCommit(signers.raw(oid))
    if (reading.kind !== 'signed') throw new Error('It is not signed.')
    expect(readSshSignature(reading.signature)).toMatchObject({ fingerprint: key.signer.fingerprint, namespace: 'git' })
    expect(weVerify(signers.raw(oid), null)).toBe(true)
    expect(signers.gitVerifies(oid)).toBe(true)
    const changed = Buffer.from(signers.raw(oid).toString('latin1').replace('round', 'ROUND'), 'latin1')
    expect(weVerify(changed, null)).toBe(false)
    expect(signers.gitVerifies(await store(changed))).toBe(false)
  }
})

test('GPG-10: a key in hardware signs its application, a touch and a counter with the message, as ssh-keygen reads it', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const point = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url')
  const type = 'sk-ssh-ed25519@openssh.com'
  const blob = Buffer.concat([sshString(type), sshString(point), sshString('ssh:')])
  await signers.allowSsh(email, `${type} ${blob.toString('base64')}`)
  const oid = await signers.commit({ email })
  const plain = signers.raw(oid)
  const made = (flags: number) => {
    const digest = createHash('sha512').update(plain).digest()
    const message = Buffer.concat([Buffer.from('SSHSIG'), ...['git', '', 'sha512', digest].map(sshString)])
    const tail = Buffer.from([flags, 0, 0, 0, 7])
    const hash = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest()
    const raw = sign(null, Buffer.concat([hash('ssh:'), tail, hash(message)]), privateKey)
    const signature = Buffer.concat([sshString(type), sshString(raw), tail])
    const parts = [blob, 'git', '', 'sha512', signature].map(sshString)
    const base64 = Buffer.concat([Buffer.from('SSHSIG'), Buffer.from([0, 0, 0, 1]), ...parts]).toString('base64')
    const armor = `-----BEGIN SSH SIGNATURE-----\n${base64.replace(/.{70}(?=.)/g, '$&\n')}\n-----END SSH SIGNATURE-----`
    return withHeader(plain, `gpgsig ${armor.replaceAll('\n', '\n ')}`)
  }
  expect(weVerify(made(1), null)).toBe(true)
  expect(signers.gitVerifies(await store(made(1)))).toBe(true)
  // Stricter than ssh-keygen: without a touch a program may have asked alone.
  expect(weVerify(made(0), null)).toBe(false)
})

test('a signature for another purpose, or with SHA-1, is none', async () => {
  const file = await signers.sshKey('other-purpose', 'ed25519')
  const oid = await signers.commit({ email })
  await signers.sh(`git cat-file commit ${oid} > ../payload && ssh-keygen -q -Y sign -n file -f ${file} ../payload`)
  const armor = (await readFile(`${signers.folder}/payload.sig`, 'utf8')).trimEnd()
  const commit = withHeader(signers.raw(oid), `gpgsig ${armor.replaceAll('\n', '\n ')}`)
  expect(weVerify(commit, null)).toBe(false)
  const weak = await signers.gpgKey(`Weak <${email}>`, 'rsa2048')
  await signers.sh(`gpg --batch --armor --digest-algo SHA1 -u ${weak} --detach-sign -o ../weak.asc ../payload`)
  const signature = (await readFile(`${signers.folder}/weak.asc`, 'utf8')).trimEnd()
  const bytes = withHeader(signers.raw(oid), `gpgsig ${signature.replaceAll('\n', '\n ')}`)
  expect(weVerify(bytes, await parseOpenPgpKey(await signers.exportGpg(weak)))).toBe(false)
})

test('what we sign ourselves, git checks', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const point = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url')
  const blob = Buffer.concat([sshString('ssh-ed25519'), sshString(point)])
  const plain = signers.raw(await signers.commit({ email }))
  const armor = makeSshSignature(blob, plain, (bytes) => sign(null, bytes, privateKey))
  const signed = withHeader(plain, `gpgsig ${armor.replaceAll('\n', '\n ')}`)
  expect(weVerify(signed, null)).toBe(true)
  const oid = await store(signed)
  expect(signers.gitVerifies(oid)).toBe(false)
  await signers.allowSsh('hub', `ssh-ed25519 ${blob.toString('base64')}`)
  expect(signers.gitVerifies(oid)).toBe(true)
})

/**
 * Attack: a commit with two committers, or with a signature that another reader finds elsewhere, shows one person to git and another to the hub.
 * None of these may count, whatever the signature says.
 */
test('GPG-7: header injection: headers twice, in another order, with NUL, are malformed', async () => {
  const fingerprint = await signers.gpgKey(`Inject <${email}>`, 'ed25519')
  const text = signers.raw(await signers.commit({ gpg: fingerprint, email })).toString('latin1')
  const reading = (changed: string) => readSignedCommit(Buffer.from(changed, 'latin1')).kind
  expect(reading(text)).toBe('signed')
  const committer = /^committer .*$/m.exec(text)?.[0] ?? ''
  const signature = /^gpgsig [\s\S]*?\n -----END PGP SIGNATURE-----\n(?: \n)?/m.exec(text)?.[0] ?? ''
  expect(signature).not.toBe('')
  for (const changed of [
    text.replace(committer, `${committer}\ncommitter Eve <eve@example.com> 1 +0000`),
    text.replace(committer, `committer Eve <eve@example.com> <${email}> 1 +0000`),
    text.replace(committer, `${committer}\n continued <eve@example.com> 1 +0000`),
    text.replace(committer, committer.replace('Ada', 'A\0da')),
    text.replace(signature, `${signature}${signature}`),
    text.replace(signature, `${signature}gpgsig-sha256 x\n`),
    text.replace(signature, `${signature}author Eve <eve@example.com> 1 +0000\n`),
    text.replace(/^tree .*\n/m, '').replace(signature, `${signature}tree ${'0'.repeat(40)}\n`),
    text.replace(committer, 'committer nobody'),
  ]) {
    expect(changed).not.toBe(text)
    expect(reading(changed)).toBe('malformed')
  }
  // Below the headers it is words.
  expect(reading(`${text.replace(signature, '')}\n${signature}`)).toBe('unsigned')
})

test('GPG-1: what is no public key says so: private, two keys, weak, cut off, text', async () => {
  const fingerprint = await signers.gpgKey(`Secret <${email}>`, 'ed25519')
  const exported = await signers.exportGpg(fingerprint)
  const secret = await signers.sh(`gpg --batch --armor --export-secret-keys ${fingerprint}`)
  await expect(parseOpenPgpKey(secret)).rejects.toThrow(PrivateKeyGiven)
  // The words of the armour lie; the packets do not.
  await expect(parseOpenPgpKey(secret.replaceAll('PRIVATE', 'PUBLIC'))).rejects.toThrow(PrivateKeyGiven)
  const both = await signers.sh('gpg --batch --armor --export')
  await expect(parseOpenPgpKey(both)).rejects.toThrow(/more than one key/)
  for (const text of ['hello', exported.slice(0, 200), ''])
    await expect(parseOpenPgpKey(text)).rejects.toThrow(/not an OpenPGP public key/)
  const weak = await signers.sshKey('weak', 'rsa', 1024)
  const line = await readFile(`${weak}.pub`, 'utf8')
  expect(() => parseSshKey(line)).toThrow(/1024 bits is too weak/)
  expect(() => parseSshKey(line.replace('ssh-rsa', 'ssh-ed25519'))).toThrow(/says that it is ssh-ed25519|too weak/)
  expect(() => parseSshKey('ssh-ed25519 AAAA')).toThrow(/broken|kind/)
})

function withHeader(commit: Buffer, header: string): Buffer {
  const at = commit.indexOf('\n\n') + 1
  return Buffer.concat([commit.subarray(0, at), Buffer.from(`${header}\n`), commit.subarray(at)])
}
