/** What other features may show of gates. */
export { GatePanel } from './gate-panel.tsx'
export { type GateView, loadGate } from './load-gate.ts'
