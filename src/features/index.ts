/** All features, in one place: their routes, their jobs, and what must be put right before the first request. One line each. */
import type { Route } from '../access/route.ts'
import type { Hub } from '../hub.ts'
import type { JobHandlers } from '../platform/jobs/workers.ts'
import { accessAsCodeRoutes } from './access-as-code/routes.ts'
import { accessPreviewPageRoutes } from './access-preview/page-routes.tsx'
import { policyPreviewPageRoutes } from './access-preview/policy-page-routes.tsx'
import { accessPreviewRoutes } from './access-preview/routes.ts'
import { accessReviewPageRoutes } from './access-review/page-routes.tsx'
import { accessReviewRoutes } from './access-review/routes.ts'
import { entryRoutes } from './accounts/entry-routes.tsx'
import { identityRoutes } from './accounts/identity-routes.ts'
import { cleanAccounts, scheduleCleaning, sendMail } from './accounts/service.ts'
import { settingsRoutes } from './accounts/settings-routes.tsx'
import { tokenMailRoutes } from './accounts/token-mail-routes.tsx'
import { adminRoutes } from './admin/routes.ts'
import { attestationJobs } from './attestations/attest.ts'
import { attestationRoutes } from './attestations/routes.ts'
import { auditPageRoutes } from './audit/page-routes.tsx'
import { auditApiRoutes } from './audit/routes.ts'
import { startSealer } from './audit/service.ts'
import { breakGlassPageRoutes } from './break-glass/page-routes.tsx'
import { breakGlassRoutes } from './break-glass/routes.ts'
import { compareRoutes } from './browse/compare-routes.tsx'
import { ownerCard } from './browse/owner-card.tsx'
import { browseRefRoutes } from './browse/ref-routes.tsx'
import { renderDraft } from './browse/render-draft.ts'
import { renderTerms } from './browse/render-terms.ts'
import { browseRoutes } from './browse/routes.tsx'
import { trustRoutes } from './browse/trust-routes.tsx'
import { commitRoutes } from './commits/routes.ts'
import { companyGroupRoutes } from './company-sign-in/mapping-routes.tsx'
import { companySignInRoutes } from './company-sign-in/routes.tsx'
import { documentationRoutes } from './documentation/routes.tsx'
import { downloadAuditPageRoutes } from './downloads/audit-page-routes.tsx'
import { downloadAuditRoutes } from './downloads/audit-routes.ts'
import { downloadPageRoutes } from './downloads/page-routes.tsx'
import { downloadApiRoutes } from './downloads/routes.ts'
import { downloadJobs, scheduleForgetting, startDownloadAudit, startDownloadRecords } from './downloads/service.ts'
import { editingRoutes } from './editing/routes.ts'
import { evalEntries, evalResultRoutes } from './eval-results/routes.ts'
import { refRoutes } from './files/ref-routes.ts'
import { fileRoutes } from './files/routes.ts'
import { noticeJobs } from './gated/notices.ts'
import { gatedPageRoutes } from './gated/page-routes.tsx'
import { gatedApiRoutes } from './gated/routes.ts'
import { gitRoutes } from './git-http/routes.ts'
import { groupPageRoutes } from './groups/page-routes.tsx'
import { groupApiRoutes } from './groups/routes.ts'
import { limitPageRoutes } from './inference/limit-page-routes.tsx'
import { limitRoutes } from './inference/limit-routes.ts'
import { startProbes } from './inference/probes.ts'
import { inferenceRoutes } from './inference/routes.ts'
import { serverPageRoutes } from './inference/server-page-routes.tsx'
import { scheduleForgettingUsage, startEmbedded, startUsageRecords, usageJobs } from './inference/service.ts'
import { inferenceUsagePages } from './inference/usage-page-routes.tsx'
import { wireRoutes } from './inference/wire-routes.ts'
import { afterRefMove, type CommitGate, ingestJobs, settleOnStart as settleRefMoves } from './ingest/service.ts'
import { instanceRoutes } from './instance/routes.ts'
import { keyPageRoutes, machineKeyPageRoutes } from './keys/page-routes.tsx'
import { keyApiRoutes } from './keys/routes.ts'
import { legacyTokenPageRoutes } from './legacy-tokens/page-routes.tsx'
import { legacyTokenRoutes } from './legacy-tokens/routes.ts'
import { routes as lfsRoutes } from './lfs/routes.ts'
import { collect, collectionQueue, scheduleCollection } from './lfs/upkeep.ts'
import { askForModelSignature, modelSignatureJobs } from './model-signatures/jobs.ts'
import { modelSignaturePageRoutes } from './model-signatures/page-routes.tsx'
import { modelSignatureBrief, modelSignatureRoutes } from './model-signatures/routes.ts'
import { applicationPageRoutes } from './oauth/application-page-routes.tsx'
import { oauthPageRoutes } from './oauth/page-routes.tsx'
import { oauthRoutes } from './oauth/routes.ts'
import { cleanOauth, ensureOwnApplication } from './oauth/service.ts'
import { organizationTokenPageRoutes } from './organization-tokens/page-routes.tsx'
import { organizationRadarPageRoutes } from './organization-tokens/radar-page-routes.tsx'
import { organizationRadarRoutes } from './organization-tokens/radar-routes.ts'
import { organizationTokenRoutes } from './organization-tokens/routes.ts'
import { organizationPageRoutes } from './organizations/page-routes.tsx'
import { organizationApiRoutes } from './organizations/routes.ts'
import { temporaryRoleJobs } from './organizations/settle-roles.ts'
import { repoJobs } from './repos/jobs.ts'
import { listingRoutes } from './repos/listing-routes.tsx'
import { organizationStorageRoutes } from './repos/organization-storage-routes.tsx'
import { ownedRepoRoutes } from './repos/owned-routes.ts'
import { repoPageRoutes } from './repos/page-routes.tsx'
import { repoPlaces } from './repos/place-repo.ts'
import { repoApiRoutes } from './repos/routes.ts'
import { repoWorkspaceRoutes } from './repos/workspace-routes.ts'
import { heldPageRoutes } from './scanning/held-page-routes.tsx'
import { heldRoutes } from './scanning/held-routes.ts'
import { scanRoutes } from './scanning/routes.ts'
import { presentStatusesOf, repoStatus, startScanning, watchForSecrets, withListing } from './scanning/service.ts'
import { cleanSecondFactors } from './second-factors/service.ts'
import { secondFactorRoutes } from './second-factors/settings-routes.tsx'
import { secondStepRoutes } from './second-factors/sign-in-routes.tsx'
import { webhookPageRoutes } from './security-webhooks/page-routes.tsx'
import { webhookRoutes } from './security-webhooks/routes.ts'
import { startWebhooks } from './security-webhooks/service.ts'
import { serviceAccountPageRoutes } from './service-accounts/page-routes.tsx'
import { serviceAccountApiRoutes } from './service-accounts/routes.ts'
import { serviceAccountTokenPageRoutes } from './service-accounts/token-page-routes.tsx'
import { accountUsagePageRoutes } from './service-accounts/usage-page-routes.tsx'
import { sessionRoutes } from './sessions/routes.tsx'
import { signingGate } from './signatures/gate.ts'
import { askForJudgement, signatureJobs } from './signatures/jobs.ts'
import { policyPageRoutes } from './signatures/policy-page-routes.tsx'
import { policyApiRoutes } from './signatures/policy-routes.ts'
import { signatureRoutes, verificationJson } from './signatures/routes.ts'
import { scheduleStorage, storageJobs } from './storage/jobs.ts'
import { moveJobs, scheduleMove } from './storage/service.ts'
import { startSyslog } from './syslog/service.ts'
import { scheduleTokenMail, tokenMailJobs } from './token-mail/service.ts'
import { deriveRoutes } from './tokens/derive-routes.ts'
import { honeyPageRoutes } from './tokens/honey-page-routes.tsx'
import { honeyRoutes } from './tokens/honey-routes.ts'
import { lookupRoutes } from './tokens/lookup-route.ts'
import { tokenPageRoutes } from './tokens/page-routes.tsx'
import { radarPageRoutes } from './tokens/radar-page-routes.tsx'
import { radarRoutes } from './tokens/radar-routes.ts'
import { reportRoutes } from './tokens/report-route.ts'
import { tokenApiRoutes } from './tokens/routes.ts'
import { leakJobs, scheduleForgettingValues, sightingJobs } from './tokens/service.ts'
import { usagePageRoutes } from './tokens/usage-page-routes.tsx'
import { usageRoutes } from './tokens/usage-routes.ts'
import { publisherPageRoutes } from './trusted-publishers/page-routes.tsx'
import { publisherApiRoutes } from './trusted-publishers/routes.ts'
import { cleanPublishers, tokenExchange } from './trusted-publishers/service.ts'
import { workspacePageRoutes } from './workspaces/page-routes.tsx'
import { workspaceApiRoutes } from './workspaces/routes.ts'
import { routes as xetRoutes } from './xet/routes.ts'

