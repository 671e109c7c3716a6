/* The dialogs of a workspace. Each says what will change and for whom before it is done. */
import type { Child } from 'hono/jsx'
import { strongerThan } from '../../domain/role.ts'
import { Button } from '../../web/button.tsx'
import { Dialog } from '../../web/dialog.tsx'
import type { FormState } from '../../web/form-state.ts'
import { FormProblem, Notice } from '../../web/notice.tsx'
import { isOne, type Parties, partyWords, privateRepos } from '../../web/party-words.ts'
import { PlaceChange, PlaceDialog, type PlaceEffect, type PlaceMove } from '../../web/place-change.tsx'
import { RaiseDialog } from '../../web/temporary-role.tsx'
import { WorkspaceFields } from './list-page.tsx'

export type WorkspaceDialogState =
  | { kind: 'edit'; form: FormState }
  | { kind: 'delete'; hidden: number; open: number; effect: PlaceEffect }
  | {
      kind: 'remove'
      bearer: { kind: 'user' | 'service-account'; name: string; shown: string }
      hidden: number
      /** What they have afterwards: the role through groups, admin of the organization, or nothing. */
      left: { through: string | null; isAdmin: boolean }
    }
  /** `path`: below the workspace's page, whose role it is. */
  | { kind: 'raise'; path: string; shown: string; lasting: string | null; running: string | null; form: FormState }
  | { kind: 'remove-group'; group: { id: string; name: string }; loss: (Parties & { repos: number }) | null }
  | ({ kind: 'place' } & PlaceMove)

type Props<Kind extends WorkspaceDialogState['kind']> = {
  organization: string
  here: string
  workspace: { id: string; name: string; description: string | null }
  dialog: Extract<WorkspaceDialogState, { kind: Kind }>
}

export function WorkspaceDialog(props: Props<WorkspaceDialogState['kind']>): Child {
  const { dialog } = props
  switch (dialog.kind) {
    case 'edit':
      return <EditDialog {...props} dialog={dialog} />
    case 'delete':
      return <DeleteDialog {...props} dialog={dialog} />
    case 'remove':
      return <RemoveDialog {...props} dialog={dialog} />
    case 'remove-group':
      return <RemoveGroupDialog {...props} dialog={dialog} />
    case 'raise':
      return (
        <RaiseDialog
          shown={dialog.shown}
          closeHref={props.here}
          action={`${props.here}/${dialog.path}/temporary`}
          roles={strongerThan(dialog.lasting)}
          lasting={dialog.lasting}
          running={dialog.running}
          form={dialog.form}
        />
      )
    case 'place':
      return <PlaceDialog organization={props.organization} closeHref={props.here} move={dialog} />
  }
}

function EditDialog({ here, workspace, dialog }: Props<'edit'>) {
  return (
    <Dialog
      title={`Edit ${workspace.name}`}
      closeHref={here}
      action={here}
      submit={<Button look="primary">Save workspace</Button>}
    >
      <FormProblem form={dialog.form} />
      <WorkspaceFields form={dialog.form} workspace={workspace} />
    </Dialog>
  )
}

function DeleteDialog({ organization, here, workspace, dialog }: Props<'delete'>) {
  const { hidden, open, effect } = dialog
  return (
    <Dialog
      title={`Delete ${workspace.name}`}
      closeHref={here}
      action={`${here}/delete`}
      submit={
        <Button look="error" icon="trash-2">
          Delete workspace
        </Button>
      }
    >
      {hidden > 0 && (
        <Notice kind="warning" small={true}>
          {privateRepos(hidden)} {hidden === 1 ? 'becomes' : 'become'} visible to everybody with the role read or more
          in {organization}.
        </Notice>
      )}
      {hidden > 0 && <PlaceChange effect={effect} what={privateRepos(hidden)} />}
      <p class="text-sm">
        {hidden + open === 0
          ? 'No repository lies in it.'
          : `No repository is deleted: ${hidden + open === 1 ? 'it lies' : `all ${hidden + open} lie`} in ${organization} itself afterwards.`}{' '}
        The roles that it gave are gone. This cannot be undone.
      </p>
    </Dialog>
  )
}

function RemoveDialog({ here, workspace, dialog }: Props<'remove'>) {
  const { bearer, left, hidden } = dialog
  return (
    <Dialog
      title={`Remove ${bearer.shown} from ${workspace.name}`}
      closeHref={here}
      action={`${here}/users/${encodeURIComponent(bearer.name)}/remove`}
      submit={<Button look="error">Remove</Button>}
    >
      <p class="text-sm">
        {left.isAdmin ? (
          <>{bearer.shown} administers the organization, and sees and writes everything here all the same.</>
        ) : left.through !== null ? (
          <>
            {bearer.shown} keeps the role <b>{left.through}</b>, through a group.
          </>
        ) : (
          <b>
            {bearer.shown} loses access to {privateRepos(hidden)} on the next request, running tokens included.
          </b>
        )}
      </p>
    </Dialog>
  )
}

function RemoveGroupDialog({ here, workspace, dialog }: Props<'remove-group'>) {
  const { group, loss } = dialog
  return (
    <Dialog
      title={`Remove ${group.name} from ${workspace.name}`}
      closeHref={here}
      action={`${here}/groups/${encodeURIComponent(group.id)}/remove`}
      submit={<Button look="error">Remove</Button>}
    >
      <p class="text-sm">
        {loss === null ? (
          <b>
            Everybody in it loses access on the next request, unless they have a role here by themselves or through
            another group.
          </b>
        ) : loss.people + loss.machines === 0 ? (
          'Nobody loses access: whoever is in it has a role here by themselves, through another group, or administers the organization.'
        ) : (
          <b>
            {partyWords(loss)} {isOne(loss) ? 'loses' : 'lose'} access to {privateRepos(loss.repos)} on the next
            request, running tokens included.
          </b>
        )}{' '}
        The group itself stays.
      </p>
    </Dialog>
  )
}
