/* The two forms of a token: a new one, and the name and permissions of one that exists. Its role cannot be changed
   (UAT-21), and nothing is made without the press (UAT-17). */
import type { Child } from 'hono/jsx'
import { TokenRoleBadge } from '../../web/badge.tsx'
import { Button, LinkButton } from '../../web/button.tsx'
import { ChildTokens, type ChildView } from '../../web/child-tokens.tsx'
import { ExpiryField } from '../../web/expiry-field.tsx'
import { PickField, TextField } from '../../web/field.tsx'
import type { FormState } from '../../web/form-state.ts'
import { FormProblem } from '../../web/notice.tsx'
import type { PageContext } from '../../web/page-context.ts'
import {
  PermissionPicker,
  PermissionSummary,
  type PickerGroups,
  type SummaryLine,
} from '../../web/permission-picker.tsx'
import { YourSettingsPage } from '../../web/settings-page.tsx'
import { FenceFields, OldValueNotice, TokenFact, TokenFacts } from '../../web/token-parts.tsx'
import { LeakWarning, type TokenRow } from './pages.tsx'
import { tokensPath } from './paths.ts'

const tokenNameLimit = 100

type TokenFormProps = {
  context: PageContext
  form: FormState
  groups: PickerGroups
  summary: readonly SummaryLine[]
}

/**
 * Posts `name`, `role`, `expiry`, `expiryDate`, `scoped` (many), `global` (many), `canReadGatedRepos`, `selected` (the
 * repositories in the picker, many) to /settings/tokens. With `add=repo` (and `repo`) or `remove={entity}` nothing is
 * made: the same page comes back with the picker changed. The script posts the same fields to
 * /settings/tokens/summary and takes the `PermissionSummary` from the answer.
 */
export function NewTokenPage(props: TokenFormProps) {
  return (
    <YourSettingsPage context={props.context} title="New token" current={tokensPath}>
      <FormHead
        title="New token"
        lede="Use one token per app or use, so that you can withdraw one without breaking the others."
      />
      <TokenForm action={tokensPath} choosesRole={true} {...props}>
        <div class="grid gap-4 sm:grid-cols-2">
          <NameField form={props.form} />
          <ExpiryField form={props.form} />
        </div>
        <PickField
          form={props.form}
          name="role"
          legend="Role"
          columns={3}
          value="fineGrained"
          picks={[
            { value: 'fineGrained', label: 'fine-grained', help: 'Only what you tick below. Best for production.' },
            { value: 'read', label: 'read', help: 'Every repository you can read. Only need to read? Choose read.' },
            { value: 'write', label: 'write', help: 'Also create, push and change what you can write.' },
          ]}
        />
        <PermissionPicker groups={props.groups} />
        <FenceFields form={props.form} />
        <LeakWarning />
        <div class="flex flex-wrap gap-2">
          <Button look="primary">Create token</Button>
          <LinkButton href={tokensPath}>Cancel</LinkButton>
        </div>
      </TokenForm>
    </YourSettingsPage>
  )
}

/** Posts as the new form does, without role and expiry, to /settings/tokens/{id}. */
export function EditTokenPage(
  props: TokenFormProps & { token: TokenRow & { createdAt: number }; childTokens: readonly ChildView[]; hub: string },
) {
  const { token } = props
  const address = `${tokensPath}/${encodeURIComponent(token.id)}`
  const dialog = (kind: string) => `${tokensPath}?dialog=${kind}&token=${encodeURIComponent(token.id)}`
  return (
    <YourSettingsPage context={props.context} title={`Token ${token.name}`} current={tokensPath}>
      <FormHead
        title={token.name}
        action={
          <span class="flex flex-wrap gap-2">
            <LinkButton icon="activity" href={`${address}/usage`}>
              What it touched
            </LinkButton>
            <LinkButton icon="refresh-cw" href={dialog('refresh')} dialog={true}>
              Refresh token
            </LinkButton>
            <LinkButton look="danger" icon="trash-2" href={dialog('delete')} dialog={true}>
              Delete token
            </LinkButton>
          </span>
        }
      />
      <TokenFacts token={token}>
        <TokenFact name="Role">
          <TokenRoleBadge role={token.role} />
        </TokenFact>
      </TokenFacts>
      {token.oldValue && <OldValueNotice old={token.oldValue} action={`${address}/finish`} />}
      {token.role === 'fineGrained' ? (
        <TokenForm action={address} {...props}>
          <input type="hidden" name="role" value="fineGrained" />
          <NameField form={props.form} value={token.name} />
          <PermissionPicker groups={props.groups} />
          <FenceFields form={props.form} fence={token.fence} />
          <SaveRow />
        </TokenForm>
      ) : (
        <form class="grid gap-4 max-w-xl" method="post" action={address}>
          <FormProblem form={props.form} />
          <NameField form={props.form} value={token.name} />
          <FenceFields form={props.form} fence={token.fence} />
          <SaveRow />
        </form>
      )}
      <ChildTokens tokens={props.childTokens} address={address} hub={props.hub} />
    </YourSettingsPage>
  )
}

function TokenForm(props: TokenFormProps & { action: string; choosesRole?: boolean; children: Child }) {
  return (
    <form
      class={`${props.choosesRole ? 'role-form ' : ''}grid grid-cols-[minmax(0,1fr)] gap-6 xl:grid-cols-[minmax(0,1fr)_17rem] items-start`}
      method="post"
      action={props.action}
      data-picker=""
    >
      <div class="grid grid-cols-[minmax(0,1fr)] gap-5 min-w-0">
        <FormProblem form={props.form} />
        {props.children}
      </div>
      <PermissionSummary lines={props.summary} address={`${tokensPath}/summary`} />
    </form>
  )
}

function NameField(props: { form: FormState; value?: string }) {
  return (
    <TextField
      form={props.form}
      name="name"
      label="Name"
      value={props.value}
      required={true}
      maxlength={tokenNameLimit}
      verbatim={true}
    />
  )
}

function SaveRow() {
  return (
    <div class="flex flex-wrap gap-2">
      <Button look="primary">Save token</Button>
      <LinkButton href={tokensPath}>Cancel</LinkButton>
    </div>
  )
}

function FormHead(props: { title: string; lede?: string; action?: Child }) {
  return (
    <div class="flex flex-wrap items-start gap-3">
      <div class="flex-1 min-w-64">
        <nav class="text-sm text-muted mb-1" aria-label="Breadcrumb">
          <a class="quiet" href={tokensPath}>
            Access Tokens
          </a>{' '}
          / <span aria-current="page">{props.title}</span>
        </nav>
        <h1 class="[overflow-wrap:anywhere]">{props.title}</h1>
        {props.lede && <p class="lede">{props.lede}</p>}
      </div>
      {props.action}
    </div>
  )
}
