/* One workspace: what lies in it, who has which role, who joins by themselves. Whoever may not change something sees it without the control. */
import { newRepoPath, type RepoAddress, repoId, repoPath, withQuery } from '../../web/address.ts'
import { Badge } from '../../web/badge.tsx'
import { Button, LinkButton } from '../../web/button.tsx'
import { type Choice, PickField, SelectField, TextField } from '../../web/field.tsx'
import type { FormState } from '../../web/form-state.ts'
import { Icon } from '../../web/icon.tsx'
import type { IconName } from '../../web/icon-names.ts'
import { MoreRows } from '../../web/more-rows.tsx'
import { FormProblem } from '../../web/notice.tsx'
import { OrganizationSettingsPage } from '../../web/organization-settings-page.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead, SettingsSection } from '../../web/page-head.tsx'
import { Cell, Row, RowHead, Rows } from '../../web/rows.tsx'
import { counted } from '../../web/size.ts'
import { Time } from '../../web/time.tsx'
import { WorkspaceDialog, type WorkspaceDialogState } from './dialogs.tsx'
import { workspacePath } from './paths.ts'
import {
  type GroupHolderLine,
  GroupsSection,
  type HolderLine,
  type PageOf,
  PeopleSection,
  RoleField,
} from './roster-section.tsx'

export type ContentLine = RepoAddress & { id: string; isPrivate: boolean; updatedAt: number }

export type WorkspaceView = {
  id: string
  name: string
  description: string | null
  autoJoin: 'all' | 'read_plus' | null
  autoJoinRole: string | null
  /** 0: all models are handed out. */
  signedModelsSince: number
}

export type WorkspaceForms = {
  people: FormState
  groups: FormState
  repos: FormState
  autoJoin: FormState
  signed: FormState
}

type WorkspacePageProps = {
  context: PageContext
  organization: string
  workspace: WorkspaceView
  repos: PageOf<ContentLine>
  holders: PageOf<HolderLine>
  groups: PageOf<GroupHolderLine>
  counts: { repos: number; holders: number; groups: number }
  groupChoices: readonly Choice[] | null
  /** Service accounts to pick: user name and what people call it. */
  offered: readonly Choice[]
  /** People who would join at once if it were turned on. */
  outside: { all: number; readPlus: number } | null
  /** From the policy, each on its own. */
  may: { manage: boolean; remove: boolean; moveRepos: boolean; createRepos: boolean; signedModels: boolean }
  /** Whichever of the forms was refused; the others are fresh. */
  forms: WorkspaceForms
  dialog: WorkspaceDialogState | null
}

/**
 * Posts `name` and `description` to {workspace}, `scope` and `joinRole` to {workspace}/auto-join, `only` to {workspace}/signed-models, and to {workspace}/delete. Dialogs at
 * ?dialog=edit, ?dialog=delete, ?dialog=place&kind={kind}&repo={id} (a form that asks first), ?dialog=take-out&kind={kind}&repo={id}.
 */
export function WorkspacePage(props: WorkspacePageProps) {
  const { organization, workspace, may } = props
  const here = workspacePath(organization, workspace.id)
  const section = { organization, here, workspace: workspace.name, mayManage: may.manage }
  return (
    <OrganizationSettingsPage
      context={props.context}
      organization={organization}
      title={`${workspace.name}, workspace of ${organization}`}
      place="workspaces"
      dialog={
        props.dialog && (
          <WorkspaceDialog organization={organization} here={here} workspace={workspace} dialog={props.dialog} />
        )
      }
    >
      <PageHead
        title={workspace.name}
        lede={workspace.description ?? `A workspace of ${organization}.`}
        action={
          <span class="flex flex-wrap gap-2">
            {may.manage && (
              <LinkButton icon="pencil" href={`${here}?dialog=edit`} dialog={true}>
                Edit workspace
              </LinkButton>
            )}
            {may.remove && (
              <LinkButton look="danger" icon="trash-2" href={`${here}?dialog=delete`} dialog={true}>
                Delete workspace
              </LinkButton>
            )}
          </span>
        }
      />
      <ReposSection {...props} here={here} />
      <PeopleSection
        {...section}
        form={props.forms.people}
        holders={props.holders}
        total={props.counts.holders}
        offered={props.offered}
      />
      <GroupsSection
        {...section}
        form={props.forms.groups}
        groups={props.groups}
        total={props.counts.groups}
        choices={props.groupChoices}
      />
      <AutoJoinSection {...props} here={here} />
      <SignedModelsSection {...props} here={here} />
      <p class="text-sm text-muted">
        Here the role in the workspace alone counts, whatever the role in {organization}; of several the highest. Admins
        of {organization} see and write everything, here too.
      </p>
    </OrganizationSettingsPage>
  )
}

const kindIcon: Readonly<Record<RepoAddress['kind'], IconName>> = {
  model: 'box',
  dataset: 'database',
  space: 'app-window',
}

