/* Making a repository, and its settings: who sees it, where it stands, and its end. */
import { newRepoPath, type RepoKind, repoId, repoPath } from '../../web/address.ts'
import { Button, LinkButton } from '../../web/button.tsx'
import { TypedConfirmation } from '../../web/confirmation.tsx'
import { Dialog } from '../../web/dialog.tsx'
import { PickField, SelectField, TextField } from '../../web/field.tsx'
import type { FormState } from '../../web/form-state.ts'
import { Page } from '../../web/layout.tsx'
import { FormProblem, Notice } from '../../web/notice.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead, SettingsSection } from '../../web/page-head.tsx'
import { PlaceDialog, type PlaceMove } from '../../web/place-change.tsx'
import { RepoPlace, type RepoView, repoSection } from '../../web/repo-place.tsx'
import { organizationSettingsPath } from '../../web/settings-frame.tsx'
import { kindWords } from './repo-rows.tsx'

const visibilityPicks = [
  {
    value: 'private',
    label: 'private',
    help: 'You and the members of its organization; in a workspace, who has a role there. Nobody else learns that it exists.',
  },
  { value: 'public', label: 'public', help: 'Everyone who reaches this hub can read it.' },
]

/** Posts `owner`, `name`, `workspace`, `visibility` and, for a space, `sdk` to /new, /new-dataset, /new-space. */
export function NewRepoPage(props: {
  context: PageContext
  kind: RepoKind
  form: FormState
  /** The namespaces in which one may create, one's own first. */
  owners: readonly string[]
  /** What a new repository is unless said otherwise, from the organization or the hub. */
  visibility: 'public' | 'private'
  /** The workspaces in which one may create. */
  workspaces: readonly { id: string; name: string; organization: string }[]
}) {
  const { form, kind } = props
  const words = kindWords[kind]
  return (
    <Page context={props.context} title={`New ${words.one}`} section={words.section} frame={{ kind: 'narrow' }}>
      <PageHead
        title={`New ${words.one}`}
        lede={`A git repository for ${kind === 'model' ? 'weights and their card' : kind === 'dataset' ? 'data and its card' : 'an application'}. It starts empty; push with git or upload with hf.`}
      />
      <form class="panel p-4 grid gap-4" method="post" action={newRepoPath[kind]}>
        <FormProblem form={form} />
        <div class="grid gap-4 sm:grid-cols-[14rem_minmax(0,1fr)]">
          <SelectField
            form={form}
            name="owner"
            label="Owner"
            value={props.owners[0]}
            choices={props.owners.map((owner) => ({ value: owner, label: owner }))}
          />
          <TextField
            form={form}
            name="name"
            label="Name"
            required={true}
            maxlength={96}
            verbatim={true}
            help="Letters, digits, hyphens, dots and underscores."
          />
        </div>
        {props.workspaces.length > 0 && (
          <SelectField
            form={form}
            name="workspace"
            label="Workspace"
            choices={[
              { value: '', label: 'none' },
              ...props.workspaces.map(({ id, name, organization }) => ({
                value: id,
                label: `${organization}: ${name}`,
              })),
            ]}
            help="One of the owner's. A private repository there is seen by those who have a role in it."
          />
        )}
        {kind === 'space' && (
          <SelectField
            form={form}
            name="sdk"
            label="Kind of application"
            value="gradio"
            choices={['gradio', 'streamlit', 'docker', 'static'].map((sdk) => ({ value: sdk, label: sdk }))}
          />
        )}
        <PickField
          form={form}
          name="visibility"
          legend="Visibility"
          columns={2}
          value={props.visibility}
          picks={visibilityPicks}
        />
        <div class="flex flex-wrap gap-2">
          <Button look="primary">Create {words.one}</Button>
          <LinkButton href="/">Cancel</LinkButton>
        </div>
      </form>
    </Page>
  )
}

export type RepoSettingsDialog = { kind: 'delete'; form: FormState } | ({ kind: 'place' } & PlaceMove)

/** Where an organization's repository lies, and where it could. */
export type RepoWorkspace = {
  current: { id: string; name: string } | null
  choices: readonly { id: string; name: string }[]
}

/** Who has to ask for the files, and who is told of it. */
export type RepoGate = {
  gated: 'off' | 'auto' | 'manual'
  orgMembersGated: boolean
  /** Empty: the owner, or the first administrators of the organization. */
  email: string
  mode: 'bulk' | 'real-time'
  mayReadRequests: boolean
}

type RepoSettingsProps = {
  context: PageContext
  repo: RepoView
  /** Whichever of the forms was refused; the others are fresh. */
  visibilityForm: FormState
  gateForm: FormState
  moveForm: FormState
  /** Null for whoever may not change it. */
  gate: RepoGate | null
  /** Where it may be moved: the namespaces in which one may create, and its own. */
  owners: readonly string[]
  /** From the policy, each on its own. */
  mayReadDownloads: boolean
  /** Which servers answer for it; of models alone. */
  mayReadServers: boolean
  mayMove: boolean
  mayDelete: boolean
  /** Null for whoever may not move it between workspaces. */
  workspace: RepoWorkspace | null
  workspaceForm: FormState
  dialog: RepoSettingsDialog | null
}

