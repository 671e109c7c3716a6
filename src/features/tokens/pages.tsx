/* One's access tokens: the list, the dialogs that refresh and delete, and the panel that shows a value once. */
import { testAccessPath } from '../../web/address.ts'
import { Expiry, NotEffectiveBadge, type TokenRole, TokenRoleBadge } from '../../web/badge.tsx'
import { Button, LinkButton } from '../../web/button.tsx'
import { TypedConfirmation } from '../../web/confirmation.tsx'
import { Dialog } from '../../web/dialog.tsx'
import { Empty } from '../../web/empty.tsx'
import { ExpiryField } from '../../web/expiry-field.tsx'
import type { FormState } from '../../web/form-state.ts'
import { Icon } from '../../web/icon.tsx'
import { Menu, MenuLink } from '../../web/menu.tsx'
import { Notice } from '../../web/notice.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead } from '../../web/page-head.tsx'
import { Cell, Row, RowHead, Rows } from '../../web/rows.tsx'
import { YourSettingsPage } from '../../web/settings-page.tsx'
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
import { honeyPath, tokensPath } from './paths.ts'
import { TokenTabs } from './radar-pages.tsx'

export type TokenRow = {
  id: string
  name: string
  role: TokenRole
  /** "2 permissions on 1 model"; null for read and write. */
  reach: string | null
  lastFour: string
  lastUsedAt: number | null
  /** From where it was last used, for the warning before it stops. */
  lastUsedBy: { ip: string | null; program: string | null } | null
  /** The value before the last refresh, while it is still taken. */
  oldValue: OldValueView | null
  fence: FenceView
  expiresAt: number | null
  /** Some grant names what its owner may no longer reach (UAT-9). */
  hasLostGrants: boolean
}

/** A value that was just made: it is in this answer and nowhere else (UAT-3). */
export type MadeToken = { id: string; name: string; value: string }

export type TokensDialog =
  | { kind: 'refresh'; token: TokenRow; form: FormState }
  | { kind: 'delete'; token: TokenRow; form: FormState }
  | { kind: 'delete-all'; confirmWord: string; form: FormState }

/**
 * Dialogs at ?dialog=refresh&token={id}, ?dialog=delete&token={id}, ?dialog=delete-all. They post to
 * /settings/tokens/{id}/refresh (`expiry`, `expiryDate`), /settings/tokens/{id}/delete and /settings/tokens/delete-all
 * (`confirm`). Send the page with `made` as the answer to the POST, with `Cache-Control: no-store`.
 */
export function TokensPage(props: {
  context: PageContext
  tokens: readonly TokenRow[]
  made: MadeToken | null
  dialog: TokensDialog | null
}) {
  const { tokens, made } = props
  return (
    <YourSettingsPage
      context={props.context}
      title="Access Tokens"
      current={tokensPath}
      dialog={props.dialog && <TokenDialog dialog={props.dialog} />}
    >
      <PageHead
        title="Access Tokens"
        lede="A token lets a program act as you, within the limits you give it. Use one token per app or use, so that you can withdraw one without breaking the others."
        action={
          <span class="flex gap-2">
            {tokens.length > 1 && (
              <Menu
                id="menu-more"
                button={
                  <>
                    More
                    <Icon name="chevron-down" />
                  </>
                }
              >
                <MenuLink href={`${tokensPath}?dialog=delete-all`} icon="trash-2" danger={true} dialog={true}>
                  Delete all tokens
                </MenuLink>
              </Menu>
            )}
            <LinkButton look="primary" icon="plus" href={`${tokensPath}/new`}>
              New token
            </LinkButton>
          </span>
        }
      />
      {made && (
        <ShownOnce
          name={made.name}
          value={made.value}
          closeHref={tokensPath}
          hint={
            <>
              <code class="text-muted">hf auth login --token</code>
              <span class="text-muted">takes it</span>
            </>
          }
        />
      )}
      {tokens.length > 0 && <TokenTabs current="all" />}
      <section class="panel" aria-labelledby="tok-h">
        <h2 id="tok-h" class="sr-only">
          Your tokens
        </h2>
        {tokens.length === 0 ? (
          <Empty
            icon="key-round"
            title="No access tokens yet"
            action={
              <LinkButton icon="plus" href={`${tokensPath}/new`}>
                New token
              </LinkButton>
            }
          >
            A program signs in with a token in place of your password: git, hf, a notebook, a pipeline.
          </Empty>
        ) : (
          <Rows caption="Your access tokens" columns={columns}>
            {tokens.map((token) => (
              <TokenLine token={token} isNew={token.id === made?.id} />
            ))}
          </Rows>
        )}
      </section>
      <details class="text-sm">
        <summary class="font-medium">How to use a token</summary>
        <div class="grid gap-2 pt-3 max-w-[68ch]">
          <p>
            As the password for git, as <code>Authorization: Bearer</code> for the API, or as <code>token=</code> in
            Python.
          </p>
        </div>
      </details>
      <LeakWarning />
      <p class="text-sm text-muted">
        <a class="a" href={honeyPath}>
          Honey tokens
        </a>{' '}
        open nothing, and tell you who searched where they lie.
      </p>
    </YourSettingsPage>
  )
}

