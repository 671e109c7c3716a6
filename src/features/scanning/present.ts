/** The Hub's JSON of what scanners found: `securityFileStatus` of a file. */
import type { RepoFacts } from '../../domain/facts.ts'
import { contentOf } from '../../domain/quarantine.ts'
import type { Hub } from '../../hub.ts'
import { type Admission, admissionsOf, reasonOf } from '../storage/service.ts'
import type { StoredFile } from './content.ts'
import { type FileStatus, type ScannerStatus, statusesOf } from './file-status.ts'
import { worstLevel } from './levels.ts'
import type { PickleImport } from './scanner.ts'

/** By git object id. */
export async function presentStatusesOf(
  hub: Hub,
  repo: Pick<RepoFacts, 'owner'>,
  files: readonly StoredFile[],
): Promise<ReadonlyMap<string, object>> {
  const [statuses, admissions] = await Promise.all([
    statusesOf(hub, files),
    admissionsOf(hub, repo, files.map(contentOf)),
  ])
  const contents = new Map(files.map((file) => [file.oid, contentOf(file)]))
  return new Map(
    [...statuses].map(([oid, status]) => [
      oid,
      presentFileStatus(status, admissions.get(contents.get(oid) ?? '') ?? null),
    ]),
  )
}

function presentFileStatus(file: FileStatus, admission: Admission | null): object {
  const least = admission?.isAdmitted === false ? 'suspicious' : 'unscanned'
  const { pickle } = file
  return {
    status: worstLevel(file.status, least),
    avScan: presentScanner(file.malware),
    pickleImportScan: {
      ...presentScanner({ ...pickle, status: worstLevel(pickle.status, least) }, pickle.imports),
      ...(admission === null ? {} : presentAdmission(admission)),
    },
    structureScan: presentScanner(file.structure),
    secretsScan: {
      ...presentScanner(file.secrets),
      ...(file.secrets.found.length === 0 ? {} : { secrets: file.secrets.found }),
    },
  }
}

/** Ours alone: the Hub knows no such lists. */
function presentAdmission(admission: Admission): object {
  return admission.isAdmitted
    ? { admission: 'admitted' }
    : { admission: 'not_admitted', admissionReason: reasonOf(admission), notAdmitted: admission.missing }
}

function presentScanner({ status, message, version }: ScannerStatus, imports: readonly PickleImport[] = []): object {
  return {
    status,
    ...(message === null ? {} : { message }),
    ...(version === null ? {} : { version }),
    ...(imports.length === 0 ? {} : { pickleImports: imports }),
  }
}
