import type { FoundLevel } from '../levels.ts'

/** What is wrong with a model beside its header, in words for people. */
export interface StructureFinding {
  readonly level: Extract<FoundLevel, 'suspicious' | 'unsafe'>
  readonly message: string
}
