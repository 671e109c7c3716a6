/** Histories of signed commits, made without a gpg for each: half by an Ed25519 key, half by an RSA key of 2,048 bits. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { createMessage, generateKey, type PrivateKey, sign } from 'openpgp'
import { formatCommit } from '../src/platform/git/commit.ts'
import { emptyTreeOid } from '../src/platform/git/safe-names.ts'

export interface SignedHistory {
  /** Each on top of the one before; all with the empty tree. */
  readonly commits: readonly string[]
  /** One file for each, as git stores it. */
  readonly files: readonly string[]
}

export async function makeKeys(email: string): Promise<PrivateKey[]> {
  const keys: PrivateKey[] = []
  for (const options of [
    { type: 'ecc' as const, curve: 'ed25519Legacy' as const },
    { type: 'rsa' as const, rsaBits: 2_048 },
  ]) {
    const { privateKey } = await generateKey({ ...options, userIDs: [{ name: options.type, email }], format: 'object' })
    keys.push(privateKey)
  }
  return keys
}

export async function signedHistory(
  folder: string,
  email: string,
  keys: readonly PrivateKey[],
  count: number,
): Promise<SignedHistory> {
  await mkdir(folder)
  const commits: string[] = []
  const files: string[] = []
  const person = { name: 'Bench', email, at: Date.now() }
  for (let number = 0; number < count; number++) {
    const parents = commits.slice(-1)
    const commit = { tree: emptyTreeOid, parents, author: person, committer: person, message: `commit ${number}` }
    const message = await createMessage({ binary: formatCommit(commit) })
    const key = keys[number % keys.length]
    if (key === undefined) throw new Error('There is no key.')
    const signature = await sign({ message, signingKeys: key, detached: true, format: 'armored' })
    const bytes = formatCommit(commit, signature.replaceAll('\r', ''))
    commits.push(createHash('sha1').update(`commit ${bytes.length}\0`).update(bytes).digest('hex'))
    files.push(path.join(folder, String(number)))
    await writeFile(files.at(-1) ?? '', bytes)
  }
  return { commits, files }
}

/** Into a bare repository, packed, with `main` at its end. */
export function writeHistory(gitFolder: string, { commits, files }: SignedHistory): void {
  const git = (args: readonly string[], input = ''): void => {
    const { status, stderr } = spawnSync('git', ['--git-dir', gitFolder, ...args], { input })
    if (status !== 0) throw new Error(`git ${args[0]} ended with ${status}: ${stderr.toString().slice(0, 500)}`)
  }
  git(['hash-object', '-t', 'tree', '-w', '--stdin'])
  git(['hash-object', '-t', 'commit', '-w', '--stdin-paths'], `${files.join('\n')}\n`)
  git(['update-ref', 'refs/heads/main', commits.at(-1) ?? ''])
  git(['repack', '-adq'])
}
