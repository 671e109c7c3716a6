/* Emergency administration: the form for administrators of the hub, and what the organization sees of it. */
import { namespacePath } from '../../web/address.ts'
import { Breadcrumbs } from '../../web/breadcrumbs.tsx'
import { Button, LinkButton } from '../../web/button.tsx'
import { PickField, SelectField, TextField } from '../../web/field.tsx'
import type { FormState } from '../../web/form-state.ts'
import { Page } from '../../web/layout.tsx'
import { FormProblem, Notice } from '../../web/notice.tsx'
import { OrganizationSettingsPage } from '../../web/organization-settings-page.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead, SettingsSection } from '../../web/page-head.tsx'
import { Cell, Row, RowHead, Rows } from '../../web/rows.tsx'
import { membersPath, organizationSettingsPath } from '../../web/settings-frame.tsx'
import { Time } from '../../web/time.tsx'
import { minuteTime } from '../../web/time-words.ts'
import { Who } from '../../web/who.tsx'
import type { BreakGlassState } from './service.ts'

export const takePath = (organization: string): string =>
  `/organizations/${encodeURIComponent(organization)}/break-glass`
export const emergencyPath = (organization: string): string => organizationSettingsPath(organization, 'emergency')

const lengths = [
  { value: '900', label: '15 minutes' },
  { value: '1800', label: '30 minutes' },
  { value: '3600', label: '1 hour' },
] as const

/** Posts `reason` and `seconds` to /organizations/{org}/break-glass. */
export function BreakGlassPage(props: { context: PageContext; organization: string; form: FormState }) {
  const { context, organization, form } = props
  return (
    <Page
      context={context}
      title={`Administer ${organization} in an emergency`}
      frame={{ kind: 'narrow' }}
      place={
        <Breadcrumbs
          viewer={context.viewer}
          namespace={{ name: organization, kind: 'organization' }}
          crumbs={[{ label: 'Emergency administration' }]}
          switchTo={(name) => namespacePath(name)}
        />
      }
    >
      <PageHead
        title={`Administer ${organization} in an emergency`}
        lede="As an administrator of this hub you have no role in its organizations. Where nobody who has one can act, you can be one of this organization's administrators for an hour at most."
      />
      <Notice kind="warning" standing={true}>
        It is loud: every administrator of {organization} gets an e-mail, its members see your name and your reason on
        every page until it is over, and the audit log keeps both. It cannot be made longer.
      </Notice>
      <form class="panel grid gap-4 p-4" method="post" action={takePath(organization)}>
        <FormProblem form={form} />
        <TextField
          form={form}
          name="reason"
          label="Reason"
          required={true}
          maxlength={500}
          help="One line that somebody who knows nothing of it understands."
        />
        <SelectField form={form} name="seconds" label="For how long" value="1800" choices={lengths} />
        <div class="flex flex-wrap gap-2">
          <Button look="error">Administer {organization} now</Button>
          <LinkButton href={namespacePath(organization)}>Cancel</LinkButton>
        </div>
      </form>
    </Page>
  )
}

const picks = [
  {
    value: 'yes',
    label: 'Allowed, loudly',
    help: 'An administrator of this hub can administer the organization for an hour at most, with a reason that everybody here sees.',
  },
  {
    value: 'no',
    label: 'Not allowed',
    help: 'If nobody who administers the organization can act, only the operator of the hub can help, on its command line.',
  },
] as const

/** Posts `enabled` to {settings}/emergency, and to the page of members to end one. */
export function EmergencyPage(props: {
  context: PageContext
  organization: string
  state: BreakGlassState
  /** From the policy. */
  mayEnd: boolean
  mayDecide: boolean
  form: FormState
}) {
  const { organization, state, form } = props
  return (
    <OrganizationSettingsPage
      context={props.context}
      organization={organization}
      title={`Emergency administration of ${organization}`}
      place="emergency"
    >
      <PageHead
        title="Emergency administration"
        lede={`Whether administrators of this hub, who have no role in ${organization}, can take one for an hour where nobody else can act.`}
      />
      <SettingsSection id="running-h" title="Running now">
        {state.running.length === 0 ? (
          <p class="p-4 text-sm text-muted">Nobody administers {organization} in an emergency.</p>
        ) : (
          <Rows
            caption={`Emergency administration of ${organization}`}
            columns={[
              { label: 'Who' },
              { label: 'Reason' },
              { label: 'Since' },
              { label: 'Until' },
              { label: 'Actions', silent: true },
            ]}
          >
            {state.running.map(({ name, reason, since, until }) => (
              <Row>
                <RowHead before={<Who kind="user" name={name} />}>
                  <a class="quiet" href={namespacePath(name)}>
                    {name}
                  </a>
                </RowHead>
                <Cell label="Reason" class="wrap-break-word">
                  {reason}
                </Cell>
                <Cell label="Since" class="nowrap">
                  <Time at={since} />
                </Cell>
                <Cell label="Until" class="nowrap">
                  {minuteTime(until)}
                </Cell>
                <Cell class="act">
                  {props.mayEnd && (
                    <form
                      method="post"
                      action={`${membersPath(organization)}/${encodeURIComponent(name)}/temporary/end`}
                    >
                      <Button look="danger" label={`End now the emergency administration of ${name}`}>
                        End now
                      </Button>
                    </form>
                  )}
                </Cell>
              </Row>
            ))}
          </Rows>
        )}
      </SettingsSection>
      {props.mayDecide ? (
        <form class="panel grid gap-4 p-4" method="post" action={emergencyPath(organization)}>
          <FormProblem form={form} />
          <PickField
            form={form}
            name="enabled"
            legend="Emergency administration"
            picks={picks}
            value={state.enabled ? 'yes' : 'no'}
          />
          <div>
            <Button look="primary">Save</Button>
          </div>
        </form>
      ) : (
        <p class="text-sm text-muted">
          {state.enabled
            ? `Administrators of this hub can administer ${organization} in an emergency.`
            : `${organization} takes no emergency administration.`}
        </p>
      )}
    </OrganizationSettingsPage>
  )
}
