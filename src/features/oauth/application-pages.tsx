/* Applications that act for one, and those that one registered. */
import type { Child } from 'hono/jsx'
import { Badge } from '../../web/badge.tsx'
import { Button, LinkButton } from '../../web/button.tsx'
import { TypedConfirmation } from '../../web/confirmation.tsx'
import { CopyButton } from '../../web/copy-button.tsx'
import { Dialog } from '../../web/dialog.tsx'
import { Empty } from '../../web/empty.tsx'
import { FieldError, PickField, TextArea, TextField } from '../../web/field.tsx'
import type { FormState } from '../../web/form-state.ts'
import { Icon } from '../../web/icon.tsx'
import { FormProblem, Notice } from '../../web/notice.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead } from '../../web/page-head.tsx'
import { Cell, Row, RowHead, Rows } from '../../web/rows.tsx'
import { YourSettingsPage } from '../../web/settings-page.tsx'
import { counted } from '../../web/size.ts'
import { Time } from '../../web/time.tsx'
import type { Connection } from './applications.ts'
import type { Client } from './client.ts'
import { type ScopeName, scopeNames, scopes } from './scopes.ts'

export const connectedPath = '/settings/connected-applications'
export const applicationsPath = '/settings/applications'

const addressOf = (id: string) => `${applicationsPath}/${encodeURIComponent(id)}`

/** Posts nothing but the press to /settings/connected-applications/{id}/disconnect (?dialog=disconnect&application=...). */
export function ConnectedPage(props: {
  context: PageContext
  connections: readonly Connection[]
  applications: readonly Client[]
  dialog: Connection | null
}) {
  const add = (
    <LinkButton look="line" icon="plus" href={`${applicationsPath}/new`}>
      New application
    </LinkButton>
  )
  return (
    <YourSettingsPage
      context={props.context}
      title="Connected applications"
      current={connectedPath}
      dialog={props.dialog && <DisconnectDialog connection={props.dialog} />}
    >
      <PageHead
        title="Connected applications"
        lede="Programs and sites that you let act in your name. Each has access tokens of its own, which you find among your tokens too."
        action={
          <LinkButton look="line" icon="monitor" href="/device">
            Sign in a device
          </LinkButton>
        }
      />
      <section class="panel" aria-labelledby="connected-h">
        <div class="panel-head">
          <h2 id="connected-h">Act in your name</h2>
        </div>
        {props.connections.length === 0 ? (
          <Empty icon="app-window" title="Nothing is connected">
            What you sign in to with this hub, and each terminal where you ran <code>hf auth login</code>, stands here.
          </Empty>
        ) : (
          <Rows
            caption="Connected applications"
            columns={[
              { label: 'Application' },
              { label: 'May' },
              { label: 'Sign-ins' },
              { label: 'Last used' },
              { label: 'Disconnect', silent: true },
            ]}
          >
            {props.connections.map((connection) => (
              <ConnectionRow {...connection} />
            ))}
          </Rows>
        )}
      </section>
      <section class="panel" aria-labelledby="own-h">
        <div class="panel-head">
          <h2 id="own-h">Developer applications</h2>
          {props.applications.length > 0 && <span class="ml-auto">{add}</span>}
        </div>
        {props.applications.length === 0 ? (
          <Empty icon="webhook" title="You registered no application" action={add}>
            Register a site or a program of yours to let people sign in with their account on this hub.
          </Empty>
        ) : (
          <Rows
            caption="Developer applications"
            columns={[
              { label: 'Application' },
              { label: 'Kind' },
              { label: 'Registered' },
              { label: 'Edit', silent: true },
            ]}
          >
            {props.applications.map((client) => (
              <Row>
                <RowHead>
                  {client.name}
                  <code class="block font-normal text-xs text-muted [overflow-wrap:anywhere]">{client.id}</code>
                </RowHead>
                <Cell label="Kind">
                  <Badge>{client.secretHash === null ? 'public' : 'with a secret'}</Badge>
                </Cell>
                <Cell label="Registered" class="nowrap">
                  <Time at={client.createdAt} />
                </Cell>
                <Cell class="act">
                  <LinkButton look="line" href={addressOf(client.id)} label={`Edit ${client.name}`}>
                    Edit
                  </LinkButton>
                </Cell>
              </Row>
            ))}
          </Rows>
        )}
      </section>
    </YourSettingsPage>
  )
}

