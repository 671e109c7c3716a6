/* The pages of model signatures; see samples.tsx. */
import { ModelKeysPage } from '../../src/features/model-signatures/key-pages.tsx'
import { ModelSignaturePage } from '../../src/features/model-signatures/pages.tsx'
import type { FormState } from '../../src/web/form-state.ts'
import type { PageContext } from '../../src/web/page-context.ts'
import type { RepoView } from '../../src/web/repo-place.tsx'

export function modelSignatureSamples(
  words: (text: string) => string,
  context: PageContext,
  repo: RepoView,
  fresh: FormState,
) {
  const list = (...names: string[]) => ({ count: names.length + 5, names: names.map(words) })
  const none = { count: 0, names: [] }
  const trusted = {
    id: words('k1'),
    organizationId: 'o1',
    kind: 'certificate',
    name: words('Release authority'),
    fingerprint: 'ab'.repeat(32),
    pem: words('-----BEGIN CERTIFICATE-----'),
    createdAt: 1_790_000_000_000,
    createdBy: null,
  } as const
  const report = {
    name: words('my-model'),
    rootDigest: '1'.repeat(64),
    hash: 'sha256',
    files: 12,
    changed: list('weights.bin'),
    missing: list('config.json'),
    extra: list('evil.py'),
    uncovered: list('.gitattributes'),
    links: list('link'),
  }
  const signature = {
    status: 'unverified',
    reason: 'file_changed',
    detail: words('weights.bin differs from what was signed.'),
    file: words('model.sig'),
    key: trusted,
    signer: words('CN=signer@example.com'),
    report,
    checkedAt: 1_790_000_000_000,
  } as const
  const held = { ...repo, hold: words('This revision is not signed.') }
  const page = { context, revision: words('main'), commit: '9'.repeat(40) }
  const keys = {
    context,
    organization: words('acme'),
    keys: [trusted],
    signedOnly: true,
    mayChange: true,
    dialog: null,
  }
  const forms = { key: { ...fresh, values: { name: words('Mine'), key: words('-----BEGIN') } }, policy: fresh }
  const nothing = { ...report, name: null, changed: none, missing: none, extra: none, uncovered: none, links: none }
  return {
    'model-signature': <ModelSignaturePage {...page} repo={held} signature={signature} />,
    'model-signature-none': (
      <ModelSignaturePage
        {...page}
        repo={repo}
        signature={{ ...signature, status: 'none', key: null, signer: null, file: null, detail: null, report: nothing }}
      />
    ),
    'model-keys': <ModelKeysPage {...keys} forms={forms} />,
    'model-keys-read-only': <ModelKeysPage {...keys} mayChange={false} keys={[]} forms={forms} />,
    'model-keys-remove': <ModelKeysPage {...keys} forms={forms} dialog={{ trusted, revisions: 3 }} />,
  }
}
