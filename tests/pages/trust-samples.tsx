/** Pages of trust: keys, signing policies, what is unsafe and what was released; see samples.tsx. */
import { AddKeyPage, KeysPage, MachineKeysPage } from '../../src/features/keys/pages.tsx'
import type { SigningKey } from '../../src/features/keys/service.ts'
import { HubUnsafePage, OrganizationUnsafePage, ReleasesPage } from '../../src/features/scanning/held-pages.tsx'
import type { HeldPlace, Release, UnsafeContent } from '../../src/features/scanning/list-held.ts'
import { OrganizationSigningPage, RepoSigningPage } from '../../src/features/signatures/policy-pages.tsx'
import type { FormState } from '../../src/web/form-state.ts'
import { freshForm } from '../../src/web/form-state.ts'
import type { PageContext } from '../../src/web/page-context.ts'
import type { PageNode } from '../../src/web/render.ts'
import type { RepoView } from '../../src/web/repo-place.tsx'

const day = 24 * 3_600_000

export function trustSamples(
  words: (text: string) => string,
  context: PageContext,
  repo: RepoView,
  now: number,
): Record<string, PageNode> {
  return {
    ...keyPages(words, context, now),
    ...policyPages(words, context, repo, now),
    ...heldPages(words, context, now),
  }
}

function refused(words: (text: string) => string, name: string): FormState {
  return {
    values: { [name]: words('what was typed') },
    errors: { [name]: words('It is none.') },
    problem: words('No.'),
  }
}

function keyPages(words: (text: string) => string, context: PageContext, now: number): Record<string, PageNode> {
  const signer = {
    id: 'A1B2C3D4E5F60718',
    fingerprint: 'F'.repeat(40),
    algorithm: 'ed25519',
    spki: 'AAAA',
    createdAt: now - 90 * day,
    expiresAt: now + 9 * day,
    revokedAt: null,
    isCompromised: false,
  }
  const gpg: SigningKey = {
    id: '1'.repeat(24),
    kind: 'gpg',
    fingerprint: signer.fingerprint,
    title: words('Mara Lindqvist <mara@acme.example>'),
    publicKey: words('-----BEGIN PGP PUBLIC KEY BLOCK-----'),
    details: {
      signers: [signer, { ...signer, id: '0718A1B2C3D4E5F6', fingerprint: 'E'.repeat(40) }],
      otherKeys: [{ id: 'B1B2C3D4E5F60718', algorithm: 'cv25519' }],
      userIds: [words('Mara Lindqvist')],
      emails: [words('mara@acme.example')],
      createdAt: now - 90 * day,
      expiresAt: now + 9 * day,
      revokedAt: now - day,
    },
    isCompromised: true,
    emails: [
      { address: words('mara@acme.example'), match: 'verified' },
      { address: words('mara@home.example'), match: 'unverified' },
      { address: words('someone@else.example'), match: 'none' },
    ],
    createdAt: now - day,
  }
  const ssh: SigningKey = { ...gpg, id: '2'.repeat(24), kind: 'ssh', title: words('laptop'), emails: [] }
  const keys = [gpg, ssh]
  const account = { id: '3'.repeat(24), name: words('nightly build') }
  const machine = { context, organization: words('acme'), account, keys }
  return {
    keys: <KeysPage context={context} keys={keys} dialog={null} />,
    'keys-none': <KeysPage context={context} keys={[]} dialog={null} />,
    'keys-delete': <KeysPage context={context} keys={keys} dialog={{ signingKey: gpg, commits: 12 }} />,
    'keys-add-gpg': (
      <AddKeyPage context={context} kind="gpg" form={refused(words, 'key')} email={words('mara@x.example')} />
    ),
    'keys-add-ssh': <AddKeyPage context={context} kind="ssh" form={freshForm} email={words('mara@x.example')} />,
    'keys-machine': <MachineKeysPage {...machine} form={refused(words, 'key')} dialog={null} />,
    'keys-machine-delete': <MachineKeysPage {...machine} form={freshForm} dialog={{ signingKey: ssh, commits: 1 }} />,
  }
}

function policyPages(
  words: (text: string) => string,
  context: PageContext,
  repo: RepoView,
  now: number,
): Record<string, PageNode> {
  const own = {
    level: 'verified' as const,
    humanSignatureOnly: true,
    bypass: { until: now + day, reason: words('The key server is down') },
  }
  const policies = { own, inherited: { ...own, bypass: null }, effective: own, place: words('acme') }
  const view = { context, policies, mayChange: true, mayBypass: true, form: freshForm, dialog: null }
  const heads = { failing: 3, heads: 14, isWhole: false }
  const organization = words('acme')
  return {
    'signing-organization': <OrganizationSigningPage {...view} organization={organization} />,
    'signing-organization-read': (
      <OrganizationSigningPage {...view} organization={organization} mayChange={false} mayBypass={false} />
    ),
    'signing-organization-save': (
      <OrganizationSigningPage
        {...view}
        organization={organization}
        dialog={{ kind: 'save', level: 'verified', humanOnly: true, heads }}
      />
    ),
    'signing-repo': <RepoSigningPage {...view} repo={repo} />,
    'signing-repo-bypass': (
      <RepoSigningPage {...view} repo={repo} dialog={{ kind: 'bypass', form: refused(words, 'reason') }} />
    ),
  }
}

function heldPages(words: (text: string) => string, context: PageContext, now: number): Record<string, PageNode> {
  const content = `git:${'b'.repeat(40)}`
  const place: HeldPlace = {
    kind: 'model',
    namespace: words('acme'),
    name: words('harbor-7b'),
    path: words('eval/loader.pkl'),
    isHeld: true,
  }
  const unsafe: UnsafeContent = {
    content,
    size: 1_234_567,
    foundAt: now - day,
    found: [{ scanner: 'yara', message: words('found: EICAR_Test_File') }],
    isReleased: false,
    places: [place, { ...place, kind: 'dataset', path: null, isHeld: false }],
    hasMore: true,
  }
  const contents: UnsafeContent[] = [
    unsafe,
    { ...unsafe, isReleased: true, places: [], hasMore: false, found: [{ scanner: 'pickle', message: null }] },
    { ...unsafe, places: [{ ...place, isHeld: false }] },
  ]
  const release: Release = {
    content,
    reason: words('Sample for our training'),
    releasedAt: now - day,
    releasedBy: words('mara'),
    level: 'unsafe',
    places: [place],
    hasMore: false,
  }
  const paged = { context, olderHref: '/admin/held?cursor=1', firstHref: '/admin/held' }
  return {
    'unsafe-hub': <HubUnsafePage {...paged} contents={contents} dialog={null} />,
    'unsafe-hub-none': (
      <HubUnsafePage context={context} contents={[]} dialog={null} olderHref={null} firstHref={null} />
    ),
    'unsafe-hub-release': (
      <HubUnsafePage {...paged} contents={contents} dialog={{ content, form: refused(words, 'reason') }} />
    ),
    'unsafe-organization': <OrganizationUnsafePage {...paged} organization={words('acme')} contents={contents} />,
    releases: <ReleasesPage {...paged} releases={[release, { ...release, releasedBy: null, places: [] }]} />,
    'releases-none': <ReleasesPage context={context} releases={[]} olderHref={null} firstHref={null} />,
  }
}
