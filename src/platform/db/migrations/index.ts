/** Every migration, in the order of its number. One file serves both dialects; a merged file is never edited. */
import type { Kysely } from 'kysely'
import type { DialectName } from '../kysely-handle.ts'
import * as foundation from './0001-foundation.ts'
import * as xet from './0002-xet.ts'
import * as collection from './0003-collection.ts'
import * as xetMove from './0004-xet-move.ts'
import * as auditSeal from './0005-audit-seal.ts'
import * as organizations from './0006-organizations.ts'
import * as secondFactors from './0007-second-factors.ts'
import * as invitations from './0008-invitations.ts'
import * as auditLists from './0009-audit-lists.ts'
import * as endpointPatterns from './0010-endpoint-patterns.ts'
import * as groupGrants from './0011-group-grants.ts'
import * as keys from './0012-keys.ts'
import * as scans from './0013-scans.ts'
import * as quarantine from './0014-quarantine.ts'
import * as admission from './0016-admission.ts'
import * as modelSignatures from './0017-model-signatures.ts'
import * as downloads from './0018-downloads.ts'
import * as leaks from './0019-leaks.ts'
import * as gated from './0020-gated.ts'
import * as tokenLife from './0023-token-life.ts'
import * as organizationTokens from './0024-organization-tokens.ts'
import * as trustedPublishers from './0025-trusted-publishers.ts'
import * as oauth from './0026-oauth.ts'
import * as companySignIn from './0027-company-sign-in.ts'
import * as tokenCare from './0028-token-care.ts'
import * as grants from './0029-grants.ts'
import * as auditStream from './0030-audit-stream.ts'
import * as repoRoles from './0031-repo-roles.ts'
import * as tokenLimits from './0032-token-limits.ts'
import * as tokenDigest from './0034-token-digest.ts'
import * as announcements from './0036-announcements.ts'
import * as tokenMail from './0037-token-mail.ts'
import * as inference from './0038-inference.ts'
import * as inferenceLimits from './0039-inference-limits.ts'
import * as embeddedModels from './0040-embedded-models.ts'

export interface Migration {
  up(db: Kysely<unknown>, dialect: DialectName): Promise<void>
}

export const migrations: Readonly<Record<string, Migration>> = {
  '0001-foundation': foundation,
  '0002-xet': xet,
  '0003-collection': collection,
  '0004-xet-move': xetMove,
  '0005-audit-seal': auditSeal,
  '0006-organizations': organizations,
  '0007-second-factors': secondFactors,
  '0008-invitations': invitations,
  '0009-audit-lists': auditLists,
  '0010-endpoint-patterns': endpointPatterns,
  '0011-group-grants': groupGrants,
  '0012-keys': keys,
  '0013-scans': scans,
  '0014-quarantine': quarantine,
  '0016-admission': admission,
  '0017-model-signatures': modelSignatures,
  '0018-downloads': downloads,
  '0019-leaks': leaks,
  '0020-gated': gated,
  '0023-token-life': tokenLife,
  '0024-organization-tokens': organizationTokens,
  '0025-trusted-publishers': trustedPublishers,
  '0026-oauth': oauth,
  '0027-company-sign-in': companySignIn,
  '0028-token-care': tokenCare,
  '0029-grants': grants,
  '0030-audit-stream': auditStream,
  '0031-repo-roles': repoRoles,
  '0032-token-limits': tokenLimits,
  '0034-token-digest': tokenDigest,
  '0036-announcements': announcements,
  '0037-token-mail': tokenMail,
  '0038-inference': inference,
  '0039-inference-limits': inferenceLimits,
  '0040-embedded-models': embeddedModels,
}
