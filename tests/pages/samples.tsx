/* One of every page, with every word that a stranger could have chosen passed through `words`. With the identity these
   are ordinary pages; with a hostile `words` they are the test that nothing escapes into the markup. */
import {
  EmailVerificationPage,
  JoinPage,
  PasswordResetPage,
  PasswordResetRequestPage,
  SignInPage,
} from '../../src/features/accounts/pages.tsx'
import { AccountSettingsPage, ProfileSettingsPage } from '../../src/features/accounts/settings-pages.tsx'
import { BlobPage } from '../../src/features/browse/blob-page.tsx'
import { CardArticle, CardPage } from '../../src/features/browse/card-page.tsx'
import { CommitPage, CommitsPage } from '../../src/features/browse/history-pages.tsx'
import { EmptyRepoPage } from '../../src/features/browse/how-to-fill.tsx'
import { RefsPage } from '../../src/features/browse/refs-page.tsx'
import { TreePage } from '../../src/features/browse/tree-page.tsx'
import { AnswerInvitationPage, InvitationsPage } from '../../src/features/organizations/invitation-pages.tsx'
import { MembersPage } from '../../src/features/organizations/members-page.tsx'
import { NewOrganizationPage } from '../../src/features/organizations/new-page.tsx'
import { ScanningPage } from '../../src/features/organizations/scanning-page.tsx'
import { OrganizationProfilePage, RenameOrDeletePage } from '../../src/features/organizations/settings-pages.tsx'
import { HomePage } from '../../src/features/repos/home-page.tsx'
import { ListingPage, SearchPage } from '../../src/features/repos/listing-pages.tsx'
import { NamespacePage } from '../../src/features/repos/namespace-page.tsx'
import { OrganizationStoragePage } from '../../src/features/repos/organization-storage-page.tsx'
import { NewRepoPage, RepoSettingsPage } from '../../src/features/repos/pages.tsx'
import { AccountPage } from '../../src/features/service-accounts/account-page.tsx'
import { AccountsPage } from '../../src/features/service-accounts/accounts-page.tsx'
import { EditAccountTokenPage, NewAccountTokenPage } from '../../src/features/service-accounts/token-form-pages.tsx'
import { SessionsPage } from '../../src/features/sessions/pages.tsx'
import { EditTokenPage, NewTokenPage } from '../../src/features/tokens/form-pages.tsx'
import { TokensPage } from '../../src/features/tokens/pages.tsx'
import { ErrorPage, FaultPage, NotFoundPage } from '../../src/web/error-page.tsx'
import type { PageContext } from '../../src/web/page-context.ts'
import type { PickerGroups } from '../../src/web/permission-picker.tsx'
import { markSanitized } from '../../src/web/raw-html.tsx'
import { RefusalPage } from '../../src/web/refusal.tsx'
import { type PageNode, renderPage } from '../../src/web/render.ts'
import { downloadSamples } from './download-samples.tsx'
import { editingSamples } from './editing-samples.tsx'
import { factorSamples } from './factor-samples.tsx'
import { gateSamples, sampleGate } from './gate-samples.tsx'
import { inferenceSamples } from './inference-samples.tsx'
import { limitSamples } from './limit-samples.tsx'
import { modelSignatureSamples } from './model-signature-samples.tsx'
import { placeMove, placePages } from './place-samples.tsx'
import { scanSamples } from './scan-samples.ts'
import { trustSamples } from './trust-samples.tsx'

const hour = 3_600_000
const day = 24 * hour
export const sampleNow = Date.UTC(2026, 10, 22, 14, 3)

