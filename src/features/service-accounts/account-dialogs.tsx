/* What is asked before a service account is made, changed, disabled, enabled or deleted. */
import type { Role } from '../../domain/role.ts'
import { Button } from '../../web/button.tsx'
import { Dialog } from '../../web/dialog.tsx'
import { ExpiryField } from '../../web/expiry-field.tsx'
import { SelectField, TextArea, TextField } from '../../web/field.tsx'
import type { FormState } from '../../web/form-state.ts'
import { FormProblem, Notice } from '../../web/notice.tsx'
import { accountNameLimit, contactLimit, descriptionLimit } from './account.ts'
import { accountPath, accountsPath } from './paths.ts'

export type AccountView = {
  id: string
  name: string
  description: string | null
  contact: string | null
  role: Role
  expiresAt: number | null
  isDisabled: boolean
}

export type AccountDialog =
  | { kind: 'add'; form: FormState }
  | { kind: 'edit'; account: AccountView; form: FormState }
  | { kind: 'disable'; account: AccountView; tokens: number }
  | { kind: 'enable'; account: AccountView }
  | { kind: 'delete'; account: AccountView; tokens: number }

const roleChoices = [
  { value: '', label: 'Choose a role' },
  { value: 'admin', label: 'admin: everything, members and settings too' },
  { value: 'write', label: 'write: push to every repository and create new ones' },
  { value: 'contributor', label: 'contributor: create repositories and push to its own, read the rest' },
  { value: 'read', label: 'read: read every repository' },
  { value: 'no_access', label: 'no_access: only what its groups and workspaces give it' },
]

/** `closeHref`: the page without the dialog. */
export function AccountDialogBox(props: { organization: string; dialog: AccountDialog; closeHref: string }) {
  const { organization, dialog, closeHref } = props
  switch (dialog.kind) {
    case 'add':
      return (
        <Dialog
          title="Add service account"
          closeHref={closeHref}
          action={accountsPath(organization)}
          submit={<Button look="primary">Create</Button>}
        >
          <p class="text-sm text-muted">It belongs to {organization}, signs in with tokens only and takes no seat.</p>
          <AccountFields organization={organization} form={dialog.form} account={null} />
        </Dialog>
      )
    case 'edit':
      return (
        <Dialog
          title={`Edit ${dialog.account.name}`}
          closeHref={closeHref}
          action={accountPath(organization, dialog.account.id)}
          submit={<Button look="primary">Save</Button>}
        >
          <AccountFields organization={organization} form={dialog.form} account={dialog.account} />
          <Notice kind="info" small={true} standing={true}>
            Another role holds for its running tokens from the next request. Roles in groups and workspaces are changed
            there.
          </Notice>
        </Dialog>
      )
    case 'disable':
      return (
        <Dialog
          title={`Disable ${dialog.account.name}`}
          closeHref={closeHref}
          action={`${accountPath(organization, dialog.account.id)}/disable`}
          submit={
            <Button look="error" icon="ban">
              Disable
            </Button>
          }
        >
          <p class="text-sm">
            {tokensWords(dialog.tokens, 'deleted for good')} Programs that use them are refused from the next request.
            Its groups, workspaces and roles are kept for when you enable it again; it then needs new tokens.
          </p>
        </Dialog>
      )
    case 'enable':
      return (
        <Dialog
          title={`Enable ${dialog.account.name}`}
          closeHref={closeHref}
          action={`${accountPath(organization, dialog.account.id)}/enable`}
          submit={
            <Button look="primary" icon="circle-check">
              Enable
            </Button>
          }
        >
          <p class="text-sm">
            It has its role, groups and workspaces again. Tokens that were deleted do not come back: add new ones.
          </p>
        </Dialog>
      )
    case 'delete':
      return (
        <Dialog
          title={`Delete service account ${dialog.account.name}`}
          closeHref={closeHref}
          action={`${accountPath(organization, dialog.account.id)}/delete`}
          submit={
            <Button look="error" icon="trash-2">
              Remove
            </Button>
          }
        >
          <p class="text-sm">
            {tokensWords(dialog.tokens, 'deleted with it')} It leaves all groups and workspaces. What it pushed and its
            lines in the audit log stay, marked as those of a deleted service account. This cannot be undone.
          </p>
        </Dialog>
      )
  }
}

function tokensWords(count: number, done: string): string {
  if (count === 0) return 'It has no tokens.'
  return count === 1 ? `Its token is ${done}.` : `Its ${count} tokens are ${done}.`
}

function AccountFields(props: { organization: string; form: FormState; account: AccountView | null }) {
  const { form, account } = props
  return (
    <>
      <FormProblem form={form} />
      <TextField
        form={form}
        name="name"
        label="Display name"
        value={account?.name}
        required={true}
        maxlength={accountNameLimit}
        verbatim={true}
        autofocus={true}
      />
      <TextArea
        form={form}
        name="description"
        label="Description"
        optional={true}
        rows={2}
        value={account?.description ?? undefined}
        maxlength={descriptionLimit}
        help="What it is used for."
      />
      <SelectField
        form={form}
        name="role"
        label={`Role in ${props.organization}`}
        value={account?.role ?? ''}
        choices={account === null ? roleChoices : roleChoices.slice(1)}
      />
      <TextField
        form={form}
        name="contact"
        label="Contact"
        optional={true}
        value={account?.contact ?? undefined}
        maxlength={contactLimit}
        help="Whom to ask about it. It has no mailbox of its own."
      />
      <ExpiryField form={form} keep={account?.expiresAt ?? null} />
    </>
  )
}