function ConnectionRow(connection: Connection) {
  const { name, ownerName, organizations } = connection
  return (
    <Row>
      <RowHead description={ownerName === null ? 'comes with this hub' : `registered by ${ownerName}`}>{name}</RowHead>
      <Cell label="May">
        <div class="text-sm">
          {connection.scopes.join(', ')}
          {organizations.length > 0 && <span class="block text-xs text-muted">also in {organizations.join(', ')}</span>}
        </div>
      </Cell>
      <Cell label="Sign-ins">{connection.signIns}</Cell>
      <Cell label="Last used" class="nowrap">
        {connection.lastUsedAt === null ? <span class="text-muted">never</span> : <Time at={connection.lastUsedAt} />}
      </Cell>
      <Cell class="act">
        <LinkButton
          look="danger"
          href={`${connectedPath}?dialog=disconnect&application=${encodeURIComponent(connection.clientId)}`}
          dialog={true}
          label={`Disconnect ${name}`}
        >
          Disconnect
        </LinkButton>
      </Cell>
    </Row>
  )
}

function DisconnectDialog({ connection }: { connection: Connection }) {
  const { name, signIns, clientId } = connection
  return (
    <Dialog
      title={`Disconnect ${name}`}
      closeHref={connectedPath}
      action={`${connectedPath}/${encodeURIComponent(clientId)}/disconnect`}
      submit={<Button look="error">Disconnect {name}</Button>}
    >
      <p class="text-sm">
        {signIns === 0
          ? 'It holds no token.'
          : `${counted(signIns, 'sign-in')} of it ${signIns === 1 ? 'ends' : 'end'} at once.`}{' '}
        When you use it again, it has to ask you again.
      </p>
    </Dialog>
  )
}

type ApplicationFormProps = {
  form: FormState
  ticked: readonly string[]
  devices: boolean
  /** As it is now; null for a new one. */
  client: Client | null
}

function ApplicationFields({ form, ticked, devices, client }: ApplicationFormProps): Child {
  const scopeError = form.errors.scopes
  return (
    <>
      <FormProblem form={form} />
      <TextField
        form={form}
        name="name"
        label="Name"
        help="People read it when they are asked."
        value={client?.name ?? ''}
        maxlength={60}
        required={true}
      />
      <TextArea
        form={form}
        name="redirectUris"
        label="Redirect addresses"
        help="One in each line, compared letter for letter. https, or for programs on somebody's machine http://127.0.0.1/... with any port, or a scheme such as com.example.app:/callback."
        rows={4}
        value={client?.redirectUris.join('\n') ?? ''}
        mono={true}
      />
      <fieldset class="grid gap-1" aria-describedby={scopeError ? 'field-scopes-error' : undefined}>
        <legend class="font-semibold text-sm mb-1">The most that it may ask for</legend>
        {scopeNames.map((name: ScopeName) => (
          <label class="perm">
            <input
              class="checkbox checkbox-sm"
              type="checkbox"
              name="scopes"
              value={name}
              checked={ticked.includes(name)}
            />
            <span>
              {scopes[name].may} <code>{name}</code>
            </span>
          </label>
        ))}
        {scopeError && (
          <div class="field">
            <FieldError id="field-scopes-error">{scopeError}</FieldError>
          </div>
        )}
      </fieldset>
      <fieldset class="grid gap-1">
        <legend class="font-semibold text-sm mb-1">Devices</legend>
        <label class="perm">
          <input class="checkbox checkbox-sm" type="checkbox" name="devices" value="1" checked={devices} />
          <span>It signs in devices and terminals by a code that people type at /device</span>
        </label>
      </fieldset>
    </>
  )
}

/** Posts `name`, `redirectUris`, `scopes`, `devices` and `kind` to /settings/applications. */
export function NewApplicationPage(props: {
  context: PageContext
  form: FormState
  ticked: readonly string[]
  devices: boolean
}) {
  return (
    <YourSettingsPage context={props.context} title="New application" current={connectedPath}>
      <PageHead title="New application" lede="For OAuth 2 and OpenID Connect, with PKCE." />
      <form class="panel p-5 grid gap-5" method="post" action={applicationsPath}>
        <ApplicationFields form={props.form} ticked={props.ticked} devices={props.devices} client={null} />
        <PickField
          form={props.form}
          name="kind"
          legend="Can it keep a secret?"
          columns={2}
          value="public"
          picks={[
            {
              value: 'public',
              label: 'No: public',
              help: 'A page in the browser, or a program on somebody’s machine.',
            },
            {
              value: 'confidential',
              label: 'Yes: with a secret',
              help: 'A server of yours. The secret is shown once.',
            },
          ]}
        />
        <div class="flex flex-wrap gap-2">
          <Button look="primary">Register application</Button>
          <LinkButton href={connectedPath}>Cancel</LinkButton>
        </div>
      </form>
    </YourSettingsPage>
  )
}

