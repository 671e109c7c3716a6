/** The Hub's JSON of what scanners found: `securityFileStatus` of a file. */
import type { Hub } from '../../hub.ts'
import type { StoredFile } from './content.ts'
import { type FileStatus, type ScannerStatus, statusesOf } from './file-status.ts'
import type { PickleImport } from './scanner.ts'

/** By git object id. */
export async function presentStatusesOf(hub: Hub, files: readonly StoredFile[]): Promise<ReadonlyMap<string, object>> {
  const statuses = await statusesOf(hub, files)
  return new Map([...statuses].map(([oid, status]) => [oid, presentFileStatus(status)]))
}

function presentFileStatus(file: FileStatus): object {
  return {
    status: file.status,
    avScan: presentScanner(file.malware),
    pickleImportScan: presentScanner(file.pickle, file.pickle.imports),
    structureScan: presentScanner(file.structure),
  }
}

function presentScanner({ status, message, version }: ScannerStatus, imports: readonly PickleImport[] = []): object {
  return {
    status,
    ...(message === null ? {} : { message }),
    ...(version === null ? {} : { version }),
    ...(imports.length === 0 ? {} : { pickleImports: imports }),
  }
}
