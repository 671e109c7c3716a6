/* The one look of tables. The first column is the thing, the last its actions. On phones the rows become cards or file
   lines; CSS display would take the table's meaning from screen readers there, so the ARIA roles are written out. */
import type { Child } from 'hono/jsx'

export type Column = {
  label: string
  /** Read out but not shown: the column of actions. */
  silent?: boolean
  class?: string
}

type RowsProps = {
  caption: string
  columns: readonly Column[]
  /** What a phone makes of it; a plain table scrolls sideways inside its panel. */
  phone?: 'cards' | 'files' | 'scroll'
  children: Child
}

export function Rows(props: RowsProps) {
  const phone = props.phone ?? 'cards'
  const table = (
    // biome-ignore lint/a11y/noRedundantRoles: CSS display on phones drops the native roles
    <table role="table" class={phone === 'scroll' ? 'rows' : `rows rows-${phone}`}>
      <caption class="sr-only">{props.caption}</caption>
      {/* biome-ignore lint/a11y/noRedundantRoles: as above */}
      <thead role="rowgroup">
        {/* biome-ignore lint/a11y/noRedundantRoles: as above */}
        <tr role="row">
          {props.columns.map((column) => (
            // biome-ignore lint/a11y/noRedundantRoles: as above
            <th role="columnheader" scope="col" class={column.class}>
              {column.silent ? <span class="sr-only">{column.label}</span> : column.label}
            </th>
          ))}
        </tr>
      </thead>
      {/* biome-ignore lint/a11y/noRedundantRoles: as above */}
      <tbody role="rowgroup">{props.children}</tbody>
    </table>
  )
  return phone === 'scroll' ? <div class="scroll-x">{table}</div> : table
}

export function Row(props: { off?: boolean; class?: string; children: Child }) {
  return (
    // biome-ignore lint/a11y/noRedundantRoles: CSS display on phones drops the native roles
    <tr role="row" class={props.off ? `off ${props.class ?? ''}` : props.class}>
      {props.children}
    </tr>
  )
}

/** The thing itself, with one line of description under it. */
export function RowHead(props: { description?: string | null; before?: Child; children: Child }) {
  const named = (
    <span class="block min-w-0">
      {props.children}
      {props.description && <span class="block font-normal text-xs text-muted">{props.description}</span>}
    </span>
  )
  return (
    // biome-ignore lint/a11y/noRedundantRoles: CSS display on phones drops the native roles
    <th role="rowheader" scope="row">
      {props.before ? (
        <span class="flex items-center gap-2.5">
          {props.before}
          {named}
        </span>
      ) : (
        named
      )}
    </th>
  )
}

/** `label` names the cell where the table is a list of cards. */
export function Cell(props: { label?: string; class?: string; children?: Child }) {
  return (
    // biome-ignore lint/a11y/noRedundantRoles: CSS display on phones drops the native roles
    <td role="cell" data-l={props.label} class={props.class}>
      {props.children}
    </td>
  )
}
