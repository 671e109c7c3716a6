/* Pages of gated repositories, with every word that a stranger could have chosen passed through `words`. */
import { AccessPage } from '../../src/features/gated/access-page.tsx'
import type { GateView } from '../../src/features/gated/load-gate.ts'
import { OwnRequestsPage } from '../../src/features/gated/own-requests-page.tsx'
import { RequestsPage, type RequestView, TermsPage } from '../../src/features/gated/requests-page.tsx'
import type { PageContext } from '../../src/web/page-context.ts'
import { markSanitized } from '../../src/web/raw-html.tsx'
import type { PageNode } from '../../src/web/render.ts'
import type { RepoView } from '../../src/web/repo-place.tsx'

type Words = (text: string) => string

const hash = 'c0ffee'.repeat(11).slice(0, 64)

export function sampleGate(words: Words, state: GateView['state']): GateView {
  return {
    mode: 'manual',
    state,
    reason: words('Tell us more about what you want it for.'),
    termsHash: hash,
    prompt: null,
    terms: {
      heading: words('You need to agree to the harbour licence'),
      prompt: words('You agree not to use the model to conduct experiments that cause harm to human subjects.'),
      description: words('Read it with care.'),
      button: words('Agree and send the request'),
      fields: [
        { name: words('Company'), type: 'text', options: [], required: true },
        { name: words('Date of birth'), type: 'date_picker', options: [], required: false },
        { name: words('Country'), type: 'country', options: [], required: true },
        {
          name: words('I want it for'),
          type: 'select',
          options: [{ value: words('research'), label: words('Research') }],
          required: true,
        },
        { name: words('I agree to use it for non-commercial use only'), type: 'checkbox', options: [], required: true },
      ],
    },
  }
}

export function gateSamples(context: PageContext, words: Words, repo: RepoView, now: number): Record<string, PageNode> {
  const fresh = { values: {}, errors: {} }
  const refused = {
    values: { 'answer-0': words('ACME') },
    errors: { 'answer-4': `"${words('I agree')}": this has to be ticked.` },
  }
  const gate = (state: GateView['state']) => sampleGate(words, state)
  const machine = { id: 'a1', name: words('ci-train'), organization: words('acme') }
  const request: RequestView = {
    id: '0123456789abcdef01234567',
    kind: 'user',
    name: words('jonas'),
    fullname: words('Jonas Okoro'),
    organization: null,
    status: 'pending',
    askedAt: now - 60_000,
    email: words('jonas@example.com'),
    askedBy: null,
    grantedBy: null,
    reviewedBy: null,
    reviewedAt: null,
    reason: null,
    answers: [{ field: words('Company'), answer: words('Okoro Ports') }],
    termsHash: hash,
  }
  const list = {
    context,
    repo,
    isGated: true,
    counts: { pending: 2, accepted: 1, rejected: 1 },
    mayHandle: true,
    addForm: fresh,
    fault: fresh,
    olderHref: '?cursor=1',
    firstHref: null,
  }
  return {
    'gate-ask': (
      <AccessPage
        context={context}
        repo={repo}
        gate={gate('ask')}
        machines={[
          { ...machine, status: null },
          { ...machine, id: 'a2', status: 'pending' },
          { ...machine, id: 'a3', status: 'rejected' },
        ]}
        form={refused}
      />
    ),
    'gate-pending': <AccessPage context={context} repo={repo} gate={gate('pending')} machines={[]} form={fresh} />,
    'gate-accepted': <AccessPage context={context} repo={repo} gate={gate('accepted')} machines={[]} form={fresh} />,
    'gate-rejected': <AccessPage context={context} repo={repo} gate={gate('rejected')} machines={[]} form={fresh} />,
    'gate-rendered': (
      <AccessPage
        context={context}
        repo={repo}
        gate={{ ...gate('ask'), prompt: markSanitized('<h2>Licence</h2><p>Do <a href="/acme">no harm</a>.</p>') }}
        machines={[]}
        form={fresh}
      />
    ),
    'gate-none': <AccessPage context={context} repo={repo} gate={null} machines={[]} form={fresh} />,
    'gate-requests': (
      <RequestsPage
        {...list}
        status="pending"
        requests={[
          request,
          {
            ...request,
            id: '0123456789abcdef01234568',
            kind: 'service-account',
            name: 'sa-0123456789abcdef01234568',
            fullname: words('ci-train'),
            organization: words('acme'),
            askedBy: words('mara'),
          },
        ]}
      />
    ),
    'gate-accepted-requests': (
      <RequestsPage
        {...list}
        status="accepted"
        addForm={{ values: { user: words('nobody') }, errors: { user: words('There is no such user.') } }}
        requests={[
          {
            ...request,
            status: 'accepted',
            email: null,
            termsHash: null,
            answers: [],
            grantedBy: words('mara'),
            reviewedBy: words('mara'),
            reviewedAt: now,
          },
        ]}
      />
    ),
    'gate-rejected-requests': (
      <RequestsPage
        {...list}
        status="rejected"
        requests={[
          {
            ...request,
            status: 'rejected',
            reason: words('No company given.'),
            reviewedBy: words('mara'),
            reviewedAt: now,
          },
        ]}
      />
    ),
    'gate-no-requests': <RequestsPage {...list} isGated={false} status="pending" requests={[]} />,
    'gate-terms': <TermsPage context={context} repo={repo} terms={gate('ask').terms} hash={hash} prompt={null} />,
    'gate-own': (
      <OwnRequestsPage
        context={context}
        requests={[
          { repo, machine: null, status: 'pending', reason: null, askedAt: now, byHand: false },
          { repo, machine, status: 'rejected', reason: words('Not now.'), askedAt: now, byHand: false },
          { repo, machine: null, status: 'accepted', reason: null, askedAt: now, byHand: true },
        ]}
      />
    ),
    'gate-own-none': <OwnRequestsPage context={context} requests={[]} />,
  }
}
