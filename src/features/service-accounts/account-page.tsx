/* One service account: what it is, its tokens, and the groups and workspaces that it is in. */

import { newRepoPath, withQuery } from '../../web/address.ts'
import { Badge, Expiry, NotEffectiveBadge, ServiceAccountBadge } from '../../web/badge.tsx'
import { Button, LinkButton } from '../../web/button.tsx'
import { TypedConfirmation } from '../../web/confirmation.tsx'
import { Dialog } from '../../web/dialog.tsx'
import { Empty } from '../../web/empty.tsx'
import { ExpiryField } from '../../web/expiry-field.tsx'
import type { FormState } from '../../web/form-state.ts'
import { Icon } from '../../web/icon.tsx'
import { Menu, MenuLink } from '../../web/menu.tsx'
import { FormProblem, Notice } from '../../web/notice.tsx'
import { OrganizationSettingsPage } from '../../web/organization-settings-page.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { Cell, Row, RowHead, Rows } from '../../web/rows.tsx'
import { organizationSettingsPath } from '../../web/settings-frame.tsx'
import { ShownOnce } from '../../web/shown-once.tsx'
import { Time } from '../../web/time.tsx'
import {
  FenceMark,
  type FenceView,
  LastUse,
  OldValueMark,
  type OldValueView,
  OverlapField,
} from '../../web/token-parts.tsx'
import { Who } from '../../web/who.tsx'
import { type AccountDialog, AccountDialogBox, type AccountView } from './account-dialogs.tsx'
import { AccountMenuLinks, StateBadge } from './accounts-page.tsx'
import { accountPath, accountsPath, accountTokenPath } from './paths.ts'

export type AccountTokenRow = {
  id: string
  name: string
  description: string | null
  mode: 'scoped' | 'inherit'
  /** "write on acme/harbor-7b" */
  reach: string
  lastFour: string
  lastUsedAt: number | null
  lastUsedBy: { ip: string | null; program: string | null } | null
  /** The value before the last refresh, while it is still taken. */
  oldValue: OldValueView | null
  fence: FenceView
  expiresAt: number | null
  hasLostGrants: boolean
}

export type PlaceView = { kind: 'group' | 'workspace'; id: string; name: string; role: string; through: string | null }

export type AccountPageDialog =
  | AccountDialog
  | { kind: 'refresh' | 'delete-token'; token: AccountTokenRow; form: FormState }
  | { kind: 'delete-all'; form: FormState }

type AccountPageProps = {
  context: PageContext
  organization: string
  account: AccountView & { createdAt: number; createdBy: string | null }
  tokens: readonly AccountTokenRow[]
  places: readonly PlaceView[]
  /** A value that was just made: it is in this answer and nowhere else. */
  made: { id: string; name: string; value: string } | null
  /** It was just made: what comes next is said. */
  isNew: boolean
  dialog: AccountPageDialog | null
}

/** Dialogs at ?dialog=edit|disable|enable|delete|delete-all, and at ?dialog=refresh|delete-token&token={id}. */
export function AccountPage(props: AccountPageProps) {
  const { context, organization, account } = props
  const here = accountPath(organization, account.id)
  return (
    <OrganizationSettingsPage
      context={context}
      organization={organization}
      title={`${account.name}: service account of ${organization}`}
      place="service-accounts"
      crumbs={[{ label: 'Service accounts', href: accountsPath(organization) }, { label: account.name }]}
      dialog={props.dialog && <DialogBox organization={organization} account={account} dialog={props.dialog} />}
    >
      <div class="flex flex-wrap items-center gap-3">
        <Who kind="service-account" name={account.name} size="large" off={account.isDisabled} />
        <div class="flex-1 min-w-56">
          <h1 class="flex flex-wrap items-center gap-2 [overflow-wrap:anywhere]">
            {account.name} <ServiceAccountBadge /> <StateBadge account={account} />
          </h1>
          {account.description && <p class="lede">{account.description}</p>}
        </div>
        <span class="flex flex-wrap items-center gap-2 ml-auto">
          <LinkButton icon="fingerprint-pattern" href={`${here}/trusted-publishers`}>
            Trusted publishers
          </LinkButton>
          <LinkButton icon="file-badge" href={`${here}/keys`}>
            Keys
          </LinkButton>
          <LinkButton icon="pencil" href={`${here}?dialog=edit`} dialog={true}>
            Edit
          </LinkButton>
          <Menu
            id="menu-account"
            buttonClass="icon-btn"
            label={`More for ${account.name}`}
            button={<Icon name="ellipsis-vertical" />}
          >
            <AccountMenuLinks account={account} dialog={(kind) => `${here}?dialog=${kind}`} />
          </Menu>
        </span>
      </div>
      {account.isDisabled && (
        <Notice kind="info" small={true} standing={true}>
          {account.name} is disabled: it has no tokens and gets none. Its role, groups and workspaces are kept.
        </Notice>
      )}
      {props.made && (
        <ShownOnce
          name={props.made.name}
          value={props.made.value}
          closeHref={props.isNew ? `${here}?next=1` : here}
          hint={<span class="text-muted">Store it where the program reads it: as HF_TOKEN.</span>}
        />
      )}
      {props.isNew && props.made === null && <WhatNext organization={organization} account={account} />}
      <AccountFacts {...props} />
      <Tokens {...props} />
      <Places {...props} />
    </OrganizationSettingsPage>
  )
}

