/* The dialogs of groups. Each says what will change and for whom before it is done. */
import { Button } from '../../web/button.tsx'
import { Dialog } from '../../web/dialog.tsx'
import { TextArea, TextField } from '../../web/field.tsx'
import type { FormState } from '../../web/form-state.ts'
import { FormProblem } from '../../web/notice.tsx'
import { isOne, type Parties, partyWords, privateRepos } from '../../web/party-words.ts'

/** What would no longer be seen through the group; null where it is too much to count. */
export type GroupLoss = (Parties & { repos: number }) | null

export type GroupDialogState =
  | { kind: 'edit'; form: FormState }
  | { kind: 'delete'; loss: GroupLoss }
  | { kind: 'remove'; member: { name: string; shown: string }; loss: GroupLoss }

export function NewGroupDialog(props: { here: string; form: FormState }) {
  return (
    <Dialog
      title="New group"
      closeHref={props.here}
      action={props.here}
      submit={<Button look="primary">Create group</Button>}
    >
      <GroupFields form={props.form} />
    </Dialog>
  )
}

export function GroupDialog(props: {
  organization: string
  here: string
  group: { name: string; description: string | null; people: number; machines: number }
  dialog: GroupDialogState
}) {
  const { dialog, group, here } = props
  switch (dialog.kind) {
    case 'edit':
      return (
        <Dialog
          title={`Edit ${group.name}`}
          closeHref={here}
          action={here}
          submit={<Button look="primary">Save group</Button>}
        >
          <GroupFields form={dialog.form} group={group} />
        </Dialog>
      )
    case 'delete':
      return (
        <Dialog
          title={`Delete ${group.name}`}
          closeHref={here}
          action={`${here}/delete`}
          submit={
            <Button look="error" icon="trash-2">
              Delete group
            </Button>
          }
        >
          <p class="text-sm">
            {partyWords(group)} {isOne(group) ? 'is' : 'are'} in it. They stay in {props.organization}, with what they
            have by themselves and through other groups.
          </p>
          <p class="text-sm">
            <Loss loss={dialog.loss} /> This cannot be undone.
          </p>
        </Dialog>
      )
    case 'remove':
      return (
        <Dialog
          title={`Remove ${dialog.member.shown} from ${group.name}`}
          closeHref={here}
          action={`${here}/members/${encodeURIComponent(dialog.member.name)}/remove`}
          submit={
            <>
              <Button action={`${here}/members/${encodeURIComponent(dialog.member.name)}/remove/preview`}>
                Preview who is affected
              </Button>
              <Button look="error">Remove</Button>
            </>
          }
        >
          <p class="text-sm">
            <Loss loss={dialog.loss} /> They stay in {props.organization}, and can be added again.
          </p>
        </Dialog>
      )
  }
}

function GroupFields(props: { form: FormState; group?: { name: string; description: string | null } }) {
  return (
    <>
      <FormProblem form={props.form} />
      <TextField
        form={props.form}
        name="name"
        label="Name"
        value={props.group?.name}
        required={true}
        maxlength={100}
        autofocus={true}
        help="Everybody of the organization sees it."
      />
      <TextArea
        form={props.form}
        name="description"
        label="Description"
        value={props.group?.description ?? ''}
        optional={true}
        rows={2}
        maxlength={500}
      />
    </>
  )
}

function Loss({ loss }: { loss: GroupLoss }) {
  if (loss === null) {
    return (
      <b>
        Everybody in it loses, on the next request, what it gives them in workspaces, unless they have it by themselves
        or through another group.
      </b>
    )
  }
  const nobody = loss.people + loss.machines === 0
  if (nobody || loss.repos === 0) return <>Nobody loses access to a private repository.</>
  return (
    <b>
      {partyWords(loss)} {isOne(loss) ? 'loses' : 'lose'} access to {privateRepos(loss.repos)} on the next request,
      running tokens included.
    </b>
  )
}
