/* Passkey forms: the button asks the browser, and the form is sent with what the passkey answered. Byte strings travel as base64url. */

export function startPasskeys(): void {
  for (const form of document.querySelectorAll<HTMLFormElement>('form[data-passkey]')) {
    form.addEventListener('submit', (event) => {
      event.preventDefault()
      void answer(form)
    })
  }
}

async function answer(form: HTMLFormElement): Promise<void> {
  if (form.dataset.asking !== undefined) return
  form.dataset.asking = ''
  const note = form.querySelector('[data-passkey-note]')
  const field = form.querySelector<HTMLInputElement>('input[name="response"]')
  if (note) note.textContent = ''
  try {
    const response = await fetch(form.dataset.options ?? '', { headers: { accept: 'application/json' } })
    if (!response.ok || response.redirected) throw new Error('The hub did not say what to ask. Reload the page.')
    const options = (await response.json()) as Options
    const made = form.dataset.passkey === 'create' ? await create(options) : await get(options)
    if (field) field.value = JSON.stringify(made)
    // Sent without another `submit` event.
    form.submit()
  } catch (error) {
    if (note) note.textContent = inWords(error)
  } finally {
    delete form.dataset.asking
  }
}

function inWords(error: unknown): string {
  if (!(error instanceof Error)) return 'That did not work.'
  if (error.name === 'NotAllowedError') return 'Nothing was chosen, or it took too long. Try again.'
  if (error.name === 'InvalidStateError') return 'This device has a passkey for your account already.'
  if (error.name === 'SecurityError') return 'The browser does not allow passkeys at this address.'
  if (error.name === 'NotSupportedError' || error.name === 'TypeError')
    return 'This browser has no passkeys, or the hub could not be reached.'
  return error.message
}

type Described = { id: string; type: PublicKeyCredentialType; transports?: AuthenticatorTransport[] }

/** As the server writes them: the shapes of WebAuthn with text in place of bytes. */
type Options = {
  challenge: string
  timeout?: number
  rpId?: string
  userVerification?: UserVerificationRequirement
  allowCredentials?: Described[]
  excludeCredentials?: Described[]
  rp: PublicKeyCredentialRpEntity
  user: { id: string; name: string; displayName: string }
  pubKeyCredParams: PublicKeyCredentialParameters[]
  authenticatorSelection?: AuthenticatorSelectionCriteria
  attestation?: AttestationConveyancePreference
}

async function create(options: Options): Promise<object> {
  const { challenge, timeout, rp, user, pubKeyCredParams, authenticatorSelection, attestation } = options
  const publicKey: PublicKeyCredentialCreationOptions = {
    challenge: bytes(challenge),
    timeout,
    rp,
    user: { ...user, id: bytes(user.id) },
    pubKeyCredParams,
    authenticatorSelection,
    attestation,
    excludeCredentials: described(options.excludeCredentials),
  }
  const made = credential(await navigator.credentials.create({ publicKey }))
  if (!(made.response instanceof AuthenticatorAttestationResponse)) throw new Error('The browser made no passkey.')
  return {
    ...named(made),
    response: {
      clientDataJSON: text(made.response.clientDataJSON),
      attestationObject: text(made.response.attestationObject),
      transports: made.response.getTransports?.() ?? [],
    },
  }
}

async function get(options: Options): Promise<object> {
  const { challenge, timeout, rpId, userVerification } = options
  const publicKey: PublicKeyCredentialRequestOptions = {
    challenge: bytes(challenge),
    timeout,
    rpId,
    userVerification,
    allowCredentials: described(options.allowCredentials),
  }
  const found = credential(await navigator.credentials.get({ publicKey }))
  if (!(found.response instanceof AuthenticatorAssertionResponse)) throw new Error('The browser gave no passkey.')
  const { clientDataJSON, authenticatorData, signature, userHandle } = found.response
  return {
    ...named(found),
    response: {
      clientDataJSON: text(clientDataJSON),
      authenticatorData: text(authenticatorData),
      signature: text(signature),
      userHandle: userHandle ? text(userHandle) : undefined,
    },
  }
}

function credential(found: Credential | null): PublicKeyCredential {
  if (!(found instanceof PublicKeyCredential)) throw new Error('The browser gave no passkey.')
  return found
}

function named(found: PublicKeyCredential): object {
  return { id: found.id, rawId: text(found.rawId), type: found.type, clientExtensionResults: {} }
}

function described(list: Described[] | undefined): PublicKeyCredentialDescriptor[] | undefined {
  return list?.map((each) => ({ ...each, id: bytes(each.id) }))
}

function bytes(encoded: string): Uint8Array<ArrayBuffer> {
  const binary = atob(encoded.replaceAll('-', '+').replaceAll('_', '/'))
  return Uint8Array.from(binary, (letter) => letter.charCodeAt(0))
}

function text(buffer: ArrayBuffer): string {
  const binary = String.fromCharCode(...new Uint8Array(buffer))
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}
