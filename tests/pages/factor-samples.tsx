/* The pages of signing in with a second factor, and of setting one up; see samples.tsx. */
import {
  AppSetupPage,
  AuthenticationSettingsPage,
  NewPasskeyPage,
  RecoveryCodesPage,
} from '../../src/features/second-factors/settings-pages.tsx'
import { ConfirmPage, SecondStepPage } from '../../src/features/second-factors/sign-in-pages.tsx'
import { freshForm } from '../../src/web/form-state.ts'
import type { PageContext } from '../../src/web/page-context.ts'
import type { PageNode } from '../../src/web/render.ts'

const day = 24 * 3_600_000

export function factorSamples(
  words: (text: string) => string,
  context: PageContext,
  stranger: PageContext,
  now: number,
): Record<string, PageNode> {
  const factors = {
    app: { createdAt: now - 20 * day, lastUsedAt: now - day },
    passkeys: [
      { id: words('p1'), name: words('Laptop'), isBackedUp: false, createdAt: now - 3 * day, lastUsedAt: null },
      { id: words('p2'), name: words('Phone'), isBackedUp: true, createdAt: now - 2 * day, lastUsedAt: now },
    ],
    recoveryCodes: { left: 3, all: 10 },
    passkeysWork: true,
    askedForBy: [words('acme')],
  }
  const authentication = {
    context,
    name: words('mara'),
    form: freshForm,
    passwordChangedAt: now - 3 * day,
    passwordMinimum: 10,
    factors,
    next: null,
    dialog: null,
  }
  const nothing = { app: null, passkeys: [], recoveryCodes: { left: 0, all: 0 } }
  const wrong = { values: {}, errors: { code: words('That code is not right, or was used already.') } }
  const step = { name: words('mara'), hasApp: true, hasPasskeys: true, recoveryCodesLeft: 9 }
  return {
    authentication: <AuthenticationSettingsPage {...authentication} />,
    'authentication-none': (
      <AuthenticationSettingsPage
        {...authentication}
        factors={{ ...factors, ...nothing, passkeysWork: false, askedForBy: [words('acme'), words('polar')] }}
        next={words('/acme')}
      />
    ),
    'factor-remove': (
      <AuthenticationSettingsPage
        {...authentication}
        factors={{ ...factors, app: null, passkeys: factors.passkeys.slice(0, 1) }}
        dialog={{ kind: 'remove-passkey', id: words('p1'), name: words('Laptop') }}
      />
    ),
    'recovery-codes-new': <AuthenticationSettingsPage {...authentication} dialog={{ kind: 'recovery-codes' }} />,
    'app-setup': (
      <AppSetupPage
        context={context}
        form={wrong}
        setup={{
          secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP',
          address: 'otpauth://totp/Holdfast:mara?issuer=Holdfast&secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP',
        }}
        next={words('/acme')}
      />
    ),
    'passkey-new': <NewPasskeyPage context={context} form={freshForm} next={words('/acme')} />,
    'recovery-codes': (
      <RecoveryCodesPage
        context={context}
        codes={Array.from({ length: 10 }, (_, index) => `h4k${(index % 9) + 1}-9m2x-qv7t-c3ab`)}
        next={words('/acme')}
        lede="The authenticator app is on. Your other sessions have ended."
      />
    ),
    'second-step': <SecondStepPage context={stranger} form={wrong} next={words('/settings')} step={step} />,
    'second-step-over': <SecondStepPage context={stranger} form={freshForm} next={null} step={null} />,
    confirm: (
      <ConfirmPage
        context={context}
        form={freshForm}
        next={words('/settings/tokens')}
        ways={{ name: words('mara'), password: true, app: false, passkey: false, company: null }}
      />
    ),
    'confirm-factor': (
      <ConfirmPage
        context={context}
        form={wrong}
        next={words('/settings/tokens')}
        ways={{ name: words('mara'), password: false, app: true, passkey: true, company: null }}
      />
    ),
  }
}
