/* Tokens that reach an organization: its policy, the list, and what its administrators say of single ones. */
import type { TokenPolicy, TokenRestriction } from '../../domain/token-policy.ts'
import { namespacePath, withQuery } from '../../web/address.ts'
import { Badge, Expiry, TokenRoleBadge } from '../../web/badge.tsx'
import { Button, LinkButton } from '../../web/button.tsx'
import { Dialog } from '../../web/dialog.tsx'
import { Empty } from '../../web/empty.tsx'
import { PickField, TextField } from '../../web/field.tsx'
import type { FormState } from '../../web/form-state.ts'
import { MoreRows } from '../../web/more-rows.tsx'
import { FormProblem } from '../../web/notice.tsx'
import { OrganizationSettingsPage } from '../../web/organization-settings-page.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead } from '../../web/page-head.tsx'
import { Cell, Row, RowHead, Rows } from '../../web/rows.tsx'
import { organizationSettingsPath } from '../../web/settings-frame.tsx'
import { Tabs } from '../../web/tabs.tsx'
import { Time } from '../../web/time.tsx'
import { Who } from '../../web/who.tsx'
import { type ListedToken, longestLifetimeDays, type OrganizationTokenPolicy } from './service.ts'

const title = 'Tokens that reach us'

export const tokensOf = (organization: string, below = ''): string =>
  organizationSettingsPath(organization, `tokens${below}`)

const policyPicks = [
  { value: 'any', label: 'Any token', help: 'Classic and fine-grained tokens of members, each within its own limits.' },
  {
    value: 'fine_grained',
    label: 'Fine-grained tokens only',
    help: 'A classic token carries everything that its owner may do. Here it reaches only what is public.',
  },
  {
    value: 'approval',
    label: 'Approved tokens only',
    help: 'A fine-grained token reaches nothing here until an administrator approves it. Tokens of administrators need no approval.',
  },
] as const satisfies readonly { value: TokenPolicy; label: string; help: string }[]

const administrationPicks = [
  {
    value: 'yes',
    label: 'Classic tokens administer too',
    help: 'A write token of an administrator may do what the administrator may, by the API.',
  },
  {
    value: 'no',
    label: 'Only sessions and fine-grained tokens',
    help: 'Members, groups, workspaces and settings are changed on the website, or with a fine-grained token that has org.write.',
  },
] as const

/** Posts `policy`, `mostDays` and `classicTokensAdminister` to /organizations/{org}/settings/tokens/policy. */
export function TokenPolicyPage(props: {
  context: PageContext
  organization: string
  policy: OrganizationTokenPolicy
  form: FormState
}) {
  const { organization, policy, form } = props
  return (
    <OrganizationSettingsPage
      context={props.context}
      organization={organization}
      title={`Token policy of ${organization}`}
      place="tokens"
      crumbs={[{ label: title, href: tokensOf(organization) }, { label: 'Token policy' }]}
    >
      <PageHead
        title="Token policy"
        lede={`Which access tokens of its members ${organization} takes. Service accounts have tokens of the organization's own, which this does not touch.`}
      />
      <form class="panel grid gap-5 p-4" method="post" action={tokensOf(organization, '/policy')}>
        <FormProblem form={form} />
        <PickField form={form} name="policy" legend="Tokens" picks={policyPicks} value={policy.policy} />
        <TextField
          form={form}
          name="mostDays"
          label="Longest lifetime in days"
          optional={true}
          digits={true}
          pattern="[0-9]*"
          maxlength={4}
          value={policy.mostDays === null ? '' : String(policy.mostDays)}
          help={`From making or refreshing a token to its expiry, at most ${longestLifetimeDays.toLocaleString('en')}. Tokens that live longer, or never expire, reach only what is public. Empty: any.`}
        />
        <PickField
          form={form}
          name="classicTokensAdminister"
          legend="Administration"
          picks={administrationPicks}
          value={policy.classicTokensAdminister ? 'yes' : 'no'}
        />
        <p class="text-sm text-muted">
          It holds from the next request. Whoever is refused is told why, and the list shows which tokens are not taken.
        </p>
        <div class="flex flex-wrap gap-2">
          <Button look="primary">Save policy</Button>
          <Button action={tokensOf(organization, '/policy/preview')}>Preview who is affected</Button>
        </div>
      </form>
    </OrganizationSettingsPage>
  )
}

