/* Members, service accounts and their tokens as links that put them into the question on the page. */
import { testAccessPath } from '../../web/address.ts'
import { Button } from '../../web/button.tsx'
import { SelectField, TextField } from '../../web/field.tsx'
import type { FormState } from '../../web/form-state.ts'
import type { Picker } from './picker.ts'

/** What stays in the address while somebody is chosen. */
const kept = ['action', 'resource', 'path', 'program', 'commits'] as const

export function PickerPart({ picker, form }: { picker: Picker; form: FormState }) {
  const { organization, organizations, members, machines } = picker
  const to = (more: Readonly<Record<string, string>>, hash = ''): string => {
    const values = kept.flatMap((name) => (form.values[name] ? [[name, form.values[name]] as [string, string]] : []))
    const search = { in: organization ?? '', find: form.values.find ?? '' }
    return `${testAccessPath}?${new URLSearchParams([...values, ...Object.entries({ ...search, ...more })])}${hash}`
  }
  return (
    <section class="panel" aria-labelledby="somebody" id="pick">
      <div class="panel-head">
        <h2 id="somebody">Somebody of an organization</h2>
        <span class="text-sm text-muted">that you administer</span>
      </div>
      <form class="p-4 grid gap-3" method="get" action={`${testAccessPath}#pick`} aria-label="Find somebody">
        {kept.map((name) => form.values[name] && <input type="hidden" name={name} value={form.values[name]} />)}
        <SelectField
          form={form}
          name="in"
          label="Organization"
          value={organization ?? ''}
          choices={organizations.map((name) => ({ value: name, label: name }))}
        />
        <TextField form={form} name="find" label="Name contains" type="search" optional={true} maxlength={96} />
        <div>
          <Button>Find</Button>
        </div>
      </form>
      {organization !== null && (
        <div class="px-4 pb-4 grid gap-4">
          <div class="grid gap-2">
            <h3 class="text-sm font-semibold">Members</h3>
            {members.length === 0 && <p class="text-sm text-muted">Nobody of that name.</p>}
            <ul class="grid gap-1">
              {members.map(({ name }) => (
                <li>
                  <a class="a" href={to({ principal: name })}>
                    {name}
                  </a>
                </li>
              ))}
            </ul>
            {picker.nextMember !== null && (
              <a class="a" href={to({ afterMember: picker.nextMember }, '#pick')}>
                More members
              </a>
            )}
          </div>
          <div class="grid gap-2">
            <h3 class="text-sm font-semibold">Service accounts and their tokens</h3>
            {machines.length === 0 && <p class="text-sm text-muted">None of that name.</p>}
            <ul class="grid gap-2">
              {machines.map(({ id, name, tokens }) => (
                <li class="[overflow-wrap:anywhere]">
                  <a class="a" href={to({ principal: `sa-${id}` })}>
                    {name}
                  </a>
                  {tokens.length > 0 && (
                    <ul class="pl-4 text-sm">
                      {tokens.map((token) => (
                        <li>
                          <a class="a" href={to({ token: token.id })}>
                            {token.name} (hf_…{token.last4})
                          </a>
                        </li>
                      ))}
                    </ul>
                  )}
                </li>
              ))}
            </ul>
            {picker.nextMachine !== null && (
              <a class="a" href={to({ afterMachine: picker.nextMachine }, '#pick')}>
                More service accounts
              </a>
            )}
          </div>
        </div>
      )}
    </section>
  )
}
