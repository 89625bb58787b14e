/** WebAuthn's options and answers as JSON (WebAuthn Level 3, section 5.1.8), for browsers without `parse…FromJSON`. */

type Json = Record<string, unknown>;

export function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  const padded = text.replace(/-/g, '+').replace(/_/g, '/').padEnd(Math.ceil(text.length / 4) * 4, '=');
  return Uint8Array.from(atob(padded), (char) => char.charCodeAt(0));
}

export function toBase64Url(bytes: ArrayBuffer): string {
  const text = String.fromCharCode(...new Uint8Array(bytes));
  return btoa(text).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
}

/** The browser's part of signing in with a passkey. */
export async function askPasskey(options: { publicKey: Json }): Promise<Json> {
  const { publicKey } = options;
  const credential = await navigator.credentials.get({
    publicKey: {
      ...(publicKey as object),
      challenge: fromBase64Url(publicKey.challenge as string),
      allowCredentials: ids(publicKey.allowCredentials),
    } as PublicKeyCredentialRequestOptions,
  });
  const given = credential as PublicKeyCredential;
  const response = given.response as AuthenticatorAssertionResponse;
  return {
    ...common(given),
    response: {
      authenticatorData: toBase64Url(response.authenticatorData),
      clientDataJSON: toBase64Url(response.clientDataJSON),
      signature: toBase64Url(response.signature),
      userHandle: response.userHandle ? toBase64Url(response.userHandle) : null,
    },
  };
}

/** The browser's part of registering one. */
export async function makePasskey(options: { publicKey: Json }): Promise<Json> {
  const { publicKey } = options;
  const user = publicKey.user as Json;
  const credential = await navigator.credentials.create({
    publicKey: {
      ...(publicKey as object),
      challenge: fromBase64Url(publicKey.challenge as string),
      user: { ...user, id: fromBase64Url(user.id as string) },
      excludeCredentials: ids(publicKey.excludeCredentials),
    } as unknown as PublicKeyCredentialCreationOptions,
  });
  const made = credential as PublicKeyCredential;
  const response = made.response as AuthenticatorAttestationResponse;
  return {
    ...common(made),
    response: {
      attestationObject: toBase64Url(response.attestationObject),
      clientDataJSON: toBase64Url(response.clientDataJSON),
      transports: response.getTransports?.() ?? [],
    },
  };
}

function common(credential: PublicKeyCredential): Json {
  return {
    id: credential.id,
    rawId: toBase64Url(credential.rawId),
    type: credential.type,
    extensions: credential.getClientExtensionResults() as Json,
  };
}

function ids(list: unknown): PublicKeyCredentialDescriptor[] {
  if (!Array.isArray(list)) return [];
  return list.map((entry: Json) => ({ ...entry, type: 'public-key', id: fromBase64Url(entry.id as string) }));
}

/** Whether this browser can do it here: it needs TLS, or localhost. */
export function passkeysWork(): boolean {
  return typeof window.PublicKeyCredential === 'function' && window.isSecureContext;
}

/** The sentence for what the browser's dialog came to; null where the person left it. */
export function passkeyTrouble(error: unknown): string | null {
  if (!(error instanceof DOMException)) return error instanceof Error ? error.message : 'The passkey did not work. Try again.';
  if (error.name === 'NotAllowedError' || error.name === 'AbortError') return null;
  if (error.name === 'InvalidStateError') return 'This device has a passkey for you already.';
  if (error.name === 'SecurityError') return 'Passkeys do not work at this address; open the page by its name.';
  return error.message;
}
