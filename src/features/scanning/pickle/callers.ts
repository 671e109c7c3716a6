/**
 * Innocuous callables that call, or make an instance of, what they are given. What they are given is an import of the file too; here stands how
 * it is used then, by its place among the arguments.
 */
import type { Use } from './import-table.ts'

const callers: ReadonlyMap<string, readonly (Use | null)[]> = new Map(
  Object.entries({
    'copyreg._reconstructor': ['built', 'called'],
    'copyreg.__newobj__': ['built'],
    'copyreg.__newobj_ex__': ['built'],
    'torch._tensor._rebuild_from_type_v2': ['called'],
    'torch._utils._rebuild_wrapper_subclass': ['built'],
    'numpy.random._pickle.__bit_generator_ctor': ['called'],
    'numpy.random._pickle.__generator_ctor': ['called', 'called'],
    'numpy.random._pickle.__randomstate_ctor': ['called', 'called'],
    'pandas.core.indexes.base._new_Index': ['built'],
    'pandas.core.indexes.datetimes._new_DatetimeIndex': ['built'],
    'pandas.core.indexes.interval._new_IntervalIndex': ['built'],
    'pandas.core.indexes.period._new_PeriodIndex': ['built'],
  } satisfies Readonly<Record<string, readonly (Use | null)[]>>),
)

/** Null where the callable calls nothing that it is given. */
export function usesOfArguments(module: string, name: string): readonly (Use | null)[] | null {
  return callers.get(`${module}.${name}`) ?? null
}
