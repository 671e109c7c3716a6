/* Evaluation results, each with who vouches for it: the signature of the commit that last changed it. A result without a
   signature is shown all the same, as what it is. */
import { commitPath, type RepoAddress } from '../../web/address.ts'
import { SignatureBadge } from '../../web/badge.tsx'
import type { SignatureView } from '../signatures/service.ts'

export type ResultView = {
  /** `PortCall-QA, accuracy` */
  name: string
  /** All that is said of it. */
  title: string
  value: string
  /** Null where its history is too long, or an older version of the file cannot be read. */
  commit: string | null
  signature: SignatureView | null
  isKnown: boolean
}

const unknown =
  'Which commit brought it cannot be said: the history of the file is too long, or a version of it cannot be read.'

export function Results(props: { repo: RepoAddress; results: readonly ResultView[] | null }) {
  const { repo, results } = props
  if (results === null) return <p class="text-sm text-muted">Being looked up. Reload the page in a moment.</p>
  return (
    <table class="w-full text-sm">
      <caption class="sr-only">Evaluation results and who vouches for them</caption>
      <thead class="sr-only">
        <tr>
          <th scope="col">Result</th>
          <th scope="col">Value</th>
          <th scope="col">Signature of the commit that last changed it</th>
        </tr>
      </thead>
      <tbody>
        {results.map((one) => (
          <tr>
            <th scope="row" class="font-normal text-start py-1 [overflow-wrap:anywhere]" title={one.title}>
              {one.name}
            </th>
            <td class="text-end num py-1 ps-2 font-semibold">{one.value}</td>
            <td class="text-end py-1 ps-2 w-24">
              <Vouching repo={repo} result={one} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function Vouching({ repo, result }: { repo: RepoAddress; result: ResultView }) {
  const { commit, signature } = result
  if (commit === null || !result.isKnown) {
    return (
      <span class="text-xs text-muted" title={unknown}>
        unknown
      </span>
    )
  }
  const href = commitPath(repo, commit)
  if (signature === null) {
    return (
      <a class="quiet text-xs text-muted" href={href} title="The commit that last changed it is not signed.">
        unsigned
      </a>
    )
  }
  return <SignatureBadge status={signature.status} title={signature.words} href={href} />
}
