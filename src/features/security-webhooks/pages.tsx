/* Security webhooks of an organization: the list, the form to add one; each with its state, its secret and its deliveries. */

import { type ScopeName, scopeNames } from '../../domain/event-scopes.ts'
import { Badge } from '../../web/badge.tsx'
import { Button, LinkButton } from '../../web/button.tsx'
import { Dialog } from '../../web/dialog.tsx'
import { Empty } from '../../web/empty.tsx'
import { FieldError, SelectField, TextField } from '../../web/field.tsx'
import { type FormState, freshForm } from '../../web/form-state.ts'
import { FormProblem, Notice } from '../../web/notice.tsx'
import { OrganizationSettingsPage } from '../../web/organization-settings-page.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead, SettingsSection } from '../../web/page-head.tsx'
import { Cell, Row, RowHead, Rows } from '../../web/rows.tsx'
import { organizationSettingsPath } from '../../web/settings-frame.tsx'
import { ShownOnce } from '../../web/shown-once.tsx'
import { counted } from '../../web/size.ts'
import { Time } from '../../web/time.tsx'
import { DeliveryTable, type DeliveryView } from './delivery-table.tsx'

export const webhooksPath = (organization: string): string =>
  organizationSettingsPath(organization, 'security-webhooks')
export const webhookPath = (organization: string, id: string): string =>
  `${webhooksPath(organization)}/${encodeURIComponent(id)}`

export type WebhookView = {
  id: string
  url: string
  scopes: readonly ScopeName[]
  isActive: boolean
  createdAt: number
  switchedOffReason: string | null
  failingSince: number | null
  lastError: string | null
  /** When it is tried again; null while nothing fails. */
  nextAt: number | null
  lastDeliveredAt: number | null
  oldSecretUntil: number | null
}

export type SentForm = { form: FormState; ticked: readonly string[] }
export type WebhookDialog = 'rotate' | 'delete'

const scopeWords: Readonly<Record<ScopeName, string>> = {
  '*': 'Everything, also what later versions add',
  'token.*': 'Access tokens and keys: made, revoked, leaked',
  'member.*': 'Members, roles, groups, invitations and service accounts',
  'scan.*': 'Scans, held files and leaked secrets',
  'policy.*': 'Settings, policies, visibility and gates',
  'repo.*': 'Repositories: made, moved, pushed to, deleted',
  'download.*': 'Audited downloads',
}

/** Posts `url` and `scopes` to its own address. */
export function WebhooksPage(props: {
  context: PageContext
  organization: string
  webhooks: readonly WebhookView[]
  /** From the policy. */
  mayChange: boolean
  sent: SentForm
}) {
  const { organization, webhooks } = props
  return (
    <OrganizationSettingsPage
      context={props.context}
      organization={organization}
      title={`Security webhooks of ${organization}`}
      place="security-webhooks"
    >
      <PageHead
        title="Security webhooks"
        lede={`Other systems are told what happens to the security of ${organization} as it happens: a SIEM, a chat, a script that revokes. Each delivery is signed.`}
      />
      <section class="panel" aria-labelledby="webhooks-h">
        <div class="panel-head">
          <h2 id="webhooks-h">Who is told</h2>
          {webhooks.length > 0 && <span class="count">{webhooks.length}</span>}
        </div>
        {webhooks.length === 0 ? (
          <Empty icon="webhook" title="No security webhooks">
            Add an address below, and what happens from then on is posted to it within seconds, from the sealed audit
            log, in its order.
          </Empty>
        ) : (
          <Rows
            caption="Security webhooks"
            columns={[{ label: 'Address' }, { label: 'State' }, { label: 'Last taken' }, { label: 'Told of' }]}
          >
            {webhooks.map((webhook) => (
              <Row off={!webhook.isActive}>
                <RowHead>
                  <a class="wrap-anywhere" href={webhookPath(organization, webhook.id)}>
                    {webhook.url}
                  </a>
                </RowHead>
                <Cell label="State" class="nowrap">
                  <StateBadge webhook={webhook} />
                </Cell>
                <Cell label="Last taken" class="nowrap text-muted">
                  {webhook.lastDeliveredAt === null ? 'never' : <Time at={webhook.lastDeliveredAt} />}
                </Cell>
                <Cell label="Told of" class="text-muted">
                  {webhook.scopes.includes('*') ? 'everything' : webhook.scopes.join(', ')}
                </Cell>
              </Row>
            ))}
          </Rows>
        )}
      </section>
      {props.mayChange && (
        <SettingsSection id="add-h" title="Add a webhook" help="At most 20.">
          <form method="post" action={webhooksPath(organization)} class="p-4 grid gap-4">
            <Fields sent={props.sent} />
            <p class="text-sm text-muted">Its secret is shown on the next page, once.</p>
            <span>
              <Button look="primary" icon="plus">
                Add webhook
              </Button>
            </span>
          </form>
        </SettingsSection>
      )}
    </OrganizationSettingsPage>
  )
}

