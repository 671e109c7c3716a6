/** Attestations for commands: making one, and checking one without a hub. */
export { attestationKeys, makeAttestation } from './attest.ts'
export { compareFolder } from './compare-folder.ts'
export { type Attestation, AttestationFault, readAttestation } from './read-attestation.ts'
