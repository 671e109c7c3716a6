/** The wire of attestations: what the hub says of a revision, and the keys with which it does. */
import { text } from '../../access/reply.ts'
import { type Route, route } from '../../access/route.ts'
import { attestationKeys, makeAttestation } from './attest.ts'

export const attestationRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/.well-known/holdfast/attestation-keys',
    surface: 'api',
    action: 'instance.read',
    target: { on: 'instance' },
    summary: 'The keys with which this hub signs attestations, for "holdfast attest verify"',
    answers: { 200: 'Ed25519 public keys in PEM, the newest first' },
    handle: async ({ hub }) => text(attestationKeys(hub)),
  }),
  route({
    method: 'GET',
    path: '/api/{kinds}/:namespace/:name/attestation/:revision',
    surface: 'api',
    action: 'repo.content.read',
    target: ({ params }) => ({
      on: 'repo',
      kind: params.kind,
      namespace: params.get('namespace'),
      name: params.get('name'),
    }),
    summary:
      'What this hub says of a revision, signed: files with SHA-256 and scan verdicts, who signed the commit and the model (in-toto in DSSE)',
    answers: {
      200: 'A DSSE envelope',
      404: 'RepoNotFound, RevisionNotFound',
      422: 'It has too many files',
      503: 'Its files are being hashed: come again (`Retry-After`)',
    },
    handle: async ({ hub, allowed, params, request }) => {
      const gone = new AbortController()
      request.response.once('close', () => gone.abort())
      const how = { mayTakeLong: false, signal: gone.signal }
      const body = await makeAttestation(hub, allowed, params.get('revision'), how)
      const headers = { 'cache-control': 'private, no-store' }
      return { kind: 'body', status: 200, type: 'application/vnd.dsse.envelope.v1+json', body, headers }
    },
  }),
]
