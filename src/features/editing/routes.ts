/** Every page in which files are changed. */
import type { Route } from '../../access/route.ts'
import type { EditGate } from './change-form.ts'
import { deleteRoutes } from './delete-routes.tsx'
import { editRoutes, type RenderDraft } from './edit-routes.tsx'
import { uploadRoutes } from './upload-routes.tsx'

/** `gate`: whether the hub may make commits, and who looks at them; `renderDraft`: markdown as a card shows it. Handed in by features/index.ts. */
export const editingRoutes = (gate: EditGate, renderDraft: RenderDraft): Route[] => [
  ...editRoutes(gate, renderDraft),
  ...deleteRoutes(gate),
  ...uploadRoutes(gate),
]
