/* How much of its inference an organization lets be used: the settings page "Inference limits". */
import type { Child } from 'hono/jsx'
import { type LimitAmounts, type LimitName, limitNames } from '../../domain/inference-limits.ts'
import { withQuery } from '../../web/address.ts'
import { Button, LinkButton } from '../../web/button.tsx'
import { Dialog } from '../../web/dialog.tsx'
import { Empty } from '../../web/empty.tsx'
import { SelectField, TextField } from '../../web/field.tsx'
import { type FormState, formValue } from '../../web/form-state.ts'
import { MoreRows } from '../../web/more-rows.tsx'
import { FormProblem } from '../../web/notice.tsx'
import { OrganizationSettingsPage } from '../../web/organization-settings-page.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead, SettingsSection } from '../../web/page-head.tsx'
import { Cell, Row, RowHead, Rows } from '../../web/rows.tsx'
import { organizationSettingsPath } from '../../web/settings-frame.tsx'
import { countWords } from '../../web/size.ts'
import { type SharedScope, sharedScopes } from './limit-form.ts'
import type { Limits, LimitUse, OwnLimit } from './limits.ts'

export const limitsOf = (organization: string, below = ''): string =>
  organizationSettingsPath(organization, `inference-limits${below}`)

const amountWords: Readonly<Record<LimitName, string>> = {
  requestsPerMinute: 'Requests a minute',
  requestsPerMonth: 'Requests a month',
  tokensPerMinute: 'Tokens a minute',
  tokensPerMonth: 'Tokens a month',
}

const scopeWords: Readonly<Record<SharedScope, { readonly legend: string; readonly help: string }>> = {
  organization: { legend: 'All together', help: 'Everything that the organization is billed for.' },
  member: { legend: 'Each member', help: 'With all tokens of one person, and in sessions.' },
  'service-account': { legend: 'Each service account', help: 'With all of its tokens.' },
  token: { legend: 'Each token', help: 'Children of a token count with it.' },
  workspace: { legend: 'Each workspace', help: 'Calls that name it in X-HF-Bill-To.' },
}

const kindWords: Readonly<Record<OwnLimit['kind'], string>> = {
  user: 'Member',
  'service-account': 'Service account',
  workspace: 'Workspace',
}

/** What is being changed; `name` null: somebody who has none yet. */
export type Changing = { kind: OwnLimit['kind']; name: string | null; amounts: LimitAmounts; form: FormState }

type LimitsPageProps = {
  context: PageContext
  organization: string
  limits: Pick<Limits, 'organization' | 'defaults' | 'use' | 'version'>
  /** A page of those of their own. */
  own: readonly OwnLimit[]
  total: number
  moreHref: string | null
  firstHref: string | null
  form: FormState
  changing: Changing | null
}

/** Posts to /organizations/{org}/settings/inference-limits, and its dialog to /own and /own/remove below it. */
export function LimitsPage(props: LimitsPageProps) {
  const { organization, limits, form } = props
  return (
    <OrganizationSettingsPage
      context={props.context}
      organization={organization}
      title={`Inference limits of ${organization}`}
      place="inference-limits"
      dialog={
        props.changing && <OwnDialog organization={organization} version={limits.version} changing={props.changing} />
      }
    >
      <PageHead
        title="Inference limits"
        lede={`How many calls of models ${organization} is billed for at most. Each limit that a call falls under holds; what goes over is refused until the minute or the calendar month (UTC) ends.`}
      />
      <SettingsSection id="used-h" title="Used">
        <Used organization={organization} limits={limits.organization} use={limits.use} />
      </SettingsSection>
      <form class="panel p-4 grid gap-6" method="post" action={limitsOf(organization)}>
        <FormProblem form={form} />
        <input type="hidden" name="version" value={limits.version} />
        {sharedScopes.map((scope) => (
          <fieldset class="grid gap-2">
            <legend class="font-semibold text-sm mb-1">
              {scopeWords[scope].legend} <span class="font-normal text-muted">{scopeWords[scope].help}</span>
            </legend>
            <AmountFields
              form={form}
              scope={scope}
              amounts={scope === 'organization' ? limits.organization : limits.defaults[scope]}
            />
          </fieldset>
        ))}
        <p class="text-sm text-muted">
          Empty is any number, 0 is none. Tokens are those that went in and came out; they count at the end of a call.
          It holds within seconds.
        </p>
        <div>
          <Button look="primary">Save limits</Button>
        </div>
      </form>
      <SettingsSection id="own-h" title="Limits of their own" help="In place of what holds for each of their kind.">
        <OwnTable {...props} />
        <div class="p-4">
          <LinkButton href={withQuery(limitsOf(organization), { change: 'new' })} dialog={true} icon="plus">
            Add a limit
          </LinkButton>
        </div>
      </SettingsSection>
      {props.total > 0 && (
        <MoreRows
          order="By kind and name"
          shown={props.own.length}
          total={props.total}
          olderHref={props.moreHref}
          firstHref={props.firstHref}
          olderWord="More"
        />
      )}
    </OrganizationSettingsPage>
  )
}

