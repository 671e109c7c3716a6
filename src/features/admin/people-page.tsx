/* The people of a hub for its administrators: who there is, and what is done with an account. */
import { namespacePath, withQuery } from '../../web/address.ts'
import { Badge } from '../../web/badge.tsx'
import { Button, LinkButton } from '../../web/button.tsx'
import { TypedConfirmation } from '../../web/confirmation.tsx'
import { Dialog } from '../../web/dialog.tsx'
import { Empty } from '../../web/empty.tsx'
import type { FormState } from '../../web/form-state.ts'
import { HubSettingsPage } from '../../web/hub-settings-page.tsx'
import { Icon } from '../../web/icon.tsx'
import { Menu, MenuLink } from '../../web/menu.tsx'
import { MoreRows } from '../../web/more-rows.tsx'
import { FormProblem } from '../../web/notice.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead } from '../../web/page-head.tsx'
import { Cell, Row, RowHead, Rows } from '../../web/rows.tsx'
import { hubSettingsPath } from '../../web/settings-frame.tsx'
import { ShownOnce } from '../../web/shown-once.tsx'
import { Time } from '../../web/time.tsx'
import { Who } from '../../web/who.tsx'
import type { PersonRow } from './queries.ts'
import { SearchForm } from './search-form.tsx'

export const peoplePath = hubSettingsPath('users')

export const personActs = ['make-admin', 'unmake-admin', 'deactivate', 'activate', 'reset-factors', 'link'] as const
export type PersonAct = (typeof personActs)[number]

export type PeopleDialog = { act: PersonAct; name: string; form: FormState } | null
/** A link that was just made; its value is in this answer alone. */
export type MadeLink = { name: string; what: string; value: string } | null

/** Dialogs at ?act=&user=; they post `user` (and `confirm`) to /admin/users/{act}; /admin/users/invite posts nothing. */
export function PeoplePage(props: {
  context: PageContext
  people: readonly PersonRow[]
  search: string
  olderHref: string | null
  firstHref: string | null
  dialog: PeopleDialog
  made: MadeLink
}) {
  const { people, search, made } = props
  return (
    <HubSettingsPage
      context={props.context}
      title="Users of this hub"
      place="users"
      dialog={props.dialog && <PersonDialog {...props.dialog} />}
    >
      <PageHead
        title="Users"
        lede="Everybody who has an account here, by name."
        action={
          <form method="post" action={`${peoplePath}/invite`}>
            <Button look="primary" icon="user-plus">
              Make an invitation link
            </Button>
          </form>
        }
      />
      {made && (
        <ShownOnce
          name={made.name}
          what={made.what}
          value={made.value}
          closeHref={peoplePath}
          lost="The hub keeps no copy of it; if it gets lost, make another one."
          hint="Send it to the person over a way that only they read."
        />
      )}
      <SearchForm
        action={peoplePath}
        value={search}
        label="Search users"
        placeholder="Beginning of a name, or a whole e-mail address"
      />
      <section class="panel" aria-label="Users">
        {people.length === 0 ? (
          <Empty icon="users" title="Nobody found" action={<LinkButton href={peoplePath}>Clear the search</LinkButton>}>
            No name begins like that, and no account has exactly this address.
          </Empty>
        ) : (
          <Rows
            caption="Users of this hub, by name"
            columns={[
              { label: 'Name' },
              { label: 'E-mail' },
              { label: 'State' },
              { label: 'Since', class: 'text-end' },
              { label: 'Actions', silent: true },
            ]}
          >
            {people.map((person) => (
              <PersonLine person={person} self={props.context.viewer?.name === person.name} />
            ))}
          </Rows>
        )}
      </section>
      <MoreRows
        order="By name"
        shown={people.length}
        olderHref={props.olderHref}
        firstHref={props.firstHref}
        olderWord="More"
      />
    </HubSettingsPage>
  )
}

