/**
 * `holdfast attest`: a signed statement of what the hub knows of a revision, and its check, which needs no hub. Works beside a running server.
 * Standard output carries the statement or the result. Exit code of a check: 0 all is as attested, 1 something is not.
 */
import { readFile, stat, writeFile } from 'node:fs/promises'
import { Command } from 'commander'
import { loadFacts } from '../access/load-facts.ts'
import { HoldfastError } from '../domain/errors.ts'
import type { RepoKind } from '../domain/facts.ts'
import { parseKindPlural, parseRepoId } from '../domain/names.ts'
import { systemGrant } from '../domain/policy.ts'
import {
  type Attestation,
  AttestationFault,
  attestationKeys,
  compareFolder,
  makeAttestation,
  readAttestation,
} from '../features/attestations/service.ts'
import type { Hub } from '../hub.ts'
import { type PublicKey, parsePublicKeys } from '../platform/crypto/signing-key.ts'
import { withHub } from './with-hub.ts'

const mostBytes = 256 * 1024 * 1024
const mostShown = 1_000

export function attestCommand(openHub: () => Promise<Hub>): Command {
  const run = withHub(openHub)
  const attest = new Command('attest')
    .description(
      'Say, signed, what this hub knows of a revision: its files with their hashes and scans, and who signed.',
    )
    .argument('<repo>', 'owner/name of a model; datasets/owner/name, spaces/owner/name')
    .option('--revision <revision>', 'a branch, a tag or a commit', 'main')
    .option('--out <file>', 'where to write it; without it, to standard output')
    .action((repo: string, options: { revision: string; out?: string }) =>
      run(async (hub) => {
        const envelope = await attestRepo(hub, repo, options.revision)
        if (options.out === undefined) process.stdout.write(envelope)
        else await writeFile(options.out, envelope)
      }),
    )
  attest
    .command('public-key')
    .description('Print the public keys of attestations, newest first (PEM). Keep them where the hub is not.')
    .action(() =>
      run(async (hub) => {
        process.stdout.write(attestationKeys(hub))
      }),
    )
  attest
    .command('verify')
    .description('Check an attestation, and a folder with the files that it tells of. Needs no hub.')
    .argument('<file>')
    .requiredOption('--key <file>', 'public keys of the hub that it shall be from (PEM)')
    .option('--folder <folder>', 'where the repo was downloaded to')
    .action(async (file: string, options: { key: string; folder?: string }) => {
      try {
        await verify(file, options)
      } catch (error) {
        const isOfFiles = error instanceof Error && 'code' in error && 'syscall' in error
        if (!(error instanceof AttestationFault) && !isOfFiles) throw error
        print(`NOT ATTESTED: ${printable(error.message)}`)
        process.exitCode = 1
      }
    })
  return attest
}

async function attestRepo(hub: Hub, name: string, revision: string): Promise<Buffer> {
  const { kind, id } = parseRepo(name)
  const target = { on: 'repo', kind, namespace: id.namespace, name: id.name } as const
  const { facts } = await loadFacts(hub.db, { kind: 'none' }, target, hub.clock.now())
  const { resource } = facts
  if (resource.on !== 'repo' || resource.repo === null) throw new HoldfastError('repo_not_found')
  const allowed = systemGrant('repo.content.read', resource, 'holdfast attest')
  const { signal } = new AbortController()
  return await makeAttestation(hub, allowed, revision, { mayTakeLong: true, signal })
}

function parseRepo(text: string): { kind: RepoKind; id: { namespace: string; name: string } } {
  const [first = '', ...rest] = text.split('/')
  const kind = parseKindPlural(first)
  const id = parseRepoId(rest.length === 2 && kind !== null ? rest.join('/') : text)
  if (id === null || id.namespace === null)
    throw new HoldfastError('invalid_name', { reason: 'A repository is named owner/name, or datasets/owner/name.' })
  return { kind: rest.length === 2 && kind !== null ? kind : 'model', id: { namespace: id.namespace, name: id.name } }
}

async function verify(file: string, options: { readonly key: string; readonly folder?: string }): Promise<void> {
  const attestation = readAttestation(await readBounded(file), await readKeys(options.key))
  if (options.folder !== undefined && !(await stat(options.folder)).isDirectory())
    throw new AttestationFault(`${options.folder} is no folder.`)
  describe(attestation)
  if (options.folder === undefined) return
  let count = 0
  for await (const { kind, path } of compareFolder(options.folder, attestation)) {
    if (++count <= mostShown) print(`  ${kind.padEnd(8)} ${printable(path)}`)
  }
  if (count === 0) print(`${options.folder}: all ${attestation.files.length} files are as attested.`)
  else {
    print(`${options.folder}: ${count} ${count === 1 ? 'file differs' : 'files differ'} from what was attested.`)
    process.exitCode = 1
  }
}

function describe(attestation: Attestation): void {
  const { kind, name, commit, hub, madeAt, keyId, files, modelSignature } = attestation
  const scans = [...Map.groupBy(files, ({ scan }) => scan)].map(([level, some]) => `${some.length} ${level}`)
  print(`Attested by ${printable(hub)} at ${printable(madeAt)}, key ${keyId}`)
  print(`${printable(kind)} ${printable(name)} at ${printable(commit)}, ${files.length} files`)
  print(`scans: ${scans.length === 0 ? 'no files' : printable(scans.join(', '))}`)
  print(`model signature: ${printable(modelSignature)}`)
}

async function readBounded(file: string): Promise<Buffer> {
  const { size } = await stat(file)
  if (size > mostBytes) throw new AttestationFault('It is too large to be one.')
  return await readFile(file)
}

async function readKeys(file: string): Promise<readonly PublicKey[]> {
  const pem = await readFile(file, 'utf8')
  let keys: readonly PublicKey[]
  try {
    keys = parsePublicKeys(pem)
  } catch {
    // What OpenSSL says of it helps nobody.
    throw new AttestationFault(`${file} has a key that is none of a hub.`)
  }
  if (keys.length === 0) throw new AttestationFault(`${file} has no public key in PEM.`)
  return keys
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** Names in a file are anybody's: they must not write on the terminal. */
function printable(text: string): string {
  return text.replace(/[\p{C}\u2028\u2029]/gu, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)
}