/**
 * Posts `visibility` to {repo}/settings/visibility, `gated`, `members`, `email` and `mode` to {repo}/settings/gate, `owner` and `name` to {repo}/settings/move, `confirm` to
 * {repo}/settings/delete. Dialogs at {repo}/settings?dialog=delete and ?dialog=place&workspace={id} (a form that asks first).
 */
export function RepoSettingsPage(props: RepoSettingsProps) {
  const { repo } = props
  const here = repoPath(repo, '/settings')
  return (
    <Page
      context={props.context}
      title={`${repoId(repo)}: settings`}
      section={repoSection(repo)}
      place={<RepoPlace viewer={props.context.viewer} repo={repo} current="settings" />}
      dialog={props.dialog && <SettingsDialog repo={repo} dialog={props.dialog} />}
    >
      <div class="grid grid-cols-[minmax(0,1fr)] gap-5 max-w-3xl">
        <SettingsSection id="visibility-h" title="Visibility">
          <form class="p-4 grid gap-3" method="post" action={`${here}/visibility`}>
            <FormProblem form={props.visibilityForm} />
            <PickField
              form={props.visibilityForm}
              name="visibility"
              legend="Who sees it"
              columns={2}
              value={repo.isPrivate ? 'private' : 'public'}
              picks={visibilityPicks}
            />
            <div class="flex flex-wrap gap-2">
              <Button look="primary">Save visibility</Button>
              <Button action={`${here}/visibility/preview`}>Preview who is affected</Button>
            </div>
          </form>
        </SettingsSection>
        {props.gate && <GateSection repo={repo} gate={props.gate} form={props.gateForm} />}
        <SettingsSection id="signing-h" title="Signing">
          <div class="p-4 flex flex-wrap items-center gap-x-4 gap-y-2">
            <p class="flex-1 min-w-60 text-sm text-muted">Which commits must be signed before they are taken.</p>
            <LinkButton href={`${here}/signing`}>Signing policy</LinkButton>
          </div>
        </SettingsSection>
        <SettingsSection id="publishers-h" title="Trusted publishers">
          <div class="p-4 flex flex-wrap items-center gap-x-4 gap-y-2">
            <p class="flex-1 min-w-60 text-sm text-muted">CI jobs that upload here without a stored token.</p>
            <LinkButton href={`${here}/trusted-publishers`}>Trusted publishers</LinkButton>
          </div>
        </SettingsSection>
        {props.mayReadServers && (
          <SettingsSection id="inference-h" title="Inference">
            <div class="p-4 flex flex-wrap items-center gap-x-4 gap-y-2">
              <p class="flex-1 min-w-60 text-sm text-muted">Which servers answer when somebody calls this model.</p>
              <LinkButton href={`${here}/inference`}>Inference</LinkButton>
            </div>
          </SettingsSection>
        )}
        {props.mayReadDownloads && (
          <SettingsSection id="downloads-h" title="Downloads">
            <div class="p-4 flex flex-wrap items-center gap-x-4 gap-y-2">
              <p class="flex-1 min-w-60 text-sm text-muted">Who took what from here, with which credential.</p>
              <LinkButton href={repoPath(repo, '/trust/downloads')}>Downloads</LinkButton>
            </div>
          </SettingsSection>
        )}
        {props.workspace && <WorkspaceSection repo={repo} form={props.workspaceForm} workspace={props.workspace} />}
        {props.mayMove && (
          <SettingsSection id="move-h" title="Rename or move">
            <form class="p-4 grid gap-3" method="post" action={`${here}/move`}>
              <FormProblem form={props.moveForm} />
              <div class="grid gap-4 sm:grid-cols-[14rem_minmax(0,1fr)]">
                <SelectField
                  form={props.moveForm}
                  name="owner"
                  label="Owner"
                  value={repo.namespace}
                  choices={props.owners.map((owner) => ({ value: owner, label: owner }))}
                />
                <TextField
                  form={props.moveForm}
                  name="name"
                  label="Name"
                  value={repo.name}
                  required={true}
                  maxlength={96}
                  verbatim={true}
                />
              </div>
              <p class="text-sm text-muted">
                The old address leads to the new one for everyone who may read it, in git too. Tokens keep what they may
                do here, and trusted publishers stay: each pushes on while who set it up may push there.
              </p>
              <div>
                <Button>Rename or move {repo.name}</Button>
              </div>
            </form>
          </SettingsSection>
        )}
        {props.mayDelete && (
          <SettingsSection id="delete-h" title={`Delete this ${kindWords[repo.kind].one}`}>
            <div class="p-4 flex flex-wrap items-center gap-x-4 gap-y-2">
              <p class="flex-1 min-w-60 text-sm text-muted">
                Its files, its history and its settings go, for everyone. Copies that others made stay theirs.
              </p>
              <LinkButton look="danger" href={`${here}?dialog=delete`} dialog={true}>
                Delete {kindWords[repo.kind].one}
              </LinkButton>
            </div>
          </SettingsSection>
        )}
      </div>
    </Page>
  )
}