function StateBadge({ webhook }: { webhook: WebhookView }) {
  if (!webhook.isActive) return <Badge icon="circle-off">off</Badge>
  return webhook.failingSince === null ? (
    <Badge look="success" icon="circle-check">
      on
    </Badge>
  ) : (
    <Badge look="warning" icon="triangle-alert">
      failing
    </Badge>
  )
}

function Fields({ sent: { form, ticked } }: { sent: SentForm }) {
  const error = form.errors.scopes
  return (
    <>
      <FormProblem form={form} />
      <TextField
        form={form}
        name="url"
        label="Address"
        type="url"
        required={true}
        verbatim={true}
        maxlength={2000}
        placeholder="https://siem.example.org/holdfast"
        help="A public address: redirects are not followed, and private networks only where this hub allows them."
      />
      <fieldset class="grid gap-1" aria-describedby={error ? 'field-scopes-error' : undefined}>
        <legend class="font-semibold text-sm mb-1">What it is told of</legend>
        {scopeNames.map((name) => (
          <label class="perm">
            <input
              class="checkbox checkbox-sm"
              type="checkbox"
              name="scopes"
              value={name}
              checked={ticked.includes(name)}
            />
            <span>
              {scopeWords[name]} <code>{name}</code>
            </span>
          </label>
        ))}
        {error && (
          <div class="field">
            <FieldError id="field-scopes-error">{error}</FieldError>
          </div>
        )}
      </fieldset>
    </>
  )
}

/** Posts to its own address, and to /on, /off, /test, /rotate, /delete below it. Dialogs at ?dialog=rotate and ?dialog=delete. */
export function WebhookPage(props: {
  context: PageContext
  organization: string
  webhook: WebhookView
  deliveries: readonly DeliveryView[]
  mayChange: boolean
  sent: SentForm
  dialog: WebhookDialog | null
  /** In the one answer that has it. */
  secret: string | null
  now: number
}) {
  const { organization, webhook, mayChange } = props
  const here = webhookPath(organization, webhook.id)
  const host = new URL(webhook.url).host
  return (
    <OrganizationSettingsPage
      context={props.context}
      organization={organization}
      title={`Security webhook to ${host}`}
      place="security-webhooks"
      crumbs={[{ label: 'Security webhooks', href: webhooksPath(organization) }, { label: host }]}
      dialog={props.dialog && <Sheet kind={props.dialog} webhook={webhook} here={here} />}
    >
      <PageHead
        title={`Webhook to ${host}`}
        lede={<span class="wrap-anywhere">{webhook.url}</span>}
        action={
          mayChange && (
            <form method="post" action={`${here}/test`}>
              <Button>Send a test</Button>
            </form>
          )
        }
      />
      {props.secret !== null && (
        <ShownOnce
          what="secret"
          name={host}
          value={props.secret}
          closeHref={here}
          lost="It is not shown again; if you lose it, rotate it to get a new one."
        />
      )}
      <State webhook={webhook} now={props.now} here={here} mayChange={mayChange} />
      {mayChange && (
        <SettingsSection id="edit-h" title="Address and events">
          <form method="post" action={here} class="p-4 grid gap-4">
            <Fields sent={props.sent} />
            <span>
              <Button>Save webhook</Button>
            </span>
          </form>
        </SettingsSection>
      )}
      <section class="panel" aria-labelledby="deliveries-h">
        <div class="panel-head">
          <h2 id="deliveries-h">Deliveries</h2>
          <span class="text-sm text-muted">The last 100, newest first</span>
        </div>
        {props.deliveries.length === 0 ? (
          <Empty icon="webhook" title="Nothing was sent yet">
            What happens from now on and is ticked above is sent within seconds. “Send a test” tries the address now.
          </Empty>
        ) : (
          <DeliveryTable deliveries={props.deliveries} here={here} mayChange={mayChange} />
        )}
      </section>
      {mayChange && (
        <SettingsSection id="delete-h" title="Delete this webhook">
          <div class="p-4 flex flex-wrap items-center gap-3">
            <p class="flex-1 min-w-56 text-sm">
              Nothing more is sent to it, and its deliveries are forgotten. To pause it, switch it off instead.
            </p>
            <LinkButton look="danger" icon="trash-2" href={`${here}?dialog=delete`} dialog={true}>
              Delete webhook
            </LinkButton>
          </div>
        </SettingsSection>
      )}
    </OrganizationSettingsPage>
  )
}