export function samplePages(words: (text: string) => string): Map<string, string> {
  const now = sampleNow
  const context: PageContext = {
    viewer: {
      name: words('mara'),
      fullname: words('Mara Lindqvist'),
      organizations: [{ name: words('acme'), role: 'admin' }],
      isAdmin: false,
    },
    instanceName: words('hub.acme.example'),
    version: '0.1.0',
    theme: null,
    path: words('/settings/tokens'),
    flash: { kind: 'success', text: words('The role of jonas is now read.') },
  }
  const stranger: PageContext = { ...context, viewer: null, flash: null }
  const form = (values: Record<string, string>, errors: Record<string, string> = {}, problem?: string) => ({
    values: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, words(value)])),
    errors: Object.fromEntries(Object.entries(errors).map(([name, text]) => [name, words(text)])),
    ...(problem === undefined ? {} : { problem: words(problem) }),
  })
  const fresh = form({})

  const emails = [
    { id: 'e1', address: words('mara@acme.example'), isPrimary: true, verifiedAt: now - 40 * day },
    { id: words('e2'), address: words('mara@home.example'), isPrimary: false, verifiedAt: null },
  ]
  const account = {
    context,
    name: words('mara'),
    emails,
    form: fresh,
    lastAdminOf: [],
    repositories: 3,
    sendsMail: true,
    tokenMail: true,
  }

  const token = {
    id: words('t1'),
    name: words('notebook-eval'),
    role: 'fineGrained' as const,
    reach: words('2 permissions on 1 model'),
    lastFour: words('4s9f'),
    lastUsedAt: now - 12 * 60_000,
    lastUsedBy: { ip: words('10.20.4.17'), program: words('huggingface_hub 1.20') },
    expiresAt: now + 5 * day,
    oldValue: {
      lastFour: words('t7Qz'),
      until: now + day,
      lastUsedAt: now - 240_000,
      lastUsedBy: { ip: words('10.0.3.7'), program: words('huggingface_hub/1.20') },
    },
    fence: {
      networks: [words('10.20.0.0/16'), words('2001:db8::/32')],
      notBefore: now - day,
      paths: [words('*.safetensors'), words('config/**')],
      programs: [words('hf_hub')],
      requestsPerMinute: 60,
      bytesPerDay: 20_000_000_000,
    },
    hasLostGrants: true,
  }
  const choice = (permission: string, ticked: boolean, refusedBecause: string | null = null) => ({
    permission: words(permission),
    label: words('Read contents'),
    ticked,
    refusedBecause: refusedBecause && words(refusedBecause),
  })
  const groups: PickerGroups = {
    repos: [
      {
        entity: words('model:acme/harbor-7b'),
        name: words('acme/harbor-7b'),
        kind: 'model',
        isPrivate: true,
        isNotEffective: true,
        choices: [choice('repo.content.read', true), choice('repo.write', false)],
      },
    ],
    organizations: [
      {
        entity: words('org:acme'),
        name: words('acme'),
        role: words('your role: write'),
        choices: [choice('org.write', false, 'Needs the admin role in acme.')],
      },
    ],
    own: { entity: words('user:mara'), name: words('mara'), fullname: null, choices: [choice('repo.write', false)] },
    global: [choice('discussion.write', false)],
    canReadGatedRepos: false,
    adding: {
      error: words('There is no such repository.'),
      typed: words('acme/nothing'),
      suggestions: [words('acme/harbor-7b')],
    },
  }
  const summary = [
    { can: true, text: words('Read acme/harbor-7b') },
    { can: false, text: words('No gated repositories') },
  ]

  const member = {
    name: words('jonas'),
    fullname: words('Jonas Ohm'),
    role: 'read' as const,
    temporary: { until: now + hour, roleAfter: 'no_access', reason: words('Audit of spring') },
    joinedAt: now - 20 * hour,
    isActive: false,
    hasSecondFactor: true,
  }
  const members = {
    context,
    organization: words('acme'),
    members: [member],
    total: 42,
    nextHref: '/organizations/acme/settings/members?after=x',
    firstHref: null,
    mayManage: true,
    serviceAccounts: 5,
    invitations: 2,
    filter: { search: words('jo'), role: 'read', factor: '' },
    isMember: true,
    seesRoles: true,
    isLastAdmin: false,
    defaultRole: 'read',
    fullAt: null,
    form: form({ username: 'nobody' }, { username: 'Nobody here has this name.' }),
  }
  const invitations = {
    context,
    organization: words('acme'),
    invitations: [
      {
        id: '66b0c4e2f1a2b3c4d5e6f7a8',
        address: words('grace@example.org'),
        role: 'write',
        inviter: words('Jonas Ohm'),
        expiresAt: now + 9 * day,
        sentAt: now - 5 * day,
        byMail: true,
        state: 'no longer effective' as const,
      },
    ],
    counts: { members: 42, serviceAccounts: 5, invitations: 2 },
    sendsMail: true,
    defaultRole: 'read',
    fullAt: null,
    nextHref: null,
    firstHref: null,
    once: null,
    form: fresh,
    dialog: null,
  }
  const invitation = {
    organization: words('acme'),
    fullname: words('Acme Ltd'),
    role: 'write',
    inviter: words('Mara Lindqvist'),
    address: words('grace@example.org'),
    expiresAt: now + 9 * day,
    link: words('s3cr3t'),
  }
  const profile = {
    context,
    organization: words('acme'),
    settings: {
      fullname: words('Acme Ltd'),
      description: words('Makes things'),
      defaultRole: 'read',
      defaultVisibility: 'private',
      membersVisibility: 'members',
      workspaceCreation: 'admin',
      secondFactorRequired: false,
    },
    mayChange: true,
    hasCard: false,
    withoutFactor: 3,
    viewerHasFactor: true,
    form: fresh,
    dialog: null,
  }
  const ending = {
    context,
    organization: words('acme'),
    belongings: { repos: 12, serviceAccounts: 5, groups: 2, workspaces: 3, members: 42 },
    undoDays: 30,
    form: fresh,
    dialog: null,
  }

  const repo = {
    kind: 'model' as const,
    namespace: words('acme'),
    name: words('harbor-7b'),
    ownerKind: 'organization' as const,
    isPrivate: true,
    isGated: true,
    workspace: words('routing'),
    mayChangeSettings: true,
    mayWrite: true,
  }
  const row = {
    kind: 'dataset' as const,
    namespace: words('acme'),
    name: words('port-calls'),
    isPrivate: true,
    description: words('2.1 million port calls'),
    task: words('text-generation'),
    library: words('transformers'),
    updatedAt: now - 41 * 60_000,
  }
  const query = {
    search: words('harbor'),
    sort: 'lastModified' as const,
    author: words('acme'),
    filters: [words('safetensors')],
    served: true,
  }
  const listing = { context, kind: 'model' as const, query, suggestedFilters: [words('license:mit')], firstHref: null }
  const place = { id: 'w1', name: words('Robotics') }
  const settings = {
    context,
    repo,
    visibilityForm: fresh,
    gate: {
      gated: 'manual' as const,
      orgMembersGated: true,
      email: words('gate@acme.example'),
      mode: 'bulk' as const,
      mayReadRequests: true,
    },
    gateForm: fresh,
    moveForm: fresh,
    owners: [words('acme')],
    workspace: { current: place, choices: [place] },
    workspaceForm: fresh,
  }

  const author = { name: words('jonas'), kind: 'user' as const, isAccount: true }
  const commit = {
    id: 'a'.repeat(40),
    title: words('Retrain on October port calls'),
    at: now - hour,
    author,
    signature: {
      status: 'unverified' as const,
      words: words('The key was revoked.'),
      key: { kind: 'gpg', id: words('E7E10A2FACC99EB1') },
      verifiedAt: now,
    },
  }
  const revision = {
    name: words('main'),
    kind: 'branch' as const,
    branches: [words('main')],
    tags: [words('v1.2')],
  }
  const entry = { size: 1519, storage: 'lfs' as const, lastCommit: commit }
  const scans = scanSamples(words)
  const downloads = downloadSamples(words, context, repo, now)
  const blob = {
    context,
    repo,
    revision,
    path: words('eval/config.json'),
    size: 744,
    storage: 'lfs' as const,
    oid: 'b'.repeat(40),
    sha256: 'c'.repeat(64),
    latest: commit,
    views: null,
  }
  const refs = {
    context,
    repo,
    branches: {
      rows: [
        { name: words('main'), commit, isDefault: true },
        { name: words('next'), commit: null, isDefault: false },
      ],
      isCut: true,
    },
    tags: { rows: [], isCut: false },
  }
  const facts = {
    task: words('text-generation'),
    library: words('transformers'),
    languages: [words('en')],
    license: words('apache-2.0'),
    baseModels: [repo],
    datasets: [row],
    tags: [words('port')],
    storedBytes: 15.4e9,
    createdAt: now - 200 * day,
    updatedAt: now - 6 * day,
  }
  const result = {
    name: words('PortCall-QA, accuracy'),
    title: words('Question answering'),
    value: words('78.9'),
    commit: 'c1',
    signature: { status: 'verified' as const, words: words('Signed by mara.'), key: null, verifiedAt: now },
    isKnown: true,
  }
  const card = {
    context,
    repo,
    facts,
    gate: null,
    calledBy: { way: 'chat', mask: '[MASK]' } as const,
    results: [result, { ...result, signature: null }, { ...result, commit: null, signature: null, isKnown: false }],
    publicUrl: words('https://hub.acme.example'),
  }

  const machine = {
    id: '6926a1b2c3d4e5f607182930',
    name: words('ci-publish'),
    description: words('Uploads released models'),
    contact: words('Jonas'),
    role: 'write' as const,
    expiresAt: null,
    isDisabled: false,
  }
  const accountToken = {
    id: 'k1',
    name: words('gitlab-release'),
    description: words('Release stage'),
    mode: 'scoped' as const,
    reach: words('write on acme/harbor-7b'),
    lastFour: words('9fQ2'),
    lastUsedAt: now - 4 * 60_000,
    lastUsedBy: { ip: words('10.20.4.17'), program: words('huggingface_hub 1.20') },
    expiresAt: now + 12 * day,
    oldValue: {
      lastFour: words('t7Qz'),
      until: now + day,
      lastUsedAt: now - 240_000,
      lastUsedBy: { ip: words('10.0.3.7'), program: words('huggingface_hub/1.20') },
    },
    fence: {
      networks: [words('10.20.0.0/16'), words('2001:db8::/32')],
      notBefore: now - day,
      paths: [words('*.safetensors'), words('config/**')],
      programs: [words('hf_hub')],
      requestsPerMinute: 60,
      bytesPerDay: 20_000_000_000,
    },
    hasLostGrants: true,
  }
  const accountsPage = {
    context,
    organization: words('acme'),
    accounts: [
      {
        ...machine,
        places: [words('release-bots'), words('routing')],
        tokens: 2,
        nextExpiry: now + 12 * day,
        lastUsedAt: now - 4 * 60_000,
      },
      { ...machine, id: 'm2', isDisabled: true, places: [], tokens: 0, nextExpiry: null, lastUsedAt: null },
    ],
    seats: { used: 42, limit: 50, invited: 2, serviceAccounts: { total: 2 } },
    nextHref: null,
    firstHref: null,
  }
  const accountPage = {
    context,
    organization: words('acme'),
    account: { ...machine, createdAt: now - 200 * day, createdBy: words('Mara Lindqvist') },
    tokens: [accountToken],
    places: [
      { kind: 'group' as const, id: 'g1', name: words('release-bots'), role: 'member', through: null },
      { kind: 'workspace' as const, id: 'w1', name: words('routing'), role: 'write', through: words('release-bots') },
    ],
    made: null,
    isNew: false,
  }
  const accountTokenForm = {
    context,
    organization: words('acme'),
    account: machine,
    form: form({ name: 'x' }, { name: 'Taken.' }, 'No.'),
    groups: { ...groups, own: null, global: [], canReadGatedRepos: null },
    summary,
  }

  const pages: Record<string, PageNode> = {
    'sign-in': (
      <SignInPage
        context={stranger}
        form={form({ username: 'mara' }, {}, 'That name and password do not belong together.')}
        next={words('/settings')}
        passkeys={true}
        company={{ name: words('Acme'), isOnly: false }}
      />
    ),
    join: (
      <JoinPage
        context={stranger}
        form={form({ username: 'm m', email: 'x' }, { username: 'No spaces.' })}
        join={{ kind: 'invited', link: words('secret') }}
        passwordMinimum={10}
      />
    ),
    'join-closed': <JoinPage context={stranger} form={fresh} join={{ kind: 'closed' }} passwordMinimum={10} />,
    reset: <PasswordResetRequestPage context={stranger} form={fresh} sent={false} sendsMail={true} />,
    'reset-set': (
      <PasswordResetPage
        context={stranger}
        form={fresh}
        reset={{ link: words('secret'), name: words('mara') }}
        passwordMinimum={10}
      />
    ),
    verify: (
      <EmailVerificationPage
        context={stranger}
        verification={{ kind: 'ask', address: words('mara@acme.example'), link: words('secret') }}
      />
    ),
    profile: (
      <ProfileSettingsPage
        context={context}
        form={fresh}
        profile={{ name: words('mara'), fullname: words('Mara Lindqvist') }}
      />
    ),
    account: <AccountSettingsPage {...account} dialog={null} />,
    'account-delete': (
      <AccountSettingsPage
        {...account}
        dialog={{ kind: 'delete', form: form({ confirm: 'Mara' }, { confirm: 'No.' }) }}
      />
    ),
    ...factorSamples(words, context, stranger, now),
    sessions: (
      <SessionsPage
        context={context}
        dialog={null}
        sessions={[
          {
            id: words('s1'),
            device: words('Firefox on Linux'),
            ip: words('10.20.4.17'),
            createdAt: now - 2 * day,
            lastUsedAt: now,
            isCurrent: false,
          },
        ]}
      />
    ),
    'service-accounts': <AccountsPage {...accountsPage} dialog={null} />,
    'service-account-add': (
      <AccountsPage
        {...accountsPage}
        dialog={{ kind: 'add', form: form({ name: 'ci', description: 'd' }, { role: 'Choose a role.' }, 'No.') }}
      />
    ),
    'service-account': <AccountPage {...accountPage} dialog={null} />,
    'service-account-made': (
      <AccountPage {...accountPage} made={{ id: 'k1', name: words('gitlab'), value: words('hf_once') }} dialog={null} />
    ),
    'service-account-refresh': (
      <AccountPage {...accountPage} dialog={{ kind: 'refresh', token: accountToken, form: fresh }} />
    ),
    'service-account-delete-all': <AccountPage {...accountPage} dialog={{ kind: 'delete-all', form: fresh }} />,
    'service-account-delete': <AccountPage {...accountPage} dialog={{ kind: 'delete', account: machine, tokens: 2 }} />,
    'service-account-token-new': <NewAccountTokenPage {...accountTokenForm} isFirst={true} />,
    'service-account-token': (
      <EditAccountTokenPage
        {...accountTokenForm}
        token={{ ...accountToken, createdAt: now - 9 * day }}
        childTokens={[]}
        hub="https://hub.example.org"
      />
    ),
    tokens: (
      <TokensPage
        context={context}
        tokens={[token]}
        made={{ id: token.id, name: token.name, value: words('hf_qWcTzRkVbNmJxLpYdHsGfAeUoIwXrK4s9f') }}
        dialog={null}
      />
    ),
    'tokens-empty': <TokensPage context={context} tokens={[]} made={null} dialog={null} />,
    'token-refresh': (
      <TokensPage context={context} tokens={[token]} made={null} dialog={{ kind: 'refresh', token, form: fresh }} />
    ),
    'token-delete': (
      <TokensPage context={context} tokens={[token]} made={null} dialog={{ kind: 'delete', token, form: fresh }} />
    ),
    'token-new': (
      <NewTokenPage
        context={context}
        form={form({ name: 'x' }, { name: 'You already have a token with this name.' })}
        groups={groups}
        summary={summary}
      />
    ),
    'token-edit': (
      <EditTokenPage
        context={context}
        form={fresh}
        groups={groups}
        summary={summary}
        token={{ ...token, createdAt: now - day }}
        childTokens={[
          {
            id: 'c1',
            name: words('agent'),
            lastFour: 'p0Wq',
            permissions: [words('model:acme/x=repo.content.read')],
            role: 'role fineGrained',
            usesLeft: 1,
            lastUsedAt: null,
            expiresAt: now + day / 2,
          },
        ]}
        hub="https://hub.example.org"
      />
    ),
    members: <MembersPage {...members} dialog={null} />,
    'members-remove': <MembersPage {...members} dialog={{ kind: 'remove', name: words('jonas') }} />,
    'members-public': <MembersPage {...members} seesRoles={false} mayManage={false} dialog={null} />,
    'members-full': <MembersPage {...members} members={[]} fullAt={42} dialog={{ kind: 'leave' }} />,
    invitations: <InvitationsPage {...invitations} />,
    'invitations-once': (
      <InvitationsPage {...invitations} once={{ address: words('grace@example.org'), link: words('https://x/y') }} />
    ),
    'invitations-invite': <InvitationsPage {...invitations} dialog={{ kind: 'invite', form: fresh }} />,
    'invitations-withdraw': (
      <InvitationsPage {...invitations} dialog={{ kind: 'withdraw', id: '1', address: words('grace@example.org') }} />
    ),
    'invitation-stranger': (
      <AnswerInvitationPage
        context={stranger}
        state={{ kind: 'stranger', mayJoin: true, hasAccount: false, ...invitation }}
        form={fresh}
      />
    ),
    'invitation-ready': (
      <AnswerInvitationPage context={context} state={{ kind: 'ready', ...invitation }} form={fresh} />
    ),
    'invitation-other': (
      <AnswerInvitationPage context={context} state={{ kind: 'other-address', ...invitation }} form={fresh} />
    ),
    'invitation-member': (
      <AnswerInvitationPage context={context} state={{ kind: 'member', ...invitation }} form={fresh} />
    ),
    'invitation-spent': <AnswerInvitationPage context={context} state={{ kind: 'spent' }} form={fresh} />,
    'organization-scanning': (
      <ScanningPage
        context={context}
        organization={words('acme')}
        policies={{
          scanPolicy: 'warn',
          leakedTokens: 'record',
          pushProtection: 'block',
          pickleAdmission: 'refuse',
          pickleAllowList: words('acme.models.*'),
        }}
        instance={{ scanPolicy: 'block_infected', leakedTokens: 'refuse', pushProtection: 'warn' }}
        maySeeUnsafe={true}
        mayChange={true}
        form={fresh}
      />
    ),
    'organization-scanning-read': (
      <ScanningPage
        context={context}
        organization={words('acme')}
        policies={{
          scanPolicy: 'warn',
          leakedTokens: 'record',
          pushProtection: 'off',
          pickleAdmission: 'flag',
          pickleAllowList: words('acme.models.*'),
        }}
        instance={{ scanPolicy: 'warn', leakedTokens: 'record', pushProtection: 'off' }}
        maySeeUnsafe={false}
        mayChange={false}
        form={fresh}
      />
    ),
    'organization-profile': <OrganizationProfilePage {...profile} />,
    'organization-profile-read': <OrganizationProfilePage {...profile} mayChange={false} hasCard={true} />,
    'organization-second-factor': <OrganizationProfilePage {...profile} dialog="second-factor" />,
    ...limitSamples(context, words),
    'organization-storage': (
      <OrganizationStoragePage
        context={context}
        organization={words('acme')}
        seats={{ used: 42, limit: 50 }}
        machines={{ total: 5, active: 4, invited: 2 }}
        usage={{ files: 3, logical: 9_000_000, stored: 5_000_000, countedAt: now - hour }}
        repos={[
          { kind: 'model', namespace: words('acme'), name: words('harbor-7b'), usage: null },
          {
            kind: 'dataset',
            namespace: words('acme'),
            name: words('tides'),
            usage: { files: 1, logical: 5, stored: 5 },
          },
        ]}
        olderHref={null}
        firstHref={null}
      />
    ),
    'organization-end': <RenameOrDeletePage {...ending} />,
    'organization-rename': <RenameOrDeletePage {...ending} dialog={{ kind: 'rename', form: fresh }} />,
    'organization-delete': <RenameOrDeletePage {...ending} dialog={{ kind: 'delete', form: fresh }} />,
    'organization-new': <NewOrganizationPage context={context} form={fresh} />,
    listing: <ListingPage {...listing} repos={[row]} total={318} nextHref="/models?cursor=x" />,
    'listing-no-hits': <ListingPage {...listing} repos={[]} total={0} nextHref={null} />,
    search: (
      <SearchPage
        context={context}
        query={words('harbor')}
        groups={[{ kind: 'dataset', repos: [row], hasMore: true }]}
        namespaces={[{ name: words('harbor-lab'), kind: 'organization', fullname: words('Harbor Lab') }]}
      />
    ),
    namespace: (
      <NamespacePage
        context={context}
        namespace={{
          name: words('acme'),
          kind: 'organization',
          fullname: words('Acme'),
          description: words('Makes things'),
          createdAt: now - 90 * day,
        }}
        kind="dataset"
        repos={[row]}
        nextHref={null}
        firstHref={null}
        card={
          <CardArticle
            repo={{ kind: 'space', namespace: words('acme'), name: 'README' }}
            card={{ kind: 'card', html: markSanitized('<h1>Acme</h1><p>Makes things.</p>'), changedBy: null }}
          />
        }
        mayCreate={true}
        maySeeMembers={true}
        maySeeSettings={true}
        lacksSecondFactor={true}
      />
    ),
    home: <HomePage context={context} publicUrl={words('https://hub.acme.example')} yours={[row]} recent={[row]} />,
    'home-stranger': (
      <HomePage context={stranger} publicUrl={words('https://hub.acme.example')} yours={null} recent={[]} />
    ),
    'repo-new': (
      <NewRepoPage
        context={context}
        kind="space"
        form={form({ name: 'x y' }, { name: 'No spaces.' })}
        owners={[words('mara')]}
        visibility="private"
        workspaces={[{ id: 'w1', name: words('Robotics'), organization: words('acme') }]}
      />
    ),
    'repo-settings': (
      <RepoSettingsPage
        {...settings}
        mayReadDownloads={true}
        mayReadServers={true}
        mayMove={true}
        mayDelete={true}
        dialog={null}
      />
    ),
    'repo-delete': (
      <RepoSettingsPage
        {...settings}
        mayReadDownloads={true}
        mayReadServers={true}
        mayMove={true}
        mayDelete={true}
        dialog={{ kind: 'delete', form: fresh }}
      />
    ),
    'repo-place': (
      <RepoSettingsPage
        {...settings}
        mayReadDownloads={true}
        mayReadServers={true}
        mayMove={true}
        mayDelete={true}
        dialog={{ kind: 'place', ...placeMove(words), from: place }}
      />
    ),
    ...modelSignatureSamples(words, context, repo, fresh),
    ...gateSamples(context, words, repo, now),
    ...placePages(context, words),
    ...editingSamples(context, words, repo, { commits: [commit], isCut: true, changes: null, isUnrelated: true }),
    card: (
      <CardPage
        {...card}
        gate={sampleGate(words, 'ask')}
        alarms={scans.alarms}
        card={{
          kind: 'card',
          html: markSanitized('<h1>Harbor 7B</h1><p>A model for port logistics.</p>'),
          changedBy: { name: words('Mara'), at: now - 6 * day },
        }}
      />
    ),
    'card-plain': (
      <CardPage
        {...card}
        gate={sampleGate(words, 'sign-in')}
        alarms={[]}
        card={{ kind: 'plain', text: words('# As written'), notice: words('It takes too long.') }}
      />
    ),
    'card-missing': (
      <CardPage
        {...card}
        calledBy={{ way: 'embedding', mask: '[MASK]' }}
        results={null}
        alarms={[]}
        card={{ kind: 'missing' }}
      />
    ),
    'card-unreadable': (
      <CardPage {...card} alarms={[]} card={{ kind: 'unreadable', reason: words('The front matter is no YAML.') }} />
    ),
    tree: (
      <TreePage
        context={context}
        repo={repo}
        revision={revision}
        path={words('eval')}
        alarms={scans.alarms}
        entries={[
          { ...entry, name: words('folder'), kind: 'folder', size: null, scan: null },
          { ...entry, name: words('config.json'), kind: 'file', scan: scans.scan },
          { ...entry, name: words('module'), kind: 'submodule', scan: null },
        ]}
        latest={commit}
        commitCount={214}
        totals={{ files: 12, bytes: 15.4e9 }}
        order="Folders first"
        nextHref={null}
        firstHref={null}
      />
    ),
    'tree-empty': (
      <EmptyRepoPage context={context} repo={repo} tab="files" publicUrl={words('https://hub.acme.example')} />
    ),
    ...downloads.pages,
    ...inferenceSamples(context, words, repo, now),
    ...trustSamples(words, context, repo, now),
    'blob-text': (
      <BlobPage
        {...blob}
        {...scans}
        downloads={downloads.latest}
        body={{ kind: 'text', text: `${words('{ "a": 1 }')}\n`, rows: null, note: null }}
      />
    ),
    'blob-table': (
      <BlobPage
        {...blob}
        {...scans}
        views="preview"
        downloads={null}
        body={{
          kind: 'shown',
          shown: {
            kind: 'table',
            columns: [{ name: words('column'), type: words('int64') }],
            bodyHtml: '<tr><th scope="row">1</th><td>one</td></tr>',
            rows: 1,
            from: 0,
            next: 1,
            total: null,
            notes: [words('A note.')],
          },
        }}
      />
    ),
    'blob-tensors': (
      <BlobPage
        {...blob}
        {...scans}
        downloads={null}
        body={{
          kind: 'shown',
          shown: {
            kind: 'tensors',
            format: words('safetensors'),
            parameters: 1,
            byType: [{ dtype: words('F32'), parameters: 1 }],
            metadata: [{ key: words('key'), value: words('value') }],
            metadataTotal: 2,
            bodyHtml: '<tr><th scope="row">a</th><td>F32</td><td>1</td><td class="num">4</td></tr>',
            rows: 1,
            from: 0,
            next: null,
            total: 1,
            notes: [words('A note.')],
          },
        }}
      />
    ),
    'blob-notebook': (
      <BlobPage
        {...blob}
        {...scans}
        views="preview"
        downloads={null}
        body={{
          kind: 'notebook',
          notebook: {
            kind: 'notebook',
            cells: [
              { kind: 'markdown', text: words('# Title'), html: null },
              {
                kind: 'code',
                count: 1,
                html: markSanitized('x = 1'),
                outputs: [
                  { kind: 'text', text: words('1'), isError: true },
                  { kind: 'left out', what: words('A picture is not shown.') },
                ],
              },
            ],
            from: 0,
            next: null,
            total: 2,
          },
        }}
      />
    ),
    'blob-not-shown': (
      <BlobPage {...blob} {...scans} downloads={null} body={{ kind: 'not shown', words: words('It is broken.') }} />
    ),
    'blob-image': <BlobPage {...blob} {...scans} downloads={downloads.latest} body={{ kind: 'image' }} />,
    'blob-large': <BlobPage {...blob} {...scans} downloads={downloads.latest} body={{ kind: 'sizes', why: 'large' }} />,
    'blob-link': (
      <BlobPage
        {...blob}
        {...scans}
        downloads={downloads.latest}
        body={{ kind: 'link', target: words('../README.md') }}
      />
    ),
    commits: (
      <CommitsPage
        context={context}
        repo={repo}
        revision={revision}
        path=""
        commits={[commit]}
        total={214}
        nextHref="/x?after=y"
        firstHref={null}
      />
    ),
    commit: (
      <CommitPage
        context={context}
        repo={repo}
        commit={{
          ...commit,
          message: words('More words.'),
          parents: ['d'.repeat(40)],
          committer: { name: words('Somebody'), at: now },
        }}
        changes={{
          files: [
            {
              path: words('config.json'),
              oldPath: words('old.json'),
              change: 'renamed',
              linesAdded: 1,
              linesRemoved: 1,
              href: '/x',
              body: {
                kind: 'text',
                isCut: true,
                hunks: [
                  {
                    header: words('@@ -1 +1 @@'),
                    lines: [
                      { kind: 'removed', oldNumber: 1, newNumber: null, text: words('dtype = float32') },
                      { kind: 'added', oldNumber: null, newNumber: 1, text: words('dtype = bfloat16') },
                    ],
                  },
                ],
              },
            },
          ],
          totals: { files: 3, linesAdded: 1, linesRemoved: 1 },
          isCut: false,
        }}
      />
    ),
    refs: <RefsPage {...refs} dialog={null} />,
    'refs-new': (
      <RefsPage
        {...refs}
        dialog={{ kind: 'create', what: 'tag', form: form({ name: 'x y' }, { name: 'No spaces.' }) }}
      />
    ),
    'refs-delete': <RefsPage {...refs} dialog={{ kind: 'delete', what: 'branch', name: words('next'), form: fresh }} />,
    refusal: (
      <RefusalPage
        context={context}
        title={words('You cannot push to acme/m1')}
        sentence={words('Your role in acme is read. Pushing needs write. Nothing was changed.')}
        checks={[
          { name: words('Credential'), detail: words('token workstation'), state: 'passed' },
          { name: words('Role'), detail: words('since yesterday'), state: 'refused', has: 'read', needs: 'write' },
          { name: words('Token permission'), detail: words('repo.write'), state: 'not reached' },
        ]}
        ways={[{ title: words('Ask'), text: words('An administrator can.'), href: '/acme', button: words('Ask') }]}
        support={{ status: 403, denied: words('role; need=write'), requestId: words('01K9Z3T7QX'), at: now }}
      />
    ),
    error: (
      <ErrorPage
        context={context}
        title={words('That did not work')}
        message={words('The name is taken.')}
        next={words('Choose another.')}
        requestId={words('01K9Z3T7QX')}
      />
    ),
    'not-found': <NotFoundPage context={stranger} requestId="01K9Z3T7QX" />,
    fault: <FaultPage context={context} requestId="01K9Z3T7QX" />,
  }
  return new Map(Object.entries(pages).map(([name, page]) => [name, renderPage(page, { now })]))
}
