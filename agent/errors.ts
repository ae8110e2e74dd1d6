// The closed set of error codes, and the one error class that carries them.

/**
 * Every code with one sentence saying when it arises. Codes are stable: they are metric label
 * values and verdict reasons, and README's table is checked against this one.
 */
export const ERROR_CODES = {
  argument_invalid: 'A command-line argument is missing, unknown or malformed.',
  setting_invalid:
    'One or more settings (environment variables or the settings file) are malformed.',

  reference_invalid: 'An image reference is not registry/repository with a tag or digest.',
  digest_invalid: 'A digest is not a supported algorithm and its hexadecimal value.',
  descriptor_invalid: 'An OCI descriptor is malformed.',
  manifest_invalid:
    'A manifest or index from a registry is malformed or of an unexpected media type.',

  policy_missing: 'There is no trust policy document where one was expected.',
  policy_invalid: 'The trust policy document is malformed or breaks a rule of the specification.',
  policy_not_applicable: 'No trust policy statement covers the repository of the image.',

  truststore_missing: 'A trust store named by the policy does not exist.',
  truststore_invalid: 'A trust store holds something that is not an acceptable certificate.',

  registry_unreachable: 'The registry could not be reached, or the connection broke.',
  registry_timeout: 'The registry did not answer in time.',
  registry_denied: 'The registry refused access (401 or 403).',
  registry_not_found: 'The registry does not have the manifest or blob asked for.',
  registry_busy: 'The registry asked to slow down (429, or 503 with a time to come back).',
  registry_failed: 'The registry answered with an error or with something it must not answer.',
  registry_hosts_invalid:
    'What certs.d says of a registry (hosts.toml, or a certificate it names) cannot be used.',
  registry_redirect_refused: 'The registry redirected too often or to somewhere not allowed.',
  credentials_invalid:
    'A file or Secret with credentials for registries, or the configuration of credential providers, cannot be read or is malformed.',
  credential_program_failed:
    'A credential helper or credential provider could not be started, failed, took too long or broke its contract.',
  content_too_large: 'Content is larger than its limit.',
  content_mismatch: 'Content does not have the digest, size or media type it was asked for by.',

  bundle_invalid:
    'A bundle that was carried in is not an OCI image layout, or a file of it cannot be read.',
  bundle_busy: 'Another writes into the folder that a bundle is to be written into.',

  signature_missing: 'The image has no Notary Project signature.',
  signature_limit_exceeded:
    'The image has more signatures than are looked at, and none of those was good.',
  signature_manifest_invalid: 'A signature manifest is not of the form the specification asks for.',
  envelope_unsupported: 'The signature envelope is neither JWS nor COSE.',
  envelope_invalid: 'The signature envelope is malformed or breaks a rule of its format.',
  attribute_unsupported: 'The signature carries a critical attribute that is not understood.',
  algorithm_unsupported: 'A signature is made with an algorithm that is not allowed.',
  algorithm_mismatch:
    'The signature envelope names another algorithm than the key of the signing certificate asks for.',
  signature_invalid: 'The cryptographic signature does not match the signed bytes.',
  payload_invalid: 'The signed payload is malformed.',
  descriptor_mismatch: 'The signature was made for another artifact.',

  certificate_invalid: 'A certificate is malformed.',
  certificate_chain_invalid: 'The certificate chain has no certificate, or too many.',
  certificate_not_issued_by_next: 'A certificate of the chain was not issued by the next one.',
  certificate_not_self_signed: 'The last certificate of the chain is not self-signed.',
  certificate_self_signed: 'A certificate before the last of the chain is self-signed.',
  certificate_leaf_is_ca: 'The leaf certificate is a CA.',
  certificate_not_ca: 'A certificate that issued another one is not a CA.',
  certificate_basic_constraints_missing: 'A CA certificate has no basic constraints.',
  certificate_basic_constraints_not_critical:
    'The basic constraints of a CA certificate are not critical.',
  certificate_path_length_exceeded:
    'There are more CA certificates below a CA than its path length allows.',
  certificate_key_usage_missing: 'A certificate of the chain has no key usage.',
  certificate_key_usage_not_critical: 'The key usage of a code-signing chain is not critical.',
  certificate_key_usage_insufficient:
    'The key usage of a leaf lacks digitalSignature, or that of a CA keyCertSign.',
  certificate_key_usage_forbidden: 'The leaf may use its key for more than signing.',
  certificate_extended_key_usage_forbidden:
    'The code-signing leaf has an extended key usage that it must not have.',
  certificate_extended_key_usage_not_timestamping:
    'The chain of a timestamping authority is not for timestamping, or its leaf for more than that.',
  certificate_extended_key_usage_not_critical:
    'The extended key usage of a timestamping authority is not critical.',
  certificate_key_unsupported:
    'The key of a certificate is of a kind, size or curve that is not allowed.',
  certificate_signature_unsupported:
    'A certificate is signed with an algorithm that is not allowed, such as SHA-1.',
  certificate_extension_unsupported:
    'A certificate of a timestamping authority has a critical extension that is not understood.',
  certificate_untrusted:
    'No certificate of the chain is in the trust stores of the policy statement.',
  identity_untrusted:
    'The signing certificate matches no trusted identity of the policy statement.',

  signature_expired: 'The signature has expired.',
  certificate_expired: 'A certificate of the chain was not valid at the time that counts.',
  timestamp_missing:
    'The signature has no timestamp countersignature, and the policy asks for one.',
  timestamp_invalid:
    'The timestamp token is malformed, breaks a rule or is not signed by its signer.',
  timestamp_mismatch: 'The timestamp token was made for another signature.',
  timestamp_untrusted:
    'The timestamp token does not lead to a certificate of a trust store of type tsa.',
  certificate_revoked: 'A certificate of the chain has been revoked.',
  revocation_unknown:
    'The OCSP responder does not know the certificate, or no CRL covers it, or neither has an address that can be asked.',
  revocation_unreachable:
    'An OCSP responder or CRL server could not be reached, or did not answer in time with 200.',
  revocation_address_refused:
    'An OCSP responder or CRL is at an address that is not http, is link-local, or redirects to another host.',
  revocation_evidence_invalid:
    'An OCSP response or CRL is malformed, too large, out of date, or not signed by who may sign it.',
  plugin_missing:
    'The verification plugin that the signature asks for is not installed where it is looked for.',
  plugin_unsupported:
    'The verification plugin that the signature asks for is too old, or does not verify.',
  plugin_invalid:
    'A verification plugin may not be run as it is installed, or breaks its contract.',
  plugin_failed: 'A verification plugin could not be started, or ended with an error.',
  plugin_timeout: 'A verification plugin did not answer in time.',
  plugin_refused:
    'A verification plugin does not trust the signing identity, or found a certificate revoked.',

  deadline_exceeded: 'The verdict was not reached within its deadline.',

  journal_entry_invalid: 'Bytes from the journal are not in Journal Export Format.',
  journal_line_invalid: 'A log line is not in the format of its writer.',
  journal_unavailable: 'journalctl could not be started, or stopped.',
  log_file_unavailable:
    'The log file of containerd is missing, or it or one it was before could not be read.',
  log_file_untrusted:
    'The log file of containerd, or a folder it is in, is writable by others than root or is a link.',
  containerd_unavailable: 'containerd did not answer on its socket.',
  containerd_failed: 'containerd answered a call with an error, a refused pull among them.',
  containerd_missing: 'No running containerd was found on the host, or more than one.',
  containerd_config_unreadable:
    'A configuration file of containerd could not be read, or is larger than any real one.',
  containerd_config_invalid:
    'The configuration of containerd is not TOML, or not of the form that containerd reads.',
  containerd_dump_failed: '`containerd config dump` did not start, failed, or did not end in time.',
  containerd_change_refused:
    'The configuration of containerd cannot be changed so that only what was meant changes; nothing was changed.',
  containerd_change_undone:
    'containerd did not come up with a change of its configuration, which was undone; it serves again.',
  containerd_down:
    'containerd does not serve after a change of its configuration, although that was undone.',
  systemd_unavailable: 'systemd did not answer on its private socket, or not in time.',
  systemd_failed: 'systemd answered a call with an error or not with D-Bus, or a job of it failed.',
  kubernetes_failed:
    'The API server of Kubernetes could not be asked, or refused: whether the Node object shows the enforcement state is not known.',
  admission_review_invalid:
    'A request to the webhook is no AdmissionReview v1, or is about an object that cannot be judged.',
  serving_certificate_invalid:
    'The webhook’s certificate or its key could not be read, or they do not belong together.',
  ledger_failed: 'The ledger could not be opened, read or written.',
  bin_dir_unusable:
    'containerd’s `bin_dir` is empty, relative, the root directory, or holds `..` or control characters: no verifier is put there.',
  host_write_failed: 'A file on the host could not be written, renamed or removed.',
  host_busy: 'Another nodeseal is installing or uninstalling on the host.',
  verifier_not_executable: 'The verifier cannot be started where it is to be installed.',
  agent_running: 'The agent still runs on the node and would put back what is uninstalled.',
  invocation_invalid: 'The pull verifier was not called the way containerd calls it.',
  break_glass_invalid:
    'A break-glass file is ignored: it is malformed, out of its time, or not only root can write it.',
  agent_unavailable: 'The agent did not answer on its socket.',
  canary_failed: 'The registry that serves the canary could not be started on loopback.',
  internal: 'A fault in nodeseal itself.',
} as const;

/** A code of the closed set. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** Extra facts of an error: what caused it, and all faults when several were found together. */
export interface AgentErrorOptions {
  readonly cause?: unknown;
  /** One sentence each, with their place in the document. */
  readonly faults?: readonly string[];
}

/**
 * Malformed input, an unreachable system or bad configuration. The message names the object, what
 * was expected and what was found, and never holds a secret.
 */
export class AgentError extends Error {
  override readonly name = 'AgentError';
  readonly code: ErrorCode;
  readonly faults: readonly string[];

  constructor(code: ErrorCode, message: string, options: AgentErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.faults = options.faults ?? [];
  }
}