function State(props: { webhook: WebhookView; now: number; here: string; mayChange: boolean }) {
  const { webhook, here } = props
  const { isActive, failingSince, nextAt, oldSecretUntil } = webhook
  const isOverlap = oldSecretUntil !== null && oldSecretUntil > props.now
  return (
    <SettingsSection id="state-h" title="State">
      <div class="p-4 grid gap-4">
        {webhook.switchedOffReason !== null && (
          <Notice kind="error" small={true} standing={true}>
            It was switched off. {webhook.switchedOffReason}
          </Notice>
        )}
        {isActive && failingSince !== null && (
          <Notice kind="warning" small={true} standing={true}>
            It takes nothing since <Time at={failingSince} />. {webhook.lastError}
            {nextAt !== null && (
              <>
                {' '}
                Next attempt: <Time at={nextAt} />.
              </>
            )}{' '}
            Nothing is lost meanwhile. After five days it is switched off.
          </Notice>
        )}
        <dl class="facts">
          <dt>State</dt>
          <dd>
            <StateBadge webhook={webhook} />
          </dd>
          <dt>Added</dt>
          <dd>
            <Time at={webhook.createdAt} />
          </dd>
          <dt>Last taken</dt>
          <dd>{webhook.lastDeliveredAt === null ? 'never' : <Time at={webhook.lastDeliveredAt} />}</dd>
          <dt>Secret</dt>
          <dd>
            {isOverlap ? (
              <>
                the old one signs beside the new one; that ends <Time at={oldSecretUntil} />
              </>
            ) : (
              'one, shown when it was made'
            )}
          </dd>
        </dl>
        {props.mayChange && (
          <div class="flex flex-wrap gap-2">
            <LinkButton icon="refresh-cw" href={`${here}?dialog=rotate`} dialog={true}>
              Rotate secret
            </LinkButton>
            <form method="post" action={`${here}/${isActive ? 'off' : 'on'}`}>
              <Button>{isActive ? 'Switch off' : 'Switch on'}</Button>
            </form>
          </div>
        )}
      </div>
    </SettingsSection>
  )
}

const overlapHours = [0, 1, 24, 72, 168]

function overlapWords(hours: number): string {
  if (hours === 0) return 'End it at once'
  return hours % 24 === 0 ? counted(hours / 24, 'day') : counted(hours, 'hour')
}

function Sheet({ kind, webhook, here }: { kind: WebhookDialog; webhook: WebhookView; here: string }) {
  if (kind === 'delete') {
    return (
      <Dialog
        title="Delete the webhook"
        closeHref={here}
        action={`${here}/delete`}
        submit={<Button look="error">Delete webhook</Button>}
      >
        <p class="text-sm wrap-anywhere">
          Nothing more is sent to <code>{webhook.url}</code>, its secret and its deliveries are forgotten. This cannot
          be undone.
        </p>
      </Dialog>
    )
  }
  return (
    <Dialog
      title="Rotate the secret"
      closeHref={here}
      action={`${here}/rotate`}
      submit={<Button look="primary">Rotate secret</Button>}
    >
      <p class="text-sm">
        A new secret is shown once. Until the overlap is over, each delivery is signed with both, so that the receiver
        can change over meanwhile. An even older secret stops signing now.
      </p>
      <SelectField
        form={freshForm}
        name="overlapHours"
        label="The present secret goes on for"
        value="24"
        choices={overlapHours.map((hours) => ({ value: String(hours), label: overlapWords(hours) }))}
      />
    </Dialog>
  )
}
