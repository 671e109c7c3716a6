/** An explanation as JSON. */
import type { HoldfastError } from '../../domain/errors.ts'
import { explainChecks } from '../../domain/explain.ts'
import { accountOf } from '../../domain/facts.ts'
import { permissionRow } from '../../domain/permissions.ts'
import { denialReasons } from '../../domain/reasons.ts'
import type { ExplainedRow, Explanation } from './explain.ts'

export function presentExplanation(
  { question, subject, rows, refusal, assumes }: Explanation,
  resource: string,
): object {
  const credential = subject?.credential ?? null
  return {
    action: question.action,
    title: permissionRow(question.action).title,
    resource,
    principal: subject === null ? null : (accountOf(subject.principal)?.name ?? 'anonymous'),
    credential:
      credential?.kind === 'token' && credential.id !== ''
        ? { kind: 'token', id: credential.id, role: credential.role, last4: credential.last4 }
        : credential === null
          ? null
          : { kind: credential.kind },
    allowed: refusal === null,
    ...presentRefusal(refusal),
    rows: rows.map(presentRow),
    ...(assumes.length === 0 ? {} : { assumes }),
  }
}

/** What the request would get. */
function presentRefusal(refusal: HoldfastError | null): object {
  if (refusal === null) return { status: 200, code: null, denied: null }
  const { denied } = refusal
  return {
    status: refusal.status,
    code: denied?.code ?? null,
    denied,
    message: refusal.message,
    ...(refusal.next === null ? {} : { next: refusal.next }),
  }
}

/** Of what is refused without a reason: what is hidden says nothing, a limit says when to come again. */
function remedyWithout(check: ExplainedRow['check'], fault: HoldfastError): string | null {
  return check === 'resource' ? null : (fault.next ?? fault.message)
}

function presentRow({ check, fault, need, have, sources }: ExplainedRow): object {
  const code = fault?.denied?.code ?? null
  return {
    check,
    name: explainChecks[check],
    pass: fault === null,
    need,
    have,
    ...(sources === undefined ? {} : { sources }),
    ...(fault === null
      ? {}
      : { code, remedy: code === null ? remedyWithout(check, fault) : denialReasons[code].remedy }),
  }
}