function PersonLine({ person, self }: { person: PersonRow; self: boolean }) {
  const { name, fullname, email, isVerified, isAdmin, state, hasSecondFactor, createdAt } = person
  const isActive = state === 'active'
  const to = (act: PersonAct) => withQuery(peoplePath, { act, user: name })
  return (
    <Row off={!isActive}>
      <RowHead description={fullname} before={<Who kind="user" name={fullname ?? name} size="small" />}>
        <a class="font-medium" href={namespacePath(name)}>
          {name}
        </a>
        {self && <span class="text-muted font-normal"> (you)</span>}
      </RowHead>
      <Cell label="E-mail" class="wrap-anywhere">
        {email ?? '–'}
        {email !== null && !isVerified && <span class="text-muted"> (not verified)</span>}
      </Cell>
      <Cell label="State">
        <span class="inline-flex flex-wrap gap-1.5">
          {isAdmin && <Badge icon="shield-check">administrator</Badge>}
          {hasSecondFactor && <Badge icon="fingerprint-pattern">second factor</Badge>}
          {!isActive && <Badge icon="ban">deactivated</Badge>}
          {isActive && !isAdmin && !hasSecondFactor && <span class="text-muted">active</span>}
        </span>
      </Cell>
      <Cell label="Since" class="text-end">
        <Time at={createdAt} />
      </Cell>
      <Cell label="Actions" class="text-end">
        <Menu
          id={`menu-${name}`}
          buttonClass="icon-btn"
          label={`Actions on ${name}`}
          button={<Icon name="ellipsis-vertical" />}
        >
          {isActive && (
            <MenuLink href={to(isAdmin ? 'unmake-admin' : 'make-admin')} icon="shield-check" dialog={true}>
              {isAdmin ? 'Take administration away' : 'Make administrator of this hub'}
            </MenuLink>
          )}
          {isActive && (
            <MenuLink href={to('link')} icon="link" dialog={true}>
              Link for a new password
            </MenuLink>
          )}
          {hasSecondFactor && (
            <MenuLink href={to('reset-factors')} icon="fingerprint-pattern" dialog={true}>
              Reset second factors
            </MenuLink>
          )}
          {isActive ? (
            <MenuLink href={to('deactivate')} icon="ban" danger={true} dialog={true}>
              Deactivate account
            </MenuLink>
          ) : (
            <MenuLink href={to('activate')} icon="circle-check" dialog={true}>
              Activate account
            </MenuLink>
          )}
        </Menu>
      </Cell>
    </Row>
  )
}

const acts: Readonly<
  Record<
    PersonAct,
    { title: (name: string) => string; says: string; button: string; typed: boolean; isDanger: boolean }
  >
> = {
  'make-admin': {
    title: (name) => `Make ${name} an administrator of this hub`,
    says: 'Administrators of the hub see all accounts and settings, and can take over an organization in an emergency. Every one of them is an account to guard.',
    button: 'Make administrator',
    typed: true,
    isDanger: false,
  },
  'unmake-admin': {
    title: (name) => `Take the administration of this hub from ${name}`,
    says: 'Their account and their roles in organizations stay. The last active administrator cannot be taken away.',
    button: 'Take administration away',
    typed: false,
    isDanger: true,
  },
  deactivate: {
    title: (name) => `Deactivate ${name}`,
    says: 'Their sessions end, and their tokens are refused from the next request on. Their repositories stay. You can activate the account again: the tokens work again then.',
    button: 'Deactivate account',
    typed: false,
    isDanger: true,
  },
  activate: {
    title: (name) => `Activate ${name}`,
    says: 'They can sign in again, and their tokens work again.',
    button: 'Activate account',
    typed: false,
    isDanger: false,
  },
  'reset-factors': {
    title: (name) => `Reset the second factors of ${name}`,
    says: 'For somebody who lost all of them: make sure by another way that it is really them who asks. Their authenticator app, passkeys and recovery codes are gone, their sessions end, and they are told by e-mail.',
    button: 'Reset second factors',
    typed: true,
    isDanger: true,
  },
  link: {
    title: (name) => `Link for a new password of ${name}`,
    says: 'Whoever opens the link chooses a new password for this account, once, within a day. It is shown to you once; the old password works until it is used.',
    button: 'Make link',
    typed: false,
    isDanger: false,
  },
}

function PersonDialog({ act, name, form }: { act: PersonAct; name: string; form: FormState }) {
  const { title, says, button, typed, isDanger } = acts[act]
  return (
    <Dialog
      title={title(name)}
      closeHref={peoplePath}
      action={`${peoplePath}/${act}`}
      submit={<Button look={isDanger ? 'error' : 'primary'}>{button}</Button>}
    >
      <FormProblem form={form} />
      <input type="hidden" name="user" value={name} />
      <p class="text-sm">{says}</p>
      {typed && <TypedConfirmation form={form} word={name} autofocus={true} />}
    </Dialog>
  )
}

export function needsTyping(act: PersonAct): boolean {
  return acts[act].typed
}