function WhatNext({ organization, account }: { organization: string; account: AccountView }) {
  return (
    <section class="panel p-4 grid gap-2 text-sm" aria-labelledby="next-h">
      <h2 id="next-h">What to do next</h2>
      <p>
        {account.name} may do what its role {account.role} allows. Workspaces have roles of their own: add it where it
        works.
      </p>
      <p>
        A job gets its token as <code>HF_TOKEN</code>, and the address of this hub as <code>HF_ENDPOINT</code>; then{' '}
        <code>hf upload {organization}/NAME .</code> pushes.
      </p>
      <div class="flex flex-wrap gap-2">
        <LinkButton icon="box" href={withQuery(newRepoPath.model, { owner: organization })}>
          New model in {organization}
        </LinkButton>
        <LinkButton icon="users-round" href={organizationSettingsPath(organization, 'groups')}>
          Add it to groups
        </LinkButton>
        <LinkButton icon="layers" href={organizationSettingsPath(organization, 'workspaces')}>
          Add it to workspaces
        </LinkButton>
      </div>
    </section>
  )
}

function AccountFacts({ organization, account }: AccountPageProps) {
  return (
    <dl class="panel grid grid-cols-2 lg:grid-cols-4 gap-x-6 gap-y-3 p-4 text-sm [&_dt]:text-xs [&_dt]:text-muted">
      <div>
        <dt>Role in {organization}</dt>
        <dd class="font-medium">{account.role}</dd>
      </div>
      <div>
        <dt>Contact</dt>
        <dd class="[overflow-wrap:anywhere]">{account.contact ?? 'administrators'}</dd>
      </div>
      <div>
        <dt>Created</dt>
        <dd>
          <Time at={account.createdAt} />
          {account.createdBy && ` by ${account.createdBy}`}
        </dd>
      </div>
      <div>
        <dt>Account expires</dt>
        <dd>
          <Expiry at={account.expiresAt} />
        </dd>
      </div>
    </dl>
  )
}

function Tokens(props: AccountPageProps) {
  const { organization, account, tokens } = props
  const here = accountPath(organization, account.id)
  const add = account.isDisabled ? null : (
    <LinkButton look="primary" icon="plus" href={`${here}/tokens/new`}>
      Add token
    </LinkButton>
  )
  return (
    <section class="panel" aria-labelledby="tokens-h">
      <div class="panel-head">
        <h2 id="tokens-h">OAuth tokens</h2>
        {tokens.length > 0 && <span class="count">{tokens.length}</span>}
        <span class="text-sm text-muted max-lg:hidden">One token per interaction keeps each easy to withdraw.</span>
        <div class="flex gap-2 ml-auto">
          {tokens.length > 0 && (
            <Menu
              id="menu-tokens"
              button={
                <>
                  More
                  <Icon name="chevron-down" />
                </>
              }
            >
              <MenuLink href={`${here}?dialog=delete-all`} icon="trash-2" danger={true} dialog={true}>
                Delete all tokens
              </MenuLink>
            </Menu>
          )}
          {tokens.length > 0 && add}
        </div>
      </div>
      {tokens.length === 0 ? (
        <Empty icon="key-round" title="No tokens" action={add}>
          {account.isDisabled
            ? 'A disabled account has none.'
            : `A program signs in as ${account.name} with a token: git, hf, a pipeline.`}
        </Empty>
      ) : (
        <Rows
          caption={`Tokens of ${account.name}`}
          columns={[
            { label: 'Name' },
            { label: 'Permissions' },
            { label: 'Value' },
            { label: 'Last used' },
            { label: 'Expires' },
            { label: 'Actions', silent: true },
          ]}
        >
          {tokens.map((token) => (
            <TokenLine {...props} token={token} isNew={token.id === props.made?.id} />
          ))}
        </Rows>
      )}
    </section>
  )
}

