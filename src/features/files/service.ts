/** What other features may use of files. */
export { authorsOf } from './authors.ts'
export {
  entryNotFound,
  type FoundRevision,
  findEntry,
  getFile,
  getRevision,
  listEntries,
  listFolder,
  listHistory,
  listLastCommits,
  listRepoRefs,
  type Reading,
  type RepoEntry,
} from './contents.ts'
export { findPointers } from './pointers.ts'
export { createBranch, createTag, deleteBranch, deleteTag } from './ref-changes.ts'