const commitGate: CommitGate = { ...signingGate, watch: watchForSecrets }

export const routes: readonly Route[] = [
  ...instanceRoutes(() => routes),
  ...documentationRoutes(() => routes),
  ...adminRoutes((hub) => Object.keys(jobHandlers(hub))),
  ...identityRoutes,
  ...entryRoutes,
  ...settingsRoutes,
  ...tokenMailRoutes,
  ...sessionRoutes,
  ...secondStepRoutes,
  ...secondFactorRoutes,
  ...radarRoutes,
  ...companySignInRoutes,
  ...tokenApiRoutes,
  ...reportRoutes,
  ...lookupRoutes,
  ...deriveRoutes,
  ...usageRoutes,
  ...honeyRoutes,
  ...tokenPageRoutes,
  ...honeyPageRoutes,
  ...radarPageRoutes,
  ...usagePageRoutes,
  ...accountUsagePageRoutes,
  ...organizationApiRoutes,
  ...organizationPageRoutes,
  ...organizationTokenRoutes,
  ...organizationRadarRoutes,
  ...accessAsCodeRoutes,
  ...accessPreviewRoutes,
  ...accessPreviewPageRoutes,
  ...policyPreviewPageRoutes,
  ...breakGlassRoutes,
  ...accessReviewRoutes,
  ...accessReviewPageRoutes,
  ...breakGlassPageRoutes,
  ...legacyTokenRoutes,
  ...legacyTokenPageRoutes,
  ...organizationTokenPageRoutes,
  ...organizationRadarPageRoutes,
  ...companyGroupRoutes,
  ...serviceAccountApiRoutes,
  ...groupApiRoutes,
  ...groupPageRoutes,
  ...workspaceApiRoutes(repoPlaces),
  ...workspacePageRoutes(repoPlaces),
  ...serviceAccountPageRoutes,
  ...serviceAccountTokenPageRoutes,
  ...auditApiRoutes,
  ...auditPageRoutes,
  ...webhookRoutes,
  ...webhookPageRoutes,
  ...keyApiRoutes,
  ...keyPageRoutes,
  ...machineKeyPageRoutes,
  ...signatureRoutes,
  ...policyApiRoutes,
  ...policyPageRoutes,
  ...modelSignatureRoutes,
  ...modelSignaturePageRoutes,
  ...attestationRoutes,
  ...repoApiRoutes({ scanOf: repoStatus, modelSignatureOf: modelSignatureBrief, evalEntries }),
  ...evalResultRoutes,
  ...repoWorkspaceRoutes,
  ...ownedRepoRoutes,
  ...organizationStorageRoutes,
  ...repoPageRoutes,
  ...listingRoutes(ownerCard),
  ...fileRoutes(verificationJson, presentStatusesOf),
  ...refRoutes(commitGate),
  ...commitRoutes(commitGate),
  ...scanRoutes,
  ...heldRoutes,
  ...heldPageRoutes,
  ...downloadApiRoutes,
  ...downloadAuditRoutes,
  ...downloadAuditPageRoutes,
  ...downloadPageRoutes,
  ...gatedApiRoutes,
  ...gatedPageRoutes(renderTerms),
  ...oauthRoutes([tokenExchange]),
  ...publisherApiRoutes,
  ...publisherPageRoutes,
  ...oauthPageRoutes,
  ...applicationPageRoutes,
  ...browseRoutes,
  ...trustRoutes,
  ...browseRefRoutes(commitGate),
  ...compareRoutes,
  ...editingRoutes(commitGate, renderDraft),
  ...lfsRoutes,
  ...xetRoutes,
  ...gitRoutes(commitGate),
  ...inferenceRoutes,
  ...serverPageRoutes,
  ...inferenceUsagePages,
  ...limitRoutes,
  ...limitPageRoutes,
  ...wireRoutes,
  //
]