export type ApplicationDialog = { readonly kind: 'delete' | 'secret'; readonly form: FormState }

/** Posts as the form of a new one to /settings/applications/{id}, and presses to .../secret and .../delete (`confirm`). */
export function ApplicationPage(props: {
  context: PageContext
  client: Client
  form: FormState
  ticked: readonly string[]
  devices: boolean
  secret: string | null
  dialog: ApplicationDialog | null
}) {
  const { client } = props
  const address = addressOf(client.id)
  return (
    <YourSettingsPage
      context={props.context}
      title={client.name}
      current={connectedPath}
      dialog={props.dialog && <ApplicationQuestion client={client} {...props.dialog} />}
    >
      <PageHead title={client.name} lede="An application that you registered." />
      {props.secret !== null && <SecretOnce name={client.name} secret={props.secret} closeHref={address} />}
      <section class="panel" aria-labelledby="id-h">
        <div class="panel-head">
          <h2 id="id-h">How it names itself</h2>
        </div>
        <dl class="facts p-4">
          <dt>Client ID</dt>
          <dd>
            <code>{client.id}</code>
          </dd>
          <dt>Client secret</dt>
          <dd>{client.secretLast4 === null ? 'none: a public application' : <code>…{client.secretLast4}</code>}</dd>
        </dl>
        <div class="flex flex-wrap gap-2 px-4 pb-4">
          <LinkButton look="line" icon="refresh-cw" href={`${address}?dialog=secret`} dialog={true}>
            {client.secretHash === null ? 'Give it a secret' : 'New secret'}
          </LinkButton>
          <LinkButton look="danger" href={`${address}?dialog=delete`} dialog={true}>
            Delete application
          </LinkButton>
        </div>
      </section>
      <form class="panel p-5 grid gap-5" method="post" action={address}>
        <ApplicationFields form={props.form} ticked={props.ticked} devices={props.devices} client={client} />
        <div class="flex flex-wrap gap-2">
          <Button look="primary">Save application</Button>
          <LinkButton href={connectedPath}>Back</LinkButton>
        </div>
      </form>
    </YourSettingsPage>
  )
}

function SecretOnce(props: { name: string; secret: string; closeHref: string }) {
  return (
    <section class="notice notice-once" role="status" aria-labelledby="once-h">
      <Icon name="key-round" />
      <div class="col-span-2 grid gap-2">
        <h2 id="once-h">Copy the secret of “{props.name}” now</h2>
        <p>This is the only time it is shown. Holdfast keeps no copy; if you lose it, make a new one.</p>
        <div class="secret">
          <code>{props.secret}</code>
          <CopyButton />
        </div>
        <a class="a text-sm" href={props.closeHref}>
          I have stored it, close
        </a>
      </div>
    </section>
  )
}

function ApplicationQuestion({ client, kind, form }: ApplicationDialog & { client: Client }) {
  const address = addressOf(client.id)
  if (kind === 'secret') {
    return (
      <Dialog
        title={client.secretHash === null ? `Give ${client.name} a secret` : `New secret for ${client.name}`}
        closeHref={address}
        action={`${address}/secret`}
        submit={<Button look="error">Make a new secret</Button>}
      >
        <p class="text-sm">
          {client.secretHash === null
            ? 'From then on it has to show the secret whenever it asks for tokens.'
            : 'The old secret is refused from the next request. Tokens that people gave stay valid.'}
        </p>
      </Dialog>
    )
  }
  return (
    <Dialog
      title={`Delete ${client.name}`}
      closeHref={address}
      action={`${address}/delete`}
      submit={
        <Button look="error" icon="trash-2">
          Delete application
        </Button>
      }
    >
      <Notice kind="warning">Everybody who is signed in to it is signed out, and its tokens are deleted.</Notice>
      <TypedConfirmation form={form} word={client.name} autofocus={true} />
    </Dialog>
  )
}