function TokenLine(props: AccountPageProps & { token: AccountTokenRow; isNew: boolean }) {
  const { organization, account, token } = props
  const address = accountTokenPath(organization, account.id, token.id)
  const dialog = (kind: string) => `${accountPath(organization, account.id)}?dialog=${kind}&token=${token.id}`
  return (
    <Row class={props.isNew ? 'bg-accent/4' : undefined}>
      <RowHead description={token.description}>
        <a class="quiet [overflow-wrap:anywhere]" href={address}>
          {token.name}
        </a>
      </RowHead>
      <Cell label="Permissions">
        <span>
          <Badge>{token.mode}</Badge> <span class="text-xs text-muted [overflow-wrap:anywhere]">{token.reach}</span>
          {token.hasLostGrants && (
            <span class="block mt-0.5">
              <NotEffectiveBadge />
            </span>
          )}
        </span>
      </Cell>
      <Cell label="Value" class="nowrap">
        <span>
          <code class="text-muted">hf_…{token.lastFour}</code>
          <FenceMark fence={token.fence} />
          {token.oldValue && <OldValueMark old={token.oldValue} href={address} />}
        </span>
      </Cell>
      <Cell label="Last used" class="nowrap">
        {token.lastUsedAt === null ? <span class="text-muted">never</span> : <Time at={token.lastUsedAt} />}
      </Cell>
      <Cell label="Expires" class="nowrap">
        <Expiry at={token.expiresAt} />
      </Cell>
      <Cell class="act">
        <span class="inline-flex gap-1">
          <a class="icon-btn" href={address} aria-label={`Edit ${token.name}`}>
            <Icon name="pencil" />
          </a>
          <a class="icon-btn" href={dialog('refresh')} aria-label={`Refresh ${token.name}`} data-dialog="">
            <Icon name="refresh-cw" />
          </a>
          <a class="icon-btn" href={dialog('delete-token')} aria-label={`Delete ${token.name}`} data-dialog="">
            <Icon name="trash-2" />
          </a>
        </span>
      </Cell>
    </Row>
  )
}

function Places({ organization, account, places }: AccountPageProps) {
  return (
    <section class="panel" aria-labelledby="places-h">
      <div class="panel-head">
        <h2 id="places-h">Groups and workspaces</h2>
      </div>
      {places.length === 0 ? (
        <p class="p-4 text-sm text-muted">
          {account.name} is in none. It is added on the pages of{' '}
          <a class="a" href={organizationSettingsPath(organization, 'groups')}>
            groups
          </a>{' '}
          and{' '}
          <a class="a" href={organizationSettingsPath(organization, 'workspaces')}>
            workspaces
          </a>
          .
        </p>
      ) : (
        <Rows
          caption={`Groups and workspaces of ${account.name}`}
          columns={[{ label: 'Name' }, { label: 'Kind' }, { label: 'Role' }]}
        >
          {places.map((place) => (
            <Row off={account.isDisabled}>
              <RowHead>
                <a class="quiet" href={organizationSettingsPath(organization, `${place.kind}s/${place.id}`)}>
                  {place.name}
                </a>
              </RowHead>
              <Cell label="Kind">{place.kind}</Cell>
              <Cell label="Role">
                {place.through === null ? place.role : `${place.role}, through ${place.through}`}
              </Cell>
            </Row>
          ))}
        </Rows>
      )}
    </section>
  )
}

function DialogBox(props: { organization: string; account: AccountView; dialog: AccountPageDialog }) {
  const { organization, account, dialog } = props
  const here = accountPath(organization, account.id)
  switch (dialog.kind) {
    case 'refresh':
      return (
        <Dialog
          title={`Refresh token “${dialog.token.name}”`}
          closeHref={here}
          action={`${accountTokenPath(organization, account.id, dialog.token.id)}/refresh`}
          submit={
            <Button look="primary" icon="refresh-cw">
              Refresh token
            </Button>
          }
        >
          <p class="text-sm text-muted">
            It gets a new value. Name, description and permissions stay as they are. The new value is shown once. The
            old value is hf_…{dialog.token.lastFour}.
          </p>
          <FormProblem form={dialog.form} />
          <ExpiryField form={dialog.form} autofocus={true} />
          <OverlapField form={dialog.form} />
          <LastUse token={dialog.token} advice="Give that program the new value." />
        </Dialog>
      )
    case 'delete-token':
      return (
        <Dialog
          title={`Delete token “${dialog.token.name}”`}
          closeHref={here}
          action={`${accountTokenPath(organization, account.id, dialog.token.id)}/delete`}
          submit={
            <Button look="error" icon="trash-2">
              Delete token
            </Button>
          }
        >
          <p class="text-sm">
            Its value stops working on the next request, everywhere. The other tokens of {account.name} are not
            affected. This cannot be undone.
          </p>
          <LastUse token={dialog.token} advice="That program will be refused." />
          <TypedConfirmation form={dialog.form} word={dialog.token.name} autofocus={true} />
        </Dialog>
      )
    case 'delete-all':
      return (
        <Dialog
          title="Delete all tokens"
          closeHref={here}
          action={`${here}/tokens/delete-all`}
          submit={
            <Button look="error" icon="trash-2">
              Delete all tokens
            </Button>
          }
        >
          <p class="text-sm">
            Every program that signs in as {account.name} is refused from the next request. The account keeps its role,
            groups and workspaces. This cannot be undone.
          </p>
          <TypedConfirmation form={dialog.form} word={account.name} autofocus={true} />
        </Dialog>
      )
    default:
      return <AccountDialogBox organization={organization} dialog={dialog} closeHref={here} />
  }
}
