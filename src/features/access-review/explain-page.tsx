/* "Test access": a question about one action on one thing, and every check of the answer. A link can carry the question, so refusals lead here. */
import type { HoldfastError } from '../../domain/errors.ts'
import { explainChecks, type RoleSource } from '../../domain/explain.ts'
import { denialReasons } from '../../domain/reasons.ts'
import { testAccessPath } from '../../web/address.ts'
import { Button, LinkButton } from '../../web/button.tsx'
import { type Choice, SelectField, TextField } from '../../web/field.tsx'
import type { FormState } from '../../web/form-state.ts'
import { FormProblem, Notice } from '../../web/notice.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead } from '../../web/page-head.tsx'
import { CheckChain, type CheckRow } from '../../web/refusal.tsx'
import { YourSettingsPage } from '../../web/settings-page.tsx'
import { Snippet } from '../../web/snippet.tsx'
import type { ExplainedRow, Explanation } from './explain.ts'
import type { Picker } from './picker.ts'
import { PickerPart } from './picker-part.tsx'
import type { NamedSource, Way } from './role-sources.ts'

const tokensPath = '/settings/tokens'

export type Answered = {
  /** "ada, by a session, may …": who, by what, and the action. */
  who: string
  title: string
  resource: string
  explanation: Explanation
  /** As the header of the refusal would have it; null where it would have none. */
  header: string | null
}

const commitChoices: readonly Choice[] = [
  { value: '', label: 'Signed as they must be' },
  { value: 'unsigned', label: 'Not signed' },
  { value: 'signed', label: 'Signed with a key that no account has' },
  { value: 'verified', label: 'Signed and verified' },
  { value: 'api', label: 'Made by the hub: hf upload, or in the browser' },
]

/** The form is sent by GET to where it stands: `action`, `resource`, `token` (an id; empty: this session) and `principal`. */
export function TestAccessPage(props: {
  context: PageContext
  form: FormState
  actions: readonly Choice[]
  tokens: readonly Choice[]
  answered: Answered | null
  /** Null for who administers no organization. */
  picker: Picker | null
}) {
  const { form, answered } = props
  return (
    <YourSettingsPage context={props.context} title="Test access" current={tokensPath}>
      <PageHead
        title="Test access"
        lede="Ask what one of your tokens, or this session, may do. Nothing is done: you see each check, and what would satisfy it."
        action={<LinkButton href={tokensPath}>Access Tokens</LinkButton>}
      />
      <form class="panel p-4 grid gap-4" method="get" action={testAccessPath}>
        <FormProblem form={form} />
        <SelectField form={form} name="action" label="What" choices={props.actions} />
        <TextField
          form={form}
          name="resource"
          label="On which resource"
          verbatim={true}
          maxlength={300}
          placeholder="model:acme/x"
          optional={true}
          help={
            <>
              <code>model:acme/x</code>, <code>dataset:</code>, <code>space:</code>, <code>organization:acme</code>,{' '}
              <code>namespace:acme</code>, <code>workspace:acme/ID</code> or <code>group:acme/ID</code>. Nothing for
              what concerns yourself or the whole hub.
            </>
          }
        />
        <SelectField form={form} name="token" label="With" choices={props.tokens} />
        <TextField
          form={form}
          name="principal"
          label="As somebody else"
          verbatim={true}
          optional={true}
          maxlength={100}
          help={
            <>
              A member or a service account of an organization that you administer
              {props.picker && (
                <>
                  , from{' '}
                  <a class="a" href="#pick">
                    the list below
                  </a>
                </>
              )}
              . Leave it empty to ask about yourself.
            </>
          }
        />
        <details open={['path', 'program', 'commits'].some((name) => form.values[name])}>
          <summary class="text-sm font-semibold">One file, one program, or what a push brings</summary>
          <div class="grid gap-4 pt-4">
            <TextField
              form={form}
              name="path"
              label="Which file"
              verbatim={true}
              optional={true}
              maxlength={1_000}
              help="Of a repo, to be read from its main branch. Without one: the whole repo, as git clones it."
            />
            <TextField
              form={form}
              name="program"
              label="From which program"
              verbatim={true}
              optional={true}
              maxlength={500}
              placeholder="hf_hub/1.0"
              help="As it calls itself in User-Agent, for tokens that are taken from some programs alone."
            />
            <SelectField form={form} name="commits" label="Bringing which commits" choices={commitChoices} />
          </div>
        </details>
        <div>
          <Button look="primary">Test</Button>
        </div>
      </form>
      {answered && <Answer answered={answered} />}
      {props.picker && <PickerPart picker={props.picker} form={form} />}
    </YourSettingsPage>
  )
}