function ReposSection(props: WorkspacePageProps & { here: string }) {
  const { repos, may, here, workspace } = props
  const create = may.createRepos ? (
    <LinkButton icon="plus" href={withQuery(newRepoPath.model, { owner: props.organization, workspace: workspace.id })}>
      New model here
    </LinkButton>
  ) : null
  return (
    <>
      <SettingsSection id="repos-h" title="Repositories" help={create}>
        {may.moveRepos && (
          <form class="p-4 grid gap-3" method="get" action={here}>
            <input type="hidden" name="dialog" value="place" />
            <FormProblem form={props.forms.repos} />
            <div class="grid gap-3 items-start sm:grid-cols-[10rem_minmax(0,1fr)_auto]">
              <SelectField
                form={props.forms.repos}
                name="kind"
                label="Kind"
                value="model"
                choices={(['model', 'dataset', 'space'] as const).map((kind) => ({ value: kind, label: kind }))}
              />
              <TextField
                form={props.forms.repos}
                name="repo"
                label="Repository"
                required={true}
                maxlength={200}
                verbatim={true}
                help={`Its name in ${props.organization}. You are told who is affected before it moves.`}
              />
              <Button class="sm:mt-6">Move here</Button>
            </div>
          </form>
        )}
        {repos.lines.length === 0 ? (
          <p class="p-4 text-sm text-muted">No repository lies here.</p>
        ) : (
          <Rows
            caption={`Repositories in ${workspace.name}`}
            columns={[{ label: 'Repository' }, { label: 'Updated' }, { label: 'Actions', silent: true }]}
          >
            {repos.lines.map((repo) => (
              <Row>
                <RowHead before={<Icon name={kindIcon[repo.kind]} />}>
                  <span class="flex flex-wrap items-center gap-x-2">
                    <a class="quiet break-all" href={repoPath(repo)}>
                      {repoId(repo)}
                    </a>
                    {repo.isPrivate && <Badge icon="lock">private</Badge>}
                  </span>
                </RowHead>
                <Cell label="Updated" class="nowrap">
                  <Time at={repo.updatedAt} />
                </Cell>
                <Cell class="act">
                  {may.moveRepos && (
                    <a
                      class="icon-btn"
                      href={withQuery(here, { dialog: 'take-out', kind: repo.kind, repo: repo.name })}
                      aria-label={`Move ${repoId(repo)} out of the workspace`}
                      data-dialog=""
                    >
                      <Icon name="log-out" />
                    </a>
                  )}
                </Cell>
              </Row>
            ))}
          </Rows>
        )}
      </SettingsSection>
      {(repos.nextHref !== null || repos.firstHref !== null) && (
        <MoreRows
          order="Oldest first"
          shown={repos.lines.length}
          total={props.counts.repos}
          olderHref={repos.nextHref}
          olderWord="More"
          firstHref={repos.firstHref}
        />
      )}
    </>
  )
}

function AutoJoinSection(props: WorkspacePageProps & { here: string }) {
  const { workspace, outside, may, here, organization } = props
  if (!may.manage || outside === null) {
    return (
      <SettingsSection id="auto-join-h" title="Auto-join">
        <p class="p-4 text-sm text-muted">{autoJoinWords(organization, workspace)}</p>
      </SettingsSection>
    )
  }
  const joins = (count: number) => `${counted(count, 'person joins', 'people join')} at once.`
  return (
    <SettingsSection id="auto-join-h" title="Auto-join">
      <form class="p-4 grid gap-3" method="post" action={`${here}/auto-join`}>
        <FormProblem form={props.forms.autoJoin} />
        <PickField
          form={props.forms.autoJoin}
          name="scope"
          legend={`Who of ${organization} joins by themselves`}
          columns={3}
          value={workspace.autoJoin ?? 'nobody'}
          picks={[
            { value: 'nobody', label: 'nobody', help: 'Whoever has a role keeps it.' },
            { value: 'read_plus', label: 'read and more', help: joins(outside.readPlus) },
            { value: 'all', label: 'everybody', help: `With no_access too. ${joins(outside.all)}` },
          ]}
        />
        <div class="sm:w-48">
          <RoleField
            form={props.forms.autoJoin}
            name="joinRole"
            label="As"
            value={workspace.autoJoinRole ?? 'read'}
            without="no_access"
          />
        </div>
        <p class="text-sm text-muted">
          People only: a service account is added by name. Roles that somebody has here stay as they are.
        </p>
        <div>
          <Button>Save auto-join</Button>
        </div>
      </form>
    </SettingsSection>
  )
}

function SignedModelsSection({ workspace, may, forms, here }: WorkspacePageProps & { here: string }) {
  const isOn = workspace.signedModelsSince > 0
  if (!may.signedModels) {
    return (
      <SettingsSection id="signed-h" title="Signed models">
        <p class="p-4 text-sm text-muted">
          {isOn ? 'Only signed models are handed out from here.' : 'All models here are handed out, signed or not.'}
        </p>
      </SettingsSection>
    )
  }
  return (
    <SettingsSection id="signed-h" title="Signed models">
      <form class="p-4 grid gap-3" method="post" action={`${here}/signed-models`}>
        <FormProblem form={forms.signed} />
        <PickField
          form={forms.signed}
          name="only"
          legend="Models in this workspace"
          columns={2}
          value={isOn ? 'signed' : 'all'}
          picks={[
            { value: 'all', label: 'all', help: 'They are handed out, signed or not.' },
            {
              value: 'signed',
              label: 'signed models only',
              help: 'Nobody gets files of a revision whose model signature is not verified. Uploads go on.',
            },
          ]}
        />
        <p class="text-sm text-muted">Whose signatures count is said under Model signatures.</p>
        <div>
          <Button>Save policy</Button>
        </div>
      </form>
    </SettingsSection>
  )
}

function autoJoinWords(organization: string, { autoJoin, autoJoinRole }: WorkspaceView): string {
  if (autoJoin === null) return 'Nobody joins by themselves.'
  const who =
    autoJoin === 'all'
      ? `Every member of ${organization}`
      : `Every member of ${organization} with the role read and more`
  return `${who} joins by themselves, with the role ${autoJoinRole}.`
}
