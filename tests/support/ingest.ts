/** A hub without a server, a repository in it, and a bare HTTP door to its pushes: for tests of ingest itself. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { readConfig } from '../../src/config.ts'
import { systemOrigin } from '../../src/domain/event.ts'
import type { RepoFacts } from '../../src/domain/facts.ts'
import { type Allowed, systemGrant } from '../../src/domain/policy.ts'
import {
  acceptPush,
  beginCommit,
  type CommitGate,
  type CommitResult,
  type CommitTarget,
} from '../../src/features/ingest/service.ts'
import { linkBlob } from '../../src/features/storage/service.ts'
import { type Hub, openHub } from '../../src/hub.ts'
import { createRepository, hasRepository } from '../../src/platform/git/repository.ts'
import { advertiseRefs, type GitService, uploadPack } from '../../src/platform/git/upload-pack.ts'

export const ingestRepo = '65f0c0ffee0000000000abcd'

export async function openIngestHub(folder: string, env: Record<string, string> = {}): Promise<Hub> {
  const hub = await openHub(readConfig({ HOLDFAST_DATA: folder, HOLDFAST_LOG_LEVEL: 'error', ...env }))
  const known = await hub.db.read.selectFrom('repo').select('id').where('id', '=', ingestRepo).executeTakeFirst()
  if (known === undefined) {
    const now = hub.clock.now()
    const row = {
      id: ingestRepo,
      kind: 'model',
      ownerId: 'a'.repeat(24),
      name: 'x',
      nameKey: 'x',
      fullName: 'acme/x',
      fullNameKey: 'acme/x',
    } as const
    const numbers = {
      downloads: 0,
      downloadsAllTime: 0,
      likes: 0,
      trendingScore: 0,
      usedStorage: 0,
      createdAt: now,
      updatedAt: now,
    }
    await hub.transaction(async (tx) => {
      await tx
        .insertInto('repo')
        .values({ ...row, ...numbers, visibility: 'public', creatorId: 'a'.repeat(24), tags: '[]' })
        .execute()
    })
  }
  if (!(await hasRepository(hub.git, ingestRepo))) await createRepository(hub.git, ingestRepo)
  return hub
}

export function allowPush(): Allowed<'repo.push'> {
  const repo: RepoFacts = {
    id: ingestRepo,
    kind: 'model',
    owner: { id: 'a'.repeat(24), kind: 'organization', name: 'acme' },
    name: 'x',
    visibility: 'public',
    creatorId: 'a'.repeat(24),
    workspaceId: null,
    isDisabled: false,
    headCommit: null,
    gated: false,
    orgMembersGated: false,
  }
  return systemGrant('repo.push', { on: 'repo', kind: 'model', repo }, 'test')
}

export const person = { name: 'Ada', email: 'ada@example.com', at: 1_700_000_000_000 }

export async function commitFiles(
  hub: Hub,
  files: Readonly<Record<string, string | null>>,
  target: Partial<CommitTarget> = {},
): Promise<CommitResult> {
  const commit = await beginCommit(hub, allowPush(), { watch: null, ref: 'refs/heads/main', ...target })
  try {
    for (const [path, content] of Object.entries(files)) {
      if (content === null) await commit.delete(path)
      else await commit.putBytes(path, Buffer.from(content))
    }
  } catch (error) {
    await commit.discard()
    throw error
  }
  return commit.finish({ author: person, message: 'api', origin: systemOrigin, reauthorize: async () => allowPush() })
}

/** As if the bytes had been uploaded through LFS: the links, not the bytes. */
export async function uploadBlob(hub: Hub, sha256: string, size: number): Promise<void> {
  await hub.transaction((tx) => linkBlob(tx, ingestRepo, { sha256, size }, hub.clock.now()))
}

/** No policy of anybody: what ingest itself judges. */
const openGate: CommitGate = {
  judgePush: async () => ({ errors: [], remarks: [] }),
  mayCommit: async () => undefined,
  mayPoint: async () => undefined,
  watch: async () => null,
}

export interface PushDoor extends AsyncDisposable {
  readonly url: string
  readonly server: Server
}

export async function servePushes(
  hub: Hub,
  reauthorize: () => Promise<Allowed<'repo.push'>> = async () => allowPush(),
): Promise<PushDoor> {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost')
    const protocol = request.headers['git-protocol']?.toString()
    const exchange = { request, response, protocol, encoding: request.headers['content-encoding'] }
    const name = url.pathname.split('/').at(-1) ?? ''
    const service = (url.searchParams.get('service') ?? name) as GitService
    response.setHeader(
      'Content-Type',
      name === 'refs' ? `application/x-${service}-advertisement` : `application/x-${service}-result`,
    )
    const answer =
      name === 'refs'
        ? advertiseRefs(hub.git, ingestRepo, service, { protocol, response })
        : service === 'git-upload-pack'
          ? uploadPack(hub.git, ingestRepo, exchange)
          : acceptPush(hub, allowPush(), { ...exchange, origin: systemOrigin, gate: openGate, reauthorize })
    answer.catch((error: unknown) => {
      if (response.headersSent) response.destroy()
      else response.writeHead(500).end(String(error))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/repo`,
    server,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