function Answer({ answered }: { answered: Answered }) {
  const { explanation } = answered
  const { refusal } = explanation
  return (
    <section class="panel" aria-labelledby="answer" id="result">
      <div class="panel-head">
        <h2 id="answer">{refusal === null ? 'Allowed' : refusal.status === 404 ? 'Not found' : 'Refused'}</h2>
        <span class="text-sm text-muted">checks in the order they are made</span>
      </div>
      <div class="px-4 py-3 grid gap-3">
        <p class="[overflow-wrap:anywhere]">
          <b>{answered.who}</b>: {answered.title}, on <code>{answered.resource}</code>.
        </p>
        {refusal === null ? (
          <Notice kind="success" small={true}>
            Every check passes.
          </Notice>
        ) : (
          <Notice kind="error" small={true}>
            {sentence(refusal)}
          </Notice>
        )}
        {explanation.assumes.length > 0 && (
          <p class="text-sm text-muted">Not looked at, and taken as right: {explanation.assumes.join('; ')}.</p>
        )}
      </div>
      <CheckChain checks={explanation.rows.map(checkRow)} />
      {answered.header !== null && (
        <div class="p-4 grid gap-2">
          <p class="text-sm">What a program is told:</p>
          <Snippet code={answered.header} label="header of the refusal" />
        </div>
      )}
    </section>
  )
}

function sentence(refusal: HoldfastError): string {
  if (refusal.entry.status === 404 && !/^(entry|revision)_not_found$/.test(refusal.code)) {
    return `${refusal.message.replace(/\.?$/, '.')} It is not there, or whoever asks does not see it: the answer is the same.`
  }
  return [refusal.message, refusal.next].filter((part) => part !== null).join(' ')
}

function checkRow({ check, fault, need, have, sources }: ExplainedRow): CheckRow {
  const name = explainChecks[check]
  const from = sources === undefined || sources.length === 0 ? null : `(${sources.map(sourceWords).join(', ')})`
  if (fault === null) {
    const what = [have, need === null || need === have ? null : `needed: ${need}`, from]
    return { name, state: 'passed', detail: what.filter((part) => part !== null).join(' ') }
  }
  const code = fault.denied?.code
  const remedy =
    code !== undefined
      ? plain(denialReasons[code].remedy, need)
      : check === 'resource'
        ? 'Not there, or hidden.'
        : [fault.message.replace(/\.?$/, '.'), fault.next].filter((part) => part !== null).join(' ')
  return {
    name,
    state: 'refused',
    detail: [from, remedy].filter((part) => part !== null).join(' '),
    ...(have === null || need === null ? {} : { has: have, needs: need }),
  }
}

/** The catalogue writes for scripts: `need` is the member of the refusal. */
function plain(remedy: string, need: string | null): string {
  return remedy.replaceAll('the role in `need`', need === null ? 'the role' : `the role ${need}`).replaceAll('`', '')
}

const places: Readonly<Record<RoleSource['of'], string>> = {
  namespace: 'your own namespace',
  organization: 'organization',
  workspace: 'workspace',
  group: 'group',
  repo: 'granted on the repo',
  hub: 'administrator of the hub',
}

function sourceWords({ of, role, counts, name, through }: NamedSource): string {
  const place = through === undefined && of === 'workspace' ? 'workspace, own or through a group' : places[of]
  const named = name === undefined || of === 'organization' ? place : `${place} ${name}`
  const ways = (through ?? []).filter((way) => way.of === 'group' || way.until !== undefined).map(wayWords)
  const by = ways.length === 0 ? '' : `, ${ways.join(' and ')}`
  return `${named}: ${role}${by}${counts ? '' : ', which does not count here'}`
}

function wayWords({ of, group, role, until, isBreakGlass }: Way): string {
  const by = of === 'group' ? `${role} through the group ${group}` : `${role} given to the account`
  if (until === undefined) return by
  return `${by}${isBreakGlass === true ? ' in an emergency' : ''} until ${until.slice(0, 16).replace('T', ' ')} UTC`
}