function gatePicks(kind: RepoKind) {
  return [
    { value: 'off', label: 'not gated', help: `Whoever sees the ${kind} gets its files.` },
    { value: 'auto', label: 'automatic', help: 'Whoever agrees and shares who they are gets the files at once.' },
    { value: 'manual', label: 'manual', help: 'Whoever agrees waits until somebody who may write here accepts.' },
  ]
}

function GateSection({ repo, gate, form }: { repo: RepoView; gate: RepoGate; form: FormState }) {
  return (
    <SettingsSection id="gate-h" title="Access requests">
      <form class="p-4 grid gap-3" method="post" action={repoPath(repo, '/settings/gate')}>
        <FormProblem form={form} />
        <PickField
          form={form}
          name="gated"
          legend="Who has to ask for the files"
          columns={3}
          value={gate.gated}
          picks={gatePicks(repo.kind)}
        />
        {repo.ownerKind === 'organization' && (
          <label class="flex items-start gap-2 text-sm">
            <input
              class="checkbox checkbox-sm mt-0.5"
              type="checkbox"
              name="members"
              value="yes"
              checked={gate.orgMembersGated}
            />
            <span>
              Members of {repo.namespace} ask too, except its administrators, those of the workspace, and who created
              the {repo.kind}
            </span>
          </label>
        )}
        <div class="grid gap-4 sm:grid-cols-2">
          <TextField
            form={form}
            name="email"
            label="Tell of new requests"
            type="email"
            value={gate.email}
            maxlength={254}
            optional={true}
            help={`Without an address ${repo.ownerKind === 'organization' ? 'the first five administrators are told' : 'you are told'}.`}
          />
          <SelectField
            form={form}
            name="mode"
            label="How often"
            value={gate.mode}
            choices={[
              { value: 'real-time', label: 'at once' },
              { value: 'bulk', label: 'once a day' },
            ]}
          />
        </div>
        <p class="text-sm text-muted">
          What is asked stands in the card: <code>extra_gated_prompt</code>, <code>extra_gated_fields</code> and their
          sisters.
        </p>
        <div class="flex flex-wrap gap-2">
          <Button look="primary">Save access requests</Button>
          <Button action={repoPath(repo, '/settings/gate/preview')}>Preview who is affected</Button>
          {gate.mayReadRequests && (
            <LinkButton href={repoPath(repo, '/settings/access-requests')}>Review requests</LinkButton>
          )}
        </div>
      </form>
    </SettingsSection>
  )
}

function SettingsDialog({ repo, dialog }: { repo: RepoView; dialog: RepoSettingsDialog }) {
  return dialog.kind === 'delete' ? (
    <DeleteDialog repo={repo} form={dialog.form} />
  ) : (
    <PlaceDialog organization={repo.namespace} closeHref={repoPath(repo, '/settings')} move={dialog} />
  )
}

function WorkspaceSection(props: { repo: RepoView; form: FormState; workspace: RepoWorkspace }) {
  const { current, choices } = props.workspace
  return (
    <SettingsSection id="workspace-h" title="Workspace">
      {choices.length === 0 && current === null ? (
        <p class="p-4 text-sm text-muted">
          It lies in {props.repo.namespace} itself, which has no workspaces.{' '}
          <a class="a" href={organizationSettingsPath(props.repo.namespace, 'workspaces')}>
            Workspaces of {props.repo.namespace}
          </a>
        </p>
      ) : (
        <form class="p-4 grid gap-3" method="get" action={repoPath(props.repo, '/settings')}>
          <input type="hidden" name="dialog" value="place" />
          <FormProblem form={props.form} />
          <div class="sm:max-w-80">
            <SelectField
              form={props.form}
              name="workspace"
              label="Lies in"
              value={current?.id ?? ''}
              choices={[
                { value: '', label: `no workspace: ${props.repo.namespace} itself` },
                ...choices.map(({ id, name }) => ({ value: id, label: name })),
              ]}
              help="You are told who is affected before it moves."
            />
          </div>
          <div>
            <Button>Move</Button>
          </div>
        </form>
      )}
    </SettingsSection>
  )
}

function DeleteDialog(props: { repo: RepoView; form: FormState }) {
  const { repo } = props
  const here = repoPath(repo, '/settings')
  return (
    <Dialog
      title={`Delete ${repoId(repo)}`}
      closeHref={here}
      action={`${here}/delete`}
      submit={
        <Button look="error" icon="trash-2">
          Delete {kindWords[repo.kind].one}
        </Button>
      }
    >
      <Notice kind="warning" small={true}>
        It is gone for readers, clones and downloads on the next request. Permissions that tokens hold on it are
        dropped, and a new repository with this name does not get them. This cannot be undone.
      </Notice>
      <TypedConfirmation form={props.form} word={repoId(repo)} autofocus={true} />
    </Dialog>
  )
}