function AmountFields(props: { form: FormState; scope: string; amounts: LimitAmounts }) {
  return (
    <div class="grid gap-3 grid-cols-2 lg:grid-cols-4">
      {limitNames.map((name) => (
        <TextField
          form={props.form}
          name={`${props.scope}.${name}`}
          label={amountWords[name]}
          digits={true}
          maxlength={20}
          value={written(props.amounts[name])}
        />
      ))}
    </div>
  )
}

const written = (amount: number | null): string => (amount === null ? '' : amount.toLocaleString('en'))

function Used(props: { organization: string; limits: LimitAmounts; use: LimitUse }) {
  return (
    <div class="p-4 grid gap-4 sm:grid-cols-2">
      {limitNames.map((name) => {
        const [count, limit] = [props.use[name], props.limits[name]]
        return (
          <div class="grid gap-1 content-start">
            <span class="text-sm text-muted">
              {amountWords[name].replace(/ a .*/, name.endsWith('Minute') ? ' in this minute' : ' this month')}
            </span>
            <b class="text-lg num">
              {countWords(count)}
              {limit !== null && ` of ${countWords(limit)}`}
            </b>
            {limit !== null && limit > 0 && (
              <progress
                class="progress progress-primary w-full"
                value={Math.min(count, limit)}
                max={limit}
                aria-label={`${amountWords[name]}: ${countWords(count)} of ${countWords(limit)}`}
              />
            )}
          </div>
        )
      })}
    </div>
  )
}

function OwnTable({ organization, own }: LimitsPageProps): Child {
  if (own.length === 0) {
    return (
      <Empty icon="users" title="Nobody has limits of their own">
        A member, a service account or a workspace can have more than the others, or less.
      </Empty>
    )
  }
  return (
    <Rows
      caption={`Limits of their own in ${organization}`}
      columns={[
        { label: 'Whose' },
        ...limitNames.map((name) => ({ label: amountWords[name] })),
        { label: 'Actions', silent: true },
      ]}
    >
      {own.map((one) => (
        <Row>
          <RowHead description={kindWords[one.kind]}>{one.name}</RowHead>
          {limitNames.map((name) => {
            const limit = one.amounts[name]
            return (
              <Cell label={amountWords[name]} class="num">
                {limit === null ? 'any' : countWords(limit)}
                <span class="block text-xs text-muted">{countWords(one.use[name])} used</span>
              </Cell>
            )
          })}
          <Cell>
            <LinkButton
              href={withQuery(limitsOf(organization), { change: one.id })}
              label={`Change limits of ${one.name}`}
              dialog={true}
            >
              Change
            </LinkButton>
          </Cell>
        </Row>
      ))}
    </Rows>
  )
}

const kindChoices = (['user', 'service-account', 'workspace'] as const).map((value) => ({
  value,
  label: kindWords[value],
}))

function OwnDialog(props: { organization: string; version: string; changing: Changing }) {
  const { organization, changing } = props
  const { form, name } = changing
  return (
    <Dialog
      title={name === null ? 'Add a limit' : `Limits of ${name}`}
      closeHref={limitsOf(organization)}
      action={limitsOf(organization, '/own')}
      submit={
        <>
          {name !== null && (
            <Button look="danger" action={limitsOf(organization, '/own/remove')}>
              Take away
            </Button>
          )}
          <Button look="primary">Save limits</Button>
        </>
      }
    >
      <FormProblem form={form} />
      <input type="hidden" name="version" value={formValue(form, 'version', props.version)} />
      {name === null ? (
        <>
          <SelectField form={form} name="kind" label="Of a" choices={kindChoices} value={changing.kind} />
          <TextField
            form={form}
            name="name"
            label="Name"
            verbatim={true}
            required={true}
            maxlength={200}
            help="As it stands in the list of members, service accounts or workspaces."
          />
        </>
      ) : (
        <>
          <input type="hidden" name="kind" value={changing.kind} />
          <input type="hidden" name="name" value={name} />
        </>
      )}
      <div class="grid gap-3 grid-cols-2">
        {limitNames.map((amount) => (
          <TextField
            form={form}
            name={`own.${amount}`}
            label={amountWords[amount]}
            digits={true}
            maxlength={20}
            value={written(changing.amounts[amount])}
          />
        ))}
      </div>
      <p class="text-sm text-muted">
        These hold in place of what holds for{' '}
        {name === null ? 'all of the kind' : `each ${kindWords[changing.kind].toLowerCase()}`}: empty is any number.
        {name !== null && ' Taken away, what holds for all holds again.'}
      </p>
    </Dialog>
  )
}
