/** The public half of the hub's own signature, as git reads it. */
import { text } from '../../access/reply.ts'
import { type Route, route } from '../../access/route.ts'
import type { Hub } from '../../hub.ts'
import type { Commit } from '../../platform/git/commit.ts'
import { hubKeyBlobs } from '../repos/service.ts'
import { presentVerification } from './present.ts'
import { verificationsOf } from './verifications.ts'

export const signatureRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/.well-known/holdfast/allowed-signers',
    surface: 'api',
    action: 'instance.read',
    target: { on: 'instance' },
    summary: 'The keys with which this hub signs commits made for people, for gpg.ssh.allowedSignersFile of git',
    answers: { 200: 'One line for each key, the newest first' },
    handle: async ({ hub }) => text(allowedSigners(hub)),
  }),
]

function allowedSigners(hub: Hub): string {
  const principal = `holdfast@${new URL(hub.config.publicUrl).hostname}`
  const lines = hubKeyBlobs(hub).map((blob) => `${principal} namespaces="git" ssh-ed25519 ${blob.toString('base64')}`)
  return `${lines.join('\n')}\n`
}

/** The JSON of verifications by commit id, for routes of features below this one. */
export async function verificationJson(
  hub: Hub,
  repoId: string,
  commits: readonly Commit[],
): Promise<ReadonlyMap<string, object>> {
  const found = await verificationsOf(hub, repoId, commits)
  return new Map([...found].map(([oid, one]) => [oid, presentVerification(one)]))
}