export type TokensView = {
  readonly tokens: readonly ListedToken[]
  readonly isWaiting: boolean
  readonly olderHref: string | null
  readonly firstHref: string | null
}

/** Dialog at ?revoke={id}. Posts to /organizations/{org}/settings/tokens/{id}/approve, /deny and /revoke. */
export function OrganizationTokensPage(props: {
  context: PageContext
  organization: string
  policy: OrganizationTokenPolicy
  view: TokensView
  /** From the policy. */
  mayApprove: boolean
  mayChangePolicy: boolean
  revoking: ListedToken | null
}) {
  const { organization, policy, view } = props
  return (
    <OrganizationSettingsPage
      context={props.context}
      organization={organization}
      title={`${title}: ${organization}`}
      place="tokens"
      dialog={props.revoking && <RevokeDialog organization={organization} token={props.revoking} />}
    >
      <PageHead
        title={title}
        lede={`Access tokens with which members reach what is not public in ${organization}: classic ones, and fine-grained ones that list something of it. Their values are shown to nobody.`}
        action={
          props.mayChangePolicy ? (
            <LinkButton href={tokensOf(organization, '/policy')}>Change policy</LinkButton>
          ) : undefined
        }
      />
      <p class="text-sm">
        <a class="a" href={tokensOf(organization, '/honey')}>
          Honey tokens
        </a>{' '}
        open nothing, and tell the administrators who searched where they lie.
      </p>
      <p class="text-sm">
        <b>{labelOf(policy.policy)}.</b>{' '}
        {policy.mostDays === null ? 'They may live as long as they like.' : `They may live ${policy.mostDays} days.`}{' '}
        {!policy.classicTokensAdminister && 'Classic tokens administer nothing here.'}
      </p>
      <ReachingTabs organization={organization} policy={policy.policy} current={view.isWaiting ? 'waiting' : 'all'} />
      <TokenTable {...props} viewer={props.context.viewer?.name ?? null} />
    </OrganizationSettingsPage>
  )
}

/** Of the list and of the radar. */
export function ReachingTabs(props: {
  organization: string
  policy: TokenPolicy
  current: 'all' | 'waiting' | 'attention'
}) {
  const { organization, current } = props
  const here = tokensOf(organization)
  const waiting = {
    href: withQuery(here, { waiting: 'true' }),
    label: 'Waiting for approval',
    current: current === 'waiting',
  }
  return (
    <Tabs
      label="Which tokens"
      inPage={true}
      tabs={[
        { href: here, label: 'All', current: current === 'all' },
        ...(props.policy === 'approval' ? [waiting] : []),
        { href: tokensOf(organization, '/radar'), label: 'Needs attention', current: current === 'attention' },
      ]}
    />
  )
}

function labelOf(policy: TokenPolicy): string {
  return policyPicks.find(({ value }) => value === policy)?.label ?? policy
}

function TokenTable(props: {
  organization: string
  policy: OrganizationTokenPolicy
  view: TokensView
  mayApprove: boolean
  /** Whose own tokens cannot be revoked here. */
  viewer: string | null
}) {
  const { view } = props
  if (view.tokens.length === 0 && view.firstHref === null) {
    return (
      <section class="panel">
        <Empty icon="key-round" title={view.isWaiting ? 'Nothing waits' : 'No tokens'}>
          {view.isWaiting
            ? 'Fine-grained tokens of members that list something of the organization stand here until you decide.'
            : 'Tokens of members that reach the organization stand here, with when they were last used.'}
        </Empty>
      </section>
    )
  }
  return (
    <>
      <section class="panel" aria-label={title}>
        <Rows
          caption={`${title}, by their owners`}
          columns={[
            { label: 'Token' },
            { label: 'State' },
            { label: 'Last used' },
            { label: 'Expires' },
            { label: 'Actions', silent: true, class: 'end' },
          ]}
        >
          {view.tokens.map((token) => (
            <TokenLine {...props} token={token} />
          ))}
        </Rows>
      </section>
      <MoreRows
        order="By owner"
        shown={view.tokens.length}
        olderHref={view.olderHref}
        firstHref={view.firstHref}
        olderWord="More"
      />
    </>
  )
}

