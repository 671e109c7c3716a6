/* What groups of the company give in an organization: the list, a new line, and what it means to remove one. */
import { Button, LinkButton } from '../../web/button.tsx'
import { Dialog } from '../../web/dialog.tsx'
import { Empty } from '../../web/empty.tsx'
import { type Choice, SelectField, TextField } from '../../web/field.tsx'
import type { FormState } from '../../web/form-state.ts'
import { MoreRows } from '../../web/more-rows.tsx'
import { FormProblem, Notice } from '../../web/notice.tsx'
import { OrganizationSettingsPage } from '../../web/organization-settings-page.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead } from '../../web/page-head.tsx'
import { Cell, Row, RowHead, Rows } from '../../web/rows.tsx'
import { organizationSettingsPath } from '../../web/settings-frame.tsx'
import type { ListedMapping } from './mappings.ts'

const title = 'Company groups'

export const companyGroupsOf = (organization: string, below = ''): string =>
  organizationSettingsPath(organization, `company-groups${below}`)

const roleChoices: readonly Choice[] = [
  { value: 'read', label: 'read' },
  { value: 'contributor', label: 'contributor' },
  { value: 'write', label: 'write' },
  { value: 'admin', label: 'admin' },
  { value: 'no_access', label: 'no_access (organization only)' },
  { value: 'member', label: 'member (groups only)' },
  { value: 'manager', label: 'manager (groups only)' },
]

type Places = readonly { readonly kind: 'group' | 'workspace'; readonly id: string; readonly name: string }[]

/** Posts `externalGroup`, `target` and `role` to /organizations/{org}/settings/company-groups; dialog at ?remove={id}. */
export function CompanyGroupsPage(props: {
  context: PageContext
  organization: string
  /** Null where the hub has no sign-in through a company. */
  company: string | null
  mappings: readonly ListedMapping[]
  olderHref: string | null
  firstHref: string | null
  places: Places
  form: FormState
  removing: ListedMapping | null
  mayChange: boolean
}) {
  const { organization, company, mappings } = props
  return (
    <OrganizationSettingsPage
      context={props.context}
      organization={organization}
      title={`${title}: ${organization}`}
      place="company-groups"
      dialog={props.removing && <RemoveDialog organization={organization} mapping={props.removing} />}
    >
      <PageHead
        title={title}
        lede={`What groups of the company give in ${organization}. Each time somebody signs in through the company it is brought up to date: given, changed, and taken away again. What you give by hand stays as it is.`}
      />
      {company === null && (
        <Notice kind="warning" standing={true}>
          This hub signs nobody in through a company yet: nothing here has an effect until its administrator sets that
          up.
        </Notice>
      )}
      <section class="panel" aria-label={title}>
        {mappings.length === 0 && props.firstHref === null ? (
          <Empty icon="users-round" title="No group gives anything">
            Name a group as the provider sends it, and what everybody in it gets here.
          </Empty>
        ) : (
          <Rows
            caption="What groups of the company give, by name"
            columns={[
              { label: 'Group of the company' },
              { label: 'Gives' },
              { label: 'People who have it so' },
              { label: 'Actions', silent: true, class: 'end' },
            ]}
          >
            {mappings.map((mapping) => (
              <MappingLine organization={organization} mapping={mapping} mayChange={props.mayChange} />
            ))}
          </Rows>
        )}
      </section>
      {(mappings.length > 0 || props.firstHref !== null) && (
        <MoreRows
          order="By group"
          shown={mappings.length}
          olderHref={props.olderHref}
          firstHref={props.firstHref}
          olderWord="More"
        />
      )}
      {props.mayChange && <AddForm {...props} />}
    </OrganizationSettingsPage>
  )
}

function MappingLine(props: { organization: string; mapping: ListedMapping; mayChange: boolean }) {
  const { organization, mapping } = props
  return (
    <Row>
      <RowHead>
        <span class="[overflow-wrap:anywhere]">{mapping.externalGroup}</span>
      </RowHead>
      <Cell label="Gives">{givesWords(organization, mapping)}</Cell>
      <Cell label="People who have it so">{mapping.people}</Cell>
      <Cell class="end">
        {props.mayChange && (
          <LinkButton
            look="danger"
            href={`${companyGroupsOf(organization)}?remove=${encodeURIComponent(mapping.id)}`}
            dialog={true}
            label={`Remove what ${mapping.externalGroup} gives: ${givesWords(organization, mapping)}`}
          >
            Remove
          </LinkButton>
        )}
      </Cell>
    </Row>
  )
}

function givesWords(organization: string, { kind, role, targetName }: ListedMapping): string {
  if (kind === 'organization') return `the role ${role} in ${organization}`
  if (kind === 'group') return `${role} of the group ${targetName ?? ''}`
  return `the role ${role} in the workspace ${targetName ?? ''}`
}

function AddForm(props: { organization: string; places: Places; form: FormState }) {
  const { organization, form } = props
  const targets: Choice[] = [
    { value: 'organization', label: `${organization} itself` },
    ...props.places.map(({ kind, id, name }) => ({
      value: `${kind}:${id}`,
      label: `${kind === 'group' ? 'Group' : 'Workspace'} ${name}`,
    })),
  ]
  return (
    <form class="panel p-4 grid gap-4 max-w-xl" method="post" action={companyGroupsOf(organization)}>
      <h2>Let a group give something</h2>
      <FormProblem form={form} />
      <TextField
        form={form}
        name="externalGroup"
        label="Group of the company"
        required={true}
        verbatim={true}
        maxlength={256}
        help="Letter for letter as the provider sends it: a name, a path such as /research, or the object id in Entra ID."
      />
      <SelectField form={form} name="target" label="Where it gives something" choices={targets} />
      <SelectField
        form={form}
        name="role"
        label="Role"
        choices={roleChoices}
        help="Whoever gets something in a group or a workspace becomes a member of the organization too, with its default role where no group says more. Where several groups give a role, the strongest counts."
      />
      <div>
        <Button look="primary">Add</Button>
      </div>
    </form>
  )
}

function RemoveDialog({ organization, mapping }: { organization: string; mapping: ListedMapping }) {
  const { people } = mapping
  return (
    <Dialog
      title={`Remove what ${mapping.externalGroup} gives?`}
      closeHref={companyGroupsOf(organization)}
      action={companyGroupsOf(organization, `/${mapping.id}/remove`)}
      submit={<Button look="error">Remove</Button>}
    >
      <p>
        {mapping.externalGroup} gives {givesWords(organization, mapping)}.{' '}
        {people === 0
          ? 'Nobody has it through groups of the company now.'
          : `${people} ${people === 1 ? 'person has' : 'people have'} it through groups of the company now.`}
      </p>
      {people > 0 && (
        <p>
          They lose it when they sign in the next time, unless another group gives it too. To take it away at once,
          remove them from the members as well.
        </p>
      )}
    </Dialog>
  )
}
