/* The gate on the page of a repository: what is asked, the form, and what became of the request. The words are those of
   the card, a stranger's: shown as text, and what is agreed to as the card itself is rendered. */
import type { Child } from 'hono/jsx'
import { type RepoAddress, repoPath, withQuery } from '../../web/address.ts'
import { Button, LinkButton } from '../../web/button.tsx'
import { FieldError, SelectField, TextField } from '../../web/field.tsx'
import { type FormState, formValue, freshForm } from '../../web/form-state.ts'
import { Icon } from '../../web/icon.tsx'
import { FormProblem, Notice } from '../../web/notice.tsx'
import { RawHtml, type SafeHtml } from '../../web/raw-html.tsx'
import type { GateView } from './load-gate.ts'
import { accessPath, askPath, cancelPath } from './paths.ts'
import { controlOf, countries, type GateField, type Terms } from './terms.ts'

type GatePanelProps = {
  repo: RepoAddress
  gate: GateView
  form?: FormState
  /** The viewer administers organizations whose service accounts could be let in. */
  hasMachines: boolean
}

/** Nothing for those who never have to ask. Posts to {repo}/ask-access and {repo}/cancel-access. */
export function GatePanel(props: GatePanelProps) {
  const { repo, gate } = props
  const machines = props.hasMachines && (
    <p class="text-sm text-muted">
      A service account cannot agree to anything.{' '}
      <a class="a" href={accessPath(repo)}>
        Ask for a service account
      </a>
    </p>
  )
  switch (gate.state) {
    case 'open':
      return null
    case 'accepted':
      return (
        <Notice
          kind="success"
          standing={true}
          action={<WithdrawForm repo={repo} words="Give access back" for={null} />}
        >
          You have access to the files of this gated {repo.kind}. {machines}
        </Notice>
      )
    case 'pending':
      return (
        <Notice
          kind="info"
          standing={true}
          action={<WithdrawForm repo={repo} words="Withdraw the request" for={null} />}
        >
          Your request for access to the files of this {repo.kind} is awaiting a review from its authors. {machines}
        </Notice>
      )
    case 'rejected':
      return (
        <Notice kind="error" standing={true}>
          Your request to access this repo has been rejected by the repo's authors
          {gate.reason ? `: ${gate.reason}` : '.'}
          <span class="block text-sm text-muted">It cannot be made again. They can still take the rejection back.</span>
          {machines}
        </Notice>
      )
    case 'sign-in':
      return (
        <GateSection terms={gate.terms} prompt={gate.prompt}>
          <div>
            <LinkButton look="primary" href={withQuery('/login', { next: repoPath(repo) })}>
              Sign in to ask for access
            </LinkButton>
          </div>
        </GateSection>
      )
    case 'ask':
      return (
        <GateSection terms={gate.terms} prompt={gate.prompt}>
          <AskForm repo={repo} gate={gate} form={props.form ?? freshForm} askers={null} />
          {machines}
        </GateSection>
      )
  }
}

export function GateSection(props: { terms: Terms; prompt: SafeHtml | null; children: Child }) {
  const { terms } = props
  return (
    <section class="panel" aria-labelledby="gate-h">
      <div class="panel-head">
        <Icon name="ticket" />
        <h2 id="gate-h" class="[overflow-wrap:anywhere]">
          {terms.heading}
        </h2>
      </div>
      <div class="p-4 grid grid-cols-[minmax(0,1fr)] gap-4">
        <p class="text-sm text-muted whitespace-pre-line [overflow-wrap:anywhere]">{terms.description}</p>
        <TermsText terms={terms} prompt={props.prompt} />
        {props.children}
      </div>
    </section>
  )
}

/** What is agreed to; nothing where the card says nothing. */
function TermsText({ terms, prompt }: { terms: Terms; prompt: SafeHtml | null }) {
  if (terms.prompt === null) return null
  const box = 'max-h-80 overflow-y-auto p-3 text-sm [overflow-wrap:anywhere] border border-line rounded'
  return prompt === null ? (
    <section class={`${box} whitespace-pre-line`} tabindex={0} aria-label="What you agree to">
      {terms.prompt}
    </section>
  ) : (
    <section class={`${box} card-text`} tabindex={0} aria-label="What you agree to">
      <RawHtml html={prompt} />
    </section>
  )
}

export type Askable = { value: string; label: string }

/** `askers`: for whom the viewer may ask; null for nobody but themselves. */
export function AskForm(props: {
  repo: RepoAddress
  gate: GateView
  form: FormState
  askers: readonly Askable[] | null
}) {
  const { form, gate } = props
  return (
    <form class="grid gap-4" method="post" action={askPath(props.repo)}>
      <FormProblem form={form} />
      <input type="hidden" name="_terms" value={gate.termsHash} />
      {props.askers && (
        <SelectField
          form={form}
          name="_for"
          label="Access for"
          choices={props.askers}
          help="For a service account your name stands beside it, as that of who agreed."
        />
      )}
      {gate.terms.fields.map((field, index) => (
        <GateFieldControl form={form} field={field} name={controlOf(index)} />
      ))}
      <p class="text-sm text-muted">
        Your user name and your e-mail address are shared with those who maintain it.
        {gate.mode === 'auto' ? ' Access is given at once.' : ' They decide about your request.'}
      </p>
      <div>
        <Button look="primary" class="h-auto! py-1.5 whitespace-normal">
          {gate.terms.button}
        </Button>
      </div>
    </form>
  )
}

function GateFieldControl({ form, field, name }: { form: FormState; field: GateField; name: string }) {
  const about = { form, name, label: field.name, optional: !field.required }
  switch (field.type) {
    case 'checkbox':
      return <CheckField {...about} required={field.required} />
    case 'date_picker':
      return <TextField {...about} type="date" required={field.required} class="sm:max-w-60" />
    case 'country':
      return (
        <SelectField
          {...about}
          class="sm:max-w-100"
          choices={[{ value: '', label: 'Choose a country' }, ...countries()]}
        />
      )
    case 'select':
      return (
        <SelectField {...about} class="sm:max-w-100" choices={[{ value: '', label: 'Choose' }, ...field.options]} />
      )
    default:
      return <TextField {...about} required={field.required} maxlength={2_000} class="sm:max-w-100" />
  }
}

function CheckField(props: { form: FormState; name: string; label: string; required: boolean }) {
  const error = props.form.errors[props.name]
  const id = `field-${props.name}`
  return (
    <div class="field">
      <label class="flex items-start gap-2 font-normal!" for={id}>
        <input
          class="checkbox checkbox-sm mt-0.5"
          type="checkbox"
          id={id}
          name={props.name}
          value="true"
          required={props.required}
          checked={formValue(props.form, props.name) === 'true'}
          aria-describedby={error ? `${id}-error` : undefined}
          aria-invalid={error ? 'true' : undefined}
        />
        <span class="[overflow-wrap:anywhere]">{props.label}</span>
      </label>
      {error && <FieldError id={`${id}-error`}>{error}</FieldError>}
    </div>
  )
}

/** `for`: the id of a service account, or null for oneself. */
export function WithdrawForm(props: {
  repo: RepoAddress
  words: string
  for: string | null
  back?: string
  label?: string
}) {
  return (
    <form class="inline" method="post" action={cancelPath(props.repo)}>
      {props.for && <input type="hidden" name="_for" value={props.for} />}
      {props.back && <input type="hidden" name="back" value={props.back} />}
      <Button label={props.label}>{props.words}</Button>
    </form>
  )
}