function TokenLine(props: {
  organization: string
  policy: OrganizationTokenPolicy
  mayApprove: boolean
  viewer: string | null
  token: ListedToken
}) {
  const { organization, token } = props
  const called = `hf_…${token.last4} of ${token.ownerName}`
  const isJudged = props.policy.policy === 'approval' && token.role === 'fineGrained' && token.verdict !== 'revoked'
  return (
    <Row>
      <RowHead
        before={<Who kind="user" name={token.ownerName} />}
        description={props.policy.policy === 'approval' ? token.name : null}
      >
        <span class="flex flex-wrap items-center gap-x-2">
          <a class="quiet" href={namespacePath(token.ownerName)}>
            {token.ownerName}
          </a>
          <code>hf_…{token.last4}</code>
          {token.role !== 'inherit' && <TokenRoleBadge role={token.role} />}
        </span>
      </RowHead>
      <Cell label="State">
        <StateBadge restriction={token.restriction} />
      </Cell>
      <Cell label="Last used" class="nowrap text-muted">
        {token.lastUsedAt === null ? 'Not yet used' : <Time at={token.lastUsedAt} />}
      </Cell>
      <Cell label="Expires" class="nowrap text-muted">
        <Expiry at={token.expiresAt} />
      </Cell>
      <Cell class="end">
        <span class="inline-flex flex-wrap gap-2 justify-end">
          {props.mayApprove && isJudged && token.verdict !== 'approved' && token.ownerRole !== 'admin' && (
            <form method="post" action={tokensOf(organization, `/${token.id}/approve`)}>
              <Button label={`Approve ${called}`}>Approve</Button>
            </form>
          )}
          {props.mayApprove && isJudged && token.verdict !== 'denied' && token.ownerRole !== 'admin' && (
            <form method="post" action={tokensOf(organization, `/${token.id}/deny`)}>
              <Button label={`Deny ${called}`}>Deny</Button>
            </form>
          )}
          {token.verdict !== 'revoked' && token.ownerName !== props.viewer && (
            <LinkButton
              look="danger"
              href={withQuery(tokensOf(organization), { revoke: token.id })}
              dialog={true}
              label={`Revoke ${called}`}
            >
              Revoke
            </LinkButton>
          )}
        </span>
      </Cell>
    </Row>
  )
}

const states: Record<TokenRestriction, string> = {
  token_revoked_here: 'revoked',
  token_policy: 'not taken: classic',
  token_lifetime: 'not taken: lives too long',
  token_pending: 'waits for approval',
  token_denied: 'denied',
}

function StateBadge({ restriction }: { restriction: TokenRestriction | null }) {
  if (restriction === null) return <Badge icon="circle-check">taken</Badge>
  return <Badge icon={restriction === 'token_pending' ? 'lock' : 'ban'}>{states[restriction]}</Badge>
}

function RevokeDialog({ organization, token }: { organization: string; token: ListedToken }) {
  return (
    <Dialog
      title="Revoke this token"
      closeHref={tokensOf(organization)}
      action={tokensOf(organization, `/${token.id}/revoke`)}
      submit={<Button look="error">Revoke token</Button>}
    >
      <p class="text-sm">
        <code>hf_…{token.last4}</code> of <b>{token.ownerName}</b> reaches nothing in {organization} from the next
        request on, under every policy, for good. Elsewhere it still works: its owner is told, and can delete it.
      </p>
    </Dialog>
  )
}
