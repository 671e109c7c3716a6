/**
 * A way past Kysely for prepared statements on a handle that answers at once: what Kysely does around a query whose text is ready (promises,
 * plug-ins, copies) costs more than a point read. Handles that are not known here are asked through Kysely.
 */
import type { Kysely } from 'kysely'
import type { Schema } from './schema.ts'

/** Runs a query and gives its rows. Throws where the handle may not be used now. */
export type DirectRead = (sql: string, parameters: readonly unknown[]) => object[]

const reads = new WeakMap<Kysely<Schema>, DirectRead>()

export function readsDirectly(handle: Kysely<Schema>, read: DirectRead): void {
  reads.set(handle, read)
}

export function findDirectRead(handle: Kysely<Schema>): DirectRead | null {
  return reads.get(handle) ?? null
}
