/* Tokens that reach an organization and need attention (idea 8): why, and the way to mend each. */
import { namespacePath, withQuery } from '../../web/address.ts'
import { TokenRoleBadge } from '../../web/badge.tsx'
import { Button, LinkButton } from '../../web/button.tsx'
import { Empty } from '../../web/empty.tsx'
import { SelectField } from '../../web/field.tsx'
import { freshForm } from '../../web/form-state.ts'
import { MoreRows } from '../../web/more-rows.tsx'
import { OrganizationSettingsPage } from '../../web/organization-settings-page.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead } from '../../web/page-head.tsx'
import { Cell, Row, RowHead, Rows } from '../../web/rows.tsx'
import { organizationSettingsPath } from '../../web/settings-frame.tsx'
import { Time } from '../../web/time.tsx'
import { Who } from '../../web/who.tsx'
import { ReachingTabs, tokensOf } from './pages.tsx'
import type { RadarOfOrganization, RadarToken } from './radar.ts'
import { type RadarKind, radarKinds } from './radar-queries.ts'

const kindWords: Readonly<Record<RadarKind, string>> = {
  owner_left: 'Owner deactivated',
  no_contact: 'Nobody answers for it',
  expiring: 'About to expire',
  never_used: 'Never used',
  unused: 'Unused for 90 days',
  never_expires: 'Never expires',
  classic_write: 'Classic, with write access',
}

const caption = 'Tokens that need attention, by their owners'

/** `kind` filters; null for all. */
export function OrganizationRadarPage(props: {
  context: PageContext
  organization: string
  radar: RadarOfOrganization
  kind: RadarKind | null
  olderHref: string | null
  firstHref: string | null
}) {
  const { organization, radar, kind } = props
  const here = tokensOf(organization, '/radar')
  const isEmpty = radar.tokens.length === 0 && props.firstHref === null
  return (
    <OrganizationSettingsPage
      context={props.context}
      organization={organization}
      title={`Tokens that need attention: ${organization}`}
      place="tokens"
    >
      <PageHead
        title="Tokens that reach us"
        lede={`Tokens of members and service accounts that reach ${organization} and that nobody seems to need, nobody answers for, that can do more than they should, or that end soon. Their values are shown to nobody.`}
      />
      <ReachingTabs organization={organization} policy={radar.policy} current="attention" />
      {!(isEmpty && kind === null) && (
        <form class="flex flex-wrap items-end gap-2" method="get" action={here} aria-label="Filter by reason">
          <SelectField
            form={freshForm}
            name="kind"
            label="Reason"
            value={kind ?? ''}
            choices={[{ value: '', label: 'Any' }, ...radarKinds.map((one) => ({ value: one, label: kindWords[one] }))]}
          />
          <Button>Show</Button>
        </form>
      )}
      {isEmpty ? (
        <section class="panel">
          <Empty icon="circle-check" title={kind === null ? 'Nothing needs attention' : 'No token with this reason'}>
            {kind === null
              ? 'A token stands here when it is unused, never expires or is about to, carries more than it should, or when its owner is gone.'
              : 'Other reasons may hold: choose Any to see them all.'}
          </Empty>
        </section>
      ) : (
        <>
          <section class="panel" aria-label={caption}>
            <Rows
              caption={caption}
              columns={[
                { label: 'Token' },
                { label: 'Reason' },
                { label: 'Last used' },
                { label: 'Actions', silent: true, class: 'end' },
              ]}
            >
              {radar.tokens.map((one) => (
                <TokenLine organization={organization} one={one} viewer={props.context.viewer?.name ?? null} />
              ))}
            </Rows>
          </section>
          <MoreRows
            order="By owner"
            shown={radar.tokens.length}
            olderHref={props.olderHref}
            firstHref={props.firstHref}
            olderWord="More"
          />
        </>
      )}
    </OrganizationSettingsPage>
  )
}

function TokenLine(props: { organization: string; one: RadarToken; viewer: string | null }) {
  const { token, displayName, findings } = props.one
  const isOurs = token.ownerKind === 'service-account'
  const account = organizationSettingsPath(props.organization, `service-accounts/${encodeURIComponent(token.ownerId)}`)
  return (
    <Row>
      <RowHead before={<Who kind={token.ownerKind} name={token.ownerName} />} description={displayName}>
        <span class="flex flex-wrap items-center gap-x-2">
          <a class="quiet" href={isOurs ? account : namespacePath(token.ownerName)}>
            {token.ownerName}
          </a>
          <code>hf_…{token.last4}</code>
          {token.role !== 'inherit' && <TokenRoleBadge role={token.role} />}
        </span>
      </RowHead>
      <Cell label="Reason">
        <ul class="grid gap-1">
          {findings.map(({ advice }) => (
            <li>{advice}</li>
          ))}
        </ul>
      </Cell>
      <Cell label="Last used" class="nowrap text-muted">
        {token.lastUsedAt === null ? 'Not yet used' : <Time at={token.lastUsedAt} />}
      </Cell>
      <Cell class="end">
        <Actions {...props} account={account} />
      </Cell>
    </Row>
  )
}

/** Of a member's token the organization can only revoke it for itself; its owner's page is where to ask. */
function Actions(props: { organization: string; one: RadarToken; viewer: string | null; account: string }) {
  const { token, findings } = props.one
  const called = `hf_…${token.last4} of ${token.ownerName}`
  const lacksContact = findings.some(({ kind }) => kind === 'no_contact')
  if (token.ownerKind === 'service-account') {
    return (
      <span class="inline-flex flex-wrap gap-2 justify-end">
        {lacksContact && (
          <LinkButton href={props.account} label={`Name a contact of ${token.ownerName}`}>
            Name a contact
          </LinkButton>
        )}
        <LinkButton href={`${props.account}/tokens/${encodeURIComponent(token.id)}`} label={`Manage ${called}`}>
          Manage
        </LinkButton>
      </span>
    )
  }
  if (token.ownerName === props.viewer) {
    return (
      <LinkButton href={`/settings/tokens/${encodeURIComponent(token.id)}`} label={`Manage your ${called}`}>
        Manage
      </LinkButton>
    )
  }
  const revoke = withQuery(tokensOf(props.organization), { revoke: token.id })
  return (
    <LinkButton look="danger" href={revoke} label={`Revoke ${called}`}>
      Revoke
    </LinkButton>
  )
}