/** What each queue of the job table runs. */
export function jobHandlers(hub: Hub): JobHandlers {
  return {
    mail: (payload) => sendMail(hub, payload),
    ...tokenMailJobs(hub),
    ...leakJobs(hub),
    ...sightingJobs(hub),
    ...repoJobs(hub),
    ...withListing(hub, {
      ...ingestJobs(hub),
      'ref-moved': async (payload) => {
        await afterRefMove(hub, payload)
        await askForJudgement(hub, payload)
        await askForModelSignature(hub, payload)
      },
    }),
    ...signatureJobs(hub),
    ...modelSignatureJobs(hub),
    ...attestationJobs(hub),
    ...moveJobs(hub),
    ...storageJobs(hub),
    ...downloadJobs(hub),
    ...usageJobs(hub),
    ...noticeJobs(hub),
    ...temporaryRoleJobs(hub),
    [collectionQueue]: (_payload, signal) => collect(hub, signal),
    'clean-accounts': async (_payload, signal) => {
      await cleanAccounts(hub, signal)
      await cleanSecondFactors(hub, signal)
      await cleanPublishers(hub, signal)
      await cleanOauth(hub, signal)
    },
  }
}

/** Settles ref moves that a crash left open, before anybody reads those repos, and sees that periodic jobs are waiting. */
export async function settleOnStart(hub: Hub): Promise<void> {
  await settleRefMoves(hub)
  await ensureOwnApplication(hub)
  await scheduleCleaning(hub)
  await scheduleCollection(hub)
  await scheduleMove(hub)
  await scheduleStorage(hub)
  await scheduleForgetting(hub)
  await scheduleForgettingUsage(hub)
  await scheduleForgettingValues(hub)
  await scheduleTokenMail(hub)
}

/** What goes on for as long as the server runs, beside the jobs; `stop` waits for it. */
export function startOngoing(hub: Hub): { stop(): Promise<void> } {
  const all = [
    startSealer(hub),
    startScanning(hub),
    startDownloadRecords(hub),
    startDownloadAudit(hub),
    startUsageRecords(hub),
    startEmbedded(hub),
    startProbes(hub),
  ]
  // They tell of what the others sealed, also at the end.
  const tellers = [startWebhooks(hub), startSyslog(hub)]
  return {
    async stop() {
      await Promise.all(all.map((one) => one.stop()))
      await Promise.all(tellers.map((one) => one.stop()))
    },
  }
}
