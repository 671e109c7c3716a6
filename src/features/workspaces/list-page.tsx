/* The workspaces of an organization that the viewer has a role in; administrators of the organization see all of them. */
import { Badge } from '../../web/badge.tsx'
import { Button, LinkButton } from '../../web/button.tsx'
import { Dialog } from '../../web/dialog.tsx'
import { Empty } from '../../web/empty.tsx'
import { TextArea, TextField } from '../../web/field.tsx'
import type { FormState } from '../../web/form-state.ts'
import { Icon } from '../../web/icon.tsx'
import { MoreRows } from '../../web/more-rows.tsx'
import { FormProblem } from '../../web/notice.tsx'
import { OrganizationSettingsPage } from '../../web/organization-settings-page.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead } from '../../web/page-head.tsx'
import { partyWords } from '../../web/party-words.ts'
import { Cell, Row, RowHead, Rows } from '../../web/rows.tsx'
import { counted } from '../../web/size.ts'
import { workspacePath, workspacesPath } from './paths.ts'

export type WorkspaceLine = {
  id: string
  name: string
  description: string | null
  /** Roles of their own: groups are counted, not who is in them. */
  people: number
  machines: number
  groups: number
  hidden: number
  open: number
  joins: boolean
}

type WorkspacesPageProps = {
  context: PageContext
  organization: string
  workspaces: readonly WorkspaceLine[]
  /** Administrators see every workspace there is. */
  seesAll: boolean
  nextHref: string | null
  firstHref: string | null
  mayCreate: boolean
  /** The form of a new workspace, open. */
  dialog: FormState | null
}

/** Posts `name` and `description` to /organizations/{org}/settings/workspaces. Dialog at ?dialog=new. */
export function WorkspacesPage(props: WorkspacesPageProps) {
  const { organization, workspaces } = props
  const here = workspacesPath(organization)
  const newOne = props.mayCreate ? (
    <LinkButton look="primary" icon="plus" href={`${here}?dialog=new`} dialog={true}>
      New workspace
    </LinkButton>
  ) : null
  return (
    <OrganizationSettingsPage
      context={props.context}
      organization={organization}
      title={`Workspaces of ${organization}`}
      place="workspaces"
      dialog={props.dialog && <NewWorkspaceDialog organization={organization} form={props.dialog} />}
    >
      <PageHead
        title="Workspaces"
        lede="Repositories that only those see and write who have a role where they lie. On the Hub's API a workspace is a resource group."
        action={workspaces.length > 0 ? newOne : null}
      />
      <section class="panel" aria-label={`Workspaces of ${organization}`}>
        {workspaces.length === 0 ? (
          <Empty
            icon="layers"
            title={props.seesAll ? 'No workspaces yet' : 'No workspace that you have a role in'}
            action={newOne}
          >
            Private repositories in a workspace are there for its own people, service accounts and groups alone, and for
            the administrators of {organization}.
          </Empty>
        ) : (
          <Rows
            caption={`Workspaces of ${organization}`}
            columns={[{ label: 'Workspace' }, { label: 'Who has a role' }, { label: 'Repositories' }]}
          >
            {workspaces.map((workspace) => (
              <WorkspaceRowLine organization={organization} workspace={workspace} />
            ))}
          </Rows>
        )}
      </section>
      {workspaces.length > 0 && (
        <MoreRows
          order="By name"
          shown={workspaces.length}
          olderHref={props.nextHref}
          olderWord="More"
          firstHref={props.firstHref}
        />
      )}
    </OrganizationSettingsPage>
  )
}

function WorkspaceRowLine({ organization, workspace }: { organization: string; workspace: WorkspaceLine }) {
  const { groups, hidden, open } = workspace
  const who = [
    workspace.people + workspace.machines > 0 && partyWords(workspace),
    groups > 0 && counted(groups, 'group'),
  ]
  const words = who.filter((word) => word !== false)
  return (
    <Row>
      <RowHead before={<Icon name="layers" />} description={workspace.description}>
        <span class="flex flex-wrap items-center gap-x-2">
          <a class="quiet break-words" href={workspacePath(organization, workspace.id)}>
            {workspace.name}
          </a>
          {workspace.joins && <Badge icon="user-plus">auto-join</Badge>}
        </span>
      </RowHead>
      <Cell label="Who">{words.length === 0 ? <span class="text-muted">nobody</span> : words.join(', ')}</Cell>
      <Cell label="Repositories">
        {hidden + open === 0 ? (
          <span class="text-muted">none</span>
        ) : (
          [hidden > 0 && `${hidden} private`, open > 0 && `${open} public`].filter(Boolean).join(', ')
        )}
      </Cell>
    </Row>
  )
}

function NewWorkspaceDialog(props: { organization: string; form: FormState }) {
  const here = workspacesPath(props.organization)
  return (
    <Dialog
      title="New workspace"
      closeHref={here}
      action={here}
      submit={<Button look="primary">Create workspace</Button>}
    >
      <FormProblem form={props.form} />
      <WorkspaceFields form={props.form} />
      <p class="text-sm text-muted">You become its first admin. Repositories and others are added on its page.</p>
    </Dialog>
  )
}

export function WorkspaceFields(props: { form: FormState; workspace?: { name: string; description: string | null } }) {
  return (
    <>
      <TextField
        form={props.form}
        name="name"
        label="Name"
        value={props.workspace?.name}
        required={true}
        maxlength={200}
        autofocus={true}
      />
      <TextArea
        form={props.form}
        name="description"
        label="Description"
        value={props.workspace?.description ?? ''}
        optional={true}
        rows={2}
        maxlength={500}
      />
    </>
  )
}
