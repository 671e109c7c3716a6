/* The two forms of a service account's token: a new one, and what one that exists is called and may do. */
import type { Child } from 'hono/jsx'
import { Button, LinkButton } from '../../web/button.tsx'
import { ChildTokens, type ChildView } from '../../web/child-tokens.tsx'
import { ExpiryField } from '../../web/expiry-field.tsx'
import { PickField, TextArea, TextField } from '../../web/field.tsx'
import type { FormState } from '../../web/form-state.ts'
import { FormProblem, Notice } from '../../web/notice.tsx'
import { OrganizationSettingsPage } from '../../web/organization-settings-page.tsx'
import type { PageContext } from '../../web/page-context.ts'
import {
  PermissionPicker,
  PermissionSummary,
  type PickerGroups,
  type SummaryLine,
} from '../../web/permission-picker.tsx'
import { FenceFields, OldValueNotice, TokenFacts } from '../../web/token-parts.tsx'
import { tokenNameLimit } from '../tokens/service.ts'
import { descriptionLimit } from './account.ts'
import type { AccountTokenRow } from './account-page.tsx'
import { accountPath, accountsPath, accountTokenPath } from './paths.ts'

type TokenFormProps = {
  context: PageContext
  organization: string
  account: { id: string; name: string }
  form: FormState
  groups: PickerGroups
  summary: readonly SummaryLine[]
}

/**
 * Posts `name`, `description`, `role` (`fineGrained` for scoped, `inherit`), `expiry`, `expiryDate`, `scoped` and `selected` to
 * …/{id}/tokens. With `add=repo` (and `repo`) or `remove={entity}` nothing is made: the same page comes back with the picker changed.
 * `isFirst`: the account was just made, and this step can be skipped.
 */
export function NewAccountTokenPage(props: TokenFormProps & { isFirst: boolean }) {
  const { organization, account, isFirst } = props
  const here = accountPath(organization, account.id)
  return (
    <FormPage {...props} title={isFirst ? 'First token' : 'Add token'}>
      <div>
        <h1>{isFirst ? `First token of ${account.name}` : 'Add token'}</h1>
        <p class="lede">
          {isFirst
            ? `${account.name} is made. It signs in with tokens: make one now, or skip this and add tokens later.`
            : 'One token per interaction: each can then be withdrawn without breaking the others.'}
        </p>
      </div>
      <TokenForm {...props} action={`${here}/tokens${isFirst ? '?first=1' : ''}`}>
        <div class="grid gap-4 sm:grid-cols-2">
          <NameFields form={props.form} />
          <ExpiryField form={props.form} />
        </div>
        <ModeField {...props} />
        <PermissionPicker groups={props.groups} />
        <FenceFields form={props.form} />
        <Notice kind="info" small={true} standing={true}>
          The value is shown once. Store it securely; it cannot be shown again. If you lose it, refresh the token.
        </Notice>
        <div class="flex flex-wrap gap-2">
          <Button look="primary">Add</Button>
          <LinkButton href={isFirst ? `${here}?next=1` : here}>{isFirst ? 'Skip' : 'Cancel'}</LinkButton>
        </div>
      </TokenForm>
    </FormPage>
  )
}

/** Posts as the new form does, without expiry, to …/{id}/tokens/{token}. The value stays. */
export function EditAccountTokenPage(
  props: TokenFormProps & {
    token: AccountTokenRow & { createdAt: number }
    childTokens: readonly ChildView[]
    hub: string
  },
) {
  const { organization, account, token } = props
  const here = accountPath(organization, account.id)
  const dialog = (kind: string) => `${here}?dialog=${kind}&token=${encodeURIComponent(token.id)}`
  return (
    <FormPage {...props} title={token.name}>
      <div class="flex flex-wrap items-start gap-3">
        <h1 class="flex-1 min-w-64 [overflow-wrap:anywhere]">{token.name}</h1>
        <span class="flex flex-wrap gap-2">
          <LinkButton icon="activity" href={`${accountTokenPath(organization, account.id, token.id)}/usage`}>
            What it touched
          </LinkButton>
          <LinkButton icon="refresh-cw" href={dialog('refresh')}>
            Refresh token
          </LinkButton>
          <LinkButton look="danger" icon="trash-2" href={dialog('delete-token')}>
            Delete token
          </LinkButton>
        </span>
      </div>
      <TokenFacts token={token} />
      {token.oldValue && (
        <OldValueNotice
          old={token.oldValue}
          action={`${accountTokenPath(organization, account.id, token.id)}/finish`}
        />
      )}
      <TokenForm {...props} action={accountTokenPath(organization, account.id, token.id)}>
        <NameFields form={props.form} token={token} />
        <ModeField {...props} mode={token.mode} />
        <PermissionPicker groups={props.groups} />
        <FenceFields form={props.form} fence={token.fence} />
        <div class="flex flex-wrap gap-2">
          <Button look="primary">Save token</Button>
          <LinkButton href={here}>Cancel</LinkButton>
        </div>
      </TokenForm>
      <ChildTokens
        tokens={props.childTokens}
        address={accountTokenPath(organization, account.id, token.id)}
        hub={props.hub}
      />
    </FormPage>
  )
}

function FormPage(props: TokenFormProps & { title: string; children: Child }) {
  const { organization, account } = props
  return (
    <OrganizationSettingsPage
      context={props.context}
      organization={organization}
      title={`${props.title}: ${account.name} of ${organization}`}
      place="service-accounts"
      crumbs={[
        { label: 'Service accounts', href: accountsPath(organization) },
        { label: account.name, href: accountPath(organization, account.id) },
        { label: props.title },
      ]}
    >
      {props.children}
    </OrganizationSettingsPage>
  )
}

function TokenForm(props: TokenFormProps & { action: string; children: Child }) {
  const { organization, account } = props
  return (
    <form
      class="role-form grid grid-cols-[minmax(0,1fr)] gap-6 xl:grid-cols-[minmax(0,1fr)_17rem] items-start"
      method="post"
      action={props.action}
      data-picker=""
    >
      <div class="grid grid-cols-[minmax(0,1fr)] gap-5 min-w-0">
        <FormProblem form={props.form} />
        {props.children}
      </div>
      <PermissionSummary
        lines={props.summary}
        address={`${accountPath(organization, account.id)}/tokens/summary`}
        owner={account.name}
      />
    </form>
  )
}

function NameFields(props: { form: FormState; token?: AccountTokenRow }) {
  return (
    <div class="grid gap-4 content-start">
      <TextField
        form={props.form}
        name="name"
        label="Name"
        value={props.token?.name}
        required={true}
        maxlength={tokenNameLimit}
        verbatim={true}
      />
      <TextArea
        form={props.form}
        name="description"
        label="Description"
        optional={true}
        rows={2}
        value={props.token?.description ?? undefined}
        maxlength={descriptionLimit}
      />
    </div>
  )
}

/** SA-20: nothing is chosen beforehand. */
function ModeField(props: TokenFormProps & { mode?: 'scoped' | 'inherit' }) {
  const chosen = props.mode === undefined ? undefined : props.mode === 'inherit' ? 'inherit' : 'fineGrained'
  return (
    <PickField
      form={props.form}
      name="role"
      legend="What it may do"
      columns={2}
      value={chosen}
      picks={[
        { value: 'fineGrained', label: 'scoped', help: 'Only what you tick below. Best for production.' },
        {
          value: 'inherit',
          label: 'inherit',
          help: `All that ${props.account.name} may do, today and later.`,
        },
      ]}
    />
  )
}
