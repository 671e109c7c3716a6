/** One ingest for pushes, API commits and changes of refs: what other features call. */
export { ApiCommit, beginCommit, type CommitInput, type CommitResult, type CommitTarget } from './api-commit.ts'
export { changeRefs } from './change-refs.ts'
export { correctHeads } from './correct-heads.ts'
export { inOurWords } from './git-words.ts'
export { acceptPush, type PushInput } from './push.ts'
export type { RefMoved } from './ref-move.ts'
export { watchRefs } from './refs-of-then.ts'
export { afterRefMove, ingestJobs, markReached, settleOnStart } from './upkeep.ts'