const columns = [
  { label: 'Name' },
  { label: 'Role' },
  { label: 'Value' },
  { label: 'Last used' },
  { label: 'Expires' },
  { label: 'Manage', silent: true },
]

function TokenLine({ token, isNew }: { token: TokenRow; isNew: boolean }) {
  const address = `${tokensPath}/${encodeURIComponent(token.id)}`
  const dialog = (kind: string) => `${tokensPath}?dialog=${kind}&token=${encodeURIComponent(token.id)}`
  return (
    <Row class={isNew ? 'bg-accent/4' : undefined}>
      <RowHead>
        <a class="quiet [overflow-wrap:anywhere]" href={address}>
          {token.name}
        </a>
      </RowHead>
      <Cell label="Role">
        <span>
          <TokenRoleBadge role={token.role} />
          {token.hasLostGrants && (
            <span class="block mt-0.5">
              <NotEffectiveBadge />
            </span>
          )}
          {token.reach && <span class="text-xs text-muted block mt-0.5">{token.reach}</span>}
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
        {token.lastUsedAt === null ? <span class="text-muted">Not yet used</span> : <Time at={token.lastUsedAt} />}
      </Cell>
      <Cell label="Expires" class="nowrap">
        <Expiry at={token.expiresAt} />
      </Cell>
      <Cell class="act">
        <Menu
          id={`manage-${token.id}`}
          label={`Manage ${token.name}`}
          button={
            <>
              Manage
              <Icon name="chevron-down" />
            </>
          }
        >
          <MenuLink href={address} icon="pencil">
            Edit name and permissions
          </MenuLink>
          <MenuLink href={`${testAccessPath}?token=${encodeURIComponent(token.id)}`} icon="circle-check">
            Test this token
          </MenuLink>
          <MenuLink href={dialog('refresh')} icon="refresh-cw" dialog={true}>
            Refresh token
          </MenuLink>
          <hr />
          <MenuLink href={dialog('delete')} icon="trash-2" danger={true} dialog={true}>
            Delete token
          </MenuLink>
        </Menu>
      </Cell>
    </Row>
  )
}

/** UAT-16: shown where tokens are listed and where one is made. */
export function LeakWarning() {
  return (
    <Notice kind="warning">
      <b>Try not to leak your token.</b> Anyone who has it can read or write what it may. If it happens, refresh it
      here: the old value stops on the next request. In production prefer a fine-grained token.
    </Notice>
  )
}

function TokenDialog({ dialog }: { dialog: TokensDialog }) {
  switch (dialog.kind) {
    case 'refresh':
      return (
        <Dialog
          title={`Refresh token “${dialog.token.name}”`}
          closeHref={tokensPath}
          action={`${tokensPath}/${encodeURIComponent(dialog.token.id)}/refresh`}
          submit={
            <Button look="primary" icon="refresh-cw">
              Refresh token
            </Button>
          }
        >
          <p class="text-sm text-muted">
            It gets a new value. Name and permissions stay as they are. The new value is shown once. The old value is
            hf_…{dialog.token.lastFour}.
          </p>
          <ExpiryField form={dialog.form} keep={dialog.token.expiresAt} autofocus={true} />
          <OverlapField form={dialog.form} />
          <LastUse token={dialog.token} advice="Give that program the new value." />
        </Dialog>
      )
    case 'delete':
      return (
        <Dialog
          title={`Delete token “${dialog.token.name}”`}
          closeHref={tokensPath}
          action={`${tokensPath}/${encodeURIComponent(dialog.token.id)}/delete`}
          submit={
            <Button look="error" icon="trash-2">
              Delete token
            </Button>
          }
        >
          <p class="text-sm">
            Its value stops working on the next request, everywhere. Your other tokens are not affected. This cannot be
            undone.
          </p>
          <LastUse token={dialog.token} advice="That program will be refused." />
          <TypedConfirmation form={dialog.form} word={dialog.token.name} autofocus={true} />
        </Dialog>
      )
    case 'delete-all':
      return (
        <Dialog
          title="Delete all tokens"
          closeHref={tokensPath}
          action={`${tokensPath}/delete-all`}
          submit={
            <Button look="error" icon="trash-2">
              Delete all tokens
            </Button>
          }
        >
          <p class="text-sm">
            Every program that signs in as you with a token is refused from the next request. Your sessions in browsers
            stay. This cannot be undone.
          </p>
          <TypedConfirmation form={dialog.form} word={dialog.confirmWord} autofocus={true} />
        </Dialog>
      )
  }
}
