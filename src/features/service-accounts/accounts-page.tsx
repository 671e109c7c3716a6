/* The service accounts of an organization: a place of its settings, and a tab of its members. */
import { Badge, Expiry } from '../../web/badge.tsx'
import { LinkButton } from '../../web/button.tsx'
import { Empty } from '../../web/empty.tsx'
import { Icon } from '../../web/icon.tsx'
import { Menu, MenuLink } from '../../web/menu.tsx'
import { MoreRows } from '../../web/more-rows.tsx'
import { OrganizationSettingsPage } from '../../web/organization-settings-page.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead } from '../../web/page-head.tsx'
import { PeopleTabs } from '../../web/people-tabs.tsx'
import { renderingTime } from '../../web/render.ts'
import { Cell, Row, RowHead, Rows } from '../../web/rows.tsx'
import { organizationSettingsPath } from '../../web/settings-frame.tsx'
import { Time } from '../../web/time.tsx'
import { daysUntil } from '../../web/time-words.ts'
import { Who } from '../../web/who.tsx'
import { type AccountDialog, AccountDialogBox, type AccountView } from './account-dialogs.tsx'
import { accountPath, accountsPath } from './paths.ts'

export type AccountRow = AccountView & {
  /** Names of its groups and workspaces, with the workspaces that it is in through groups. */
  places: readonly string[]
  tokens: number
  nextExpiry: number | null
  lastUsedAt: number | null
}

type AccountsPageProps = {
  context: PageContext
  organization: string
  accounts: readonly AccountRow[]
  seats: {
    used: number
    limit: number | null
    invited: number
    serviceAccounts: { total: number }
  }
  nextHref: string | null
  firstHref: string | null
  dialog: AccountDialog | null
}

/** Dialogs at ?dialog=add, and at ?dialog=edit|disable|enable|delete&account={id}. */
export function AccountsPage(props: AccountsPageProps) {
  const { context, organization, accounts, seats } = props
  const { total } = seats.serviceAccounts
  const here = accountsPath(organization)
  const add = (
    <LinkButton look="primary" icon="plus" href={`${here}?dialog=add`} dialog={true}>
      Add service account
    </LinkButton>
  )
  return (
    <OrganizationSettingsPage
      context={context}
      organization={organization}
      title={`Service accounts of ${organization}`}
      place="service-accounts"
      dialog={props.dialog && <AccountDialogBox organization={organization} dialog={props.dialog} closeHref={here} />}
    >
      <PageHead
        title="Service accounts"
        lede={`Identities that belong to ${organization} and not to a person: for pipelines, schedules and servers. They sign in with tokens only and take no seat.`}
        action={accounts.length > 0 && add}
      />
      <PeopleTabs
        organization={organization}
        current="service-accounts"
        members={seats.used}
        serviceAccounts={total}
        invitations={seats.invited}
      />
      <section class="panel" aria-label={`Service accounts of ${organization}`}>
        {accounts.length === 0 ? (
          <Empty icon="bot" title="No service accounts yet" action={add}>
            A pipeline that uses a person's token stops when that person leaves. A service account stays.
          </Empty>
        ) : (
          <Rows
            caption={`Service accounts of ${organization}, ${accounts.length} of ${total}`}
            columns={[
              { label: 'Account' },
              { label: `Role in ${organization}` },
              { label: 'Groups and workspaces' },
              { label: 'Tokens' },
              { label: 'Last used' },
              { label: 'Actions', silent: true },
            ]}
          >
            {accounts.map((account) => (
              <AccountLine organization={organization} account={account} />
            ))}
          </Rows>
        )}
      </section>
      {total > 0 && (
        <MoreRows
          order="By name"
          shown={accounts.length}
          total={total}
          olderHref={props.nextHref}
          olderWord="More"
          firstHref={props.firstHref}
        />
      )}
      <p class="text-sm text-muted">
        {seatWords(seats)} Service accounts do not count.{' '}
        <a class="a" href={organizationSettingsPath(organization, 'storage')}>
          Seats and storage
        </a>
      </p>
    </OrganizationSettingsPage>
  )
}

/** SEAT-3: people and machines are told apart. */
function seatWords({ used, limit }: AccountsPageProps['seats']): string {
  const taken = limit === null ? `${used}` : `${used} of ${limit}`
  return used === 1 && limit === null ? 'One seat is used by a person.' : `${taken} seats are used by people.`
}

function AccountLine({ organization, account }: { organization: string; account: AccountRow }) {
  const address = accountPath(organization, account.id)
  return (
    <Row off={account.isDisabled}>
      <RowHead
        before={<Who kind="service-account" name={account.name} off={account.isDisabled} />}
        description={account.description}
      >
        <a class="quiet [overflow-wrap:anywhere]" href={address}>
          {account.name}
        </a>{' '}
        <StateBadge account={account} />
      </RowHead>
      <Cell label="Role" class="nowrap">
        {account.role}
      </Cell>
      <Cell label="Member of">
        {account.places.length === 0 ? (
          <span class="text-muted">none</span>
        ) : (
          <span class="[overflow-wrap:anywhere]">{placesWords(account.places)}</span>
        )}
      </Cell>
      <Cell label="Tokens" class="nowrap">
        <span>
          {account.tokens === 0 ? 'none' : account.tokens}{' '}
          {isNear(account.nextExpiry) && <Expiry at={account.nextExpiry} />}
        </span>
      </Cell>
      <Cell label="Last used" class="nowrap">
        {account.lastUsedAt === null ? <span class="text-muted">never</span> : <Time at={account.lastUsedAt} />}
      </Cell>
      <Cell class="act">
        <Menu
          id={`more-${account.id}`}
          buttonClass="icon-btn"
          label={`More for ${account.name}`}
          button={<Icon name="ellipsis-vertical" />}
        >
          <MenuLink href={address} icon="key-round">
            Tokens
          </MenuLink>
          <AccountMenuLinks
            account={account}
            dialog={(kind) => `${accountsPath(organization)}?dialog=${kind}&account=${encodeURIComponent(account.id)}`}
          />
        </Menu>
      </Cell>
    </Row>
  )
}

/** What can be done to an account; `dialog` gives the address of each question. */
export function AccountMenuLinks(props: { account: AccountView; dialog: (kind: string) => string }) {
  const { account, dialog } = props
  return (
    <>
      <MenuLink href={dialog('edit')} icon="pencil" dialog={true}>
        Edit name and role
      </MenuLink>
      <hr />
      {account.isDisabled ? (
        <MenuLink href={dialog('enable')} icon="circle-check" dialog={true}>
          Enable
        </MenuLink>
      ) : (
        <MenuLink href={dialog('disable')} icon="ban" dialog={true}>
          Disable
        </MenuLink>
      )}
      <MenuLink href={dialog('delete')} icon="trash-2" danger={true} dialog={true}>
        Delete service account
      </MenuLink>
    </>
  )
}

export function StateBadge({ account }: { account: AccountView }) {
  if (account.isDisabled) return <Badge icon="ban">disabled</Badge>
  return account.expiresAt !== null && account.expiresAt <= renderingTime() ? <Expiry at={account.expiresAt} /> : null
}

const isNear = (at: number | null): boolean => at !== null && daysUntil(at, renderingTime()) <= 30

function placesWords(places: readonly string[]): string {
  return places.length <= 3 ? places.join(', ') : `${places.slice(0, 3).join(', ')} and ${places.length - 3} more`
}
