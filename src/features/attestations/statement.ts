/**
 * What the hub says of a revision: an in-toto statement whose subject is the repo at a commit and each of its files, with what scanners found beside
 * each, and who signed. Written piece by piece, since it may be long.
 */

import type { RepoFacts } from '../../domain/facts.ts'
import { contentOf } from '../../domain/quarantine.ts'
import type { Hub } from '../../hub.ts'
import type { Commit } from '../../platform/git/commit.ts'
import { turnGiver } from '../../platform/give-turn.ts'
import { statementType } from '../../platform/model-signing/envelope.ts'
import { version } from '../../version.ts'
import { type FileStatus, statusesOf } from '../scanning/service.ts'
import type { Listed, ListedFile } from './list-files.ts'

export const predicateType = 'urn:holdfast:revision-attestation:v1'

const batchSize = 250

export interface About {
  readonly repo: RepoFacts
  /** As it was asked for. */
  readonly revision: string
  readonly commit: Commit
  /** In the JSON of the API. */
  readonly verification: object
  readonly modelSignature: object
  readonly listed: Listed
  /** SHA-256 by the name of the content. */
  readonly digests: ReadonlyMap<string, string>
}

/** The bytes of the statement, as JSON. */
export async function writeStatement(hub: Hub, about: About): Promise<Buffer> {
  const { repo, commit, listed } = about
  const name = `${repo.owner.name}/${repo.name}`
  const scanners: string[] = []
  const pieces: Buffer[] = []
  const write = (text: string): void => void pieces.push(Buffer.from(text, 'utf8'))
  write(`{"_type":${JSON.stringify(statementType)},"subject":[`)
  write(JSON.stringify({ name, digest: { gitCommit: commit.oid } }))
  const giveTurn = turnGiver()
  for (let at = 0; at < listed.files.length; at += batchSize) {
    const files = listed.files.slice(at, at + batchSize)
    const statuses = await statusesOf(hub, files)
    for (const file of files) {
      const scan = scanOf(statuses.get(file.oid), scanners)
      write(`,\n${JSON.stringify(describe(file, about.digests.get(contentOf(file)) ?? '', scan))}`)
      await giveTurn()
    }
  }
  write(`],"predicateType":${JSON.stringify(predicateType)},"predicate":`)
  write(JSON.stringify(predicateOf(hub, about, name, scanners)))
  write('}\n')
  return Buffer.concat(pieces)
}

function predicateOf(hub: Hub, about: About, name: string, scanners: readonly string[]): object {
  const { repo, commit, listed, revision } = about
  return {
    hub: { url: hub.config.publicUrl, software: `holdfast ${version}` },
    madeAt: new Date(hub.clock.now()).toISOString(),
    repository: { kind: repo.kind, name, revision, commit: commit.oid },
    commit: {
      author: commit.author.name,
      committedAt: new Date(commit.committer.at).toISOString(),
      verification: about.verification,
    },
    modelSignature: about.modelSignature,
    files: listed.files.length,
    // A file says by its place in this list which of them scanned it.
    scanners: scanners.map((set) => set.split('\n')),
    unavailable: listed.unavailable,
    links: listed.links,
  }
}

function describe({ path, size }: ListedFile, sha256: string, scan: object): object {
  return { name: path, digest: { sha256 }, annotations: { size, scan } }
}

function scanOf(status: FileStatus | undefined, scanners: string[]): object {
  if (status === undefined) return { status: 'unscanned' }
  const { malware, pickle, structure, scanners: set } = status
  const parts = { malware: malware.status, pickle: pickle.status, structure: structure.status }
  if (set === null) return { status: status.status, ...parts }
  const known = scanners.indexOf(set)
  return { status: status.status, ...parts, by: known >= 0 ? known : scanners.push(set) - 1 }
}
